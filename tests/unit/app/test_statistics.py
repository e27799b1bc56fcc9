"""Statistics in the house: from a call to the database and the API, over a restart, without slowing anything."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kak_server.app.statistics import PRUNE_EVERY_MS
from kak_server.console.statistics import Question
from kak_server.records.half_hours import Wanted
from kak_server.routing.api import ContactConnected
from kak_server.runtime.journal import Journal
from kak_server.runtime.restoring import Restoring
from kak_server.statistics import export
from kak_server.statistics.columns import BYS, COLUMNS
from kak_server.statistics.derived import DERIVED
from kak_server.statistics.halfhours import HALF_HOUR_MS, Row, half_hour_of
from kak_server.statistics.live import capture, render
from tests.unit.app.desk import Desk

ALWAYS = 2**62


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


async def a_call(desk: Desk) -> None:
    """Kari answers after three seconds and talks for a minute."""
    kari = desk.sit("kari")
    desk.backend.execute(kari, "activity.set", {"activity": "available"}, desk.now_ms)
    desk.ring()
    desk.now_ms += 3_000
    await desk.answer(kari)
    desk.now_ms += 60_000
    (contact,) = desk.house.calls.lines
    desk.backend.execute(kari, "contact.hangup", {"contact": contact}, desk.now_ms)
    desk.now_ms += 4_000
    desk.backend.execute(kari, "wrapup.done", {}, desk.now_ms)


async def handed_out(desk: Desk, by: str = "queue") -> list[dict[str, Any]]:
    """Everything that is due, through the writer's thread, as the API gives it."""
    while rows := desk.statistics.over()[0]:
        desk.store.put_statistics(rows)
    question = Question(by, 0, ALWAYS, 0, None, 5_000)  # type: ignore[arg-type]
    for _ in range(200):
        answer = await desk.statistics.intervals(question)
        if answer.rows:
            return [dict(row) for row in answer.rows]
        await asyncio.sleep(0.05)
    raise AssertionError("no rows")


async def test_a_call_becomes_rows(desk: Desk) -> None:
    began_ms = half_hour_of(desk.now_ms)
    await a_call(desk)
    shown = await desk.statistics.live("queue", None)
    (row,) = [row for row in shown["rows"] if row["key"] == "nod"]
    assert (row["room"], row["waiting"], row["threshold_ms"], row["goal_percent"]) == ("amk", 0, 10_000, 90)
    assert row["half_hour"]["answered_in_time"] == row["today"]["offered"] == 1
    assert row["half_hour"]["service_level_negative_percent"] == 100.0
    desk.now_ms = began_ms + HALF_HOUR_MS
    (row,) = [row for row in await handed_out(desk) if row["key"] == "nod"]
    assert list(row) == list(export.columns("queue"))
    assert (row["half_hour"][-1], row["revision"], row["settled"], row["complete"]) == ("Z", 1, 1, 1)
    assert (row["asa_ms"], row["talk_ms"], row["handled"], row["aht_ms"]) == (3_000, 60_000, 1, 64_000)
    (kari,) = [row for row in await handed_out(desk, "operator") if row["key"] == "kari"]
    assert (kari["room"], kari["accepted"], kari["talk_ms"]) == ("amk", 1, 60_000)


async def test_live_figures_after_a_restart_are_those_of_before(tmp_path: Path) -> None:
    """Killed in a call, with a compaction before: state and figures come from the journal alone."""
    desk = Desk(tmp_path)
    await a_call(desk)
    desk.ring("call2")
    desk.now_ms += 20_000
    before = {by: await desk.statistics.live(by, None) for by in BYS}
    assert desk.journal.checkpoint(desk.dispatcher.snapshot())
    desk.close()
    journal, replay = Journal.open(desk.settings.journal_dir, now_ms=desk.now_ms)
    journal.close()
    counted = Restoring().replayed(replay)
    for by in BYS:
        after = render(capture(counted.reducer, counted.core.state, by, desk.now_ms), None)
        assert after == before[by]
        assert after["complete"]


async def test_only_the_rooms_one_may_see(desk: Desk) -> None:
    await a_call(desk)
    shown = await desk.statistics.live("queue", frozenset({"lvs"}))
    assert [row["key"] for row in shown["rows"]] == ["lv"]
    assert (await desk.statistics.live("operator", frozenset({"lvs"})))["rows"] == []
    (kari,) = (await desk.statistics.live("operator", frozenset({"amk"})))["rows"]
    assert (kari["key"], kari["state"]) == ("kari", "idle")
    desk.now_ms = half_hour_of(desk.now_ms) + HALF_HOUR_MS
    await handed_out(desk)
    question = Question("queue", 0, ALWAYS, 0, frozenset({"lvs"}), 100)
    assert (await desk.statistics.intervals(question)).rows == []


async def test_pages_by_cursor(desk: Desk) -> None:
    rows = [
        Row(n * HALF_HOUR_MS, "queue", "nod", "amk", True, True, n, 10_000, 90, {"offered": n}) for n in range(1, 26)
    ]
    desk.store.put_statistics(rows)
    deadline = time.monotonic() + 10
    while len(desk.store.statistics(Wanted("queue", 0, ALWAYS))) < 25:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    seen, cursor, more = [], 0, True
    while more:
        answer = await desk.statistics.intervals(Question("queue", 0, ALWAYS, cursor, None, 10))
        seen += [row["offered"] for row in answer.rows]
        cursor, more = answer.cursor, answer.more
    assert seen == list(range(1, 26))
    text, answer = await desk.statistics.csv(Question("queue", 0, ALWAYS, 23, None, 10))
    header, *lines = text.splitlines()
    assert header.split(",") == list(export.columns("queue"))
    assert len(lines) == len(answer.rows) == 2
    assert not answer.more


async def test_a_bug_in_the_figures_is_told_and_costs_no_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.counted.reducer, "step", lambda *args: 1 / 0)
    await a_call(desk)
    assert [note.name for note in desk.notes if note.level == "error"] == ["statistics_fault"]
    assert desk.counted.core.contacts() == ()


def test_local_time_over_the_change_of_clocks() -> None:
    """25 October 2026, three o'clock becomes two: fifty half hours, the local ones told apart by their offset."""
    zone = ZoneInfo("Europe/Oslo")
    begins_ms = 1_792_879_200_000  # 2026-10-24T22:00Z, midnight in Oslo
    rows = [
        export.values(Row(begins_ms + n * HALF_HOUR_MS, "room", "amk", "amk", True, True, 0, 0, 0, {}), 1, n, zone)
        for n in range(50)
    ]
    local = [row["half_hour_local"] for row in rows]
    assert local[0] == "2026-10-25T00:00:00+02:00"
    assert local[4:8] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
    ]
    assert local[-1] == "2026-10-25T23:30:00+01:00"
    assert len(set(local)) == 50


def test_csv_quotes_and_disarms() -> None:
    row = export.values(
        Row(0, "queue", '=HYPERLINK("x"),y', "amk", True, True, 0, 0, 0, {}), 1, 1, ZoneInfo("Europe/Oslo")
    )
    line = export.to_csv("queue", [row]).splitlines()[1]
    assert line.split(",")[3].startswith('"\'=HYPERLINK(""x"")')


@pytest.mark.parametrize("by", BYS)
def test_every_column_is_explained(by: str) -> None:
    """docs/integrators/statistics.md has a line for each."""
    text = (Path(__file__).parents[3] / "docs" / "integrators" / "statistics.md").read_text()
    for name in export.columns(by):  # type: ignore[arg-type]
        assert f"| `{name}` |" in text
    assert [column.name for column in COLUMNS if column.meaning not in text] == []
    assert [column.name for column in DERIVED if column.meaning not in text] == []


async def test_the_clock_hands_out_and_forgets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Second by second, without anything happening; rows that are too old go."""
    monkeypatch.setattr("kak_server.app.statistics.TICK_S", 0.01)
    old = Row(HALF_HOUR_MS, "operator", "kari", "amk", True, True, 0, 0, 0, {"idle_ms": 1})
    desk.store.put_statistics([old])
    await a_call(desk)
    desk.now_ms = half_hour_of(desk.now_ms) + HALF_HOUR_MS
    desk.statistics.start()
    try:
        deadline = time.monotonic() + 20
        kept: list[str] = []
        while not kept:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
            kept = [i.row.key for i in desk.store.statistics(Wanted("queue", 0, ALWAYS)) if i.row.key == "nod"]
        desk.now_ms += PRUNE_EVERY_MS
        while any(i.row == old for i in desk.store.statistics(Wanted("operator", 0, ALWAYS))):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        desk.statistics.stop()
    assert [i.row.key for i in desk.store.statistics(Wanted("queue", 0, ALWAYS))].count("nod") >= 1
    assert [note for note in desk.notes if note.level == "error"] == []


async def test_a_caller_across_the_border_is_a_revision(desk: Desk) -> None:
    """Issued as pending, issued again when answered, under a new cursor; a reader with a cursor gets exactly that."""
    border_ms = half_hour_of(desk.now_ms) + HALF_HOUR_MS
    desk.now_ms = border_ms - 4_000
    kari = desk.sit("kari")
    desk.backend.execute(kari, "activity.set", {"activity": "available"}, desk.now_ms)
    desk.ring()
    desk.now_ms = border_ms + 2_000
    (first,) = [row for row in await handed_out(desk) if row["key"] == "nod"]
    assert (first["revision"], first["settled"], first["pending"]) == (1, 0, 1)
    await desk.answer(kari)
    desk.now_ms += 100
    (contact,) = desk.house.calls.lines
    desk.dispatcher.feed(lambda house, now: house.ctx.route(ContactConnected(now, contact, 1)))
    for row in desk.statistics.over()[0]:
        desk.store.put_statistics([row])
    cursor, deadline = int(first["cursor"]), time.monotonic() + 10
    rows: list[dict[str, Any]] = []
    while not rows:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
        rows = [
            dict(row) for row in (await desk.statistics.intervals(Question("queue", 0, ALWAYS, cursor, None, 9))).rows
        ]
    (again,) = [row for row in rows if row["half_hour"] == first["half_hour"]]
    assert (again["key"], again["revision"], again["settled"], again["pending"]) == ("nod", 2, 1, 0)
    assert (again["answered_in_time"], 6_000 <= again["asa_ms"] <= 6_100) == (1, True)
