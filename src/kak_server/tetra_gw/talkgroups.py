"""What the driver holds for one talkgroup: attachment, media leg, the group call's talker and our floor.

Attachment and leg are driven towards what the house wants (`wanted`, `leg.wanted`): after a refusal or a lost link the
driver tries again, paced by `retry_at_ms`. The floor is never driven; it only follows keys and the gateway.

    DETACHED > ATTACHING > ATTACHED > DETACHED
"""

from dataclasses import dataclass, field
from enum import StrEnum

from kak_server.model.ids import Gssi, Issi
from kak_server.model.light import frozen
from kak_server.tetra_gw.api import GroupState
from kak_server.tetra_gw.floor import Floor
from kak_server.tetra_gw.sdp import MediaEnd

RETRY_AFTER_MS = 5_000


class GroupInput(StrEnum):
    """What can happen to an attachment."""

    ATTACH = "attach"  # group.attach was sent
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    DROPPED = "dropped"  # the gateway ended the attachment
    DETACH = "detach"  # the house wants it no longer
    LINK_LOST = "link_lost"


_S, _I = GroupState, GroupInput

# (state, input) -> next state. A pair that is not here changes nothing.
TABLE: dict[tuple[GroupState, GroupInput], GroupState] = {
    (_S.DETACHED, _I.ATTACH): _S.ATTACHING,
    (_S.ATTACHING, _I.CONFIRMED): _S.ATTACHED,
    (_S.ATTACHING, _I.REFUSED): _S.DETACHED,
    (_S.ATTACHING, _I.TIMEOUT): _S.DETACHED,
    (_S.ATTACHING, _I.DROPPED): _S.DETACHED,
    (_S.ATTACHING, _I.DETACH): _S.DETACHED,
    (_S.ATTACHING, _I.LINK_LOST): _S.DETACHED,
    (_S.ATTACHED, _I.DROPPED): _S.DETACHED,
    (_S.ATTACHED, _I.DETACH): _S.DETACHED,
    (_S.ATTACHED, _I.LINK_LOST): _S.DETACHED,
}


class LegState(StrEnum):
    """The media leg of a talkgroup."""

    CLOSED = "closed"
    OPENING = "opening"
    READY = "ready"


@frozen
class Talker:
    """Who talks in the group (never ourselves)."""

    issi: Issi
    alias: str = ""
    priority: int = 0


@dataclass(slots=True)
class Leg:
    """Our end as wanted (None: no leg), and how far the gateway is with it."""

    wanted: MediaEnd | None = None
    state: LegState = LegState.CLOSED
    command_id: str = ""
    retry_at_ms: int = 0


@dataclass(slots=True)
class Talkgroup:
    """Everything about one talkgroup the house has asked for."""

    gssi: Gssi
    state: GroupState = GroupState.DETACHED
    command_id: str = ""  # of the group.attach under way
    retry_at_ms: int = 0
    last_refusal: str = ""  # so that the same refusal is told once, not with every retry
    leg: Leg = field(default_factory=Leg)
    floor: Floor = field(default_factory=Floor)
    call: int | None = None
    talker: Talker | None = None

    @property
    def leg_id(self) -> str:
        """The leg's name on the wire. A function of the group, so that opening again is the same leg."""
        return f"leg-{self.gssi}"

    def apply(self, what: GroupInput) -> bool:
        """Take one input of the attachment. Returns whether the state changed."""
        after = TABLE.get((self.state, what))
        if after is None:
            return False
        self.state = after
        return True
