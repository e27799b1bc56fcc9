/* The native engine: what the tick does for every G.711 leg, in C. Each type has its equal in Python next door, which the
 * tests hold it against; docs/adr/0013-native-engine.md says where the cut is and why.
 *
 * All of it runs under the interpreter's lock, in the worker's main thread. */
#ifndef KAK_NATIVE_H
#define KAK_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#define FRAME_SAMPLES 160
#define RTP_HEADER_BYTES 12
#define RTP_PAYLOAD_MAX (8 * FRAME_SAMPLES) /* rtp_leg.PACKET_BYTES_MAX without the header */

/* --- g711.c ------------------------------------------------------------------------------------------------------- */

typedef enum { PCMA = 0, PCMU = 1, LAWS = 2 } Law;

extern int16_t g711_decoded[LAWS][256];
extern uint8_t g711_transcoded[LAWS][256]; /* from this law to the other */
#define FADES 3
extern uint8_t g711_faded[LAWS][FADES][256];
extern const uint8_t g711_silence[LAWS];

void g711_init(void);
void g711_encode(Law law, const int16_t *samples, Py_ssize_t count, uint8_t *out);
int g711_law(PyObject *name, Law *law);        /* "PCMA" or "PCMU"; 0, or -1 with ValueError */
PyObject *g711_law_name(Law law);              /* new reference */
int g711_peak(Law law, const uint8_t *companded, Py_ssize_t bytes);

/* --- player.c ----------------------------------------------------------------------------------------------------- */

#define PACKETS_MAX 128 /* jitter.PACKETS_MAX */

typedef struct {
    int64_t at;
    PyObject *payload; /* bytes, owned */
} Waiting;

typedef struct {
    PyObject_HEAD
    Law law;
    /* jitter.JitterBuffer */
    Waiting waiting[PACKETS_MAX]; /* by rising `at` */
    int count;
    int64_t end, next, least, surplus;
    int playing, filling_ticks, held, far, pulls;
    long long packets, late, lost_frames, held_frames, dropped_frames, resets;
    /* players.G711Player */
    PyObject *rest; /* what is left of the packet under way, from `rest_at` on; or NULL */
    Py_ssize_t rest_at;
    uint8_t last[FRAME_SAMPLES];
    Py_ssize_t last_bytes;
    int concealed, patience;
    /* while it sleeps on a board: borrowed, the board takes it back before it goes */
    void *sleeps_on;
    int slot;
} Player;

extern PyTypeObject PlayerType;

int player_asleep(const Player *self);
int player_put(Player *self, Law law, uint32_t timestamp, const uint8_t *payload, Py_ssize_t bytes);
PyObject *player_pull(Player *self);           /* new reference to FRAME_SAMPLES bytes; NULL: none, or an error is set */

/* --- jitter.c ------------------------------------------------------------------------------------------------------ */

typedef enum { TAKE_PACKET, TAKE_CONCEAL, TAKE_IDLE } Take;

int player_off(const Player *self);            /* nothing is playing and nothing has come */
int64_t jitter_buffered(const Player *self);
void jitter_put(Player *self, uint32_t timestamp, PyObject *payload); /* takes the reference to `payload` */
void jitter_begin_tick(Player *self);
Take jitter_take(Player *self, PyObject **payload); /* TAKE_PACKET: a reference for the caller */
void jitter_left_out(Player *self);
void jitter_restart(Player *self);

/* --- address.c ---------------------------------------------------------------------------------------------------- */

typedef struct {
    struct sockaddr_storage at;
    socklen_t bytes; /* 0: none */
} Address;

int address_of(PyObject *peer, Address *out);  /* (host, port) or None; 1 known, 0 not an address, -1 with an error */
int address_equal(const Address *here, const struct sockaddr_storage *there);
PyObject *address_tuple(const struct sockaddr_storage *at, socklen_t bytes);

/* --- intake.c ----------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    int known;
    Address peer;
    uint32_t ssrc;
    uint8_t laws[128]; /* by payload type: 0 none, else the law + 1 */
    Player *player;
    long long received;
    double last_packet_ms;
} Intake;

extern PyTypeObject IntakeType;

/* A datagram: 1 taken, 0 it must go the long way, -1 with an error. */
int intake_take(Intake *self, const uint8_t *data, Py_ssize_t bytes, const struct sockaddr_storage *from, double now_ms);

extern PyTypeObject PollerType;

/* --- stream.c ----------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    int descriptor; /* -1: closed */
    char silent;
    int payload_type;
    unsigned int ssrc;
    long long sequence0, timestamp0, first_frame, units_per_tick, sent_at, event_index;
    long long packets, octets, errors;
    PyObject *peer; /* as it was given */
    Address to;
    PyObject *protect; /* or NULL */
} Stream;

extern PyTypeObject StreamType;

/* One tick's audio: 1 it left, 0 it did not, -1 with an error. */
int stream_audio(Stream *self, long long index, const uint8_t *payload, Py_ssize_t bytes);

/* --- tape.c ------------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    char alaw, stopped;
    long long frames, gap_from; /* gap_from -1: none is open */
    uint8_t *data;
    Py_ssize_t bytes, room;
    PyObject *gaps; /* a list of pairs */
} Tape;

extern PyTypeObject TapeType;

/* A tick of its source: companded bytes of a law, or samples, or (both NULL) nothing came. 0, or -1 with an error. */
int tape_take(Tape *self, const uint8_t *companded, Law law, const int16_t *samples);

/* --- board.c ------------------------------------------------------------------------------------------------------ */

extern PyTypeObject BoardType;

void board_wake_player(void *board, Player *player); /* a packet came for one that sleeps there */

#endif
