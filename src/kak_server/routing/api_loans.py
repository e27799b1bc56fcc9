"""People lent between control rooms: what the core is told, and decides.

A room asks another for people, the other's shift lead says who goes (and they say yes themselves, where the settings
want it), and when the time is over they are given back by themselves. Somebody on loan is asked like one of the
borrowing room's own, and no longer for their own room's calls, but for its emergencies if their lead kept them. A loan
for some queues is one for what these queues ask for: queues of the room that need the same skills go along.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.model.light import frozen

# --- events -----------------------------------------------------------------------------------------------------------


@frozen
class LoanAsked:
    """`room` asks `lender` for `count` people until `until_ms`: those who are `named`, or whom the lender chooses; for
    these queues (none: all of the room's), with at least these skills. Refused: "duplicate", "same-room", "bad-time",
    "bad-count", "unknown-queue", "limit"."""

    now_ms: int
    loan: str
    by: OperatorId
    room: RoomId
    lender: RoomId
    until_ms: int
    count: int = 1
    named: tuple[OperatorId, ...] = ()
    queues: tuple[QueueId, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@frozen
class LoanAgreed:
    """The lender's shift lead says who goes. `own_emergencies`: they stay there for their own room's. Refused:
    "unknown-loan", "not-asked" (it is answered), "unknown-operator" (not signed in there, or lent), "bad-count",
    "not-skilled", "minimum-staff" (too few ready people would stay)."""

    now_ms: int
    loan: str
    by: OperatorId
    operators: tuple[OperatorId, ...]
    own_emergencies: bool = True


@frozen
class LoanAnswered:
    """Somebody who is to be lent says yes or no. Refused: "unknown-loan", "not-asked", "minimum-staff"."""

    now_ms: int
    loan: str
    operator: OperatorId
    yes: bool


@frozen
class LoanEnded:
    """A shift lead of either room: the request is declined or taken back, or the loan is over early, for one operator
    or all. Never cuts a call. Refused: "unknown-loan", "unknown-operator"."""

    now_ms: int
    loan: str
    by: OperatorId
    operator: OperatorId | None = None


# --- effects ----------------------------------------------------------------------------------------------------------

LoanChange = Literal["asked", "agreed", "refused", "lent", "returned", "lapsed", "over"]
LoanCause = Literal["", "time", "lead", "signed-out", "moved", "staffing"]


@frozen
class LoanChanged:
    """How it goes with a loan. "agreed": the lender has said who; "refused": this operator said no; "lent", "returned":
    this operator serves the other room from now on, or no more; "lapsed": nobody answered in time; "over": the request
    or the loan is no more. `by`: whose word it was, if anybody's; `cause`: why somebody is back, or it is over."""

    loan: str
    room: RoomId
    lender: RoomId
    change: LoanChange
    operator: OperatorId | None = None
    by: OperatorId | None = None
    cause: LoanCause = ""


LoanEvent = LoanAsked | LoanAgreed | LoanAnswered | LoanEnded
