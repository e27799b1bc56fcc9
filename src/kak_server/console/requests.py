"""Bodies of the position API's requests and of their answers.

Requests are strict: no conversions, no unknown keys, every string bounded. What does not fit is refused with
`bad-request` before the house hears of it.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from kak_server.console.arguments import Epoch, Incoming, Name, Note
from kak_server.console.models import Direction, GapCode, Outgoing, PhoneState, TrackLabel
from kak_server.console.models_cards import ContactKind
from kak_server.console.models_staff import RoomStateWord

SDP_MAX_CHARS = 65_536
Number = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z+*#.:@_-]+$")]
Sdp = Annotated[str, StringConstraints(min_length=1, max_length=SDP_MAX_CHARS)]

# --- sign in and seat -------------------------------------------------------------------------------------------------


class SignIn(Incoming):
    """User name and password of a local user."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class TakePosition(Incoming):
    """Sit down, or re-attach with the epoch the tab had before it was reloaded."""

    position: Name
    take_over: bool = False
    seat_epoch: Epoch | None = None


class StandBy(Incoming):
    """Wait for a position whose operator is in a call or its paper work: the change of shifts."""

    position: Name


class RoomState(Incoming):
    """A control room is open, closed or evacuated from now on, and why."""

    state: RoomStateWord
    reason: Note = ""


# --- commands ---------------------------------------------------------------------------------------------------------


class ServiceResult(Outgoing):
    """How it went with one service of `contact.conference`: the party that is being called, or why none is."""

    service: str
    party: str | None
    code: str = ""
    message: str = ""


ResultValue = str | int | float | bool | None | list[ServiceResult]


class CommandResult(Outgoing):
    """What a command gives back; empty for most."""

    result: dict[str, ResultValue]


# --- media ------------------------------------------------------------------------------------------------------------


class RtpAddress(Incoming):
    """Where plain RTP goes (PCMA, 20 ms). Lab only."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[0-9A-Za-z.:_-]+$")]
    port: Annotated[int, Field(ge=1, le=65_535)]


class PositionMedia(Incoming):
    """The seat's media: an SDP offer of a PeerConnection, or (lab) a plain RTP address. Exactly one of them."""

    sdp: Sdp | None = None
    rtp: RtpAddress | None = None
    seat_epoch: Epoch

    @model_validator(mode="after")
    def _one_kind(self) -> "PositionMedia":
        if (self.sdp is None) == (self.rtp is None):
            raise ValueError("give sdp or rtp, not both")
        return self


class SdpOffer(Incoming):
    """A complete SDP offer (no trickle)."""

    sdp: Sdp


class SdpAnswer(Outgoing):
    """A complete SDP answer."""

    sdp: str


class RtpTarget(Outgoing):
    """Where the robot's RTP goes and comes from."""

    host: str
    port: int


class PositionMediaAnswer(Outgoing):
    """The same kind back as was asked for; the other is null."""

    sdp: str | None = None
    rtp: RtpTarget | None = None


# --- lab --------------------------------------------------------------------------------------------------------------


class LabRing(Incoming):
    """Let a simulated caller ring."""

    number: Number
    caller: Number | None = None
    speech: bool = True
    duration_s: Annotated[int, Field(ge=1, le=3_600)] = 60


class LabPtt(Incoming):
    """A simulated radio's PTT; `source` is what it plays, e.g. `tone:700` or `speech`."""

    on: bool
    source: Annotated[str, StringConstraints(max_length=64, pattern=r"^(tone:[0-9]{2,4}|speech)$")] | None = None


class LabContact(Incoming):
    """Somebody who does not call: a citizen's chat, or an alarm."""

    kind: Literal["chat", "alarm"]


class LabEmergency(Incoming):
    """A simulated radio's emergency key; `on` false: the alarm is over at the gateway."""

    on: bool = True


# --- answers ----------------------------------------------------------------------------------------------------------


class UserInfo(Outgoing):
    """The signed-in person."""

    operator: str
    name: str
    roles: list[str]
    skills: dict[str, int]
    rooms: list[str]


class SessionInfo(Outgoing):
    """Who am I, and the token for the header X-Kak-Csrf."""

    user: UserInfo
    csrf: str


class PositionRow(Outgoing):
    """A seat; `taken_by` is a person's name. `phone`: how it is with the phone that belongs to it, if one does."""

    position: str
    room: str
    room_name: str
    name: str
    taken_by: str | None
    phone: PhoneState | None


class Seated(Outgoing):
    """The seat, and the epoch this tab holds it with."""

    position: str
    seat_epoch: int


class Done(Outgoing):
    """It is done; nothing more to say."""

    ok: Literal[True] = True


class Track(Outgoing):
    """One recorded leg; `stored_ms` of `expected_ms` are on disk. `position`: of an operator's, where they sat."""

    recording: str
    label: TrackLabel
    position: str | None
    started_at_ms: int
    stored_ms: int
    expected_ms: int
    sha256: str | None


class RecentGap(Outgoing):
    """What of a leg is on no disk, and why."""

    label: TrackLabel
    from_ms: int
    to_ms: int
    code: GapCode


class RecentParty(Outgoing):
    """Somebody who was called into a call."""

    number: str
    label: str
    answered_at_ms: int | None
    ended_at_ms: int | None
    cause: str


class RecentMessage(Outgoing):
    """What was written in a chat, by whom."""

    by: Literal["outside", "operator"]
    name: str
    text: str
    at_ms: int


class RecentCall(Outgoing):
    """A finished call with its tracks. Of a call out (`direction`) `caller` is the number that was called."""

    contact: str
    queue: str
    queue_name: str
    caller: str
    arrived_at_ms: int
    answered_at_ms: int | None
    ended_at_ms: int | None
    operator_name: str | None
    cause: str
    tracks: list[Track]
    direction: Direction = "in"
    parties: list[RecentParty] = []  # noqa: RUF012 - pydantic copies defaults
    kind: ContactKind = "voice"
    text: str = ""
    messages: list[RecentMessage] = []  # noqa: RUF012 - pydantic copies defaults
    recording_gaps: list[RecentGap] = []  # noqa: RUF012 - pydantic copies defaults


class Explanation(Outgoing):
    """Why a call went where it went, in sentences."""

    sentences: list[str]


class SipMessage(Outgoing):
    """One SIP message as it was on the wire; `sent` by the server."""

    at_ms: int
    sent: bool
    transport: Literal["udp", "tcp", "tls"]
    listener: str
    local_host: str
    local_port: int
    peer_host: str
    peer_port: int
    connection: int
    data_base64: str


class SipTrace(Outgoing):
    """What is kept of a call's SIP messages; `left_out` of its middle are not."""

    contact: str | None
    call: str | None
    sip_call_ids: list[str]
    left_out: int
    messages: list[SipMessage]


class CitizenState(Outgoing):
    """Whether the video link is open, and the page's language."""

    state: Literal["open", "expired"]
    language: str


class LabQueue(Outgoing):
    """A number the lab can ring, and the queue it leads to."""

    number: str
    queue: str = ""
    name: str


class LabBrings(Outgoing):
    """A contact without a call that the lab can bring, and the queue it goes to."""

    kind: Literal["chat", "alarm"]
    queue: str = ""
    name: str


class LabRadio(Outgoing):
    """A simulated radio. `emergency`: raised, acked by an operator, or "" for none."""

    issi: int
    alias: str
    gssi: int | None = None
    emergency: Literal["", "raised", "acked"] = ""


class LabCaller(Outgoing):
    """A simulated caller that rings or talks now."""

    id: str
    number: str = ""
    caller: str = ""
    state: str = ""


class LabState(Outgoing):
    """What the lab panel shows. `simulator` is false when the simulators do not answer."""

    queues: list[LabQueue]
    brings: list[LabBrings]
    radios: list[LabRadio]
    callers: list[LabCaller]
    simulator: bool


class LabBrought(Outgoing):
    """The contact that now waits."""

    contact: str


class LabCall(Outgoing):
    """The simulated caller that now rings."""

    call: str


class Readiness(Outgoing):
    """Whether calls are taken, and if not, why."""

    ready: bool
    reasons: list[str]


class Problem(Outgoing):
    """What went wrong; `code` is for programs, `message` for people."""

    code: str
    message: str


class ErrorBody(Outgoing):
    """The shape of every refusal."""

    error: Problem
