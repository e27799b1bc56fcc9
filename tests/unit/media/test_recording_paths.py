"""Where recordings may go, and how little the disk is asked for it."""

import os
from pathlib import Path

import pytest

from kak_server.media.worker import recording_paths
from kak_server.media.worker.recording_paths import LOOK_AGAIN_MS, OWN_FOLDERS_MAX, BadPathError, Places, spread_days


def test_a_folder_from_before_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a.wav").touch()
    places = Places(str(tmp_path))
    with pytest.raises(BadPathError, match="taken"):
        places.of("old/a.wav", 0)
    assert places.of("old/b.wav", 0) == (f"{tmp_path}/old/b.wav", True)
    assert places.of("c.wav", 0) == (f"{tmp_path}/c.wav", True)


def test_a_folder_of_our_own_is_known_without_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(str(tmp_path))
    assert places.of("day/hour/a.wav", 0) == (f"{tmp_path}/day/hour/a.wav", False)
    (tmp_path / "day" / "hour").mkdir(parents=True)
    (tmp_path / "day" / "hour" / "a.wav").touch()
    with pytest.raises(BadPathError, match="taken"):
        places.of("day/hour/a.wav", 1)
    asked: list[str] = []
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        asked.append(path)
        return real(path)

    monkeypatch.setattr(os, "lstat", lstat)
    assert places.of("day/hour/b.wav", 2) == (f"{tmp_path}/day/hour/b.wav", False)
    assert asked == []
    assert places.of("day/hour/b.wav", 3) == (f"{tmp_path}/day/hour/b.wav", True), (
        "a name that comes again is looked up"
    )
    assert places.of("day/hour/c.wav", LOOK_AGAIN_MS) == (f"{tmp_path}/day/hour/c.wav", False)
    assert asked[-2:] == [f"{tmp_path}/day", f"{tmp_path}/day/hour"], "a link may have been put there"


def test_a_link_that_appears_is_found(tmp_path: Path) -> None:
    places = Places(str(tmp_path / "in"))
    (tmp_path / "in").mkdir()
    places.of("day/a.wav", 0)
    (tmp_path / "in" / "day").symlink_to(tmp_path)
    with pytest.raises(BadPathError, match="outside"):
        places.of("day/b.wav", LOOK_AGAIN_MS)


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_paths, "OWN_NAMES_MAX", 2)
    places = Places(str(tmp_path))
    for number in range(3):
        assert places.of(f"full/{number}.wav", 0)[1] is False
    (tmp_path / "full").mkdir()
    assert places.of("full/9.wav", 0)[1] is True
    for number in range(OWN_FOLDERS_MAX + 1):
        assert places.of(f"hour-{number}/a.wav", 0)[1] is False
    (tmp_path / "hour-0").mkdir()
    (tmp_path / "hour-1").mkdir()
    assert places.of("hour-1/b.wav", 0)[1] is False
    assert places.of("hour-0/b.wav", 0)[1] is True


def test_days_are_spread_where_the_file_system_can(tmp_path: Path) -> None:
    spread = spread_days(str(tmp_path))
    assert spread_days(str(tmp_path)) is spread, "once more is no harm"
    (tmp_path / "day").mkdir()
    assert not spread_days(str(tmp_path / "not there"))
