"""One citizen's call as the bridges hold it: which SIP call, which media leg, and what hangs on it.

Who has it and whether it waits is the routing core's to say; a line never repeats that.
"""

from dataclasses import dataclass
from typing import Literal

from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, QueueId
from kak_server.sip.api import CallerIdentity, Location


@dataclass(frozen=True, slots=True)
class Patch:
    """The call in a talkgroup: confirmed by an operator, made by the gateway."""

    patch: str
    gssi: Gssi
    op: OperatorId
    state: Literal["requested", "active", "removed", "refused"] = "requested"


@dataclass(frozen=True, slots=True)
class Video:
    """The citizen's video: a link with a token, then a picture."""

    token: str
    expires_ms: int
    live: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Journalled whole under `line/<contact>` at each change."""

    contact: ContactId
    call: CallId
    trunk: str
    called: str
    queue: QueueId
    caller: CallerIdentity
    leg: rpc.CreateRtp
    answer_sdp: str
    arrived_at_ms: int
    locations: tuple[Location, ...] = ()
    answered: bool = False  # our 200 OK was ordered
    answered_at_ms: int = 0
    operator_answered_at_ms: int = 0
    waiting: str = ""  # the last StartWaiting reason
    patch: Patch | None = None
    video: Video | None = None
    last_operator: OperatorId | None = None
    last_position: str = ""
    moves: int = 0  # how often an operator took the call along to another seat
    late_offer: bool = False
    signalled: tuple[str, int] = ("", 0)  # where the peer's session description said its media is
    sends: bool = True  # the peer wants media from us

    def key(self) -> str:
        """The journal's key."""
        return f"line/{self.contact}"


def location_text(locations: tuple[Location, ...]) -> str:
    """One line for the operator out of all locations: the first readable one, or why none could be read."""
    for place in locations:
        if place.latitude is not None and place.longitude is not None:
            circle = f" ± {place.radius_m:.0f} m" if place.radius_m is not None else ""
            civic = f"{place.civic} " if place.civic else ""
            return f"{civic}({place.latitude:.5f}, {place.longitude:.5f}{circle})"
        if place.civic:
            return place.civic
    problems = [place.problem for place in locations if place.problem]
    return problems[0] if problems else ""
