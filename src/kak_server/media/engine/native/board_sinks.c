/* The board's sinks: sums of what they are connected to, companded, and sent on those that have a stream. */
#include "board.h"

#define SPEAKING_PEAK 400 /* board.SPEAKING_PEAK */

static int reserve_sinks(Board *self, int slot)
{
    int from = self->sinks_room, to = board_room_for(slot);
    if (slot < from)
        return 0;
    if (board_grow((void **)&self->sinks, sizeof *self->sinks, from, to) < 0 ||
        board_grow((void **)&self->mixed, sizeof *self->mixed, from, to) < 0 || board_grow((void **)&self->hears, 1, from, to) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->sinks_room = to;
    return 0;
}

void board_empty_sink(Board *self, int slot)
{
    SinkSlot *sink = &self->sinks[slot];
    PyMem_Free(sink->edges);
    sink->edges = NULL;
    sink->count = 0;
    self->hears[slot] = 0;
    Py_CLEAR(sink->stream);
}

PyObject *board_add_sink(Board *self, PyObject *args)
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
    board_empty_sink(self, slot);
    self->sinks[slot].law = law;
    if (stream != Py_None)
        self->sinks[slot].stream = (Stream *)Py_NewRef(stream);
    Py_RETURN_NONE;
}

PyObject *board_remove_sink(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sinks_room);
    if (slot < 0)
        return NULL;
    board_empty_sink(self, slot);
    Py_RETURN_NONE;
}

PyObject *board_connect(Board *self, PyObject *args)
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

PyObject *board_mix(Board *self, PyObject *Py_UNUSED(none))
{
    for (int slot = 0; slot < self->sinks_room; slot++) {
        if (self->sinks[slot].count)
            mix_sink(self, slot);
        else
            self->hears[slot] = 0;
    }
    Py_RETURN_NONE;
}

PyObject *board_play(Board *self, PyObject *args)
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

PyObject *board_hears(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sinks_room);
    return slot < 0 ? NULL : PyBool_FromLong(self->hears[slot]);
}

static int16_t cut(float sample)
{
    return sample >= 32767.0f ? 32767 : sample <= -32768.0f ? -32768 : (int16_t)sample;
}

PyObject *board_mixed(Board *self, PyObject *number)
{
    int16_t out[FRAME_SAMPLES] = {0};
    int slot = board_slot(number, self->sinks_room);
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
    int16_t samples[FRAME_SAMPLES];
    int peak = 0;
    for (int n = 0; n < FRAME_SAMPLES; n++) {
        samples[n] = cut(self->mixed[slot][n]);
        int magnitude = (int16_t)(samples[n] < 0 ? -samples[n] : samples[n]);
        peak = magnitude > peak ? magnitude : peak;
    }
    g711_encode(law, samples, FRAME_SAMPLES, out);
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

PyObject *board_companded(Board *self, PyObject *args)
{
    PyObject *slots, *name;
    Law law;
    if (!PyArg_ParseTuple(args, "O!O:companded", &PyList_Type, &slots, &name) || g711_law(name, &law) < 0)
        return NULL;
    PyObject *pairs = PyList_New(0);
    for (Py_ssize_t at = 0; pairs != NULL && at < PyList_GET_SIZE(slots); at++) {
        int slot = board_slot(PyList_GET_ITEM(slots, at), self->sinks_room);
        PyObject *pair = slot < 0 ? NULL : companded_pair(self, slot, law);
        if (pair == NULL || PyList_Append(pairs, pair) < 0)
            Py_CLEAR(pairs);
        Py_XDECREF(pair);
    }
    return pairs;
}

PyObject *board_send(Board *self, PyObject *args)
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
        int slot = board_slot(number, self->sinks_room);
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
