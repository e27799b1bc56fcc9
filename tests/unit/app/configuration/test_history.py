"""A history of versions that somebody changed in the database shows."""

import sqlite3
from pathlib import Path

import pytest

from kak_server.app.configuration.history import broken
from kak_server.app.configuration.library import Library
from tests.unit.app.configuration.test_library import ROOM, draft_of, publish
from tests.unit.app.configuration.test_start import library


@pytest.fixture
def made(tmp_path: Path) -> Library:
    """Three versions."""
    made = library(tmp_path)
    publish(made, draft_of(made, ("rooms", "lvs", ROOM)))
    publish(made, draft_of(made, ("rooms", "lvs", {**ROOM, "name": "Legevakt vest"})))
    return made


def test_what_nobody_touched_is_whole(made: Library) -> None:
    assert broken(made.store) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE config_versions SET author = 'somebody' WHERE number = 2", "version 2, or one before it"),
        ("UPDATE config_versions SET comment = 'else' WHERE number = 1", "version 1, or one before it"),
        ("DELETE FROM config_changes WHERE version = 2 AND name = 'lvs'", "version 2, or one before it"),
        ("DELETE FROM config_versions WHERE number = 2", "version 2 is missing"),
        (
            "UPDATE config_objects SET content = replace(content, 'vest', 'aust')",
            "version 3: rooms/lvs is not what was",
        ),
    ],
)
def test_what_was_changed_is_told_with_its_version(made: Library, tmp_path: Path, change: str, told: str) -> None:
    with sqlite3.connect(next(tmp_path.rglob("records.db"))) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        assert database.execute(change).rowcount >= 1
    assert any(text.startswith(told) for text in broken(made.store)), broken(made.store)
