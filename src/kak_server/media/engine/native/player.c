/* One G.711 stream as frames: players.G711Player, call for call; its jitter buffer is in jitter.c. The comments that say
 * why are there. */
#include "native.h"

#define QUIET_PEAK 600
#define IMPATIENT_TICKS 150

static void restart(Player *self)
{
    jitter_restart(self);
    Py_CLEAR(self->rest);
    self->rest_at = self->last_bytes = 0;
    self->concealed = 0;
    self->patience = IMPATIENT_TICKS;
}

int player_asleep(const Player *self) { return self->rest == NULL && player_off(self); }

int player_put(Player *self, Law law, uint32_t timestamp, const uint8_t *payload, Py_ssize_t bytes)
{
    uint8_t ours[RTP_PAYLOAD_MAX];
    if (bytes > RTP_PAYLOAD_MAX) {
        PyErr_Format(PyExc_ValueError, "a payload has at most %d bytes", RTP_PAYLOAD_MAX);
        return -1;
    }
    if (law != self->law) {
        for (Py_ssize_t at = 0; at < bytes; at++)
            ours[at] = g711_transcoded[law][payload[at]];
        payload = ours;
    }
    PyObject *kept = PyBytes_FromStringAndSize((const char *)payload, bytes);
    if (kept == NULL)
        return -1;
    if (self->sleeps_on != NULL)
        board_wake_player(self->sleeps_on, self);
    jitter_put(self, timestamp, kept);
    return 0;
}

static void remember(Player *self, PyObject *payload)
{
    Py_ssize_t bytes = PyBytes_GET_SIZE(payload);
    self->last_bytes = bytes < FRAME_SAMPLES ? bytes : FRAME_SAMPLES;
    memcpy(self->last, PyBytes_AS_STRING(payload) + bytes - self->last_bytes, (size_t)self->last_bytes);
    self->concealed = 0;
}

static PyObject *concealed(Player *self)
{
    PyObject *frame = PyBytes_FromStringAndSize(NULL, FRAME_SAMPLES);
    if (frame == NULL)
        return NULL;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(frame);
    if (self->concealed >= FADES || self->last_bytes < FRAME_SAMPLES) {
        memset(out, g711_silence[self->law], FRAME_SAMPLES);
    } else {
        const uint8_t *faded = g711_faded[self->law][self->concealed++];
        for (int at = 0; at < FRAME_SAMPLES; at++)
            out[at] = faded[self->last[at]];
    }
    return frame;
}

/* Copy what fits of `rest`; how many bytes `out` has now. */
static Py_ssize_t use_rest(Player *self, uint8_t *out, Py_ssize_t filled)
{
    Py_ssize_t left = PyBytes_GET_SIZE(self->rest) - self->rest_at;
    Py_ssize_t fits = left < FRAME_SAMPLES - filled ? left : FRAME_SAMPLES - filled;
    memcpy(out + filled, PyBytes_AS_STRING(self->rest) + self->rest_at, (size_t)fits);
    self->rest_at += fits;
    if (fits == left)
        Py_CLEAR(self->rest);
    return filled + fits;
}

/* A new reference; NULL: nothing is left, or an error is set. */
static PyObject *fill(Player *self)
{
    uint8_t out[FRAME_SAMPLES];
    Py_ssize_t filled = self->rest != NULL ? use_rest(self, out, 0) : 0;
    while (filled < FRAME_SAMPLES) {
        PyObject *payload = NULL;
        switch (jitter_take(self, &payload)) {
        case TAKE_PACKET:
            remember(self, payload);
            break;
        case TAKE_CONCEAL:
            payload = concealed(self);
            if (payload == NULL)
                return NULL;
            break;
        case TAKE_IDLE:
            if (filled == 0)
                return NULL;
            memset(out + filled, g711_silence[self->law], (size_t)(FRAME_SAMPLES - filled));
            filled = FRAME_SAMPLES;
            continue;
        }
        if (filled == 0 && PyBytes_GET_SIZE(payload) == FRAME_SAMPLES)
            return payload; /* nearly always: the frame is the packet */
        if (PyBytes_GET_SIZE(payload) == 0) {
            Py_DECREF(payload);
            continue;
        }
        self->rest = payload;
        self->rest_at = 0;
        filled = use_rest(self, out, filled);
    }
    return PyBytes_FromStringAndSize((const char *)out, FRAME_SAMPLES);
}

PyObject *player_pull(Player *self)
{
    jitter_begin_tick(self);
    PyObject *frame = fill(self);
    if (frame == NULL || !self->surplus)
        return frame;
    if (--self->patience <= 0 ||
        g711_peak(self->law, (const uint8_t *)PyBytes_AS_STRING(frame), FRAME_SAMPLES) < QUIET_PEAK) {
        self->patience = IMPATIENT_TICKS;
        jitter_left_out(self);
        Py_DECREF(frame);
        return fill(self);
    }
    return frame;
}

/* --- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *player_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"law", NULL};
    PyObject *name;
    Law law;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Player", names, &name) || g711_law(name, &law) < 0)
        return NULL;
    Player *self = (Player *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->law = law;
        restart(self);
    }
    return (PyObject *)self;
}

static void player_dealloc(Player *self)
{
    restart(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *py_put(Player *self, PyObject *args)
{
    PyObject *name;
    unsigned int timestamp;
    Py_buffer payload;
    Law law;
    if (!PyArg_ParseTuple(args, "OIy*:put", &name, &timestamp, &payload))
        return NULL;
    int result = g711_law(name, &law);
    if (result == 0)
        result = player_put(self, law, timestamp, payload.buf, payload.len);
    PyBuffer_Release(&payload);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_pull(Player *self, PyObject *args)
{
    int wanted = 1; /* a frame costs nothing here, wanted or not */
    if (!PyArg_ParseTuple(args, "|p:pull", &wanted))
        return NULL;
    PyObject *frame = player_pull(self);
    if (frame == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return frame;
}

static PyObject *py_restart(Player *self, PyObject *Py_UNUSED(none))
{
    restart(self);
    Py_RETURN_NONE;
}

static PyObject *get_asleep(Player *self, void *Py_UNUSED(closure)) { return PyBool_FromLong(player_asleep(self)); }

static PyObject *get_law(Player *self, void *Py_UNUSED(closure)) { return g711_law_name(self->law); }

static PyObject *get_buffered(Player *self, void *Py_UNUSED(closure)) { return PyLong_FromLongLong(jitter_buffered(self)); }

static PyObject *get_counts(Player *self, void *Py_UNUSED(closure))
{
    return Py_BuildValue("(LLLLLL)", self->packets, self->late, self->lost_frames, self->held_frames,
                         self->dropped_frames, self->resets);
}

static PyMethodDef methods[] = {
    {"put", (PyCFunction)py_put, METH_VARARGS, "put(law, timestamp, payload): a packet of either law."},
    {"pull", (PyCFunction)py_pull, METH_VARARGS, "pull(wanted=True): this tick's frame, or None."},
    {"restart", (PyCFunction)py_restart, METH_NOARGS, "The peer began a new stream."},
    {NULL},
};

static PyGetSetDef attributes[] = {
    {"law", (getter)get_law, NULL, "What its frames are.", NULL},
    {"asleep", (getter)get_asleep, NULL, "Nothing is left and nothing is coming.", NULL},
    {"buffered_samples", (getter)get_buffered, NULL, "Audio that waits.", NULL},
    {"counts", (getter)get_counts, NULL, "packets, late, lost, held and dropped frames, resets.", NULL},
    {NULL},
};

PyTypeObject PlayerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Player",
    .tp_doc = "players.G711Player with its jitter buffer.",
    .tp_basicsize = sizeof(Player),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = player_new,
    .tp_dealloc = (destructor)player_dealloc,
    .tp_methods = methods,
    .tp_getset = attributes,
};
