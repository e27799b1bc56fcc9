"""A desk whose every step goes past a reducer too, and figures by name."""

from typing import Any

from kak_server.routing.api import Effect, Event, QueueConfig
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import HALF_HOUR_MS, Row
from kak_server.statistics.reducer import Reducer
from tests.unit.routing.desk import Desk

MONDAY_MS = 1_795_392_000_000 - 1_795_392_000_000 % 86_400_000  # a midnight of UTC


class MeasuredDesk(Desk):
    """Time is counted from a midnight. `rows` are those handed out, the newest of each key."""

    def __init__(self, *queues: QueueConfig, **settings: Any) -> None:
        self.reducer = Reducer()
        self.steps: list[tuple[Event, tuple[Effect, ...]]] = []
        self.rows: dict[tuple[int, By, str], Row] = {}
        self.issued: list[Row] = []
        super().__init__(*queues, **settings)

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = super().send(event)
        self.steps.append((event, effects))
        self.reducer.step(event, effects, self.core.state)
        return effects

    def at(self, clock: str) -> None:
        """Time passes until this time of the day, hh:mm:ss."""
        hours, minutes, seconds = (int(part) for part in clock.split(":"))
        self.wait(MONDAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000 - self.now_ms)

    def close(self) -> None:
        """What is over by now is handed out."""
        self.reducer.advance(self.now_ms)
        for row in self.reducer.take():
            self.issued.append(row)
            self.rows[row.half_hour_ms, row.by, row.key] = row

    def row(self, clock: str, by: By, key: str) -> dict[str, int]:
        """The figures of a half hour that is over; hh:mm is where it begins."""
        self.close()
        hours, minutes = (int(part) for part in clock.split(":"))
        return self.rows[MONDAY_MS + (hours * 60 + minutes) * 60_000, by, key].figures


__all__ = ["HALF_HOUR_MS", "MONDAY_MS", "MeasuredDesk"]
