/* One G.711 stream: jitter.JitterBuffer and players.G711Player as one object, call for call. The comments that say why
 * are there. */
#include "native.h"

#define START_FRAMES 2
#define MAX_DELAY_SAMPLES (6 * FRAME_SAMPLES)
#define MAX_BUFFER_SAMPLES (2 * MAX_DELAY_SAMPLES)
#define SURPLUS_WINDOW_PULLS 50
#define FAR_SAMPLES 8000
#define FAR_PACKETS 3
#define QUIET_PEAK 600
#define IMPATIENT_TICKS 150

typedef enum { TAKE_PACKET, TAKE_CONCEAL, TAKE_IDLE } Take;

/* --- the jitter buffer -------------------------------------------------------------------------------------------- */

int player_off(const Player *self) { return !self->playing && self->filling_ticks < 0; }

static int64_t buffered(const Player *self)
{
    return !player_off(self) && self->end > self->next ? self->end - self->next : 0;
}

/* Forget the first `n` packets. */
static void forget(Player *self, int n)
{
    if (n == 0)
        return;
    for (int at = 0; at < n; at++)
        Py_DECREF(self->waiting[at].payload);
    self->count -= n;
    memmove(self->waiting, self->waiting + n, (size_t)self->count * sizeof(Waiting));
}

/* The number of packets that start before `point`. */
static int before(const Player *self, int64_t point)
{
    int low = 0, high = self->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (self->waiting[middle].at < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void begin_stream(Player *self, uint32_t timestamp, PyObject *payload)
{
    forget(self, self->count);
    self->waiting[0].at = timestamp;
    self->waiting[0].payload = payload;
    self->count = 1;
    self->next = timestamp;
    self->end = self->next + PyBytes_GET_SIZE(payload);
    self->playing = self->filling_ticks = self->far = self->held = self->pulls = 0;
    self->least = MAX_BUFFER_SAMPLES;
    self->surplus = 0;
}

static void skip_to(Player *self, int64_t point)
{
    self->dropped_frames += (point - self->next) / FRAME_SAMPLES;
    forget(self, before(self, point));
    self->next = self->count ? self->waiting[0].at : point;
}

/* Takes the reference to `payload`. */
static void put(Player *self, uint32_t timestamp, PyObject *payload)
{
    self->packets++;
    if (player_off(self)) {
        begin_stream(self, timestamp, payload);
        return;
    }
    int64_t at = self->next + (int32_t)(timestamp - (uint32_t)self->next);
    int64_t off = at - self->end;
    if (off > FAR_SAMPLES || off < -FAR_SAMPLES) {
        if (++self->far >= FAR_PACKETS) {
            self->resets++;
            begin_stream(self, timestamp, payload);
        } else {
            Py_DECREF(payload);
        }
        return;
    }
    self->far = 0;
    if (at < self->next) {
        if (self->playing || self->next - at > MAX_DELAY_SAMPLES) {
            self->late++;
            Py_DECREF(payload);
            return;
        }
        self->next = at;
    }
    int64_t end = at + PyBytes_GET_SIZE(payload);
    int place = before(self, at);
    if (place < self->count && self->waiting[place].at == at) {
        Py_SETREF(self->waiting[place].payload, payload);
    } else {
        if (self->count >= PACKETS_MAX) {
            forget(self, before(self, self->next));
            place = before(self, at);
        }
        if (self->count >= PACKETS_MAX) {
            self->late++;
            Py_DECREF(payload);
            return;
        }
        memmove(self->waiting + place + 1, self->waiting + place, (size_t)(self->count - place) * sizeof(Waiting));
        self->waiting[place].at = at;
        self->waiting[place].payload = payload;
        self->count++;
    }
    if (end > self->end)
        self->end = end;
    if (self->end - self->next > MAX_BUFFER_SAMPLES)
        skip_to(self, self->end - START_FRAMES * FRAME_SAMPLES);
}

static void begin_tick(Player *self)
{
    if (!self->playing) {
        if (self->filling_ticks < 0)
            return;
        self->filling_ticks++;
        if (buffered(self) < START_FRAMES * FRAME_SAMPLES && self->filling_ticks <= START_FRAMES)
            return;
        self->playing = 1;
        self->held = 0;
    }
    if (self->end - self->next < self->least)
        self->least = self->end - self->next;
    if (++self->pulls >= SURPLUS_WINDOW_PULLS) {
        int64_t frames = self->least >= 0 ? self->least / FRAME_SAMPLES - START_FRAMES : 0;
        self->surplus = frames > 0 ? frames : 0;
        self->pulls = 0;
        self->least = MAX_BUFFER_SAMPLES;
    }
}

/* The packet at `place`, whose reference goes to the caller; the point moves behind it. */
static PyObject *taken(Player *self, int place)
{
    PyObject *payload = self->waiting[place].payload;
    self->count--;
    memmove(self->waiting + place, self->waiting + place + 1, (size_t)(self->count - place) * sizeof(Waiting));
    self->next += PyBytes_GET_SIZE(payload);
    self->held = 0;
    return payload;
}

static Take take(Player *self, PyObject **payload)
{
    if (!self->playing)
        return TAKE_IDLE;
    int place = before(self, self->next);
    if (place < self->count && self->waiting[place].at == self->next) {
        *payload = taken(self, place);
        return TAKE_PACKET;
    }
    if (self->count) {
        int64_t hole = self->waiting[0].at - self->next;
        if (hole < FRAME_SAMPLES || hole > MAX_DELAY_SAMPLES) {
            self->next = self->waiting[0].at;
            *payload = taken(self, 0);
            return TAKE_PACKET;
        }
        self->held = 0;
        self->lost_frames++;
        self->next += FRAME_SAMPLES;
        return TAKE_CONCEAL;
    }
    if (self->held * FRAME_SAMPLES < MAX_DELAY_SAMPLES) {
        self->held++;
        self->held_frames++;
        return TAKE_CONCEAL;
    }
    self->playing = 0;
    self->filling_ticks = -1;
    return TAKE_IDLE;
}

/* --- the player --------------------------------------------------------------------------------------------------- */

static void restart(Player *self)
{
    forget(self, self->count);
    Py_CLEAR(self->rest);
    self->end = self->next = self->surplus = 0;
    self->least = MAX_BUFFER_SAMPLES;
    self->playing = self->held = self->far = self->pulls = self->concealed = 0;
    self->filling_ticks = -1;
    self->packets = self->late = self->lost_frames = self->held_frames = self->dropped_frames = self->resets = 0;
    self->rest_at = self->last_bytes = 0;
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
    put(self, timestamp, kept);
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
        switch (take(self, &payload)) {
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
    begin_tick(self);
    PyObject *frame = fill(self);
    if (frame == NULL || !self->surplus)
        return frame;
    if (--self->patience <= 0 ||
        g711_peak(self->law, (const uint8_t *)PyBytes_AS_STRING(frame), FRAME_SAMPLES) < QUIET_PEAK) {
        self->patience = IMPATIENT_TICKS;
        self->dropped_frames++;
        self->surplus--;
        self->pulls = 0;
        self->least = MAX_BUFFER_SAMPLES;
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
    forget(self, self->count);
    Py_CLEAR(self->rest);
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

static PyObject *get_buffered(Player *self, void *Py_UNUSED(closure)) { return PyLong_FromLongLong(buffered(self)); }

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
