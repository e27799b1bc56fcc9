"""Alarms of the journal reach metrics, log and consoles, from whatever thread they come and however early."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, get_args

import structlog
import structlog.testing

from kak_server.app.journal_alarms import BEGINS, ENDS, JournalAlarms
from kak_server.app.metrics import Metrics
from kak_server.bridges.journal_notices import WORDS
from kak_server.runtime.alarms import GOOD, AlarmKind, JournalAlarm
from tests.unit.bridges.world import SEAT_1, World, world


def shown(w: World) -> list[str]:
    return [notice["code"] for notice in w.house.ctx.notices.of(SEAT_1)]


def test_alarms_before_the_loop_and_from_other_threads_are_told() -> None:
    w, metrics = world(), Metrics()
    alarms = JournalAlarms(metrics)
    alarms.take(JournalAlarm("lost", "record 7"))

    def feed(take: Callable[[Any, int], None]) -> None:
        take(w.house, w.now_ms)

    async def run() -> None:
        alarms.start(feed)
        assert shown(w) == ["journal-lost"]
        thread = threading.Thread(target=lambda: alarms.take(JournalAlarm("degraded", "full")))
        thread.start()
        await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)
        assert shown(w) == ["journal-lost", "journal-degraded"]
        alarms.take(JournalAlarm("recovered", "whole again"))
        await asyncio.sleep(0)
        assert shown(w) == ["journal-lost"]
        alarms.take(JournalAlarm("not-compacted", "no process"))
        await asyncio.sleep(0)
        assert shown(w) == ["journal-lost"], "for the technician alone"

    asyncio.run(run())
    alarms.take(JournalAlarm("sync-lag", "the loop has gone"))
    text = metrics.text().decode()
    for kind in ("lost", "degraded", "recovered", "not_compacted", "sync_lag"):
        assert f'kak_events_total{{name="journal_{kind}"}} 1.0' in text


def test_each_is_logged_at_its_level() -> None:
    alarms = JournalAlarms(Metrics())
    with structlog.testing.capture_logs() as lines:
        for kind in ("degraded", "not-compacted", "recovered", "compaction-left"):
            alarms.take(JournalAlarm(kind, "so"))
    assert [(line["kind"], line["log_level"]) for line in lines] == [
        ("degraded", "error"),
        ("not-compacted", "error"),
        ("recovered", "warning"),
        ("compaction-left", "info"),
    ]


def test_every_notice_has_words_and_an_end() -> None:
    assert {*BEGINS.values(), *ENDS.values()} == set(WORDS)
    assert set(ENDS) == set(GOOD)
    assert set(BEGINS) | set(ENDS) | {"not-compacted", "compaction-left", "older-state"} == set(get_args(AlarmKind))
