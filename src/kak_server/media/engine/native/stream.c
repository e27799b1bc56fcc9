/* The RTP stream a leg sends: stream.Stream, numbered and counted, one system call a packet. */
#include "native.h"

#include <errno.h>
#include <structmember.h>

/* Give a datagram to the kernel: 1 gone, 0 refused. */
static int send_datagram(Stream *self, const uint8_t *data, Py_ssize_t bytes)
{
    ssize_t sent;
    if (self->to.bytes == 0)
        return 0;
    do
        sent = sendto(self->descriptor, data, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)&self->to.at, self->to.bytes);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* The same through the peer's keys: 1 gone, 0 refused, -1 with an error. */
static int send_protected(Stream *self, const uint8_t *data, Py_ssize_t bytes)
{
    PyObject *packet = PyObject_CallFunction(self->protect, "y#", (const char *)data, bytes);
    if (packet == NULL)
        return -1;
    int gone = 0;
    if (!PyBytes_Check(packet)) {
        PyErr_SetString(PyExc_TypeError, "protect gives bytes");
        gone = -1;
    } else if (PyBytes_GET_SIZE(packet) > 0) {
        gone = send_datagram(self, (const uint8_t *)PyBytes_AS_STRING(packet), PyBytes_GET_SIZE(packet));
    }
    Py_DECREF(packet);
    return gone;
}

static int send_packet(Stream *self, int marker, int payload_type, long long at, uint32_t timestamp,
                       const uint8_t *payload, Py_ssize_t bytes)
{
    uint8_t packet[RTP_HEADER_BYTES + RTP_PAYLOAD_MAX];
    uint16_t sequence = (uint16_t)((unsigned long long)self->sequence0 + (unsigned long long)at);
    if (bytes > RTP_PAYLOAD_MAX) {
        PyErr_Format(PyExc_ValueError, "a payload has at most %d bytes", RTP_PAYLOAD_MAX);
        return -1;
    }
    packet[0] = 0x80;
    packet[1] = (uint8_t)((payload_type & 127) | (marker ? 0x80 : 0));
    packet[2] = (uint8_t)(sequence >> 8);
    packet[3] = (uint8_t)sequence;
    for (int byte = 0; byte < 4; byte++) {
        packet[4 + byte] = (uint8_t)(timestamp >> (24 - 8 * byte));
        packet[8 + byte] = (uint8_t)(self->ssrc >> (24 - 8 * byte));
    }
    memcpy(packet + RTP_HEADER_BYTES, payload, (size_t)bytes);
    int gone = 0;
    if (self->peer != Py_None && self->descriptor >= 0)
        gone = self->protect == NULL ? send_datagram(self, packet, RTP_HEADER_BYTES + bytes)
                                     : send_protected(self, packet, RTP_HEADER_BYTES + bytes);
    if (gone < 0)
        return -1;
    if (!gone) {
        self->errors++;
        return 0;
    }
    self->sent_at = at;
    self->packets++;
    self->octets += bytes;
    return 1;
}

static uint32_t timestamp_at(const Stream *self, long long at)
{
    return (uint32_t)((unsigned long long)self->timestamp0 +
                      (unsigned long long)at * (unsigned long long)self->units_per_tick);
}

int stream_audio(Stream *self, long long index, const uint8_t *payload, Py_ssize_t bytes)
{
    if (self->silent || self->peer == Py_None || self->event_index == index || self->descriptor < 0)
        return 0;
    long long at = self->first_frame + index;
    return send_packet(self, at != self->sent_at + 1, self->payload_type, at, timestamp_at(self, at), payload, bytes);
}

/* --- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sock", "ssrc", "sequence0", "timestamp0", "first_frame", NULL};
    PyObject *sock;
    unsigned int ssrc;
    long long sequence0, timestamp0, first_frame;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OILLL:Stream", names, &sock, &ssrc, &sequence0, &timestamp0,
                                     &first_frame))
        return NULL;
    int descriptor = PyObject_AsFileDescriptor(sock);
    if (descriptor < 0)
        return NULL;
    Stream *self = (Stream *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->descriptor = descriptor;
    self->ssrc = ssrc;
    self->sequence0 = sequence0;
    self->timestamp0 = timestamp0;
    self->first_frame = first_frame;
    self->units_per_tick = FRAME_SAMPLES;
    self->sent_at = self->event_index = -1;
    self->peer = Py_NewRef(Py_None);
    return (PyObject *)self;
}

static int stream_traverse(Stream *self, visitproc visit, void *arg)
{
    Py_VISIT(self->peer);
    Py_VISIT(self->protect);
    return 0;
}

static int stream_clear(Stream *self)
{
    Py_CLEAR(self->protect);
    return 0;
}

static void stream_dealloc(Stream *self)
{
    PyObject_GC_UnTrack(self);
    stream_clear(self);
    Py_CLEAR(self->peer);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *py_audio(Stream *self, PyObject *args)
{
    long long index;
    Py_buffer payload;
    if (!PyArg_ParseTuple(args, "Ly*:audio", &index, &payload))
        return NULL;
    int gone = stream_audio(self, index, payload.buf, payload.len);
    PyBuffer_Release(&payload);
    return gone < 0 ? NULL : PyBool_FromLong(gone);
}

static PyObject *py_packet(Stream *self, PyObject *args)
{
    int marker, payload_type;
    long long at, timestamp;
    Py_buffer payload;
    if (!PyArg_ParseTuple(args, "piLLy*:packet", &marker, &payload_type, &at, &timestamp, &payload))
        return NULL;
    int gone = send_packet(self, marker, payload_type, at, (uint32_t)timestamp, payload.buf, payload.len);
    PyBuffer_Release(&payload);
    return gone < 0 ? NULL : PyBool_FromLong(gone);
}

static PyObject *py_close(Stream *self, PyObject *Py_UNUSED(none))
{
    self->descriptor = -1;
    Py_RETURN_NONE;
}

static PyObject *get_peer(Stream *self, void *Py_UNUSED(closure)) { return Py_NewRef(self->peer); }

static int set_peer(Stream *self, PyObject *value, void *Py_UNUSED(closure))
{
    Address to;
    if (value == NULL)
        value = Py_None;
    if (address_of(value, &to) < 0)
        return -1;
    self->to = to;
    Py_INCREF(value);
    Py_SETREF(self->peer, value);
    return 0;
}

static PyObject *get_protect(Stream *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(self->protect == NULL ? Py_None : self->protect);
}

static int set_protect(Stream *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (value == Py_None)
        value = NULL;
    Py_XINCREF(value);
    Py_XSETREF(self->protect, value);
    return 0;
}

static PyMethodDef methods[] = {
    {"audio", (PyCFunction)py_audio, METH_VARARGS, "audio(index, payload): one tick's audio. Whether it left."},
    {"packet", (PyCFunction)py_packet, METH_VARARGS, "packet(marker, payload_type, at, timestamp, payload)."},
    {"close", (PyCFunction)py_close, METH_NOARGS, "To be called before the socket is closed."},
    {NULL},
};

static PyMemberDef members[] = {
    {"silent", T_BOOL, offsetof(Stream, silent), 0, "Nothing may leave."},
    {"payload_type", T_INT, offsetof(Stream, payload_type), 0, "Of audio."},
    {"ssrc", T_UINT, offsetof(Stream, ssrc), 0, "Of the stream."},
    {"sequence0", T_LONGLONG, offsetof(Stream, sequence0), 0, "Of frame 0."},
    {"timestamp0", T_LONGLONG, offsetof(Stream, timestamp0), 0, "Of frame 0."},
    {"first_frame", T_LONGLONG, offsetof(Stream, first_frame), 0, "The frame of tick 0."},
    {"units_per_tick", T_LONGLONG, offsetof(Stream, units_per_tick), 0, "Of the RTP clock."},
    {"event_index", T_LONGLONG, offsetof(Stream, event_index), 0, "The tick a digit took."},
    {"packets", T_LONGLONG, offsetof(Stream, packets), READONLY, "That left."},
    {"octets", T_LONGLONG, offsetof(Stream, octets), READONLY, "Of their payloads."},
    {"errors", T_LONGLONG, offsetof(Stream, errors), 0, "That did not leave."},
    {NULL},
};

static PyGetSetDef attributes[] = {
    {"peer", (getter)get_peer, (setter)set_peer, "Where to: (host, port) or None.", NULL},
    {"protect", (getter)get_protect, (setter)set_protect, "Called with each packet: what is sent, or nothing.", NULL},
    {NULL},
};

PyTypeObject StreamType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Stream",
    .tp_doc = "stream.Stream.",
    .tp_basicsize = sizeof(Stream),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = stream_new,
    .tp_dealloc = (destructor)stream_dealloc,
    .tp_traverse = (traverseproc)stream_traverse,
    .tp_clear = (inquiry)stream_clear,
    .tp_methods = methods,
    .tp_members = members,
    .tp_getset = attributes,
};
