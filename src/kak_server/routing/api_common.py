"""Effects of every part of the core: timers, refusals, and what has to be drawn anew."""

from kak_server.model.ids import ContactId, OperatorId, PositionId
from kak_server.model.light import frozen


@frozen
class SetTimer:
    """Send TimerFired(key) at `at_ms`; the same key again moves it."""

    key: str
    at_ms: int


@frozen
class CancelTimer:
    """Forget the key."""

    key: str


@frozen
class Refused:
    """An event was refused: a stale accept ("offer-gone"), not the holder ("not-yours"), "unknown-contact",
    "unknown-operator", "unknown-queue", "duplicate" (that contact is here already), "busy",
    "no-media" (no sound at the position), "limit". Never an exception: late commands are ordinary."""

    code: str
    operator: OperatorId | None
    contact: ContactId | None
    text: str


@frozen
class ContactChanged:
    """For the consoles and the records: this contact looks different now."""

    contact: ContactId


@frozen
class OperatorChanged:
    """For the consoles: this operator looks different now."""

    operator: OperatorId


@frozen
class PositionLeft:
    """Somebody else took the seat, the operator moved, was signed out, or the next shift sits there: tell that seat.
    reason: "taken", "moved", "forced", "handed-over"."""

    position: PositionId
    operator: OperatorId
    reason: str


@frozen
class PositionMoved:
    """A connected operator moved seat: re-join the contact there."""

    contact: ContactId
    operator: OperatorId
    old_position: PositionId
    position: PositionId
