"""What is known of an operator's day beside the call at hand, and of the seat that is being handed over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_people import CALLS_ALONE, Capacity, ForcedTo, LoanState


@frozen
class ForcedState:
    """What a shift lead set the operator to. `waits`: a sign-out that the call is not over for yet."""

    to: ForcedTo
    by: OperatorId
    at_ms: int
    reason: str = ""
    note: str = ""
    waits: bool = False


@frozen
class LoanTerms:
    """What somebody on loan serves: those queues of the borrowing room (all, if none is named) as one of its own, and
    the emergencies of their own room if its lead kept them."""

    loan: str
    room: RoomId
    queues: tuple[QueueId, ...] = ()
    own_emergencies: bool = False
    until_ms: int = 0


@dataclass(slots=True)
class Duty:
    """The day of one operator. `leaving`: gets no more offers, and goes when the work at hand is done."""

    activity_since_ms: int = 0
    note: str = ""  # beside the reason of the activity
    misses_in_row: int = 0
    extensions: int = 0  # of the present wrap-up
    extended_ms: int = 0
    forced: ForcedState | None = None
    leaving: bool = False
    loan: LoanTerms | None = None

    def own_word(self) -> bool:
        """The operator has said how it stands: nothing was missed, and what a shift lead set is over, but for a
        sign-out. Whether that is news."""
        missed, self.misses_in_row = self.misses_in_row > 0, 0
        if self.forced is None or self.forced.to is ForcedTo.SIGNED_OUT:
            return missed
        self.forced = None
        return True


@dataclass(slots=True)
class HandOver:
    """Two people at one position: the outgoing, who sits there, and the incoming, who will."""

    position: PositionId
    outgoing: OperatorId
    incoming: OperatorId
    name: str
    room: RoomId
    skills: Mapping[str, int]
    since_ms: int
    until_ms: int
    capacity: Capacity = CALLS_ALONE


@dataclass(slots=True)
class Loan:
    """A request of one room for people of another, and what came of it. `lent` are out, `asked` have yet to say yes."""

    loan: str
    room: RoomId  # borrows
    lender: RoomId
    asked_by: OperatorId
    since_ms: int
    until_ms: int
    count: int
    named: tuple[OperatorId, ...] = ()
    queues: tuple[QueueId, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    state: LoanState = LoanState.ASKED
    own_emergencies: bool = True
    agreed_by: OperatorId | None = None
    asked: list[OperatorId] = field(default_factory=list)
    lent: list[OperatorId] = field(default_factory=list)


class People:
    """Rows of hand-overs and loans."""

    def __init__(self) -> None:
        self.hand_overs: dict[PositionId, HandOver] = {}
        self.handing: dict[OperatorId, PositionId] = {}  # the incoming and the outgoing of each; an index
        self.loans: dict[str, Loan] = {}
        self.on_loan: dict[OperatorId, str] = {}  # who is lent, or asked whether to go; an index

    def begin(self, row: HandOver) -> None:
        """The two are at the position; both lead to the row."""
        self.hand_overs[row.position] = row
        self.handing[row.incoming] = self.handing[row.outgoing] = row.position

    def keep(self, loan: Loan) -> None:
        """A loan from a snapshot."""
        self.loans[loan.loan] = loan
        for operator in (*loan.lent, *loan.asked):
            self.on_loan[operator] = loan.loan

    def end(self, row: HandOver) -> None:
        """However it came out."""
        del self.hand_overs[row.position], self.handing[row.incoming], self.handing[row.outgoing]
