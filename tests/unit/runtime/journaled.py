"""A routing desk whose events go to a real journal."""

from pathlib import Path
from typing import Any

from kak_server.routing.api import Effect, Event, QueueConfig
from kak_server.routing.step import RoutingCore
from kak_server.runtime.journal import Journal
from kak_server.runtime.segments import Contents, Replay, load
from tests.unit.routing.desk import Desk


class JournaledDesk(Desk):
    """Everything goes to a journal as well, before the step."""

    def __init__(self, folder: Path, *queues: QueueConfig, journal: Journal | None = None, **settings: Any) -> None:
        self.journal = journal or Journal.open(folder, now_ms=1)[0]
        super().__init__(*queues, **settings)

    @classmethod
    def resumed(cls, journal: Journal, replay: Replay, now_ms: int) -> "JournaledDesk":
        """After a restart: the core as the journal makes it."""
        desk = cls.__new__(cls)
        desk.journal = journal
        desk.core = rebuilt(replay)
        desk.now_ms = now_ms
        desk.events, desk.effects = [], []
        desk.timers = dict(desk.core.timers())
        return desk

    def send(self, event: Event) -> tuple[Effect, ...]:
        self.journal.append_event(event)
        return super().send(event)


def rebuilt(contents: Contents | Replay) -> RoutingCore:
    """The core that a start would have."""
    core = RoutingCore.restore(contents.routing) if contents.routing is not None else RoutingCore()
    for event in contents.events:
        core.step(event)
    return core


def digest_of(folder: Path) -> str:
    """Of the state that a start would have."""
    return rebuilt(load(folder)).digest()
