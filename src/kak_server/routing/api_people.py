"""People's days: paper work that takes longer, forced states, shift hand-over. What the core is told, and decides.

Lending has a page of its own, `api_loans`.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_people import CALLS_ALONE, Capacity, ForcedTo

# --- events -----------------------------------------------------------------------------------------------------------


@frozen
class WrapUpExtended:
    """The operator needs `by_ms` more for the paper work; given as far as the settings let it. Refused:
    "not-in-wrap-up", "limit" (nothing is left to give)."""

    now_ms: int
    operator: OperatorId
    by_ms: int


@frozen
class OperatorForced:
    """A shift lead (`by`) sets somebody ready, not ready, or signs them out. Never cuts a call: being ready or not
    counts after it, and a sign-out waits for the end of the call and its paper work. `reason` is of the organisation's
    list where it has one, `note` is free text. Refused: "unknown-operator", "unknown-reason"."""

    now_ms: int
    operator: OperatorId
    by: OperatorId
    to: ForcedTo
    reason: str = ""
    note: str = ""


@frozen
class HandOverStarted:
    """The next shift's operator is at the position while the last one is in a call or its paper work: when that is
    over the one leaves and the other sits there, not ready yet. Where the seat's operator is free it happens at once.
    Refused: "empty" (nobody sits there: sit down), "signed-in" (the incoming sits somewhere), "taken" (somebody else is
    to have the seat)."""

    now_ms: int
    position: PositionId
    operator: OperatorId  # the incoming
    name: str
    room: RoomId
    skills: Mapping[str, int] = field(default_factory=dict)
    capacity: Capacity = CALLS_ALONE


@frozen
class HandOverCancelled:
    """The incoming goes away, or the outgoing stays on. Refused: "not-yours", "unknown-position"."""

    now_ms: int
    position: PositionId
    operator: OperatorId  # either of the two


# --- effects ----------------------------------------------------------------------------------------------------------


@frozen
class MadeNotReady:
    """So many offers in a row rang out at this operator, who is asked no more until they say they are ready."""

    operator: OperatorId
    position: PositionId
    misses: int


@frozen
class MissesTolerated:
    """As many rang out, but nobody else in the room could serve its own queues: the operator stays ready, and somebody
    must look."""

    operator: OperatorId
    position: PositionId
    misses: int


@frozen
class Forced:
    """A shift lead's word has been heard. `waits`: it takes effect when the call and its paper work are over."""

    operator: OperatorId
    position: PositionId
    by: OperatorId
    to: ForcedTo
    reason: str
    note: str
    waits: bool


HandOverChange = Literal["started", "done", "cancelled", "expired", "taken"]


@frozen
class HandOverChanged:
    """How it goes with a hand-over. "taken": a third person sat down there. After "started" the two share the position
    until `until_ms` at most; "expired": it came to nothing, the outgoing stays on."""

    position: PositionId
    outgoing: OperatorId
    incoming: OperatorId
    change: HandOverChange
    until_ms: int = 0


PeopleEvent = WrapUpExtended | OperatorForced | HandOverStarted | HandOverCancelled
PeopleEffect = MadeNotReady | MissesTolerated | Forced | HandOverChanged
