"""IMW-sim v1 on the wire: the envelope and the body of every message as pydantic models.

The models are the contract; `codec` reads and writes frames with them and makes the JSON Schema. Unknown fields are
ignored (a newer peer). Types are strict: a number in quotes is not a number. All lists and texts are bounded.

A command carries `id`, its idempotency key, and is answered by `ack{accepted|rejected}` with `re` = that id; its
outcome comes as an event (`group.state`, `leg.ready`, `tx.granted`, ...) whose `re` is the id of that command.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SDP_MAX_CHARS = 4_096
LIST_MAX = 2_000

Short = Annotated[str, Field(max_length=64)]
Text = Annotated[str, Field(max_length=256)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Ssi = Annotated[int, Field(ge=1, le=0xFFFFFF)]  # a 24-bit short subscriber identity, of a radio or a group
CallNumber = Annotated[int, Field(ge=0, le=0x3FFF)]  # TETRA's call identifier has 14 bits
TxPriority = Annotated[int, Field(ge=0, le=3)]  # TX demand priority: 0 low, 1 high, 2 pre-emptive, 3 emergency
CallPriority = Annotated[int, Field(ge=0, le=15)]  # 0 undefined, 1-11 ordinary, 12-14 pre-emptive, 15 emergency
DurationMs = Annotated[int, Field(ge=0, le=3_600_000)]
Count63 = Annotated[int, Field(ge=0, le=2**63 - 1)]
Sdp = Annotated[str, Field(min_length=1, max_length=SDP_MAX_CHARS)]


class Body(BaseModel):
    """What all bodies share."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Envelope(Body):
    """The frame around every body. `seq` counts the sender's frames, `epoch` is the lease of the session, `ts` is the
    sender's UTC time in ms, `op` the operator behind a command."""

    v: Literal[1]
    type: Annotated[str, Field(min_length=1, max_length=32)]
    id: Id
    re: Id | None = None
    seq: Count63
    epoch: Count63
    ts: Count63
    op: Short | None = None
    body: dict[str, Any] = Field(default_factory=dict)


# --- session ----------------------------------------------------------------------------------------------------------


class Hello(Body):
    """Console to gateway, first frame."""

    versions: Annotated[list[int], Field(min_length=1, max_length=16)]
    caps: Annotated[list[Short], Field(max_length=64)] = []
    room: Id


class Welcome(Body):
    """Gateway to console. Frames of any other epoch are void from here on."""

    epoch: Count63
    role: Literal["active", "standby"] = "active"
    hb_ms: Annotated[int, Field(ge=100, le=60_000)] = 2_000
    limits: dict[str, int] = Field(default_factory=dict)


class Resume(Body):
    """Console to gateway: what I saw last (epoch 0 for nothing). Answered by `snapshot`."""

    epoch: Count63
    last_seq: Count63


class GroupItem(Body):
    """A talkgroup this control room is attached to."""

    gssi: Ssi
    state: Literal["attaching", "attached", "detached"]
    mode: Literal["monitor", "select", "scan"] = "select"


class CallItem(Body):
    """A running group call; `mine`: this control room has the floor."""

    call: CallNumber
    gssi: Ssi
    priority: CallPriority = 0
    talker: Ssi | None = None
    alias: Short = ""
    tx_priority: TxPriority = 0
    mine: bool = False


class PatchItem(Body):
    """A patch in force."""

    patch: Id
    gssi: Ssi
    sip_call: Short = ""


class EmergencyAlarm(Body):
    """A radio's emergency key was pressed; `gssi` is the group it was turned to. In the snapshot: it still is up."""

    alarm: Id
    issi: Ssi
    alias: Short = ""
    gssi: Ssi | None = None
    acked_by: Short = ""


class EmergencyAck(Body):
    """Console: an operator has this alarm (the frame's `op`). The first has it; again is no change."""

    alarm: Id


class EmergencyClear(Body):
    """Console: the alarm is over, and why. One that is over already is no refusal."""

    alarm: Id
    reason: Annotated[str, Field(min_length=1, max_length=64)]


class EmergencyState(Body):
    """Gateway to every console: somebody has the alarm, or it is over; by whom, and why."""

    alarm: Id
    issi: Ssi
    state: Literal["acked", "cleared"]
    by: Short = ""
    reason: Short = ""


class Snapshot(Body):
    """Everything the gateway holds for this control room."""

    groups: Annotated[list[GroupItem], Field(max_length=LIST_MAX)] = []
    calls: Annotated[list[CallItem], Field(max_length=LIST_MAX)] = []
    patches: Annotated[list[PatchItem], Field(max_length=LIST_MAX)] = []
    alarms: Annotated[list[EmergencyAlarm], Field(max_length=LIST_MAX)] = []
    sds_pending: Count63 = 0


class Ping(Body):
    """Heartbeat, either way; answered by `pong` with `re`."""


class Pong(Body):
    """Answer to `ping`."""


class Ack(Body):
    """The gateway took a command, or refuses it with a code."""

    result: Literal["accepted", "rejected"]
    code: Short = ""
    text: Text = ""


class Error(Body):
    """The peer could not use a frame (`re`, if it had an id), or gives the session up (FENCED, VERSION)."""

    code: Short
    text: Text = ""
    retry_ms: DurationMs = 0


# --- groups and media -------------------------------------------------------------------------------------------------


class GroupAttach(Body):
    """Attach this control room to a talkgroup; again is no change."""

    gssi: Ssi
    mode: Literal["monitor", "select", "scan"] = "select"


class GroupDetach(Body):
    """Leave a talkgroup; its leg closes with it."""

    gssi: Ssi


class GroupStateBody(Body):
    """The attachment as the gateway sees it."""

    gssi: Ssi
    state: Literal["attaching", "attached", "detached"]
    mode: Literal["monitor", "select", "scan"] = "select"
    cause: Short = ""


class LegOpen(Body):
    """Open (or move) the media leg of an attached talkgroup; `sdp` says where the console's RTP end is."""

    leg: Id
    gssi: Ssi
    sdp: Sdp


class LegReadyBody(Body):
    """The gateway's RTP end of the leg."""

    leg: Id
    gssi: Ssi
    sdp: Sdp


class LegClose(Body):
    """Close a leg; from the gateway: it has closed it, and why."""

    leg: Id
    gssi: Ssi
    cause: Short = ""


# --- group call and floor ---------------------------------------------------------------------------------------------


class CallIncoming(Body):
    """A group call runs on an attached talkgroup."""

    call: CallNumber
    gssi: Ssi
    kind: Literal["group", "indiv", "broadcast"] = "group"
    priority: CallPriority = 0
    late_entry: bool = False


class CallReleased(Body):
    """The group call is over."""

    call: CallNumber
    gssi: Ssi
    cause: Short = ""


class TxRequest(Body):
    """Ask for the floor; without a running call this sets one up."""

    gssi: Ssi
    priority: TxPriority = 0


class TxGranted(Body):
    """The floor is ours for at most max_ms. `re`: the request."""

    gssi: Ssi
    call: CallNumber = 0
    max_ms: Annotated[int, Field(ge=1, le=3_600_000)]


class TxDenied(Body):
    """No floor. `re`: the request."""

    gssi: Ssi
    cause: Short = ""


class TxQueued(Body):
    """Wait, at place `pos`. `re`: the request."""

    gssi: Ssi
    pos: Annotated[int, Field(ge=1, le=1_000)]


class TxInterrupted(Body):
    """The floor (or the place in the queue) is taken away. `re`: the request it was given for."""

    gssi: Ssi
    by: Short = ""
    cause: Short = ""


class TxTaken(Body):
    """Somebody else talks."""

    gssi: Ssi
    call: CallNumber = 0
    talker: Ssi
    alias: Short = ""
    priority: TxPriority = 0


class TxCease(Body):
    """Console: I stop talking, or no longer want to. Always allowed."""

    gssi: Ssi


class TxIdle(Body):
    """Nobody talks."""

    gssi: Ssi
    call: CallNumber = 0


# --- patch ------------------------------------------------------------------------------------------------------------


class PatchCreate(Body):
    """Join a telephone call to a talkgroup. `owner_ok`: the group's owner has agreed, and the console recorded it."""

    patch: Id
    gssi: Ssi
    sip_call: Short
    owner_ok: bool


class PatchRemove(Body):
    """Take the patch away; the leg stays."""

    patch: Id


class PatchState(Body):
    """The patch is in force, or no longer."""

    patch: Id
    gssi: Ssi
    active: bool
    cause: Short = ""


BODIES: dict[str, type[Body]] = {
    "hello": Hello,
    "welcome": Welcome,
    "resume": Resume,
    "snapshot": Snapshot,
    "ping": Ping,
    "pong": Pong,
    "ack": Ack,
    "error": Error,
    "group.attach": GroupAttach,
    "group.detach": GroupDetach,
    "group.state": GroupStateBody,
    "leg.open": LegOpen,
    "leg.ready": LegReadyBody,
    "leg.close": LegClose,
    "call.incoming": CallIncoming,
    "call.released": CallReleased,
    "tx.request": TxRequest,
    "tx.granted": TxGranted,
    "tx.denied": TxDenied,
    "tx.queued": TxQueued,
    "tx.interrupted": TxInterrupted,
    "tx.taken": TxTaken,
    "tx.cease": TxCease,
    "tx.idle": TxIdle,
    "patch.create": PatchCreate,
    "patch.remove": PatchRemove,
    "patch.state": PatchState,
    "emergency.alarm": EmergencyAlarm,
    "emergency.ack": EmergencyAck,
    "emergency.clear": EmergencyClear,
    "emergency.state": EmergencyState,
}
TYPES: dict[type[Body], str] = {body: name for name, body in BODIES.items()}
