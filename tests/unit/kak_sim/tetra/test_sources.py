"""What a radio's user says, from a short text."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kak_sim.audio import FRAME_SAMPLES, Samples, sequence_of, tone, write_wav
from kak_sim.tetra.radios import Source
from kak_sim.tetra.sources import SourceError, source_of

TONES = [440.0, 700.0, 880.0]


def taken(source: Source, most: int = 500) -> Samples:
    frames = [frame for frame, _ in zip(source, range(most), strict=False)]
    assert all(len(frame) == FRAME_SAMPLES for frame in frames)
    return np.concatenate(frames)


async def test_a_tone_goes_on_until_the_key_is_let_go() -> None:
    samples = taken(await source_of("tone:700"))
    assert len(samples) == 500 * FRAME_SAMPLES
    assert sequence_of(samples, TONES) == [700.0]


async def test_a_tone_of_a_length() -> None:
    assert len(taken(await source_of("tone:440:1500"))) == 12_000


async def test_tones_in_turn() -> None:
    assert sequence_of(taken(await source_of("tones:440,880,700:200")), TONES) == [440.0, 880.0, 700.0]


async def test_a_file_of_another_rate(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, tone(700, 1_000, rate=16_000), rate=16_000)
    samples = taken(await source_of(f"file:{path}"))
    assert len(samples) == 8_000
    assert sequence_of(samples, TONES) == [700.0]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_speech_is_spoken() -> None:
    samples = taken(await source_of("speech:Hei"))
    assert np.abs(samples.astype(np.int32)).max() > 2_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unknown sound"),
        ("song:x", "unknown sound"),
        ("tone:loud", "not a number"),
        ("tone:9000", "not a number"),
        ("tone:700:-5", "not a number"),
        ("tones:", "not a number"),
        ("tones:" + ",".join(["440"] * 101), "at most 100"),
        ("tones:440:1", "not a number"),
        ("file:/nowhere/at/all.wav", "No such file"),
        ("speech:" + "a" * 2_001, "at most"),
    ],
)
async def test_what_names_no_sound_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        await source_of(text)


async def test_a_file_that_is_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFFxxxxWAVE")
    with pytest.raises(SourceError, match="no sound"):
        await source_of(f"file:{path}")
