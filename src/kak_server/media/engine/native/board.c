/* The mixing board: board.NumpyBoard in C. Slots of sources and sinks are given by the conference; a frame of every source
 * that is awake comes in, each sink's edges are summed, and what leaves on a Stream is companded and sent. */
#include "board.h"

int board_grow(void **array, size_t size, int from, int to)
{
    char *grown = PyMem_Realloc(*array, size * (size_t)to);
    if (grown == NULL)
        return -1;
    memset(grown + size * (size_t)from, 0, size * (size_t)(to - from));
    *array = grown;
    return 0;
}

int board_slot(PyObject *number, int room)
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

int board_room_for(int slot) { return (slot / 64 + 1) * 64; }

int board_traverse(Board *self, visitproc visit, void *arg)
{
    for (int slot = 0; slot < self->sources_room; slot++) {
        Py_VISIT(self->sources[slot].source);
        Py_VISIT(self->sources[slot].player);
        Py_VISIT(self->sources[slot].raw);
        Py_VISIT(self->sources[slot].tapes);
    }
    for (int slot = 0; slot < self->sinks_room; slot++)
        Py_VISIT(self->sinks[slot].stream);
    return 0;
}

int board_clear(Board *self)
{
    for (int slot = 0; slot < self->sources_room; slot++)
        board_empty_source(self, slot);
    for (int slot = 0; slot < self->sinks_room; slot++)
        board_empty_sink(self, slot);
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
    PyMem_Free(self->tapped);
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
    {"tap", (PyCFunction)board_tap, METH_VARARGS, "tap(slot, tapes): all who take its frames from now on."},
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
