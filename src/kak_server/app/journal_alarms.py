"""Who hears that something is wrong with the journal: metrics, the log, and everybody at a console.

Alarms come from several threads, and the first of them before the loop runs.
"""

import asyncio
from collections.abc import Callable

import structlog

from kak_server.app.metrics import Metrics
from kak_server.bridges.house import House
from kak_server.runtime.alarms import AlarmKind, JournalAlarm

BEGINS: dict[AlarmKind, str] = {
    "degraded": "journal-degraded",
    "overflow": "journal-degraded",
    "sync-error": "journal-degraded",
    "sync-lag": "journal-slow",
    "not-waited": "journal-slow",
    "lost": "journal-lost",
}
ENDS: dict[AlarmKind, str] = {
    "recovered": "journal-degraded",
    "caught-up": "journal-slow",
    "waiting-again": "journal-slow",
}


class JournalAlarms:
    """`take` from any thread; `start` on the loop, when the house takes inputs."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("control")
        self._early: list[JournalAlarm] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._feed: Callable[[Callable[[House, int], None]], None]

    def take(self, alarm: JournalAlarm) -> None:
        """Count it, log it, and have it told."""
        self._metrics.event(f"journal_{alarm.kind.replace('-', '_')}")
        bad = self._log.warning if alarm.good else self._log.error
        level = self._log.info if alarm.ordinary else bad
        level("journal_alarm", kind=alarm.kind, text=alarm.text)
        loop = self._loop
        if loop is None:
            self._early.append(alarm)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, alarm)

    def start(self, feed: Callable[[Callable[[House, int], None]], None]) -> None:
        """Tell the consoles from here on, and what came before."""
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        for alarm in self._early:
            self._tell(alarm)
        self._early.clear()

    def _tell(self, alarm: JournalAlarm) -> None:
        begins, ends = BEGINS.get(alarm.kind), ENDS.get(alarm.kind)
        if begins is not None:
            self._feed(lambda house, _now_ms: house.ctx.notices.journal(begins))
        elif ends is not None:
            self._feed(lambda house, _now_ms: house.ctx.notices.clear(ends))
