"""The radio room's port: what the house asks of a radio gateway and what it hears from it.

The house knows only these words; `tetra_gw.imw_sim` is the first driver behind them. A driver is sans-IO: call the
commands, feed it frames and time, drain its outputs, re-arm one timer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kak_server.model.ids import Gssi, Issi, OperatorId


class GroupState(StrEnum):
    """Attachment of the control room to a talkgroup."""

    DETACHED = "detached"
    ATTACHING = "attaching"
    ATTACHED = "attached"


class FloorState(StrEnum):
    """Our side of a talkgroup's floor. Only TALKING may have uplink RTP."""

    FREE = "free"
    REQUESTED = "requested"
    QUEUED = "queued"
    TALKING = "talking"
    DENIED = "denied"  # until the next request
    REVOKED = "revoked"  # interrupted: never asked for again by itself


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The gateway's session is up (welcome or resume done) or down. Down: every floor is lost, microphones close."""

    gateway: str
    up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Attachment changed."""

    gssi: Gssi
    state: GroupState
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LegReady:
    """The gateway's media end of a talkgroup: send RTP (when granted) to host:port; it sends group audio to ours."""

    gssi: Gssi
    host: str
    port: int
    payload_type: int = 8


@dataclass(frozen=True, slots=True)
class LegGone:
    """The gateway closed the talkgroup's media leg."""

    gssi: Gssi
    cause: str


@dataclass(frozen=True, slots=True)
class TalkerChanged:
    """Somebody (a radio, another console) talks in the group, or nobody does (issi None)."""

    gssi: Gssi
    issi: Issi | None
    alias: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class FloorChanged:
    """Our own floor. TALKING carries max_ms (the longest talk-burst granted); DENIED/REVOKED carry the cause, QUEUED
    the place in `position`; `by` names who interrupted. `op` is whose request it was."""

    gssi: Gssi
    state: FloorState
    op: OperatorId | None = None
    max_ms: int = 0
    position: int = 0
    cause: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class PatchChanged:
    """The gateway took (active) or removed a patch, or refused it (active False, cause)."""

    patch: str
    gssi: Gssi
    active: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class CommandRejected:
    """The gateway refused a command of ours."""

    command: str
    gssi: Gssi | None
    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class EmergencyRaised:
    """A radio's emergency key was pressed, or (after a reconnect, perhaps again) still is up. `alarm` names it."""

    alarm: str
    issi: Issi
    alias: str = ""
    gssi: Gssi | None = None


@dataclass(frozen=True, slots=True)
class EmergencyChanged:
    """Somebody has a radio's emergency, or it is over at the gateway: by whom (an operator here or elsewhere, or ""),
    and why."""

    alarm: str
    issi: Issi
    cleared: bool
    by: str = ""
    reason: str = ""


RadioEvent = (
    EmergencyRaised
    | EmergencyChanged
    | LinkChanged
    | GroupChanged
    | LegReady
    | LegGone
    | TalkerChanged
    | FloorChanged
    | PatchChanged
    | CommandRejected
)

# --- outputs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendText:
    """Send one WebSocket text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the WebSocket (heartbeat lost, fenced); the shell reconnects with back-off."""

    reason: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the house."""

    event: RadioEvent


@dataclass(frozen=True, slots=True)
class Count:
    """A metric and, with `detail`, a log line."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


Output = SendText | Disconnect | Emit | Count


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One endpoint of the radio gateway."""

    name: str
    url: str
    room: str = "kak"
    heartbeat_ms: int = 2_000
    stale_after_ms: int = 6_000
    command_timeout_ms: int = 2_000
    media_host: str = "127.0.0.1"
