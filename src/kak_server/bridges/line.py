"""One citizen's call as the bridges hold it: which SIP call, which media leg, and what hangs on it.

Who has it and whether it waits is the routing core's to say; a line never repeats that.
"""

from dataclasses import field, replace
from typing import Literal

from kak_server.bridges.caller_facts import CallerFacts
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, QueueId
from kak_server.model.light import frozen
from kak_server.sip.api import CallerIdentity, Location


@frozen
class Patch:
    """The call in a talkgroup: confirmed by an operator, made by the gateway."""

    patch: str
    gssi: Gssi
    op: OperatorId
    state: Literal["requested", "active", "removed", "refused"] = "requested"


@frozen
class Video:
    """The citizen's video: a link with a token, then a picture."""

    token: str
    expires_ms: int
    live: bool = False


Progress = Literal["dialing", "ringing", "early", "answered", "ended"]
"""How far a call of ours is; early: the far network sends sound before anybody has answered."""

RINGING = 180  # RFC 3261 21.1.2: ringing; what follows it, forwarded and queued, means no less


@frozen
class Party:
    """Somebody called into a contact, over a call and an RTP leg of their own. An ended one holds neither."""

    id: str
    call: CallId
    number: str
    label: str
    leg: rpc.CreateRtp
    offer_sdp: str = field(repr=False)
    since_ms: int  # in this state
    state: Progress = "dialing"
    private: bool = False  # only the operator talks with them
    answered_at_ms: int = 0
    cause: str = ""  # why it ended
    signalled: tuple[str, int] = ("", 0)
    sends: bool = True
    asked_by: CallId | None = None  # whose REFER this call is
    trunk: str = ""

    @property
    def live(self) -> bool:
        """Whether it has a call and a leg."""
        return self.state != "ended"

    @property
    def talks(self) -> bool:
        """Whether somebody is there."""
        return self.state == "answered"


@frozen
class Referral:
    """The peer was asked to take the call elsewhere (REFER of ours)."""

    number: str
    state: Literal["asked", "trying", "failed"] = "asked"


@frozen
class Repeat:
    """This caller has rung before: the case of the first of those calls, how many there are with this one, when the
    first came, and whether anybody has talked with the caller. `since_ms`: the arrival that counts for the order (0:
    this call's own)."""

    case: ContactId
    calls: int
    first_arrived_at_ms: int
    since_ms: int
    answered: bool
    attempts: int = 0  # call-backs that nobody answered


Silence = Literal["", "listening", "spoke", "hint", "marked"]
"""Whether the caller has said a word since an operator is there: nobody minds, not yet, yes, not for too long; or an
operator says it is a silent call."""


@frozen
class Line:
    """Journalled whole under `line/<contact>` at each change. The far end is who called us, or whom we called."""

    contact: ContactId
    call: CallId
    trunk: str
    called: str
    queue: QueueId
    caller: CallerIdentity
    leg: rpc.CreateRtp
    answer_sdp: str = field(repr=False)
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
    direction: Literal["in", "out"] = "in"
    progress: Progress = "answered"  # of a call out; `answer_sdp` is our offer then
    display: str = ""  # what the operator called it
    gone: str = ""  # why the far end has left, while others talk on
    parties: tuple[Party, ...] = ()
    referral: Referral | None = None
    callback_of: ContactId | None = None  # the abandoned call this one calls back
    facts: CallerFacts = field(default_factory=CallerFacts)
    repeat: Repeat | None = None
    cluster: str = ""  # the likely incident it belongs to
    silence: Silence = ""
    step_prompt: str = ""  # what a workflow has played since the caller began to wait
    tells_place: bool = False  # and with it the place in the queue
    alone_since_ms: int = 0  # whom an operator answered, and nobody talks with any more: since when

    def key(self) -> str:
        """The journal's key."""
        return f"line/{self.contact}"

    def legs(self) -> tuple[rpc.CreateRtp, ...]:
        """The RTP legs it holds: the far end's, and those of live parties."""
        own = () if self.gone else (self.leg,)
        return (*own, *(party.leg for party in self.parties if party.live))

    def calls(self) -> tuple[CallId, ...]:
        """The SIP calls it holds, likewise."""
        own = () if self.gone else (self.call,)
        return (*own, *(party.call for party in self.parties if party.live))

    def left_alone(self, now_ms: int) -> "Line":
        """Nobody talks with the caller from here on: who gives up now was not helped. As it was for one to whom no
        operator has talked yet."""
        alone = bool(self.operator_answered_at_ms) and not self.alone_since_ms
        return replace(self, alone_since_ms=now_ms) if alone else self

    @property
    def unhelped(self) -> bool:
        """Whether a caller who leaves now has got nobody, or lost whom they had."""
        return not self.operator_answered_at_ms or bool(self.alone_since_ms)

    def party(self, name: str) -> Party | None:
        """A party by id."""
        return next((party for party in self.parties if party.id == name), None)

    def with_party(self, party: Party) -> "Line":
        """This line with the party as it is now."""
        known = tuple(party if other.id == party.id else other for other in self.parties)
        return replace(self, parties=known if self.party(party.id) is not None else (*known, party))

    def company(self) -> tuple[Party, ...]:
        """The parties that are there."""
        return tuple(party for party in self.parties if party.talks)


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
