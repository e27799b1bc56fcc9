"""Half hours in a real database: once each, again when they change, and a cursor that misses nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kak_server.records import half_hours
from kak_server.records.database import connect
from kak_server.records.half_hours import IssuedRow, Wanted
from kak_server.records.migrating import migrate
from kak_server.records.store import RecordStore
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import HALF_HOUR_MS, Row
from tests.unit.records.test_store import Told, eventually

ROW = Row(HALF_HOUR_MS, "queue", "113-oslo", "oslo", True, True, 5_000, 10_000, 90, {"offered": 3, "answered": 2})


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    migrate(engine)
    yield engine
    engine.dispose()


def put(engine: Engine, *rows: Row) -> None:
    with engine.begin() as connection:
        half_hours.put(connection, rows)


def read(engine: Engine, after: int = 0, by: By = "queue", **more: object) -> list[IssuedRow]:
    wanted = replace(Wanted(by, 0, 100 * HALF_HOUR_MS, after), **more)  # type: ignore[arg-type]
    with engine.connect() as connection:
        return list(half_hours.read(connection, wanted))


def test_a_row_comes_back_as_it_was(engine: Engine) -> None:
    put(engine, ROW)
    assert read(engine) == [IssuedRow(ROW, 1, 1)]


def test_the_same_again_changes_nothing(engine: Engine) -> None:
    put(engine, ROW)
    put(engine, ROW, replace(ROW, as_of_ms=9_000))
    assert read(engine) == [IssuedRow(ROW, 1, 1)]


def test_a_change_is_a_revision_with_a_new_place(engine: Engine) -> None:
    other = replace(ROW, key="113-bergen", room="bergen")
    put(engine, ROW, other)
    late = replace(ROW, as_of_ms=6_000, figures={"offered": 3, "answered": 3})
    put(engine, late)
    assert read(engine) == [IssuedRow(other, 1, 2), IssuedRow(late, 2, 3)]
    assert read(engine, after=2) == [IssuedRow(late, 2, 3)]
    assert read(engine, after=3) == []


def test_an_older_word_does_not_overtake(engine: Engine) -> None:
    """A crash may leave rows in the file of waiting rows that were written long ago."""
    late = replace(ROW, as_of_ms=6_000, figures={"offered": 3, "answered": 3})
    put(engine, late)
    put(engine, ROW)
    put(engine, ROW, late)
    assert read(engine) == [IssuedRow(late, 1, 1)]


def test_pages_range_kind_and_rooms(engine: Engine) -> None:
    rows = [replace(ROW, half_hour_ms=n * HALF_HOUR_MS, key=f"q{n}", room=f"r{n % 2}") for n in range(600)]
    put(engine, *rows, replace(ROW, by="room", key="r0"))
    seen: list[IssuedRow] = []
    while page := read(engine, after=seen[-1].serial if seen else 0, to_ms=600 * HALF_HOUR_MS, limit=70):
        seen += page
    assert [issued.row for issued in seen] == rows
    assert [i.row.key for i in read(engine, from_ms=4 * HALF_HOUR_MS, to_ms=6 * HALF_HOUR_MS)] == ["q4", "q5"]
    assert [i.row.key for i in read(engine, to_ms=4 * HALF_HOUR_MS, rooms=frozenset({"r1"}))] == ["q1", "q3"]
    assert read(engine, rooms=frozenset()) == []
    assert [i.row.key for i in read(engine, by="room")] == ["r0"]


def test_old_rows_go_and_cursors_stay(engine: Engine) -> None:
    put(engine, ROW, replace(ROW, half_hour_ms=2 * HALF_HOUR_MS), replace(ROW, by="operator", key="ada"))
    with engine.begin() as connection:
        assert half_hours.drop_before(connection, "queue", 2 * HALF_HOUR_MS) == 1
    put(engine, replace(ROW, half_hour_ms=3 * HALF_HOUR_MS))
    assert [(i.row.half_hour_ms // HALF_HOUR_MS, i.serial) for i in read(engine)] == [(2, 2), (3, 4)]
    assert [i.row.key for i in read(engine, by="operator")] == ["ada"]


def test_through_the_store_and_its_file_of_waiting_rows(url: str, tmp_path: Path) -> None:
    """A store that is killed before it wrote them has them in the file; the next one writes them, once."""
    store = RecordStore(url, tmp_path / "spill.jsonl", Told(), retry_s=0.02)
    store.put_statistics([ROW])  # never opened: as if killed
    wanted = Wanted("queue", 0, 100 * HALF_HOUR_MS)
    again = RecordStore(url, tmp_path / "spill.jsonl", Told(), retry_s=0.02)
    again.open()
    again.put_statistics([ROW])
    eventually(lambda: again.waiting == 0 and bool(again.statistics(wanted)))
    again.close()
    assert again.statistics(wanted) == [IssuedRow(ROW, 1, 1)]
    store.close()
