"""The objects operators see: offers, calls, queues, talkgroups and the snapshot that holds them all.

They are what `ports.ConsoleBackend` returns as plain dicts and what the OpenAPI document names; the page that explains
them is docs/integrators/position-api.md. Times are UTC milliseconds (`*_ms`). Unknown keys are ignored on the way out,
so that a newer house works with an older console.
"""

from typing import Literal

from pydantic import Field

from kak_server.console.models_base import Activity as Activity
from kak_server.console.models_base import OperatorState as OperatorState
from kak_server.console.models_base import Outgoing as Outgoing
from kak_server.console.models_callers import FlagFields, Incident, NumberFlag, Procedure, Repeat
from kak_server.console.models_cards import Card, CardMessage, ContactKind, KeyPressed, Reading
from kak_server.console.models_moves import Colleague, Parked, Part, Search
from kak_server.console.models_staff import Day, Loan, Reason, RoomRow, Skill, StaffRow

ServiceClass = Literal["emergency", "urgent", "normal"]
CallerSource = Literal["p-asserted-identity", "from", "none"]
Floor = Literal["free", "requested", "queued", "talking", "denied", "revoked"]
MediaState = Literal["none", "up", "down"]
SeatLostReason = Literal["another-tab", "taken-over", "signed-out", "forced", "handed-over", "moved"]
TrackLabel = Literal["caller", "operator", "radio", "party"]
GapCode = Literal["full", "slow", "disk", "refused", "away"]
Direction = Literal["in", "out"]
PartyState = Literal["dialing", "ringing", "early", "answered", "ended"]
PhoneState = Literal["unregistered", "registered", "silent", "ringing", "in-call"]


class Offer(Outgoing):
    """A reservation of this operator for one contact, until `expires_at_ms`. `text`: an alarm's, or the newest message
    of a chat. `talked_with`: the name of who had this call last; null: nobody has talked with the caller yet."""

    contact: str
    epoch: int
    queue: str
    queue_name: str
    class_: ServiceClass = Field(alias="class")
    caller: str
    caller_source: CallerSource
    caller_name: str = ""
    caller_private: bool = False
    diverted_from: list[str] = []
    arrived_at_ms: int
    expires_at_ms: int
    location_text: str
    standby: bool = False  # answered, a moment after a colleague: stays ready until that one is joined
    repeat: Repeat | None = None
    flag: FlagFields | None = None
    incident: Incident | None = None
    purpose: Literal["", "consult", "conference", "hand-on"] = ""
    invited_by: str | None = None
    invited_by_name: str | None = None
    kind: ContactKind = "voice"
    channel: str = ""
    text: str = ""
    area: str = ""  # of a contact without a call
    key_pressed: KeyPressed | None = None
    messages: list[CardMessage] = []  # of a chat that is handed on: the last ones
    talked_with: str | None = None


class Location(Outgoing):
    """Where the caller is, as far as known; `problem` says what was wrong with what the network sent. `method` and
    `measured` are the network's words for how and when; `pending`: more is being fetched; `all`: a line for each, where
    there are several."""

    text: str = ""
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    problem: str = ""
    method: str = ""
    measured: str = ""
    pending: bool = False
    all: list[str] = []


class Detail(Outgoing):
    """A line about the call. Known labels: provider, service, device, subscriber, comment, priority, other-data,
    unreadable-data, and area-number, area-trunk, area-location, area-caller, area-unknown: how the area was told."""

    label: str
    text: str


class CallPatch(Outgoing):
    """The call's connection to a talkgroup."""

    patch: str
    gssi: int
    name: str
    state: Literal["requested", "active", "removed", "refused"]
    floor: Floor


class CallVideo(Outgoing):
    """Video from the citizen's phone; `url` is the link to send."""

    state: Literal["none", "invited", "live"] = "none"
    url: str | None = None
    link_expires_ms: int | None = None


class Party(Outgoing):
    """Somebody else in the call: a service, a hospital, an interpreter. `private`: only the operator talks with them.
    `early`: what the far network plays is heard at the operator's headset. Ended parties stay for a while, with why."""

    party: str
    number: str
    label: str
    state: PartyState
    private: bool
    since_ms: int
    cause: str = ""
    text_nb: str = ""
    text_en: str = ""


class Referral(Outgoing):
    """The carrier was asked to take the call to another number (REFER); `failed` falls back to a call of ours."""

    number: str
    state: Literal["asked", "trying", "failed"]


class RecordingGap(Outgoing):
    """Of these legs nothing is stored since then, and why: the disk is full, does not keep up or fails, the media
    worker refused, or it is away. It is tried again until it works."""

    since_ms: int
    code: GapCode
    labels: list[TrackLabel]


class Call(Outgoing):
    """The operator's current call, whole at each change. `far_end` is how it stands with the one at the other end: a
    call out is dialled before it is answered, and a caller may be `gone` while other parties talk on. `can_refer`: the
    carrier could be asked to take the call elsewhere. `silence`: whether the caller has said a word since an operator
    is there; `hint` not for too long, `marked` an operator says it is a silent call. `recording`: all of it is being
    stored; if not, and it should be, `recording_gap` says why."""

    contact: str
    epoch: int
    queue: str
    queue_name: str
    class_: ServiceClass = Field(alias="class")
    caller: str
    caller_source: CallerSource
    caller_name: str = ""
    caller_private: bool = False
    diverted_from: list[str] = []
    arrived_at_ms: int
    answered_at_ms: int | None
    first_answered_at_ms: int | None = None
    state: Literal["connecting", "connected", "held"]
    location: Location
    details: list[Detail] = []
    patch: CallPatch | None
    video: CallVideo
    recording: bool
    recording_gap: RecordingGap | None = None
    direction: Direction = "in"
    display: str = ""
    far_end: Literal["dialing", "ringing", "early", "answered", "gone"] = "answered"
    parties: list[Party] = []
    referral: Referral | None
    can_refer: bool = False
    repeat: Repeat | None = None
    flag: FlagFields | None = None
    incident: Incident | None = None
    silence: Literal["", "listening", "spoke", "hint", "marked"] = ""
    silent_procedure: Procedure = Procedure()
    part: Part = "holder"
    holder: str | None = None
    holder_name: str = ""
    consulting: bool = False
    search: Search | None = None
    colleagues: list[Colleague] = []


class Queue(Outgoing):
    """A queue's figures: contacts waiting, since when the longest, and operators free for it. `skills`: what its rules
    ask for, and the level."""

    queue: str
    name: str
    class_: ServiceClass = Field(alias="class")
    waiting: int
    longest_since_ms: int | None
    available: int
    incidents: list[str] = []
    of_room: str | None = None  # of somebody on loan: the borrowing room, where one's own does not have the row
    skills: dict[str, int] = {}


class Waiting(Outgoing):
    """One waiting contact. `calls`: how often the caller has rung, with this call; `incident`: the likely one."""

    contact: str
    queue: str
    queue_name: str
    class_: ServiceClass = Field(alias="class")
    caller: str
    arrived_at_ms: int
    state: Literal["waiting", "offered"]
    transferred_by: str | None = None
    calls: int = 1
    first_arrived_at_ms: int | None = None
    flagged: bool = False
    incident: str | None = None
    kind: ContactKind = "voice"
    key_pressed: KeyPressed | None = None
    of_room: str | None = None


class HandedOver(Outgoing):
    """A call that goes on without an operator: the caller and those who were called in. Any operator of its queue can
    pull it back."""

    contact: str
    queue: str
    queue_name: str
    class_: ServiceClass = Field(alias="class")
    caller: str
    since_ms: int
    operator: str | None
    operator_name: str | None
    parties: list[Party]
    of_room: str | None = None


class Abandoned(Outgoing):
    """A caller of an emergency queue who left before anybody answered; `number` is to be called back, by the one who
    claims it. `talking_since_ms`: when the call-back was answered; null while it rings."""

    contact: str
    queue: str
    queue_name: str
    class_: ServiceClass = Field(alias="class")
    number: str
    arrived_at_ms: int
    ended_at_ms: int
    waited_ms: int
    attempts: int
    claimed_by: str | None
    claimed_by_name: str | None
    claimed_at_ms: int | None
    talking_since_ms: int | None = None
    calls: int = 1
    of_room: str | None = None


class Service(Outgoing):
    """A service that `contact.conference` can call in, and anybody may dial."""

    service: str
    label: str
    number: str = ""


class Phone(Outgoing):
    """The position's SIP phone. `serves`: it is the position's sound in place of the browser. `silent`: it is
    registered, and did not answer when it was last called."""

    device: str
    serves: bool
    state: PhoneState


class OperatorRow(Outgoing):
    """A colleague: where, and whether free."""

    operator: str
    name: str
    position: str | None
    room: str | None
    activity: Activity
    state: OperatorState
    since_ms: int
    contact: str | None = None
    reserved: bool = False  # idle, and kept for the room's own emergencies
    chat_room: int = 0  # so many more chats they take, as they are now
    of_room: str | None = None


class Talker(Outgoing):
    """Who holds the floor of a talkgroup; `priority` is the TX demand priority 0-3."""

    issi: int
    alias: str
    priority: int


class Talkgroup(Outgoing):
    """One talkgroup at this position, whole at each change. `level` is the talker's loudness 0-100."""

    gssi: int
    name: str
    attached: Literal["detached", "attaching", "attached"]
    monitored: bool
    floor: Floor
    talker: Talker | None
    cause: str = ""
    level: int = 0


class Notice(Outgoing):
    """Something the operator must know of the system itself, until it is cleared."""

    id: str
    level: Literal["info", "warning", "alarm"]
    code: str
    text_nb: str
    text_en: str
    at_ms: int


class TransferTarget(Outgoing):
    """A queue a call may be transferred to. Other objects name their queue in bokmål only (`queue_name`); `name_en` is
    what it is called in English, the same where it has one name."""

    queue: str
    name: str
    name_en: str
    room_name: str


class Me(Day):
    """The signed-in operator at this position. `wrap_up_extension_left_ms`: by so much the paper work can still be
    extended. `leads`: the rooms whose shift lead this person is. `chats`: how many this operator has, of `chats_max`;
    `chats_in_call` may come beside a call."""

    operator: str
    name: str
    position: str
    room: str
    activity: Activity
    reason: str = ""
    state: OperatorState
    since_ms: int
    wrap_up_until_ms: int | None = None
    wrap_up_extensions: int = 0
    wrap_up_extension_left_ms: int = 0
    leads: list[str] = []
    chats: int = 0
    chats_max: int = 0
    chats_in_call: int = 0


class MediaStatus(Outgoing):
    """The seat's warm PeerConnection; a new `generation` means the old one is gone."""

    state: MediaState
    generation: str = ""


class ServerInfo(Outgoing):
    """Which server this is; `lab` opens the lab panel."""

    name: str
    version: str
    lab: bool


class SnapshotFields(Outgoing):
    """Everything a position shows, at one moment."""

    now_ms: int
    server: ServerInfo
    me: Me
    offer: Offer | None
    call: Call | None
    queues: list[Queue]
    waiting: list[Waiting]
    operators: list[OperatorRow]
    talkgroups: list[Talkgroup]
    transfer_targets: list[TransferTarget]
    media: MediaStatus
    notices: list[Notice]
    handed_over: list[HandedOver] = []
    abandoned: list[Abandoned] = []
    services: list[Service] = []
    phone: Phone | None = None
    surges: list[Incident] = []
    parked: list[Parked] = []
    flags: list[NumberFlag] = []
    reasons: list[Reason] = []
    skills: list[Skill] = []
    staff: list[StaffRow] = []
    loans: list[Loan] = []
    rooms: list[RoomRow] = []
    cards: list[Card] = []
    reading: Reading | None = None
