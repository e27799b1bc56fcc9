"""What a robot takes for sound."""

import numpy as np

from kak_sim.audio import alaw_encode, silence, tone
from kak_sim.robots.robot import _sounds


def test_a_tone_sounds_and_silence_does_not() -> None:
    assert _sounds(alaw_encode(tone(440, 20, level=0.1)[80:]))
    assert not _sounds(alaw_encode(silence(20)))
    assert not _sounds(alaw_encode(np.random.default_rng(1).integers(-30, 30, 160).astype(np.int16)))
