"""What a recording takes of a source: every tick a frame as it is to be stored, silence where none came, gaps noted.

The reference of the native one, which the native board fills without asking Python.
"""

from kak_server.media.engine import g711
from kak_server.media.engine.frames import FRAME_SAMPLES, Pcm

GAPS_MAX = 1_000
_SILENCE = {True: g711.SILENCE["PCMA"], False: bytes(2 * FRAME_SAMPLES)}


class Tape:
    """One track's frames since its last block."""

    def __init__(self, alaw: bool) -> None:
        """`alaw`: stored as A-law bytes, else as linear samples of 16 bits."""
        self.frames = 0  # of the whole track
        self.stopped = False  # takes nothing any more
        self.gaps: list[tuple[int, int]] = []  # first frame and number of frames that did not come
        self._alaw = alaw
        self._block: list[bytes] = []
        self._gap_from = -1  # no gap is open

    def take(self, frame: bytes | Pcm | None, law: g711.Law | None) -> None:
        """One tick of the source: companded bytes with their law, linear samples, or None."""
        if self.stopped:
            return
        if frame is None:
            if self._gap_from < 0:
                self._gap_from = self.frames
            self._block.append(_SILENCE[self._alaw])
        else:
            self.end_gap()
            self._block.append(self._stored(frame, law))
        self.frames += 1

    def skip(self, ticks: int) -> None:
        """Nothing came for so many ticks."""
        for _ in range(ticks):
            self.take(None, None)

    def block(self) -> bytes:
        """What has been gathered since the last call."""
        data = b"".join(self._block)
        self._block.clear()
        return data

    def end_gap(self) -> None:
        """Close the gap that is open, if one is."""
        if self._gap_from < 0:
            return
        first, count = self._gap_from, self.frames - self._gap_from
        self._gap_from = -1
        if len(self.gaps) < GAPS_MAX:
            self.gaps.append((first, count))
        else:  # bounded: the last one stands for all that follow, and says too much rather than too little
            begin, _ = self.gaps[-1]
            self.gaps[-1] = begin, first + count - begin

    def _stored(self, frame: bytes | Pcm, law: g711.Law | None) -> bytes:
        if isinstance(frame, bytes):
            if self._alaw:
                return frame.translate(g711.TRANSCODE["PCMU", "PCMA"]) if law == "PCMU" else frame
            return g711.decode(law or "PCMA", frame).tobytes()
        return g711.encode("PCMA", frame) if self._alaw else frame.tobytes()
