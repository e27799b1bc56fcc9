"""Numbers with a warning, and numbers that are blocked: who said so, why, and until when.

A blocked number is blocked for queues of class normal that say how (`Handling.blocked`). An emergency is never blocked:
there a flag is shown, and nothing else.
"""

from collections.abc import Mapping
from typing import Any, Literal

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import CancelTimer, Dirty, Note, SetTimer
from kak_server.model.codec import from_json
from kak_server.model.ids import OperatorId
from kak_server.model.light import frozen

MAX_FLAGS = 10_000
MAX_HOURS = 24 * 366
HOUR_MS = 3_600_000

Mode = Literal["flagged", "blocked"]


@frozen
class Flag:
    """Journalled under `flag/<number>`."""

    number: str
    mode: Mode
    reason: str
    by: OperatorId
    at_ms: int
    until_ms: int

    def key(self) -> str:
        """The journal's key, and that of its timer."""
        return f"flag/{self.number}"


class Flags:
    """The list. Each entry ends by itself."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.rows: dict[str, Flag] = {}

    def of(self, number: str) -> Flag | None:
        """The entry of a caller's number."""
        return self.rows.get(number) if number else None

    def put(self, number: str, mode: Mode, reason: str, hours: int, by: OperatorId) -> Flag:
        """Enter a number, or say something else of it. Raises RefusedError: "limit"."""
        if number not in self.rows and len(self.rows) >= MAX_FLAGS:
            raise RefusedError("limit", f"at most {MAX_FLAGS} numbers on the list")
        until_ms = self.ctx.now_ms + min(max(hours, 1), MAX_HOURS) * HOUR_MS
        flag = Flag(number, mode, reason, by, self.ctx.now_ms, until_ms)
        self.rows[number] = flag
        self.ctx.put(flag.key(), flag)
        self.ctx.emit(SetTimer(flag.key(), until_ms))
        self.ctx.emit(Dirty("flags"))
        self.ctx.emit(Note("number_flagged", "warning", {"mode": mode, "by": by}))
        return flag

    def drop(self, number: str) -> None:
        """Off the list. Raises RefusedError: "unknown-number"."""
        if number not in self.rows:
            raise RefusedError("unknown-number", "that number is not on the list")
        self.ctx.emit(CancelTimer(f"flag/{number}"))
        self.expired(number)

    def expired(self, number: str) -> None:
        """Its time is over."""
        flag = self.rows.pop(number, None)
        if flag is not None:
            self.ctx.delete(flag.key())
            self.ctx.emit(Dirty("flags"))

    def restore(self, value: Mapping[str, Any]) -> None:
        """From the journal."""
        flag = from_json(Flag, value)
        self.rows[flag.number] = flag

    def resume(self) -> None:
        """After a restart."""
        for flag in self.rows.values():
            self.ctx.emit(SetTimer(flag.key(), flag.until_ms))
