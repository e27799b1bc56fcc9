"""Sound as arrays: the codec is G.711's, and the measurements say what an ear would."""

from pathlib import Path

import numpy as np
import pytest

from kak_sim.audio import (
    ALAW_SILENCE,
    alaw_decode,
    alaw_encode,
    goertzel,
    mean_power,
    read_wav,
    sequence_of,
    silence,
    steady_tone,
    tone,
    tone_at,
    write_wav,
)


@pytest.mark.parametrize(
    ("sample", "octet"),
    [(0, 0xD5), (-1, 0x55), (32767, 0xAA), (-32768, 0x2A), (1000, 0xFA), (-1000, 0x7A), (8, 0xD5), (16, 0xD4)],
)
def test_a_law_octets_are_those_of_g711(sample: int, octet: int) -> None:
    assert alaw_encode(np.array([sample], dtype=np.int16)) == bytes([octet])


def test_a_law_decodes_to_the_middle_of_its_interval() -> None:
    every = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    back = alaw_decode(alaw_encode(every)).astype(np.int32)
    error = np.abs(back - every)
    assert np.all(error <= np.maximum(16, np.abs(every.astype(np.int32)) // 16))
    codes = bytes(range(256))
    assert alaw_encode(alaw_decode(codes)) == codes
    assert alaw_encode(silence(20)) == bytes([ALAW_SILENCE]) * 160


def test_power_of_a_sine_is_half_its_amplitude_squared() -> None:
    sound = steady_tone(440, level=0.5)
    expected = (0.5 * 32767) ** 2 / 2
    assert goertzel(sound, 440) == pytest.approx(expected, rel=0.01)
    assert mean_power(sound) == pytest.approx(expected, rel=0.01)
    assert goertzel(sound, 880) < expected / 1e4


def test_a_tone_is_recognised_and_noise_is_not() -> None:
    noise = (np.random.default_rng(1).normal(size=8000) * 3000).astype(np.int16)
    assert tone_at(tone(700, 100), [440, 700, 1000]) == 700
    assert tone_at(noise, [440, 700, 1000]) is None
    assert tone_at(silence(100), [440]) is None
    assert tone_at(tone(700, 100, level=0.001), [700]) is None


def test_a_sequence_is_heard_in_order() -> None:
    sound = np.concatenate([silence(130), tone(440, 300), silence(60), tone(880, 300), tone(440, 300)])
    assert sequence_of(alaw_decode(alaw_encode(sound)), [440, 880, 1500]) == [440, 880, 440]


def test_wav_files_come_back_as_they_went(tmp_path: Path) -> None:
    sound = tone(440, 100)
    write_wav(tmp_path / "a.wav", sound)
    back, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000
    assert np.array_equal(back, sound)


def test_a_law_wav_is_read_too(tmp_path: Path) -> None:
    data = alaw_encode(tone(440, 100))
    fmt = (
        b"fmt " + (18).to_bytes(4, "little") + b"\x06\0\x01\0" + (8000).to_bytes(4, "little") * 2 + b"\x01\0\x08\0\0\0"
    )
    body = b"WAVE" + fmt + b"data" + len(data).to_bytes(4, "little") + data
    (tmp_path / "a.wav").write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    back, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000
    assert tone_at(back, [440]) == 440
    (tmp_path / "b.wav").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a WAV"):
        read_wav(tmp_path / "b.wav")
