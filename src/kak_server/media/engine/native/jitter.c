/* One G.711 stream's packets until they are played: jitter.JitterBuffer, call for call. The comments that say why are
 * there. */
#include "native.h"

#define START_FRAMES 2
#define MAX_DELAY_SAMPLES (6 * FRAME_SAMPLES)
#define MAX_BUFFER_SAMPLES (2 * MAX_DELAY_SAMPLES)
#define SURPLUS_WINDOW_PULLS 50
#define FAR_SAMPLES 8000
#define FAR_PACKETS 3

int player_off(const Player *self) { return !self->playing && self->filling_ticks < 0; }

int64_t jitter_buffered(const Player *self)
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

void jitter_put(Player *self, uint32_t timestamp, PyObject *payload)
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

void jitter_begin_tick(Player *self)
{
    if (!self->playing) {
        if (self->filling_ticks < 0)
            return;
        self->filling_ticks++;
        if (jitter_buffered(self) < START_FRAMES * FRAME_SAMPLES && self->filling_ticks <= START_FRAMES)
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

Take jitter_take(Player *self, PyObject **payload)
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

void jitter_restart(Player *self)
{
    forget(self, self->count);
    self->end = self->next = self->surplus = 0;
    self->least = MAX_BUFFER_SAMPLES;
    self->playing = self->held = self->far = self->pulls = 0;
    self->filling_ticks = -1;
    self->packets = self->late = self->lost_frames = self->held_frames = self->dropped_frames = self->resets = 0;
}

void jitter_left_out(Player *self)
{
    self->dropped_frames++;
    self->surplus--;
    self->pulls = 0;
    self->least = MAX_BUFFER_SAMPLES;
}
