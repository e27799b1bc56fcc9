/* The board's own: slots of sources and sinks (board_sources.c, board_sinks.c), and the object over them (board.c). */
#ifndef KAK_BOARD_H
#define KAK_BOARD_H

#include "native.h"

#define SLOTS_MAX 65536

typedef struct {
    PyObject *source; /* NULL: empty slot */
    Player *player;   /* its player, if that is ours */
    PyObject *raw;    /* this tick's frame as it came: bytes or samples */
    Law law;          /* of that frame, if it is bytes */
    PyObject *tapes;  /* a tuple of who takes its frames; NULL: nobody */
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
    int *awake, *tapped; /* slots */
    int sources_room, awake_count, tapped_count;
    SinkSlot *sinks;
    float (*mixed)[FRAME_SAMPLES];
    char *hears;
    int sinks_room;
} Board;

int board_grow(void **array, size_t size, int from, int to); /* zeroed; 0, or -1 with MemoryError */
int board_slot(PyObject *number, int room);                  /* the slot, or -1 with IndexError */
int board_room_for(int slot);
void board_empty_source(Board *self, int slot);
int board_untap(Board *self, int slot);      /* whether there was a tap */
int board_feed_tapes(Board *self);           /* this tick's frames; 0, or -1 with an error */
void board_empty_sink(Board *self, int slot);

/* methods */
PyObject *board_add_source(Board *self, PyObject *args);
PyObject *board_remove_source(Board *self, PyObject *number);
PyObject *board_wake(Board *self, PyObject *number);
PyObject *board_want(Board *self, PyObject *args);
PyObject *board_tap(Board *self, PyObject *args);
PyObject *board_pull(Board *self, PyObject *Py_UNUSED(none));
PyObject *board_raw(Board *self, PyObject *number);
PyObject *board_energy(Board *self, PyObject *number);
PyObject *board_add_sink(Board *self, PyObject *args);
PyObject *board_remove_sink(Board *self, PyObject *number);
PyObject *board_connect(Board *self, PyObject *args);
PyObject *board_mix(Board *self, PyObject *Py_UNUSED(none));
PyObject *board_play(Board *self, PyObject *args);
PyObject *board_hears(Board *self, PyObject *number);
PyObject *board_mixed(Board *self, PyObject *number);
PyObject *board_companded(Board *self, PyObject *args);
PyObject *board_send(Board *self, PyObject *args);

#endif
