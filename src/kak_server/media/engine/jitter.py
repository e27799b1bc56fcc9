"""The adaptive jitter buffer of one stream: packets in by timestamp, one decision out whenever audio is needed.

The play-out point moves 20 ms a tick. It starts two frames behind the first packet. When the buffer runs dry it holds
the point (the delay grows); when more than two frames have been waiting at every tick for a while, it reports a surplus
and the player leaves a quiet frame out (the delay shrinks). So a clock that drifts and a network that changes both end
in the smallest delay that works, between 20 and 120 ms.

All timestamps here are in 8 kHz samples, whatever the codec's RTP clock is.
"""

import enum
from dataclasses import dataclass

from kak_server.media.engine.frames import FRAME_SAMPLES
from kak_server.media.engine.rtp import unwrap

START_FRAMES = 2
MAX_DELAY_SAMPLES = 6 * FRAME_SAMPLES  # 120 ms
MAX_BUFFER_SAMPLES = 2 * MAX_DELAY_SAMPLES
SURPLUS_WINDOW_PULLS = 50  # 1 s
FAR_SAMPLES = 8_000  # a timestamp so far off is a new stream, not a late packet
FAR_PACKETS = 3
PACKETS_MAX = 128  # of a stream that overlaps itself; 5 ms packets fill the buffer with 48


class Take(enum.Enum):
    """What the player gets for the next stretch of audio."""

    PACKET = 1  # decode `payload`
    LOST = 2  # conceal; `payload` is the packet after the hole if it has come (for in-band FEC)
    WAIT = 3  # conceal, the play-out point stands still: the packet may come yet
    IDLE = 4  # the stream is off: nothing to play


@dataclass(slots=True)
class JitterStats:
    """Counts since the stream began."""

    packets: int = 0
    late: int = 0
    lost_frames: int = 0
    held_frames: int = 0
    dropped_frames: int = 0
    resets: int = 0


class JitterBuffer:
    """One stream's buffer. `put` when a packet arrives, `take` until a frame is full, `end_tick` once a tick."""

    def __init__(self) -> None:
        self.stats = JitterStats()
        self._packets: dict[int, tuple[int, bytes]] = {}  # timestamp -> (samples, payload)
        self._end = 0  # the end of the newest packet
        self._next = 0  # the play-out point
        self._playing = False
        self._filling_ticks = -1  # -1: idle
        self._held = 0
        self._far = 0
        self._least = MAX_BUFFER_SAMPLES  # least fill at a pull in this window
        self._pulls = 0
        self.surplus = 0  # frames that were waiting at every tick of the last window and need not be

    @property
    def buffered_samples(self) -> int:
        """Audio between the play-out point and the newest packet's end."""
        return max(0, self._end - self._next) if self._playing or self._filling_ticks >= 0 else 0

    @property
    def off(self) -> bool:
        """Nothing is playing and nothing has come: every tick would give `Take.IDLE`."""
        return not self._playing and self._filling_ticks < 0

    def put(self, timestamp: int, samples: int, payload: bytes) -> None:
        """A packet of `samples` starting at `timestamp` (32 bit)."""
        self.stats.packets += 1
        if not self._playing and self._filling_ticks < 0:
            self._restart(timestamp, samples, payload)
            return
        at = unwrap(timestamp, 32, self._next)
        if abs(at - self._end) > FAR_SAMPLES:
            self._far += 1
            if self._far >= FAR_PACKETS:
                self.stats.resets += 1
                self._restart(timestamp, samples, payload)
            return
        self._far = 0
        if at < self._next:
            if not self._playing and self._next - at <= MAX_DELAY_SAMPLES:
                self._next = at  # reordered before play-out began: start with it
            else:
                self.stats.late += 1
                return
        if len(self._packets) >= PACKETS_MAX and at not in self._packets:
            self._packets = {start: packet for start, packet in self._packets.items() if start >= self._next}
            if len(self._packets) >= PACKETS_MAX:
                self.stats.late += 1
                return
        self._packets[at] = (samples, payload)
        self._end = max(self._end, at + samples)
        if self._end - self._next > MAX_BUFFER_SAMPLES:
            self._skip_to(self._end - START_FRAMES * FRAME_SAMPLES)

    def begin_tick(self) -> None:
        """Once a tick, before `take`."""
        if not self._playing:
            if self._filling_ticks < 0:
                return
            self._filling_ticks += 1
            if self.buffered_samples < START_FRAMES * FRAME_SAMPLES and self._filling_ticks <= START_FRAMES:
                return
            self._playing = True
            self._held = 0
        self._watch_surplus()

    def take(self) -> tuple[Take, bytes]:
        """The next stretch of audio."""
        if not self._playing:
            return Take.IDLE, b""
        found = self._packets.pop(self._next, None)
        if found is not None:
            self._next += found[0]
            self._held = 0
            return Take.PACKET, found[1]
        if self._packets:
            return self._over_the_hole()
        if self._held * FRAME_SAMPLES < MAX_DELAY_SAMPLES:
            self._held += 1
            self.stats.held_frames += 1
            return Take.WAIT, b""
        self._playing = False
        self._filling_ticks = -1
        return Take.IDLE, b""

    def _over_the_hole(self) -> tuple[Take, bytes]:
        following = min(self._packets)
        hole = following - self._next
        if hole < 0 or hole > MAX_DELAY_SAMPLES:  # misaligned by a skip, or a gap in the talker's clock: go on there
            self._next = following
            return self.take()
        self._held = 0
        if hole < FRAME_SAMPLES:
            self._next = following
            return self.take()
        self.stats.lost_frames += 1
        self._next += FRAME_SAMPLES
        after = self._packets[following][1] if hole < 2 * FRAME_SAMPLES else b""
        return Take.LOST, after

    def left_out(self) -> None:
        """The player left a frame out because of the surplus."""
        self.stats.dropped_frames += 1
        self.surplus -= 1
        self._pulls, self._least = 0, MAX_BUFFER_SAMPLES

    def _watch_surplus(self) -> None:
        self._least = min(self._least, self._end - self._next)
        self._pulls += 1
        if self._pulls >= SURPLUS_WINDOW_PULLS:
            self.surplus = max(0, self._least // FRAME_SAMPLES - START_FRAMES)
            self._pulls, self._least = 0, MAX_BUFFER_SAMPLES

    def _restart(self, timestamp: int, samples: int, payload: bytes) -> None:
        self._packets = {timestamp: (samples, payload)}
        self._next, self._end = timestamp, timestamp + samples
        self._playing, self._filling_ticks, self._far, self._held = False, 0, 0, 0
        self._pulls, self._least, self.surplus = 0, MAX_BUFFER_SAMPLES, 0

    def _skip_to(self, point: int) -> None:
        """After a burst (a network that stood still): forget what would only be delay."""
        kept = {at: packet for at, packet in self._packets.items() if at >= point}
        self.stats.dropped_frames += (point - self._next) // FRAME_SAMPLES
        self._packets = kept
        self._next = min(kept, default=point)
