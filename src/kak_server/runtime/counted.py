"""The routing core and its statistics, carried along the journal's events together.

The statistics hang on the core and never the other way round: a bug in them costs figures, said aloud, and no call.
"""

from collections.abc import Callable, Iterable
from typing import Any

from kak_server.model.codec import CodecError
from kak_server.routing.api import Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.statistics import snapshot
from kak_server.statistics.reducer import Reducer

ISSUED_AFTER_MS = 3_600_000  # rows are handed out within seconds; what is older is not handed out again after a start
TRY_AGAIN_MS = 60_000


class Counted:
    """A core, and the figures of its steps."""

    def __init__(
        self, core: RoutingCore, reducer: Reducer, on_fault: Callable[[Exception], None] = lambda problem: None
    ) -> None:
        self.core = core
        self.reducer = reducer
        self.on_fault = on_fault
        self._broken_until_ms = 0

    @classmethod
    def restore(cls, routing: Any) -> "Counted":
        """From a snapshot as `snapshot` makes it, or None for the very beginning. A snapshot without statistics, or
        with some that cannot be read, begins them in the middle. Raises CodecError if the core's cannot be read."""
        if routing is None:
            return cls(RoutingCore(), Reducer())
        core = RoutingCore.restore(routing)
        try:
            reducer = snapshot.decode(routing.get(snapshot.KEY))
        except CodecError:
            reducer = Reducer()
            reducer.adopt(core.state)
        reducer.book.local = core.state.config.national.local
        return cls(core, reducer)

    def step(self, event: Event) -> tuple[Effect, ...]:
        """One event through both."""
        effects = self.core.step(event)
        self.count(event, effects)
        return effects

    def count(self, event: Event, effects: Iterable[Effect]) -> None:
        """A step that the core has just taken. Never raises."""
        if self._broken_until_ms:
            if event.now_ms < self._broken_until_ms:
                return
            self._begin_again()
        try:
            self.reducer.step(event, effects, self.core.state)
        except Exception as problem:  # noqa: BLE001 - told; the core goes on
            self._broken_until_ms = event.now_ms + TRY_AGAIN_MS
            self.on_fault(problem)

    def _begin_again(self) -> None:
        self._broken_until_ms = 0
        self.reducer = Reducer()
        self.reducer.adopt(self.core.state)

    def snapshot(self) -> dict[str, Any]:
        """The core's, with the statistics in it under a key that the core's reader passes over."""
        return {**self.core.snapshot(), snapshot.KEY: snapshot.encode(self.reducer)}

    def issued(self) -> None:
        """For whoever replays what a server has lived through: rows of before the last hour were handed out then."""
        book = self.reducer.book
        book.handed_out(book.now_ms - ISSUED_AFTER_MS)
