"""A play: a tone or prompt on its way into one sink, frame by frame."""

from typing import cast

import numpy as np

from kak_server.media.engine.frames import FRAME_SAMPLES, TICK_MS, Pcm

_SOUNDS_KEPT = 256
_loudness: dict[int, tuple[Pcm, list[bool]]] = {}  # by a sound's identity; the sound is kept, so it stays its own


def _loud(sound: Pcm) -> list[bool]:
    """Which of a sound's frames are not silent."""
    known = _loudness.get(id(sound))
    if known is None:
        if len(_loudness) >= _SOUNDS_KEPT:
            _loudness.clear()
        flags = cast("list[bool]", np.any(sound.reshape(-1, FRAME_SAMPLES), axis=1).tolist())
        known = _loudness[id(sound)] = sound, flags
    return known[1]


class Play:
    """Position in a sound of whole frames. A looped one pauses `repeat_gap_ms` between rounds."""

    def __init__(self, sink: str, source: str, sound: Pcm, *, loop: bool, gain: float, repeat_gap_ms: int) -> None:
        self.sink = sink
        self.source = source
        self.loop = loop
        self.gain = gain
        self.ended = False
        self._gap_ticks = max(0, repeat_gap_ms) // TICK_MS
        self._frames = sound.reshape(-1, FRAME_SAMPLES)
        self._loud = _loud(sound)
        self._at = 0

    @property
    def position(self) -> int:
        """The frame that comes next, in frames since the round began."""
        return self._at

    def next_frame(self) -> Pcm | None:
        """This tick's audio; None for a frame of silence. Sets `ended` with the last frame."""
        frame = self._frames[self._at] if self._at < len(self._loud) and self._loud[self._at] else None
        self._at += 1
        if self._at >= len(self._frames) + (self._gap_ticks if self.loop else 0):
            self._at = 0
            self.ended = not self.loop
        return frame
