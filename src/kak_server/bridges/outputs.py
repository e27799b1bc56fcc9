"""What the house wants done, in order. The dispatcher in `app` carries it out: journal lines first, since they come
first, and nothing behind a journal line leaves before the line is written."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from kak_server.media import rpc
from kak_server.model.codec import Json
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, PositionId, RecordingId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api as routing
from kak_server.sip.api_legs import Dial


@frozen
class JournalEvent:
    """Append a routing event."""

    event: routing.Event


@frozen
class Put:
    """Keep `value` (a frozen dataclass, or JSON values) under `key` in the journal's map."""

    key: str
    value: object


@frozen
class Delete:
    """Drop the key from the journal's map."""

    key: str


@frozen
class ToSip:
    """A command for the SIP room. `answer`, `progress` (183 with early media) and `reoffer` (re-INVITE) take `sdp`,
    `reoffer` also `paced` where many calls move at once;
    `reject`, `reject_transfer` and `report_transfer` a `status`; `dial` a `dial`; `refer` a `target`, and `replaces`
    for an attended transfer; `reason` is logged and sent."""

    action: Literal[
        "ring",
        "progress",
        "answer",
        "reject",
        "hangup",
        "probe",
        "dial",
        "reoffer",
        "refer",
        "accept_transfer",
        "reject_transfer",
        "report_transfer",
    ]
    call: CallId
    sdp: str = field(default="", repr=False)
    status: int = 0
    reason: str = ""
    dial: Dial | None = None
    target: str = ""
    replaces: CallId | None = None
    paced: bool = False


@frozen
class ToMedia:
    """A command for the media worker. If nobody is attached it is dropped: the next census reconciles."""

    command: rpc.Command


@frozen
class ToRadio:
    """A command for the radio gateway."""

    action: Literal[
        "attach",
        "open_leg",
        "close_leg",
        "request_tx",
        "cease_tx",
        "create_patch",
        "remove_patch",
        "ack_alarm",
        "clear_alarm",
    ]
    gssi: Gssi  # 0 where it is about no talkgroup
    op: OperatorId | None = None
    priority: int = 0
    host: str = ""
    port: int = 0
    patch: str = ""
    sip_call: str = ""
    owner_ok: bool = False
    alarm: str = ""
    reason: str = ""


@frozen
class SetTimer:
    """Hand `key` back by `House.timer` at `at_ms`; the same key again moves it."""

    key: str
    at_ms: int


@frozen
class CancelTimer:
    """Forget the key."""

    key: str


@frozen
class Tell:
    """An event for the console at a position, at once."""

    position: PositionId
    name: str
    data: Mapping[str, Json]


@frozen
class TellAll:
    """An event for every console."""

    name: str
    data: Mapping[str, Json]


@frozen
class Dirty:
    """A list looks different now; it goes out coalesced. `rooms`: whose list it is; None: everybody's."""

    topic: Literal[
        "queues",
        "waiting",
        "operators",
        "recent",
        "handed_over",
        "abandoned",
        "surges",
        "parked",
        "flags",
        "staff",
        "rooms",
        "skills",
        "transfer_targets",
    ]
    rooms: tuple[RoomId, ...] | None = None


@frozen
class Unseat:
    """Somebody had to leave a position ("forced", "handed-over"): their console's tab holds the seat no more."""

    position: PositionId
    operator: OperatorId
    reason: str


@frozen
class Audit:
    """A row of the audit log: who did what to whom."""

    operator: OperatorId
    action: str
    subject: str
    detail: Mapping[str, Json] = field(default_factory=dict)


@frozen
class StoreCall:
    """Upsert the call's record (records, not journal): what people look up later."""

    contact: ContactId
    values: Mapping[str, Json]


@frozen
class StoreTrack:
    """A recorded track is complete: a row for the media ledger."""

    contact: ContactId
    track: rpc.RecordClosed


@frozen
class SalvageTrack:
    """The worker died while it wrote this track: what is on disk is repaired, hashed and entered in the ledger."""

    contact: ContactId
    recording: rpc.StartRecord
    started_at_ms: int
    ended_at_ms: int


@frozen
class StoreGap:
    """What was spoken between two moments is on no disk: a row for the media ledger that says so, and why."""

    contact: ContactId
    name: RecordingId
    leg: str
    label: str
    from_ms: int
    to_ms: int
    reason: str


@frozen
class Note:
    """A structured log line and a counter: `name` counts, `fields` say."""

    name: str
    level: Literal["info", "warning", "error"] = "info"
    fields: Mapping[str, Json] = field(default_factory=dict)


Output = (
    JournalEvent
    | Put
    | Delete
    | ToSip
    | ToMedia
    | ToRadio
    | SetTimer
    | CancelTimer
    | Tell
    | TellAll
    | Dirty
    | Unseat
    | Audit
    | StoreCall
    | StoreTrack
    | SalvageTrack
    | StoreGap
    | Note
)
