/* What a recording takes of a source: tape.Tape in C, filled by the board. The comments that say why are there. */
#include "native.h"

#include <structmember.h>

#define GAPS_MAX 1000
#define FIRST_BYTES (50 * FRAME_SAMPLES) /* a second of A-law */

static int room_for(Tape *self, Py_ssize_t bytes)
{
    if (self->bytes + bytes <= self->room)
        return 0;
    Py_ssize_t room = self->room ? 2 * self->room : FIRST_BYTES;
    uint8_t *data = PyMem_Realloc(self->data, (size_t)room);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->data = data;
    self->room = room;
    return 0;
}

static int end_gap(Tape *self)
{
    if (self->gap_from < 0)
        return 0;
    long long first = self->gap_from, count = self->frames - first;
    PyObject *gap, *last;
    self->gap_from = -1;
    Py_ssize_t noted = PyList_GET_SIZE(self->gaps);
    if (noted < GAPS_MAX) {
        gap = Py_BuildValue("(LL)", first, count);
        int done = gap == NULL ? -1 : PyList_Append(self->gaps, gap);
        Py_XDECREF(gap);
        return done;
    }
    last = PyList_GET_ITEM(self->gaps, noted - 1);
    long long begin = PyTuple_Check(last) && PyTuple_GET_SIZE(last) ? PyLong_AsLongLong(PyTuple_GET_ITEM(last, 0)) : first;
    if (begin == -1 && PyErr_Occurred())
        return -1;
    gap = Py_BuildValue("(LL)", begin, first + count - begin);
    return gap == NULL ? -1 : PyList_SetItem(self->gaps, noted - 1, gap);
}

static void store_companded(const Tape *self, Law law, const uint8_t *frame, uint8_t *out)
{
    if (self->alaw && law == PCMA) {
        memcpy(out, frame, FRAME_SAMPLES);
    } else if (self->alaw) {
        for (int at = 0; at < FRAME_SAMPLES; at++)
            out[at] = g711_transcoded[law][frame[at]];
    } else {
        int16_t samples[FRAME_SAMPLES];
        for (int at = 0; at < FRAME_SAMPLES; at++)
            samples[at] = g711_decoded[law][frame[at]];
        memcpy(out, samples, sizeof samples);
    }
}

int tape_take(Tape *self, const uint8_t *companded, Law law, const int16_t *samples)
{
    Py_ssize_t bytes = self->alaw ? FRAME_SAMPLES : 2 * FRAME_SAMPLES;
    if (self->stopped)
        return 0;
    if (room_for(self, bytes) < 0)
        return -1;
    uint8_t *out = self->data + self->bytes;
    if (companded == NULL && samples == NULL) {
        if (self->gap_from < 0)
            self->gap_from = self->frames;
        memset(out, self->alaw ? g711_silence[PCMA] : 0, (size_t)bytes);
    } else {
        if (end_gap(self) < 0)
            return -1;
        if (companded != NULL)
            store_companded(self, law, companded, out);
        else if (self->alaw)
            g711_encode(PCMA, samples, FRAME_SAMPLES, out);
        else
            memcpy(out, samples, (size_t)bytes);
    }
    self->bytes += bytes;
    self->frames++;
    return 0;
}

/* --- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *tape_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"alaw", NULL};
    int alaw;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "p:Tape", names, &alaw))
        return NULL;
    Tape *self = (Tape *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->alaw = (char)alaw;
    self->gap_from = -1;
    self->gaps = PyList_New(0);
    if (self->gaps == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void tape_dealloc(Tape *self)
{
    PyMem_Free(self->data);
    Py_XDECREF(self->gaps);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *py_take(Tape *self, PyObject *args)
{
    PyObject *frame, *name;
    Py_buffer samples;
    Law law = PCMA;
    if (!PyArg_ParseTuple(args, "OO:take", &frame, &name) || (name != Py_None && g711_law(name, &law) < 0))
        return NULL;
    int done = -1;
    if (frame == Py_None) {
        done = tape_take(self, NULL, law, NULL);
    } else if (PyBytes_Check(frame)) {
        if (PyBytes_GET_SIZE(frame) == FRAME_SAMPLES)
            done = tape_take(self, (const uint8_t *)PyBytes_AS_STRING(frame), law, NULL);
        else
            PyErr_SetString(PyExc_ValueError, "a frame has 160 samples");
    } else if (PyObject_GetBuffer(frame, &samples, PyBUF_SIMPLE) == 0) {
        if (samples.len == 2 * FRAME_SAMPLES)
            done = tape_take(self, NULL, law, samples.buf);
        else
            PyErr_SetString(PyExc_ValueError, "a frame has 160 samples");
        PyBuffer_Release(&samples);
    }
    if (done < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_skip(Tape *self, PyObject *number)
{
    long ticks = PyLong_AsLong(number);
    if (ticks == -1 && PyErr_Occurred())
        return NULL;
    for (long tick = 0; tick < ticks; tick++)
        if (tape_take(self, NULL, PCMA, NULL) < 0)
            return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_block(Tape *self, PyObject *Py_UNUSED(none))
{
    PyObject *data = PyBytes_FromStringAndSize((const char *)self->data, self->bytes);
    if (data != NULL)
        self->bytes = 0;
    return data;
}

static PyObject *py_end_gap(Tape *self, PyObject *Py_UNUSED(none))
{
    if (end_gap(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"take", (PyCFunction)py_take, METH_VARARGS, "take(frame, law): one tick of the source."},
    {"skip", (PyCFunction)py_skip, METH_O, "skip(ticks): nothing came for so many ticks."},
    {"block", (PyCFunction)py_block, METH_NOARGS, "What has been gathered since the last call."},
    {"end_gap", (PyCFunction)py_end_gap, METH_NOARGS, "Close the gap that is open, if one is."},
    {NULL},
};

static PyMemberDef members[] = {
    {"frames", T_LONGLONG, offsetof(Tape, frames), 0, "Of the whole track."},
    {"stopped", T_BOOL, offsetof(Tape, stopped), 0, "Takes nothing any more."},
    {"gaps", T_OBJECT_EX, offsetof(Tape, gaps), READONLY, "First frame and number of frames that did not come."},
    {NULL},
};

PyTypeObject TapeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kak_server.media.engine._native.Tape",
    .tp_doc = "tape.Tape.",
    .tp_basicsize = sizeof(Tape),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = tape_new,
    .tp_dealloc = (destructor)tape_dealloc,
    .tp_methods = methods,
    .tp_members = members,
};
