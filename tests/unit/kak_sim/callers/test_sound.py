"""Voices: 20 ms at a time."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kak_sim.audio import goertzel, mean_power, sequence_of, silence, steady_tone, tone, tone_at, write_wav
from kak_sim.callers.sound import Echo, Loop, Source, speech, steady, to_8k, tones, wav


def listen(source: Source, frames: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.concatenate([source.frame() for _ in range(frames)])


def test_a_steady_tone_has_no_seam() -> None:
    sound = listen(steady(441), 120)
    assert goertzel(sound, 441) == pytest.approx(mean_power(sound), rel=0.001)


def test_tones_follow_one_another_and_begin_again() -> None:
    assert sequence_of(listen(tones([440, 880], 200), 30), [440, 880]) == [440, 880, 440]


def test_a_sound_played_once_ends_in_silence() -> None:
    source = Loop(tone(440, 30), once=True)
    assert mean_power(source.frame()) > 0
    assert mean_power(source.frame()) > 0
    assert mean_power(source.frame()) == 0


def test_an_echo_gives_back_in_order_and_forgets_the_oldest() -> None:
    echo = Echo(depth=2)
    assert mean_power(echo.frame()) == 0
    for freq in (400, 800, 1200):
        echo.hear(tone(freq, 20))
    echo.hear(silence(5))
    assert tone_at(echo.frame(), [400, 800, 1200]) == 800
    assert tone_at(echo.frame(), [400, 800, 1200]) == 1200


def test_another_rate_keeps_the_pitch_and_folds_nothing_back(tmp_path: Path) -> None:
    assert tone_at(to_8k(tone(1000, 500, rate=22050), 22050), [1000, 2000]) == 1000
    assert mean_power(to_8k(tone(7000, 500, rate=48000), 48000)) < mean_power(tone(7000, 500, rate=48000)) / 1000
    write_wav(tmp_path / "a.wav", steady_tone(1000, rate=16000), 16000)
    assert tone_at(listen(wav(tmp_path / "a.wav"), 10), [500, 1000, 2000]) == 1000


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_a_voice_speaks() -> None:
    voice = await speech("En to tre")
    sound = listen(voice, 40)
    assert mean_power(sound) > 10_000
