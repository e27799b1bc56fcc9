/* The board's taps: who takes the frames of a source as they came, every tick. */
#include "board.h"

int board_untap(Board *self, int slot)
{
    if (self->sources[slot].tapes == NULL)
        return 0;
    for (int at = 0; at < self->tapped_count; at++) {
        if (self->tapped[at] == slot) {
            memmove(self->tapped + at, self->tapped + at + 1, (size_t)(self->tapped_count - at - 1) * sizeof(int));
            self->tapped_count--;
            break;
        }
    }
    Py_CLEAR(self->sources[slot].tapes);
    return 1;
}

PyObject *board_tap(Board *self, PyObject *args)
{
    int slot;
    PyObject *tapes;
    if (!PyArg_ParseTuple(args, "iO!:tap", &slot, &PyTuple_Type, &tapes))
        return NULL;
    if (slot < 0 || slot >= self->sources_room || self->sources[slot].source == NULL)
        return PyErr_Format(PyExc_IndexError, "no such slot: %d", slot);
    board_untap(self, slot);
    if (PyTuple_GET_SIZE(tapes)) {
        self->sources[slot].tapes = Py_NewRef(tapes);
        self->tapped[self->tapped_count++] = slot;
    }
    Py_RETURN_NONE;
}

/* A tick for one that is Python's. */
static int told(const SourceSlot *entry, PyObject *tape, PyObject *raw)
{
    PyObject *law = raw != Py_None && PyBytes_Check(raw) ? g711_law_name(entry->law) : Py_NewRef(Py_None);
    if (law == NULL)
        return -1;
    PyObject *done = PyObject_CallMethod(tape, "take", "OO", raw, law);
    Py_DECREF(law);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int feed(Board *self, int slot)
{
    PyObject *tapes = Py_NewRef(self->sources[slot].tapes); /* a tape of Python's may take them out */
    PyObject *raw = Py_NewRef(self->present[slot] && self->sources[slot].raw != NULL ? self->sources[slot].raw : Py_None);
    const uint8_t *companded = PyBytes_Check(raw) ? (const uint8_t *)PyBytes_AS_STRING(raw) : NULL;
    int done = 0;
    for (Py_ssize_t at = 0; done == 0 && at < PyTuple_GET_SIZE(tapes); at++) {
        PyObject *tape = PyTuple_GET_ITEM(tapes, at);
        const SourceSlot *entry = &self->sources[slot]; /* anew: the array may have grown */
        if (Py_IS_TYPE(tape, &TapeType))
            done = tape_take((Tape *)tape, companded, entry->law,
                             companded == NULL && raw != Py_None ? self->frames[slot] : NULL);
        else
            done = told(entry, tape, raw);
    }
    Py_DECREF(raw);
    Py_DECREF(tapes);
    return done;
}

int board_feed_tapes(Board *self)
{
    for (int at = 0; at < self->tapped_count; at++)
        if (feed(self, self->tapped[at]) < 0)
            return -1;
    return 0;
}
