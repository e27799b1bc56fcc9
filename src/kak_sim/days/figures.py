"""The statistics over a simulated day: as the server keeps them, and as their auditor works them out."""

from kak_server.model.codec import dumps, loads
from kak_server.routing.api import Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.statistics import snapshot
from kak_server.statistics.halfhours import HALF_HOUR_MS
from kak_server.statistics.reducer import Reducer
from kak_sim.statistics_auditor import audit

PUT_AWAY_EVERY = 1_000


class Figures:
    """A watch; ask `differences` when the day is over. Every so many events the reducer is put away and taken up again,
    and its rows are handed out, as in a server that lives for a day."""

    def __init__(self) -> None:
        self._reducer = Reducer()
        self._steps: list[tuple[Event, tuple[Effect, ...]]] = []
        self._rows: dict[tuple[int, str, str], dict[str, int]] = {}

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """Count the step."""
        self._steps.append((event, effects))
        self._reducer.step(event, effects, core.state)
        if len(self._steps) % PUT_AWAY_EVERY == 0:
            self._take()
            self._reducer = snapshot.decode(loads(dumps(snapshot.encode(self._reducer))))
        return []

    def _take(self) -> None:
        for row in self._reducer.take():
            self._rows[row.half_hour_ms, row.by, row.key] = row.figures

    @property
    def figures(self) -> int:
        """How many there are."""
        return sum(len(row) for row in self._rows.values())

    def differences(self) -> list[str]:
        """Where the two do not agree, in sentences."""
        until_ms = self._reducer.book.now_ms + HALF_HOUR_MS
        self._reducer.advance(until_ms)
        self._take()
        audited = audit(self._steps, until_ms)
        found: list[str] = []
        for key in sorted({*self._rows, *audited}):
            ours, theirs = self._rows.get(key, {}), audited.get(key, {})
            found += [
                f"{key}: {name} is {ours.get(name, 0)}, the auditor says {theirs.get(name, 0)}"
                for name in sorted({*ours, *theirs})
                if ours.get(name, 0) != theirs.get(name, 0)
            ]
        return found
