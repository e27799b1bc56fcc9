"""A play: a tone or prompt on its way into one sink, frame by frame."""

from collections.abc import Callable
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


Next = Callable[[], Pcm | None]


class Play:
    """Position in a sound of whole frames, and in the one that may follow it. `repeat_gap_ms` of silence ends a round:
    a looped play begins again, another has ended. `source` names all that is heard."""

    def __init__(
        self,
        sink: str,
        source: str,
        sound: Pcm,
        *,
        loop: bool,
        gain: float,
        repeat_gap_ms: int,
        then: Next | None = None,
    ) -> None:
        """`then` is asked for the second sound when the first is over; None: there is none in this round."""
        self.sink = sink
        self.source = source
        self.loop = loop
        self.gain = gain
        self.ended = False
        self._gap_ticks = max(0, repeat_gap_ms) // TICK_MS
        self._first, self._then = sound, then
        self._before = 0  # frames of the round before the sound that plays
        self._second = False
        self._at = 0
        self._take(sound)

    def _take(self, sound: Pcm) -> None:
        self._frames = sound.reshape(-1, FRAME_SAMPLES)
        self._loud = _loud(sound)

    @property
    def position(self) -> int:
        """The frame that comes next, in frames since the round began."""
        return self._before + self._at

    def next_frame(self) -> Pcm | None:
        """This tick's audio; None for a frame of silence. Sets `ended` with the last frame."""
        if self._at == len(self._loud) and self._then is not None and not self._second:
            self._go_on(self._then())
        frame = self._frames[self._at] if self._at < len(self._loud) and self._loud[self._at] else None
        self._at += 1
        more = self._then is not None and not self._second
        if not more and self._at >= len(self._frames) + self._gap_ticks:
            self._at = self._before = 0
            self.ended = not self.loop
            if self._second:
                self._second = False
                self._take(self._first)
        return frame

    def _go_on(self, sound: Pcm | None) -> None:
        """The first sound is over."""
        self._second = True
        if sound is not None:
            self._before, self._at = len(self._frames), 0
            self._take(sound)
