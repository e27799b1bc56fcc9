/* The mixing board: board.NumpyBoard in C. Slots of sources and sinks are given by the conference; a frame of every source
 * that is awake comes in, each sink's edges are summed, and what leaves on a Stream is companded and sent. */
#include "native.h"

#define SLOTS_MAX 65536
#define SPEAKING_PEAK 400 /* board.SPEAKING_PEAK */

typedef struct {
    PyObject *source; /* NULL: empty slot */
    Player *player;   /* its player, if that is ours */
    PyObject *raw;    /* this tick's frame as it came: bytes or samples */
    char wanted, awake;
} SourceSlot;

typedef struct {
    int source;
    float gain;
} Edge;

typedef struct {
    Edge *edges;
    int count;
    Stream *stream;
    Law law; /* of the stream */
} SinkSlot;

typedef struct {
    PyObject_HEAD
    SourceSlot *sources;
    int16_t (*frames)[FRAME_SAMPLES];
    char *present;
    int *awake;
    int sources_room, awake_count;
    SinkSlot *sinks;
    float (*mixed)[FRAME_SAMPLES];
    char *hears;
    int sinks_room;
} Board;

/* --- room --------------------------------------------------------------------------------------------------------- */

static int grow(void **array, size_t size, int from, int to)
{
    char *grown = PyMem_Realloc(*array, size * (size_t)to);
    if (grown == NULL)
        return -1;
    memset(grown + size * (size_t)from, 0, size * (size_t)(to - from));
    *array = grown;
    return 0;
}

static int checked(PyObject *number, int room)
{
    long slot = PyLong_AsLong(number);
    if (slot == -1 && PyErr_Occurred())
        return -1;
    if (slot < 0 || slot >= room) {
        PyErr_Format(PyExc_IndexError, "no such slot: %ld", slot);
        return -1;
    }
    return (int)slot;
}

static int room_for(int slot) { return (slot / 64 + 1) * 64; }

static int reserve_sources(Board *self, int slot)
{
    int from = self->sources_room, to = room_for(slot);
    if (slot < from)
        return 0;
    if (grow((void **)&self->sources, sizeof *self->sources, from, to) < 0 ||
        grow((void **)&self->frames, sizeof *self->frames, from, to) < 0 ||
        grow((void **)&self->present, 1, from, to) < 0 || grow((void **)&self->awake, sizeof(int), from, to) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->sources_room = to;
    return 0;
}

static int reserve_sinks(Board *self, int slot)
{
    int from = self->sinks_room, to = room_for(slot);
    if (slot < from)
        return 0;
    if (grow((void **)&self->sinks, sizeof *self->sinks, from, to) < 0 ||
        grow((void **)&self->mixed, sizeof *self->mixed, from, to) < 0 || grow((void **)&self->hears, 1, from, to) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->sinks_room = to;
    return 0;
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

static void put_to_sleep(Board *self, int slot)
{
    for (int at = 0; at < self->awake_count; at++) {
        if (self->awake[at] == slot) {
            memmove(self->awake + at, self->awake + at + 1, (size_t)(self->awake_count - at - 1) * sizeof(int));
            self->awake_count--;
            break;
        }
    }
    self->sources[slot].awake = 0;
}

static void wake_up(Board *self, int slot)
{
    if (!self->sources[slot].awake) {
        self->sources[slot].awake = 1;
        self->awake[self->awake_count++] = slot;
    }
}

void board_wake_player(void *board, Player *player)
{
    wake_up(board, player->slot);
    player->sleeps_on = NULL;
}

static void empty_source(Board *self, int slot)
{
    SourceSlot *entry = &self->sources[slot];
    if (entry->player != NULL && entry->player->sleeps_on == self)
        entry->player->sleeps_on = NULL;
    put_to_sleep(self, slot);
    self->present[slot] = entry->wanted = 0;
    Py_CLEAR(entry->raw);
    Py_CLEAR(entry->player);
    Py_CLEAR(entry->source);
}

static PyObject *board_add_source(Board *self, PyObject *args)
{
    int slot;
    PyObject *source;
    if (!PyArg_ParseTuple(args, "iO:add_source", &slot, &source))
        return NULL;
    if (slot < 0 || slot >= SLOTS_MAX)
        return PyErr_Format(PyExc_IndexError, "no such slot: %d", slot);
    PyObject *player = PyObject_GetAttrString(source, "player");
    if (player == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
    }
    if (reserve_sources(self, slot) < 0) {
        Py_XDECREF(player);
        return NULL;
    }
    empty_source(self, slot);
    if (player != NULL && PyObject_TypeCheck(player, &PlayerType))
        self->sources[slot].player = (Player *)player;
    else
        Py_XDECREF(player);
    self->sources[slot].source = Py_NewRef(source);
    wake_up(self, slot);
    Py_RETURN_NONE;
}

static PyObject *board_remove_source(Board *self, PyObject *number)
{
    int slot = checked(number, self->sources_room);
    if (slot < 0)
        return NULL;
    empty_source(self, slot);
    Py_RETURN_NONE;
}

static PyObject *board_wake(Board *self, PyObject *number)
{
    int slot = checked(number, self->sources_room);
    if (slot < 0)
        return NULL;
    if (self->sources[slot].source != NULL)
        wake_up(self, slot); /* a player that sleeps forgets it when it wakes by itself, too */
    Py_RETURN_NONE;
}

static PyObject *board_want(Board *self, PyObject *args)
{
    int slot, wanted;
    if (!PyArg_ParseTuple(args, "ip:want", &slot, &wanted))
        return NULL;
    if (slot < 0 || slot >= self->sources_room)
        return PyErr_Format(PyExc_IndexError, "no such slot: %d", slot);
    self->sources[slot].wanted = (char)wanted;
    Py_RETURN_NONE;
}

static void decode(Law law, const uint8_t *companded, int16_t *out)
{
    for (int at = 0; at < FRAME_SAMPLES; at++)
        out[at] = g711_decoded[law][companded[at]];
}

/* A frame that a source of Python gave, as samples: 0, or -1 with an error. */
static int as_samples(Board *self, int slot, PyObject *frame)
{
    Py_buffer samples;
    if (PyBytes_Check(frame)) {
        Law law;
        PyObject *name = PyObject_GetAttrString(self->sources[slot].source, "law");
        if (name == NULL)
            return -1;
        int known = g711_law(name, &law);
        Py_DECREF(name);
        if (known < 0)
            return -1;
        if (PyBytes_GET_SIZE(frame) != FRAME_SAMPLES) {
            PyErr_SetString(PyExc_ValueError, "a frame has 160 samples");
            return -1;
        }
        decode(law, (const uint8_t *)PyBytes_AS_STRING(frame), self->frames[slot]);
        return 0;
    }
    if (PyObject_GetBuffer(frame, &samples, PyBUF_SIMPLE) < 0)
        return -1;
    int whole = samples.len == sizeof self->frames[slot];
    if (whole)
        memcpy(self->frames[slot], samples.buf, sizeof self->frames[slot]);
    else
        PyErr_SetString(PyExc_ValueError, "a frame has 160 samples");
    PyBuffer_Release(&samples);
    return whole ? 0 : -1;
}

/* This tick's frame of a source of Python: 1 there is one, 0 none, -1 error; `tired`: it sleeps. */
static int pull_python(Board *self, int slot, int *tired)
{
    PyObject *source = Py_NewRef(self->sources[slot].source); /* it may be removed meanwhile */
    PyObject *frame = PyObject_CallMethod(source, "pull", "O", self->sources[slot].wanted ? Py_True : Py_False);
    int result = frame == NULL ? -1 : 0;
    if (frame == Py_None) {
        PyObject *asleep = PyObject_GetAttrString(source, "asleep");
        *tired = asleep == NULL ? -1 : PyObject_IsTrue(asleep);
        Py_XDECREF(asleep);
        result = *tired < 0 ? -1 : 0;
    } else if (frame != NULL && slot < self->sources_room && self->sources[slot].source == source) {
        result = as_samples(self, slot, frame) < 0 ? -1 : 1;
        if (result == 1)
            Py_XSETREF(self->sources[slot].raw, Py_NewRef(frame));
    }
    Py_XDECREF(frame);
    Py_DECREF(source);
    return result;
}

static int pull_player(Board *self, int slot, int *tired)
{
    SourceSlot *entry = &self->sources[slot];
    PyObject *frame = player_pull(entry->player);
    if (frame == NULL) {
        *tired = player_asleep(entry->player);
        return PyErr_Occurred() ? -1 : 0;
    }
    decode(entry->player->law, (const uint8_t *)PyBytes_AS_STRING(frame), self->frames[slot]);
    Py_XSETREF(entry->raw, frame);
    return 1;
}

static PyObject *board_pull(Board *self, PyObject *Py_UNUSED(none))
{
    PyObject *asleep = PyList_New(0);
    if (asleep == NULL)
        return NULL;
    for (int at = 0; at < self->awake_count;) {
        int slot = self->awake[at], tired = 0;
        self->present[slot] = 0;
        Py_CLEAR(self->sources[slot].raw);
        int came = self->sources[slot].player != NULL ? pull_player(self, slot, &tired) : pull_python(self, slot, &tired);
        if (came < 0)
            goto failed;
        if (came)
            self->present[slot] = 1;
        if (!tired) {
            at++;
            continue;
        }
        put_to_sleep(self, slot);
        Player *player = self->sources[slot].player;
        if (player != NULL) { /* it wakes itself; nobody needs to hear of it */
            player->sleeps_on = self;
            player->slot = slot;
            continue;
        }
        PyObject *number = PyLong_FromLong(slot);
        if (number == NULL || PyList_Append(asleep, number) < 0) {
            Py_XDECREF(number);
            goto failed;
        }
        Py_DECREF(number);
    }
    return asleep;
failed:
    Py_DECREF(asleep);
    return NULL;
}

static PyObject *board_raw(Board *self, PyObject *number)
{
    int slot = checked(number, self->sources_room);
    if (slot < 0)
        return NULL;
    PyObject *raw = self->present[slot] ? self->sources[slot].raw : NULL;
    return Py_NewRef(raw == NULL ? Py_None : raw);
}

static PyObject *board_energy(Board *self, PyObject *number)
{
    int slot = checked(number, self->sources_room);
    if (slot < 0)
        return NULL;
    if (!self->present[slot])
        Py_RETURN_NONE;
    int64_t energy = 0;
    for (int n = 0; n < FRAME_SAMPLES; n++)
        energy += (int32_t)self->frames[slot][n] * (int32_t)self->frames[slot][n];
    return PyLong_FromLongLong(energy);
}

/* --- sinks -------------------------------------------------------------------------------------------------------- */

static void empty_sink(Board *self, int slot)
{
    SinkSlot *sink = &self->sinks[slot];
    PyMem_Free(sink->edges);
    sink->edges = NULL;
    sink->count = 0;
    self->hears[slot] = 0;
    Py_CLEAR(sink->stream);
}

static PyObject *board_add_sink(Board *self, PyObject *args)
{
    int slot;
    PyObject *stream = Py_None, *name = Py_None;
    Law law = PCMA;
    if (!PyArg_ParseTuple(args, "i|OO:add_sink", &slot, &stream, &name))
        return NULL;
    if (slot < 0 || slot >= SLOTS_MAX)
        return PyErr_Format(PyExc_IndexError, "no such slot: %d", slot);
    if (stream != Py_None) {
        if (!PyObject_TypeCheck(stream, &StreamType))
            return PyErr_Format(PyExc_TypeError, "no Stream: %R", stream);
        if (g711_law(name, &law) < 0)
            return NULL;
    }
    if (reserve_sinks(self, slot) < 0)
        return NULL;
    empty_sink(self, slot);
    self->sinks[slot].law = law;
    if (stream != Py_None)
        self->sinks[slot].stream = (Stream *)Py_NewRef(stream);
    Py_RETURN_NONE;
}

static PyObject *board_remove_sink(Board *self, PyObject *number)
{
    int slot = checked(number, self->sinks_room);
    if (slot < 0)
        return NULL;
    empty_sink(self, slot);
    Py_RETURN_NONE;
}

static PyObject *board_connect(Board *self, PyObject *args)
{
    int slot;
    PyObject *pairs;
    if (!PyArg_ParseTuple(args, "iO!:connect", &slot, &PyTuple_Type, &pairs))
        return NULL;
    if (slot < 0 || slot >= self->sinks_room)
        return PyErr_Format(PyExc_IndexError, "no such slot: %d", slot);
    Py_ssize_t count = PyTuple_GET_SIZE(pairs);
    if (count > SLOTS_MAX)
        return PyErr_Format(PyExc_ValueError, "too many edges");
    Edge *edges = PyMem_New(Edge, (size_t)(count ? count : 1));
    if (edges == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < count; at++) {
        double gain;
        PyObject *pair = PyTuple_GET_ITEM(pairs, at);
        if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "id:connect", &edges[at].source, &gain)) {
            PyMem_Free(edges);
            return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "an edge is (slot, gain)");
        }
        edges[at].gain = (float)gain;
    }
    SinkSlot *sink = &self->sinks[slot];
    PyMem_Free(sink->edges);
    sink->edges = edges;
    sink->count = (int)count;
    Py_RETURN_NONE;
}

static void mix_sink(Board *self, int slot)
{
    const SinkSlot *sink = &self->sinks[slot];
    float *restrict sum = self->mixed[slot];
    int hears = 0;
    for (int at = 0; at < sink->count; at++) {
        int source = sink->edges[at].source;
        float gain = sink->edges[at].gain;
        if (source < 0 || source >= self->sources_room || !self->present[source])
            continue;
        const int16_t *restrict frame = self->frames[source];
        if (!hears) {
            hears = 1;
            for (int n = 0; n < FRAME_SAMPLES; n++)
                sum[n] = (float)frame[n] * gain;
        } else {
            for (int n = 0; n < FRAME_SAMPLES; n++)
                sum[n] += (float)frame[n] * gain;
        }
    }
    self->hears[slot] = (char)hears;
}

static PyObject *board_mix(Board *self, PyObject *Py_UNUSED(none))
{
    for (int slot = 0; slot < self->sinks_room; slot++) {
        if (self->sinks[slot].count)
            mix_sink(self, slot);
        else
            self->hears[slot] = 0;
    }
    Py_RETURN_NONE;
}

static PyObject *board_play(Board *self, PyObject *args)
{
    int slot;
    double gain;
    Py_buffer samples;
    if (!PyArg_ParseTuple(args, "iy*d:play", &slot, &samples, &gain))
        return NULL;
    if (slot < 0 || slot >= self->sinks_room || samples.len != FRAME_SAMPLES * sizeof(int16_t)) {
        PyBuffer_Release(&samples);
        return PyErr_Format(PyExc_ValueError, "a play is 160 samples into a slot that is there");
    }
    const int16_t *frame = samples.buf;
    float *sum = self->mixed[slot], factor = (float)gain;
    if (!self->hears[slot])
        memset(sum, 0, sizeof self->mixed[slot]);
    for (int n = 0; n < FRAME_SAMPLES; n++)
        sum[n] += (float)frame[n] * factor;
    self->hears[slot] = 1;
    PyBuffer_Release(&samples);
    Py_RETURN_NONE;
}

static PyObject *board_hears(Board *self, PyObject *number)
{
    int slot = checked(number, self->sinks_room);
    return slot < 0 ? NULL : PyBool_FromLong(self->hears[slot]);
}

static int16_t cut(float sample)
{
    return sample >= 32767.0f ? 32767 : sample <= -32768.0f ? -32768 : (int16_t)sample;
}

static PyObject *board_mixed(Board *self, PyObject *number)
{
    int16_t out[FRAME_SAMPLES] = {0};
    int slot = checked(number, self->sinks_room);
    if (slot < 0)
        return NULL;
    if (self->hears[slot])
        for (int n = 0; n < FRAME_SAMPLES; n++)
            out[n] = cut(self->mixed[slot][n]);
    return PyBytes_FromStringAndSize((const char *)out, sizeof out);
}

/* A sink's sum in a law; its loudest sample. */
static int compand(const Board *self, int slot, Law law, uint8_t *out)
{
    int peak = 0;
    for (int n = 0; n < FRAME_SAMPLES; n++) {
        int16_t sample = cut(self->mixed[slot][n]);
        int magnitude = (int16_t)(sample < 0 ? -sample : sample);
        out[n] = g711_encode(law, sample);
        peak = magnitude > peak ? magnitude : peak;
    }
    return peak;
}

/* (bytes, speaking) of a sink; (None, False) where there is nothing to hear. */
static PyObject *companded_pair(const Board *self, int slot, Law law)
{
    uint8_t out[FRAME_SAMPLES];
    if (!self->hears[slot])
        return Py_BuildValue("(OO)", Py_None, Py_False);
    int peak = compand(self, slot, law, out);
    return Py_BuildValue("(y#O)", (const char *)out, (Py_ssize_t)sizeof out, peak > SPEAKING_PEAK ? Py_True : Py_False);
}

static PyObject *board_companded(Board *self, PyObject *args)
{
    PyObject *slots, *name;
    Law law;
    if (!PyArg_ParseTuple(args, "O!O:companded", &PyList_Type, &slots, &name) || g711_law(name, &law) < 0)
        return NULL;
    PyObject *pairs = PyList_New(0);
    for (Py_ssize_t at = 0; pairs != NULL && at < PyList_GET_SIZE(slots); at++) {
        int slot = checked(PyList_GET_ITEM(slots, at), self->sinks_room);
        PyObject *pair = slot < 0 ? NULL : companded_pair(self, slot, law);
        if (pair == NULL || PyList_Append(pairs, pair) < 0)
            Py_CLEAR(pairs);
        Py_XDECREF(pair);
    }
    return pairs;
}

static PyObject *board_send(Board *self, PyObject *args)
{
    long long index;
    PyObject *slots, *number;
    uint8_t out[FRAME_SAMPLES];
    if (!PyArg_ParseTuple(args, "LO:send", &index, &slots))
        return NULL;
    PyObject *each = PyObject_GetIter(slots);
    if (each == NULL)
        return NULL;
    while ((number = PyIter_Next(each)) != NULL) {
        int slot = checked(number, self->sinks_room);
        Py_DECREF(number);
        if (slot < 0)
            break;
        Stream *stream = self->sinks[slot].stream;
        if (stream == NULL)
            continue;
        if (self->hears[slot])
            compand(self, slot, self->sinks[slot].law, out);
        else
            memset(out, g711_silence[self->sinks[slot].law], sizeof out);
        Py_INCREF(stream); /* what protects its packets is Python, which could take it out */
        int gone = stream_audio(stream, index, out, sizeof out);
        Py_DECREF(stream);
        if (gone < 0)
            break;
    }
    Py_DECREF(each);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* --- the object --------------------------------------------------------------------------------------------------- */

static int board_traverse(Board *self, visitproc visit, void *arg)
{
    for (int slot = 0; slot < self->sources_room; slot++) {
        Py_VISIT(self->sources[slot].source);
        Py_VISIT(self->sources[slot].player);
        Py_VISIT(self->sources[slot].raw);
    }
    for (int slot = 0; slot < self->sinks_room; slot++)
        Py_VISIT(self->sinks[slot].stream);
    return 0;
}

static int board_clear(Board *self)
{
    for (int slot = 0; slot < self->sources_room; slot++)
        empty_source(self, slot);
    for (int slot = 0; slot < self->sinks_room; slot++)
        empty_sink(self, slot);
    return 0;
}

static void board_dealloc(Board *self)
{
    PyObject_GC_UnTrack(self);
    board_clear(self);
    PyMem_Free(self->sources);
    PyMem_Free(self->frames);
    PyMem_Free(self->present);
    PyMem_Free(self->awake);
    PyMem_Free(self->sinks);
    PyMem_Free(self->mixed);
    PyMem_Free(self->hears);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"add_source", (PyCFunction)board_add_source, METH_VARARGS, "add_source(slot, source): awake, and not wanted."},
    {"remove_source", (PyCFunction)board_remove_source, METH_O, "Idempotent."},
    {"wake", (PyCFunction)board_wake, METH_O, "wake(slot): a packet came for it."},
    {"want", (PyCFunction)board_want, METH_VARARGS, "want(slot, wanted): whether anybody wants its frames."},
    {"pull", (PyCFunction)board_pull, METH_NOARGS, "A frame of every source; slots of Python's that fell asleep."},
    {"raw", (PyCFunction)board_raw, METH_O, "raw(slot): its frame as it came, or None."},
    {"energy", (PyCFunction)board_energy, METH_O, "energy(slot): vad.energy_of its samples, or None."},
    {"add_sink", (PyCFunction)board_add_sink, METH_VARARGS, "add_sink(slot, stream=None, law=None)."},
    {"remove_sink", (PyCFunction)board_remove_sink, METH_O, "Idempotent."},
    {"connect", (PyCFunction)board_connect, METH_VARARGS, "connect(slot, ((source, gain), ...)): all it hears."},
    {"mix", (PyCFunction)board_mix, METH_NOARGS, "Sum the frames into the sinks."},
    {"play", (PyCFunction)board_play, METH_VARARGS, "play(slot, samples, gain): after mix."},
    {"hears", (PyCFunction)board_hears, METH_O, "hears(slot): whether there is anything to hear."},
    {"mixed", (PyCFunction)board_mixed, METH_O, "mixed(slot): its sum as linear samples, in bytes."},
    {"companded", (PyCFunction)board_companded, METH_VARARGS, "companded(slots, law): [(bytes or None, speaking), ...]."},
    {"send", (PyCFunction)board_send, METH_VARARGS, "send(index, slots): on those that have a stream."},
    {NULL},
};

PyTypeObject BoardType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Board",
    .tp_doc = "board.NumpyBoard.",
    .tp_basicsize = sizeof(Board),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)board_dealloc,
    .tp_traverse = (traverseproc)board_traverse,
    .tp_clear = (inquiry)board_clear,
    .tp_methods = methods,
};
