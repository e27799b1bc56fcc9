"""Prompts: made where missing, kept where there, refused where unusable."""

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from kak_server.media.places import PLACES_MAX, place_prompt
from kak_server.media.worker.prompts import TEXTS, Prompts


def write(path: Path, *, rate_hz: int = 8_000, channels: int = 1, frames: int = 100) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(2 * channels * frames))


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_the_standard_prompts_are_spoken(tmp_path: Path) -> None:
    prompts = Prompts(tmp_path / "prompts")
    prompts.ensure()
    for name in TEXTS:
        sound = prompts.sound(name)
        assert sound is not None
        assert 2 * 8_000 < len(sound) < 12 * 8_000
        assert len(sound) % 160 == 0
        assert np.abs(sound).max() > 3_000


def test_without_a_voice_a_tone_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    prompts = Prompts(tmp_path)
    prompts.ensure()
    sound = prompts.sound("queue-welcome")
    assert sound is not None
    assert sound.any()


def test_a_prompt_of_ones_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    write(tmp_path / "queue-welcome.wav", frames=161)
    prompts = Prompts(tmp_path)
    prompts.ensure()
    sound = prompts.sound("queue-welcome")
    assert sound is not None
    assert len(sound) == 320
    assert not sound.any()


def test_what_cannot_be_used(tmp_path: Path) -> None:
    write(tmp_path / "wide.wav", rate_hz=16_000)
    write(tmp_path / "stereo.wav", channels=2)
    write(tmp_path / "empty.wav", frames=0)
    (tmp_path / "rubbish.wav").write_bytes(b"no RIFF")
    prompts = Prompts(tmp_path)
    for name in ("wide", "stereo", "empty", "rubbish", "missing", "../wide", "", "a/b", "."):
        assert prompts.sound(name) is None, name


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_places_are_spoken_when_they_are_needed(tmp_path: Path) -> None:
    prompts = Prompts(tmp_path)
    assert prompts.ready("place-3") is None
    for name in (place_prompt(3), place_prompt(PLACES_MAX + 1)):
        prompts.prepare(name)
        sound = prompts.ready(name)
        assert sound is not None
        assert 8_000 < len(sound) < 5 * 8_000
        assert np.abs(sound).max() > 3_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["place-3.wav", "place-more.wav"]


def test_a_place_recorded_by_the_organisation_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "place-1.wav", frames=320)
    prompts = Prompts(tmp_path)
    prompts.prepare("place-1")
    sound = prompts.ready("place-1")
    assert sound is not None
    assert len(sound) == 320


def test_a_prompt_that_nobody_has_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder, names in ((tmp_path, ("place-21", "place-0", "../place-1")), (tmp_path / "file", ("place-1",))):
        prompts = Prompts(folder)
        for name in names:
            prompts.prepare(name)
            assert prompts.ready(name) is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
