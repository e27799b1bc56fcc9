"""The core and the figures that a start makes of a journal."""

from typing import Any

from kak_server.model.codec import CodecError
from kak_server.runtime.counted import Counted
from kak_server.runtime.segments import Replay

PROBLEMS_MAX = 20


class Restoring:
    """Asked first whether a snapshot can be read, then to replay what came after it; the state is made once.

    `problems`: events that the core could not take, at most `PROBLEMS_MAX` of them in words. An event is written when
    the core has taken it, so there are none unless the state before it is another one than then: something was lost.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._made: tuple[Any, Counted] | None = None

    def reads(self, routing: Any) -> str:
        """What is wrong with a snapshot, "" if it can be read (see `segments.load`)."""
        try:
            self._made = routing, Counted.restore(routing)
        except CodecError as problem:
            return str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever it holds: an older one is there, and a start must not fail
            return repr(problem)
        return ""

    def replayed(self, replay: Replay) -> Counted:
        """Core and figures as they were: the snapshot, then every event since; the effects of then were done then.
        Raises CodecError for a snapshot that `reads` was not asked for and that cannot be read."""
        made, self._made = self._made, None
        counted = made[1] if made is not None and made[0] is replay.routing else Counted.restore(replay.routing)
        left_out = 0
        for event in replay.events:
            try:
                counted.step(event)
            except Exception as problem:  # noqa: BLE001 - told; the calls of the other events are up
                left_out += 1
                if left_out <= PROBLEMS_MAX:
                    self.problems.append(f"{type(event).__name__} at {event.now_ms}: {problem!r}")
        if left_out > PROBLEMS_MAX:
            self.problems.append(f"and {left_out - PROBLEMS_MAX:,} more events")
        if replay.lost or left_out:
            counted.reducer.gap()
        return counted


def readable(routing: Any) -> str:
    """What is wrong with a snapshot, "" if it can be read."""
    return Restoring().reads(routing)
