/* The board's sources: a frame of each that is awake, every tick. */
#include "board.h"

static int reserve_sources(Board *self, int slot)
{
    int from = self->sources_room, to = board_room_for(slot);
    if (slot < from)
        return 0;
    if (board_grow((void **)&self->sources, sizeof *self->sources, from, to) < 0 ||
        board_grow((void **)&self->frames, sizeof *self->frames, from, to) < 0 ||
        board_grow((void **)&self->present, 1, from, to) < 0 || board_grow((void **)&self->awake, sizeof(int), from, to) < 0 ||
        board_grow((void **)&self->tapped, sizeof(int), from, to) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->sources_room = to;
    return 0;
}

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

void board_empty_source(Board *self, int slot)
{
    SourceSlot *entry = &self->sources[slot];
    if (entry->player != NULL && entry->player->sleeps_on == self)
        entry->player->sleeps_on = NULL;
    put_to_sleep(self, slot);
    board_untap(self, slot);
    self->present[slot] = entry->wanted = 0;
    Py_CLEAR(entry->raw);
    Py_CLEAR(entry->player);
    Py_CLEAR(entry->source);
}

PyObject *board_add_source(Board *self, PyObject *args)
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
    board_empty_source(self, slot);
    if (player != NULL && PyObject_TypeCheck(player, &PlayerType))
        self->sources[slot].player = (Player *)player;
    else
        Py_XDECREF(player);
    self->sources[slot].source = Py_NewRef(source);
    wake_up(self, slot);
    Py_RETURN_NONE;
}

PyObject *board_remove_source(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sources_room);
    if (slot < 0)
        return NULL;
    board_empty_source(self, slot);
    Py_RETURN_NONE;
}

PyObject *board_wake(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sources_room);
    if (slot < 0)
        return NULL;
    if (self->sources[slot].source != NULL)
        wake_up(self, slot); /* a player that sleeps forgets it when it wakes by itself, too */
    Py_RETURN_NONE;
}

PyObject *board_want(Board *self, PyObject *args)
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
        self->sources[slot].law = law;
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
    entry->law = entry->player->law;
    Py_XSETREF(entry->raw, frame);
    return 1;
}

PyObject *board_pull(Board *self, PyObject *Py_UNUSED(none))
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
    if (board_feed_tapes(self) == 0)
        return asleep;
failed:
    Py_DECREF(asleep);
    return NULL;
}

PyObject *board_raw(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sources_room);
    if (slot < 0)
        return NULL;
    PyObject *raw = self->present[slot] ? self->sources[slot].raw : NULL;
    return Py_NewRef(raw == NULL ? Py_None : raw);
}

PyObject *board_energy(Board *self, PyObject *number)
{
    int slot = board_slot(number, self->sources_room);
    if (slot < 0)
        return NULL;
    if (!self->present[slot])
        Py_RETURN_NONE;
    int64_t energy = 0;
    for (int n = 0; n < FRAME_SAMPLES; n++)
        energy += (int32_t)self->frames[slot][n] * (int32_t)self->frames[slot][n];
    return PyLong_FromLongLong(energy);
}
