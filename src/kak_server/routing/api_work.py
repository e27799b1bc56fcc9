"""Workflows at work: rooms that open and close, and what a step leads to besides who is asked."""

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_workflow import RoomState

# --- events -----------------------------------------------------------------------------------------------------------


@frozen
class RoomStateSet:
    """A control room opens, closes or is evacuated, at once: contacts that wait for nobody but such rooms are offered
    as their next steps say, and nobody in an evacuated room is asked for anything. Calls that are up go on."""

    now_ms: int
    room: RoomId
    state: RoomState
    by: OperatorId | None = None
    reason: str = ""


# --- effects ----------------------------------------------------------------------------------------------------------


@frozen
class Announce:
    """Play this announcement to the waiting caller; `place` is the place in the queue from 1, 0: it is not told."""

    contact: ContactId
    prompt: str
    place: int


@frozen
class OverflowOut:
    """Nobody here answers: call this number and join it with the caller. The contact goes on without an operator
    (state "handed-over"); report HandoverFailed when nobody there hears the caller, ContactGone at the end."""

    contact: ContactId
    queue: QueueId
    number: str


@frozen
class Standby:
    """Answered second: stay ready. WithdrawOffer ("answered-elsewhere") or Connect follows at once."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    epoch: int


@frozen
class RoomChanged:
    """For the consoles: this room is open, closed or evacuated now."""

    room: RoomId
    state: RoomState
    reason: str
    by: OperatorId | None = None
