"""From a jitter buffer to one frame a tick: the G.711 player keeps the companded bytes, the Opus player decodes."""

import numpy as np

from kak_server.media.engine import g711, opus
from kak_server.media.engine.frames import FRAME_SAMPLES, Pcm
from kak_server.media.engine.jitter import JitterBuffer, JitterStats, Take

QUIET_PEAK = 600  # about -35 dBFS: leaving such a frame out is not heard
IMPATIENT_TICKS = 150  # a surplus that found no quiet frame in 3 s is cut anyway
_FADE = (0.8, 0.5, 0.25)  # of the last good frame, while it stands in for lost ones
_FADED: dict[g711.Law, tuple[bytes, ...]] = {
    "PCMA": tuple(g711.scaled("PCMA", factor) for factor in _FADE),
    "PCMU": tuple(g711.scaled("PCMU", factor) for factor in _FADE),
}


class G711Player:
    """Frames of companded bytes, as they came; lost ones are the last frame, fading."""

    def __init__(self, law: g711.Law) -> None:
        self.law = law
        self.restart()

    def restart(self) -> None:
        """The peer began a new stream: everything as at first."""
        self.buffer = JitterBuffer()
        self._rest = b""
        self._last = b""
        self._concealed = 0
        self._patience = IMPATIENT_TICKS

    def put(self, law: g711.Law, timestamp: int, payload: bytes) -> None:
        """A packet of either law (RFC 3551: one sample a byte, so the length tells the duration)."""
        if law != self.law:
            payload = payload.translate(g711.TRANSCODE[law, self.law])
        self.buffer.put(timestamp, len(payload), payload)

    @property
    def stats(self) -> JitterStats:
        """Counts since the stream began."""
        return self.buffer.stats

    @property
    def buffered_samples(self) -> int:
        """Audio that waits."""
        return self.buffer.buffered_samples

    @property
    def asleep(self) -> bool:
        """Nothing is left and nothing is coming."""
        return not self._rest and self.buffer.off

    def pull(self, wanted: bool = True) -> bytes | None:
        """This tick's FRAME_SAMPLES bytes, wanted or not, or None while the stream is off."""
        self.buffer.begin_tick()
        frame = self._fill()
        if self.buffer.surplus and frame is not None:
            self._patience -= 1
            if self._patience <= 0 or self._is_quiet(frame):
                self._patience = IMPATIENT_TICKS
                self.buffer.left_out()
                frame = self._fill()
        return frame

    def _fill(self) -> bytes | None:
        rest = self._rest
        while len(rest) < FRAME_SAMPLES:
            what, payload = self.buffer.take()
            if what is Take.PACKET:
                rest = rest + payload if rest else payload
                self._last, self._concealed = payload[-FRAME_SAMPLES:], 0
            elif what is Take.IDLE:
                self._rest = b""
                return rest + g711.SILENCE[self.law][len(rest) :] if rest else None
            else:
                rest += self._conceal()
        self._rest = rest[FRAME_SAMPLES:]
        return rest[:FRAME_SAMPLES]

    def _conceal(self) -> bytes:
        if self._concealed >= len(_FADE) or len(self._last) < FRAME_SAMPLES:
            return g711.SILENCE[self.law]
        faded = self._last.translate(_FADED[self.law][self._concealed])
        self._concealed += 1
        return faded

    def _is_quiet(self, frame: bytes) -> bool:
        return int(np.abs(g711.decode(self.law, frame)).max()) < QUIET_PEAK


class OpusPlayer:
    """Frames of linear samples; decodes only while somebody wants to hear."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer()
        self._decoder = opus.OpusDecoder()
        self._rest: Pcm = np.zeros(0, dtype=np.int16)
        self._skipped = 0  # samples taken but not decoded, while nobody listened
        self._patience = IMPATIENT_TICKS

    def put(self, timestamp_48k: int, payload: bytes) -> None:
        """A packet; `timestamp_48k` unwrapped to more than 32 bits by the caller. Malformed ones are dropped."""
        samples = opus.packet_samples(payload)
        if samples:
            self.buffer.put((timestamp_48k // opus.RTP_UNITS_PER_SAMPLE) & 0xFFFFFFFF, samples, payload)

    @property
    def stats(self) -> JitterStats:
        """Counts since the stream began."""
        return self.buffer.stats

    @property
    def buffered_samples(self) -> int:
        """Audio that waits."""
        return self.buffer.buffered_samples

    @property
    def asleep(self) -> bool:
        """Nothing is left and nothing is coming."""
        return not len(self._rest) and not self._skipped and self.buffer.off

    def pull(self, wanted: bool) -> Pcm | None:
        """This tick's samples, or None while the stream is off or nobody wants it."""
        self.buffer.begin_tick()
        if not wanted:
            self._skip()
            return None
        frame = self._fill()
        if self.buffer.surplus and frame is not None:
            self._patience -= 1
            if self._patience <= 0 or int(np.abs(frame).max()) < QUIET_PEAK:
                self._patience = IMPATIENT_TICKS
                self.buffer.left_out()
                frame = self._fill()
        return frame

    def _fill(self) -> Pcm | None:
        self._skipped = 0
        rest = self._rest
        while len(rest) < FRAME_SAMPLES:
            what, payload = self.buffer.take()
            if what is Take.IDLE:
                self._rest = rest[:0]
                return np.concatenate((rest, np.zeros(FRAME_SAMPLES - len(rest), np.int16))) if len(rest) else None
            if what is Take.PACKET:
                samples = self._decoder.decode(payload)
                if not len(samples):
                    samples = self._decoder.conceal()
            else:
                samples = self._decoder.conceal(payload)
            rest = np.concatenate((rest, samples)) if len(rest) else samples
        self._rest = rest[FRAME_SAMPLES:]
        return rest[:FRAME_SAMPLES]

    def _skip(self) -> None:
        """Move the play-out point a frame on without decoding."""
        self._rest = self._rest[:0]
        while self._skipped < FRAME_SAMPLES:
            what, payload = self.buffer.take()
            if what is Take.IDLE:
                self._skipped = 0
                return
            self._skipped += opus.packet_samples(payload) if what is Take.PACKET else FRAME_SAMPLES
        self._skipped -= FRAME_SAMPLES
        if self.buffer.surplus:
            self.buffer.left_out()
            self._skipped -= FRAME_SAMPLES
