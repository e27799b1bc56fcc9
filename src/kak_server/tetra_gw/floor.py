"""Our side of a talkgroup's floor: who in this control room may talk, as a table.

Only TALKING may have uplink RTP, and only a grant leads there. The machine never asks again by itself: after DENIED or
REVOKED somebody has to press the key anew. A key let go while REQUESTED or QUEUED gives the place back. Whatever tells
us that somebody else may be talking ends our own talking at once.

    FREE > REQUESTED > {TALKING, QUEUED, DENIED};  QUEUED > TALKING;  TALKING > REVOKED;  a released key > FREE
"""

from dataclasses import dataclass
from enum import StrEnum

from kak_server.model.ids import OperatorId
from kak_server.tetra_gw.api import FloorState


class FloorInput(StrEnum):
    """What can happen to a floor."""

    REQUEST = "request"  # the key is pressed
    REFUSE = "refuse"  # the key is pressed where no request can be sent (link down, not attached)
    RELEASE = "release"  # the key is let go
    GRANTED = "granted"
    QUEUED = "queued"
    DENIED = "denied"
    INTERRUPTED = "interrupted"
    TAKEN = "taken"  # the gateway says that somebody else talks
    IDLE = "idle"  # the gateway says that nobody talks
    TIMEOUT = "timeout"  # no answer, queued too long, or max_ms is used up
    LINK_LOST = "link_lost"


class FloorAction(StrEnum):
    """What the driver sends because of a transition."""

    NOTHING = ""
    REQUEST = "tx.request"
    CEASE = "tx.cease"


_S, _I, _A = FloorState, FloorInput, FloorAction

# (state, input) -> (next state, what to send). A pair that is not here changes nothing.
TABLE: dict[tuple[FloorState, FloorInput], tuple[FloorState, FloorAction]] = {
    (_S.FREE, _I.REQUEST): (_S.REQUESTED, _A.REQUEST),
    (_S.FREE, _I.REFUSE): (_S.DENIED, _A.NOTHING),
    (_S.FREE, _I.GRANTED): (_S.FREE, _A.CEASE),  # crossed with our release: hand it back
    (_S.REQUESTED, _I.RELEASE): (_S.FREE, _A.CEASE),
    (_S.REQUESTED, _I.GRANTED): (_S.TALKING, _A.NOTHING),
    (_S.REQUESTED, _I.QUEUED): (_S.QUEUED, _A.NOTHING),
    (_S.REQUESTED, _I.DENIED): (_S.DENIED, _A.NOTHING),
    (_S.REQUESTED, _I.INTERRUPTED): (_S.DENIED, _A.NOTHING),
    (_S.REQUESTED, _I.TIMEOUT): (_S.DENIED, _A.CEASE),
    (_S.REQUESTED, _I.LINK_LOST): (_S.FREE, _A.NOTHING),
    (_S.QUEUED, _I.RELEASE): (_S.FREE, _A.CEASE),
    (_S.QUEUED, _I.GRANTED): (_S.TALKING, _A.NOTHING),
    (_S.QUEUED, _I.QUEUED): (_S.QUEUED, _A.NOTHING),  # moved up
    (_S.QUEUED, _I.DENIED): (_S.DENIED, _A.NOTHING),
    (_S.QUEUED, _I.INTERRUPTED): (_S.DENIED, _A.NOTHING),
    (_S.QUEUED, _I.TIMEOUT): (_S.DENIED, _A.CEASE),
    (_S.QUEUED, _I.LINK_LOST): (_S.FREE, _A.NOTHING),
    (_S.TALKING, _I.RELEASE): (_S.FREE, _A.CEASE),
    (_S.TALKING, _I.GRANTED): (_S.TALKING, _A.NOTHING),  # granted again: a new max_ms
    (_S.TALKING, _I.INTERRUPTED): (_S.REVOKED, _A.NOTHING),
    (_S.TALKING, _I.DENIED): (_S.REVOKED, _A.NOTHING),
    (_S.TALKING, _I.TAKEN): (_S.REVOKED, _A.CEASE),
    (_S.TALKING, _I.IDLE): (_S.REVOKED, _A.NOTHING),
    (_S.TALKING, _I.TIMEOUT): (_S.REVOKED, _A.CEASE),
    (_S.TALKING, _I.LINK_LOST): (_S.FREE, _A.NOTHING),
    (_S.DENIED, _I.REQUEST): (_S.REQUESTED, _A.REQUEST),
    (_S.DENIED, _I.REFUSE): (_S.DENIED, _A.NOTHING),
    (_S.DENIED, _I.RELEASE): (_S.FREE, _A.NOTHING),
    (_S.DENIED, _I.GRANTED): (_S.DENIED, _A.CEASE),
    (_S.DENIED, _I.LINK_LOST): (_S.FREE, _A.NOTHING),
    (_S.REVOKED, _I.REQUEST): (_S.REQUESTED, _A.REQUEST),
    (_S.REVOKED, _I.REFUSE): (_S.DENIED, _A.NOTHING),
    (_S.REVOKED, _I.RELEASE): (_S.FREE, _A.NOTHING),
    (_S.REVOKED, _I.GRANTED): (_S.REVOKED, _A.CEASE),
    (_S.REVOKED, _I.LINK_LOST): (_S.FREE, _A.NOTHING),
}

HELD = frozenset({FloorState.REQUESTED, FloorState.QUEUED, FloorState.TALKING})  # somebody's key is down on it


@dataclass(slots=True)
class Floor:
    """The floor of one talkgroup: its state, whose key it is, and the id of the tx.request that is in force."""

    state: FloorState = FloorState.FREE
    op: OperatorId | None = None
    request_id: str = ""
    priority: int = 0

    @property
    def held(self) -> bool:
        """An operator asks, waits or talks."""
        return self.state in HELD

    def answers(self, re: str | None) -> bool:
        """Whether an outcome with `re` is about the request in force; others crossed with a release."""
        return self.held and re == self.request_id

    def apply(self, what: FloorInput) -> tuple[bool, FloorAction]:
        """Take one input. Returns whether it had an effect to tell of, and what to send."""
        step = TABLE.get((self.state, what))
        if step is None:
            return False, FloorAction.NOTHING
        before = self.state
        self.state, action = step
        told = before is not self.state or what in (FloorInput.QUEUED, FloorInput.REFUSE)
        return told or (before is FloorState.TALKING and what is FloorInput.GRANTED), action
