/* What comes in: the sockets of all legs are read at the tick, and a leg's common packet goes straight to its player.
 *
 * A common packet is plain RTP from the learned address, of the stream that came last, with the twelve byte header and
 * one of the leg's two laws. Every other one - a foreign address, RTCP, a digit, an extension, the first of a stream, a
 * malformed one - is handed to the leg's `on_datagram`, which is the only place that judges packets. */
#include "native.h"

#include <errno.h>
#include <structmember.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DATAGRAM_BYTES 2048
#define PASSES_MAX 32

/* --- a leg's intake ----------------------------------------------------------------------------------------------- */

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int intake_take(Intake *self, const uint8_t *data, Py_ssize_t bytes, const struct sockaddr_storage *from, double now_ms)
{
    if (!self->known || bytes <= RTP_HEADER_BYTES || bytes > RTP_HEADER_BYTES + RTP_PAYLOAD_MAX || data[0] != 0x80)
        return 0;
    if (data[1] >= 192 && data[1] <= 223) /* RFC 5761 section 4: RTCP */
        return 0;
    uint8_t law = self->laws[data[1] & 127];
    if (law == 0 || read32(data + 8) != self->ssrc || !address_equal(&self->peer, from))
        return 0;
    if (player_put(self->player, (Law)(law - 1), read32(data + 4), data + RTP_HEADER_BYTES, bytes - RTP_HEADER_BYTES) < 0)
        return -1;
    self->received++;
    self->last_packet_ms = now_ms;
    return 1;
}

static PyObject *intake_forget(Intake *self, PyObject *Py_UNUSED(none))
{
    self->known = 0;
    Py_CLEAR(self->player);
    Py_RETURN_NONE;
}

static PyObject *intake_know(Intake *self, PyObject *args)
{
    PyObject *peer, *laws, *player, *type, *name;
    unsigned int ssrc;
    Py_ssize_t at = 0;
    self->known = 0;
    if (!PyArg_ParseTuple(args, "OIO!O!:know", &peer, &ssrc, &PyDict_Type, &laws, &PlayerType, &player))
        return NULL;
    memset(self->laws, 0, sizeof self->laws);
    while (PyDict_Next(laws, &at, &type, &name)) {
        long number = PyLong_AsLong(type);
        Law law;
        if (number == -1 && PyErr_Occurred())
            return NULL;
        if (number < 0 || number > 127)
            return PyErr_Format(PyExc_ValueError, "payload types are 0-127");
        if (g711_law(name, &law) < 0)
            return NULL;
        self->laws[number] = (uint8_t)(law + 1);
    }
    int known = address_of(peer, &self->peer);
    if (known < 0)
        return NULL;
    self->ssrc = ssrc;
    Py_INCREF(player);
    Py_XSETREF(self->player, (Player *)player);
    self->known = known;
    Py_RETURN_NONE;
}

static void intake_dealloc(Intake *self)
{
    Py_CLEAR(self->player);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* For tests: what `drain` does with a datagram. */
static PyObject *intake_py_take(Intake *self, PyObject *args)
{
    Py_buffer data;
    PyObject *from;
    double now_ms;
    Address address;
    if (!PyArg_ParseTuple(args, "y*Od:take", &data, &from, &now_ms))
        return NULL;
    int result = address_of(from, &address) < 0 ? -1 : intake_take(self, data.buf, data.len, &address.at, now_ms);
    PyBuffer_Release(&data);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyMethodDef intake_methods[] = {
    {"know", (PyCFunction)intake_know, METH_VARARGS, "know(peer, ssrc, laws, player): its common packet from now on."},
    {"forget", (PyCFunction)intake_forget, METH_NOARGS, "Every packet goes the long way."},
    {"take", (PyCFunction)intake_py_take, METH_VARARGS, "take(data, address, now_ms): whether it was a common one."},
    {NULL},
};

static PyMemberDef intake_members[] = {
    {"received", T_LONGLONG, offsetof(Intake, received), 0, "Packets taken, either way."},
    {"last_packet_ms", T_DOUBLE, offsetof(Intake, last_packet_ms), 0, "When the last one came."},
    {NULL},
};

PyTypeObject IntakeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Intake",
    .tp_doc = "What is known about a leg's peer.",
    .tp_basicsize = sizeof(Intake),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)intake_dealloc,
    .tp_methods = intake_methods,
    .tp_members = intake_members,
};

/* --- all sockets -------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject *on_datagram; /* NULL: not ours */
    Intake *intake;        /* or NULL */
} Reader;

typedef struct {
    PyObject_HEAD
    int epoll;
    Reader *readers; /* by descriptor */
    int room, count;
    struct epoll_event *events;
    int events_room;
} Poller;

static PyObject *poller_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Poller *self = (Poller *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0) {
        Py_DECREF(self);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return (PyObject *)self;
}

static int poller_traverse(Poller *self, visitproc visit, void *arg)
{
    for (int at = 0; at < self->room; at++) {
        Py_VISIT(self->readers[at].on_datagram);
        Py_VISIT(self->readers[at].intake);
    }
    return 0;
}

static int poller_clear(Poller *self)
{
    for (int at = 0; at < self->room; at++) {
        Py_CLEAR(self->readers[at].on_datagram);
        Py_CLEAR(self->readers[at].intake);
    }
    self->count = 0;
    return 0;
}

static void shut(Poller *self)
{
    if (self->epoll >= 0)
        close(self->epoll);
    self->epoll = -1;
}

static void poller_dealloc(Poller *self)
{
    PyObject_GC_UnTrack(self);
    poller_clear(self);
    shut(self);
    PyMem_Free(self->readers);
    PyMem_Free(self->events);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Space for a reader at `descriptor`, and for an event of each reader. */
static int reserve(Poller *self, int descriptor)
{
    if (descriptor >= self->room) {
        int room = descriptor + 64;
        Reader *readers = PyMem_Realloc(self->readers, (size_t)room * sizeof *readers);
        if (readers == NULL)
            return -1;
        memset(readers + self->room, 0, (size_t)(room - self->room) * sizeof *readers);
        self->readers = readers;
        self->room = room;
    }
    if (self->count >= self->events_room) {
        int room = self->count + 64;
        struct epoll_event *events = PyMem_Realloc(self->events, (size_t)room * sizeof *events);
        if (events == NULL)
            return -1;
        self->events = events;
        self->events_room = room;
    }
    return 0;
}

static PyObject *poller_add(Poller *self, PyObject *args)
{
    PyObject *sock, *on_datagram, *intake = Py_None;
    if (!PyArg_ParseTuple(args, "OO|O:add", &sock, &on_datagram, &intake))
        return NULL;
    if (intake != Py_None && !PyObject_TypeCheck(intake, &IntakeType))
        return PyErr_Format(PyExc_TypeError, "no Intake: %R", intake);
    int descriptor = PyObject_AsFileDescriptor(sock);
    if (descriptor < 0)
        return NULL;
    if (reserve(self, descriptor) < 0)
        return PyErr_NoMemory();
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    Reader *reader = &self->readers[descriptor];
    Py_INCREF(on_datagram);
    Py_XSETREF(reader->on_datagram, on_datagram);
    Py_XINCREF(intake == Py_None ? NULL : intake);
    Py_XSETREF(reader->intake, intake == Py_None ? NULL : (Intake *)intake);
    self->count++;
    Py_RETURN_NONE;
}

static PyObject *poller_remove(Poller *self, PyObject *sock)
{
    PyObject *number = PyObject_CallMethod(sock, "fileno", NULL);
    if (number == NULL)
        return NULL;
    int descriptor = (int)PyLong_AsLong(number);
    Py_DECREF(number);
    if (PyErr_Occurred())
        return NULL;
    if (descriptor >= 0 && descriptor < self->room && self->readers[descriptor].on_datagram != NULL) {
        Py_CLEAR(self->readers[descriptor].on_datagram);
        Py_CLEAR(self->readers[descriptor].intake);
        self->count--;
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, descriptor, NULL);
    }
    Py_RETURN_NONE;
}

static int the_long_way(Reader *reader, const uint8_t *data, Py_ssize_t bytes, const struct sockaddr_storage *from,
                        socklen_t from_bytes)
{
    PyObject *address = address_tuple(from, from_bytes);
    if (address == NULL)
        return -1;
    PyObject *on_datagram = Py_NewRef(reader->on_datagram); /* it may be removed meanwhile */
    PyObject *done = PyObject_CallFunction(on_datagram, "y#O", (const char *)data, bytes, address);
    Py_DECREF(on_datagram);
    Py_DECREF(address);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* One datagram of one socket: 0, or -1 with an error. */
static int read_one(Poller *self, int descriptor, double now_ms)
{
    uint8_t data[DATAGRAM_BYTES];
    struct sockaddr_storage from;
    socklen_t from_bytes = sizeof from;
    Reader *reader = &self->readers[descriptor];
    ssize_t bytes;
    do
        bytes = recvfrom(descriptor, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &from_bytes);
    while (bytes < 0 && errno == EINTR);
    if (bytes < 0) {
        switch (errno) { /* an ICMP error of an earlier send: the peer's port is shut, which leg.silent will tell */
        case EAGAIN:
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE:
        case ESHUTDOWN:
            return 0;
        default:
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
    }
    if (reader->intake != NULL) {
        int taken = intake_take(reader->intake, data, bytes, &from, now_ms);
        if (taken)
            return taken < 0 ? -1 : 0;
    }
    return the_long_way(reader, data, bytes, &from, from_bytes);
}

static PyObject *poller_drain(Poller *self, PyObject *time_ms)
{
    double now_ms = PyFloat_AsDouble(time_ms);
    if (now_ms == -1.0 && PyErr_Occurred())
        return NULL;
    for (int pass = 0; pass < PASSES_MAX && self->count; pass++) {
        int ready = epoll_wait(self->epoll, self->events, self->events_room, 0);
        if (ready < 0 && errno != EINTR)
            return PyErr_SetFromErrno(PyExc_OSError);
        if (ready <= 0)
            break;
        for (int at = 0; at < ready; at++) {
            int descriptor = self->events[at].data.fd;
            if (descriptor < self->room && self->readers[descriptor].on_datagram != NULL &&
                read_one(self, descriptor, now_ms) < 0)
                return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *poller_close(Poller *self, PyObject *Py_UNUSED(none))
{
    poller_clear(self);
    shut(self);
    Py_RETURN_NONE;
}

static PyMethodDef poller_methods[] = {
    {"add", (PyCFunction)poller_add, METH_VARARGS, "add(sock, on_datagram, intake=None): read it from now on."},
    {"remove", (PyCFunction)poller_remove, METH_O, "To be called before the socket is closed. Idempotent."},
    {"drain", (PyCFunction)poller_drain, METH_O, "drain(now_ms): every waiting datagram to its reader."},
    {"close", (PyCFunction)poller_close, METH_NOARGS, "Release the epoll descriptor."},
    {NULL},
};

PyTypeObject PollerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Poller",
    .tp_doc = "ports.SocketPoller.",
    .tp_basicsize = sizeof(Poller),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = poller_new,
    .tp_dealloc = (destructor)poller_dealloc,
    .tp_traverse = (traverseproc)poller_traverse,
    .tp_clear = (inquiry)poller_clear,
    .tp_methods = poller_methods,
};
