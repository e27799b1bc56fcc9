"""Statistics as the API gives them: who may see what, what may be asked for, and what the house must answer."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from kak_server.console.ports import User
from kak_server.model.codec import Json
from kak_server.model.light import frozen

By = Literal["queue", "room", "operator", "queue-room"]
EVERYWHERE = frozenset({"statistics", "statistics-people", "admin"})  # queues and rooms, all of them
PEOPLE = "statistics-people"  # and operators, all of them
SHIFT_LEAD = "supervisor"  # queues, rooms and operators of the rooms the person may sit in
ROLES = EVERYWHERE | {SHIFT_LEAD}

RANGE_MAX_MS = 31 * 86_400_000
ROWS_MAX = 5_000


@frozen
class Question:
    """Rows of half hours that began in [from_ms, to_ms), issued after the cursor; of these rooms, None: of all."""

    by: By
    from_ms: int
    to_ms: int
    after: int
    rooms: frozenset[str] | None
    limit: int


@frozen
class Answer:
    """Rows in the order of issue; `cursor` is what to ask for next, `more` whether that gives something at once."""

    rows: Sequence[Mapping[str, Json]]
    cursor: int
    more: bool


class StatisticsBackend(Protocol):
    """The house, as the statistics' routes ask for it."""

    def live(self, by: By, rooms: frozenset[str] | None) -> Awaitable[Mapping[str, Json]]:
        """The figures of this moment, at most a second old."""

    def intervals(self, question: Question) -> Awaitable[Answer]:
        """Half hours that are over."""

    def csv(self, question: Question) -> Awaitable[tuple[str, Answer]]:
        """The same as text."""


class QuestionError(Exception):
    """What was asked for is refused; the text says why."""


def rooms_allowed(user: User, by: By) -> frozenset[str] | None:
    """Whose rows this person may see; None: everybody's. Raises QuestionError where none."""
    if user.roles & ({PEOPLE} if by == "operator" else EVERYWHERE):
        return None
    if SHIFT_LEAD in user.roles:
        return frozenset(user.rooms) or None
    raise QuestionError("Your roles do not allow figures of operators." if by == "operator" else "Not for your roles.")


def span(from_: str | None, to: str | None, after: int | None) -> tuple[int, int]:
    """The range asked for (UTC ms); without one everything, which needs a cursor. Raises QuestionError."""
    if from_ is None and to is None:
        if after is None:
            raise QuestionError("Give from and to, or after (0: from the beginning).")
        return 0, 2**62
    if from_ is None or to is None:
        raise QuestionError("Give both from and to.")
    from_ms, to_ms = moment_ms(from_), moment_ms(to)
    if not 0 <= from_ms < to_ms:
        raise QuestionError("from must be before to.")
    if to_ms - from_ms > RANGE_MAX_MS:
        raise QuestionError("At most 31 days at once; for more use after.")
    return from_ms, to_ms


def moment_ms(text: str) -> int:
    """An RFC 3339 time with its offset (2026-11-27T08:30:00Z) as UTC ms. Raises QuestionError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QuestionError(f"Not a time such as 2026-11-27T08:30:00Z: {text[:40]!r}") from None
    if moment.tzinfo is None:
        raise QuestionError("A time needs its offset: Z, or for instance +01:00.")
    try:
        return int(moment.timestamp() * 1_000)
    except (OverflowError, ValueError):
        raise QuestionError("That time is out of range.") from None
