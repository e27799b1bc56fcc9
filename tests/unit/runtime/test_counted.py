"""The core and its figures through the journal: a restart, a compaction and a bug change nothing but what they must."""

from pathlib import Path

import pytest

from kak_server.model.codec import dumps, loads
from kak_server.routing.step import RoutingCore
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.counted import Counted
from kak_server.runtime.journal import Journal
from kak_server.statistics import snapshot
from kak_server.statistics.halfhours import Row
from kak_server.statistics.reducer import Reducer
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MeasuredDesk


def busy_morning() -> MeasuredDesk:
    """From eight to half past nine; c-long waits from the first half hour to the third."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=20_000), queue("other", "bergen"))
    desk.at("08:00:00")
    desk.sit("ada")
    desk.ring("c-long", "other")
    for number in range(60):
        desk.ring(f"c{number}")
        desk.wait(20_000)
        if (holder := desk.offered_to(f"c{number}")) is not None:
            desk.talk(holder, f"c{number}")
            desk.wait(40_000)
            desk.hang_up(holder, f"c{number}")
        desk.wait(25_000)
    desk.gone("c-long")
    return desk


def newest(rows: list[Row]) -> dict[tuple[int, str, str], dict[str, int]]:
    return {(row.half_hour_ms, row.by, row.key): row.figures for row in rows}


def test_a_restart_in_the_middle_gives_the_same_figures(tmp_path: Path) -> None:
    """Journalled, compacted between two half hours, and started again from snapshot and events."""
    desk = busy_morning()
    straight = Counted.restore(None)
    for event in desk.events:
        straight.step(event)
    half = len(desk.events) // 2
    journal, _ = Journal.open(tmp_path, now_ms=0)
    for event in desk.events[:half]:
        journal.append_event(event)
    journal._roll([{"k": "segment", "generation": 1, "at_ms": 0}], [])
    for event in desk.events[half:]:
        journal.append_event(event)
    journal.close()
    assert compact(tmp_path, Keep(), now_ms=0).snapshot is not None
    _, replay = Journal.open(tmp_path, now_ms=0)
    assert len(replay.events) == len(desk.events) - half
    again = Counted.restore(replay.routing)
    for event in replay.events:
        again.step(event)
    assert again.core.digest() == straight.core.digest()
    before = newest(straight.reducer.take())
    after = newest(again.reducer.take())
    assert {key: before[key] for key in after} == after
    assert len(after) > 4
    for one, other in zip(_today(straight), _today(again), strict=True):
        assert one == other


def _today(counted: Counted) -> list[tuple[str, str, dict[str, int]]]:
    counted.reducer.people.credit_all()
    today = counted.reducer.book.today()
    return sorted((by, key, cell.named()) for by, cells in today.items() for key, cell in cells.items())


def test_what_was_handed_out_long_ago_is_not_again() -> None:
    counted = Counted.restore(None)
    for event in busy_morning().events:
        counted.step(event)
    counted.reducer.advance(counted.core.now_ms + 2 * 3_600_000)
    counted.issued()
    rows = counted.reducer.take()
    assert rows
    oldest_ms = min(row.half_hour_ms for row in rows)
    assert counted.reducer.book.now_ms - oldest_ms <= 3_600_000 + 1_800_000


def test_the_core_reads_a_snapshot_with_figures() -> None:
    counted = Counted.restore(None)
    for event in busy_morning().events:
        counted.step(event)
    kept = loads(dumps(counted.snapshot()))
    assert RoutingCore.restore(kept).digest() == counted.core.digest()
    assert snapshot.KEY in kept


@pytest.mark.parametrize("statistics", [None, {}, {"format": 99}, {"format": 1, "half_hours": "x"}])
def test_a_snapshot_without_figures_begins_them_in_the_middle(statistics: object) -> None:
    counted = Counted.restore(None)
    for event in busy_morning().events:
        counted.step(event)
    again = Counted.restore({**counted.core.snapshot(), snapshot.KEY: statistics})
    assert again.core.digest() == counted.core.digest()
    assert not again.reducer.book.now.complete
    assert again.reducer.people.here.keys() == counted.reducer.people.here.keys()


def test_a_bug_costs_figures_and_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reducer that chokes is put aside for a minute, is told of once, and begins again in the middle."""
    told: list[Exception] = []
    desk = busy_morning()
    counted = Counted(RoutingCore(), Reducer(), told.append)
    good = Reducer.step

    def choking(reducer: Reducer, event: object, effects: object, state: object) -> None:
        if getattr(event, "contact", "") == "c9":
            raise KeyError("a bug")
        good(reducer, event, effects, state)  # type: ignore[arg-type]

    monkeypatch.setattr(Reducer, "step", choking)
    for event in desk.events:
        counted.step(event)
    assert counted.core.digest() == desk.core.digest()
    assert 1 <= len(told) <= 3
    rows = counted.reducer.take()
    assert {row.complete for row in rows} == {True, False}
