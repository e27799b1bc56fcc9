"""Who is talking: frame energy with hysteresis and a hang-over, on one source."""

import math

import numpy as np

from kak_server.media.engine.frames import FRAME_SAMPLES, TICK_MS, Pcm

ON_DBOV = -42.0
OFF_DBOV = -48.0
ON_MS = 40
OFF_MS = 400
SILENCE_DBOV = -96.0


def energy_of(frame: Pcm) -> int:
    """The sum of the squares of a frame's samples: whole numbers, so that every engine has the same."""
    samples = frame.astype(np.int64)
    return int(np.dot(samples, samples))


def level_dbov(energy: int) -> float:
    """Mean power of a frame relative to overload (RFC 6464's scale: 0 is full scale)."""
    power = energy / FRAME_SAMPLES
    return SILENCE_DBOV if power < 1.0 else max(SILENCE_DBOV, 10.0 * math.log10(power) - 90.3)


class TalkDetector:
    """Starts after ON_MS above ON_DBOV, ends after OFF_MS below OFF_DBOV."""

    def __init__(self) -> None:
        self.talking = False
        self.once = False  # whoever feeds it wants to hear of the first word only
        self.level = SILENCE_DBOV
        self._run_ms = 0

    def feed(self, energy: int | None) -> bool:
        """The energy of one tick's frame (None: nothing came). True if `talking` changed."""
        self.level = SILENCE_DBOV if energy is None else level_dbov(energy)
        against = self.level < OFF_DBOV if self.talking else self.level > ON_DBOV
        self._run_ms = self._run_ms + TICK_MS if against else 0
        if self._run_ms < (OFF_MS if self.talking else ON_MS):
            return False
        self.talking, self._run_ms = not self.talking, 0
        return True
