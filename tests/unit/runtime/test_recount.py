"""Figures from the journal alone: the same as those that were handed out while it was written."""

import csv
import io
from pathlib import Path

import pytest

from kak_server.cli import main
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.folder import segment_numbers, segment_path
from kak_server.runtime.journal import Journal
from kak_server.runtime.recount import recount
from kak_server.statistics.halfhours import HALF_HOUR_MS
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MONDAY_MS, MeasuredDesk


@pytest.fixture
def desk() -> MeasuredDesk:
    """Calls from eight to one, somebody always at work, one caller who waits for an hour."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=20_000), queue("other", "bergen"))
    desk.at("08:00:00")
    desk.sit("ada")
    desk.ring("c-long", "other")
    for number in range(120):
        desk.ring(f"c{number}")
        desk.wait(5_000)
        desk.talk("ada", f"c{number}")
        desk.wait(100_000)
        desk.hang_up("ada", f"c{number}")
        desk.wait(45_000)
        if number == 25:
            desk.gone("c-long")
        desk.close()
    desk.close()
    return desk


def written(folder: Path, desk: MeasuredDesk, segments: int) -> Path:
    """The desk's events in a journal of so many segments, each compacted before the next."""
    journal, _ = Journal.open(folder, now_ms=0)
    part = len(desk.events) // segments + 1
    for start in range(0, len(desk.events), part):
        if start:
            journal._roll([{"k": "segment", "generation": 1, "at_ms": 0}], [])
            compact(folder, Keep(), 0)
        for event in desk.events[start : start + part]:
            journal.append_event(event)
    journal.close()
    return folder


def figures(desk: MeasuredDesk, by: str, from_ms: int = 0, to_ms: int = 2**62) -> dict[tuple[int, str], object]:
    return {
        (start, key): row.figures
        for (start, kind, key), row in desk.rows.items()
        if kind == by and from_ms <= start < to_ms
    }


@pytest.mark.parametrize("segments", [1, 4])
@pytest.mark.parametrize("by", ["queue", "room", "operator"])
def test_the_same_as_was_handed_out(tmp_path: Path, desk: MeasuredDesk, segments: int, by: str) -> None:
    folder = written(tmp_path, desk, segments)
    found = recount(folder, by, 0, 2**62, desk.now_ms)  # type: ignore[arg-type]
    assert {(row.half_hour_ms, row.key): row.figures for row in found.rows} == figures(desk, by)
    assert found.problems == []
    assert all(row.complete for row in found.rows)


def test_a_part_of_the_day_is_read_from_a_snapshot_near_it(tmp_path: Path, desk: MeasuredDesk) -> None:
    """And waits for the outcome of those who arrived in it."""
    folder = written(tmp_path, desk, 6)
    from_ms, to_ms = MONDAY_MS + 23 * HALF_HOUR_MS, MONDAY_MS + 25 * HALF_HOUR_MS
    first = segment_numbers(folder)[0]
    segment_path(folder, first).unlink(missing_ok=True)
    found = recount(folder, "queue", from_ms, to_ms, desk.now_ms)
    assert {(row.half_hour_ms, row.key): row.figures for row in found.rows} == figures(desk, "queue", from_ms, to_ms)
    assert all(row.complete for row in found.rows)


def test_who_waited_across_the_end_is_decided(tmp_path: Path, desk: MeasuredDesk) -> None:
    folder = written(tmp_path, desk, 3)
    found = recount(folder, "queue", MONDAY_MS + 16 * HALF_HOUR_MS, MONDAY_MS + 17 * HALF_HOUR_MS, desk.now_ms)
    (other,) = [row for row in found.rows if row.key == "other"]
    assert (other.settled, other.figures["abandoned"]) == (True, 1)


def test_a_hole_is_said(tmp_path: Path, desk: MeasuredDesk, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path, desk, 1)
    path = segment_path(folder, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    year = ["--from", "2026-01-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z"]
    assert main(["statistics", "--data-dir", str(folder), *year]) == 1
    captured = capsys.readouterr()
    assert "lost" in captured.err
    assert captured.out.startswith("half_hour,")


def test_by_the_command_line(tmp_path: Path, desk: MeasuredDesk, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path, desk, 2)
    arguments = [
        "statistics",
        "--journal",
        str(folder),
        "--from",
        "2026-01-01T00:00:00Z",
        "--to",
        "2027-01-01T00:00:00Z",
    ]
    assert main([*arguments, "--by", "operator"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["key"] for row in rows} == {"ada"}
    assert sum(int(row["handled"]) for row in rows) == 120
    assert main([*arguments[:3], "--from", "today", "--to", "2027-01-01T00:00:00Z"]) == 2
    assert main([*arguments[:3], "--from", "2026-01-01T00:00:00", "--to", "2027-01-01T00:00:00Z"]) == 2
    assert main(["statistics", "--data-dir", str(tmp_path / "none"), *arguments[3:]]) == 2
