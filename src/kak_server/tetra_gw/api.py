"""The radio room's port: what the house asks of a radio gateway and what it hears from it.

The house knows only these words; `tetra_gw.imw_sim` is the first driver behind them. A driver is sans-IO: call the
commands, feed it frames and time, drain its outputs, re-arm one timer.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kak_server.model.ids import Gssi, Issi, OperatorId
from kak_server.model.light import frozen


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


@frozen
class LinkChanged:
    """The gateway's session is up (welcome or resume done) or down. Down: every floor is lost, microphones close."""

    gateway: str
    up: bool
    reason: str = ""


@frozen
class GroupChanged:
    """Attachment changed."""

    gssi: Gssi
    state: GroupState
    cause: str = ""


@frozen
class LegReady:
    """The gateway's media end of a talkgroup: send RTP (when granted) to host:port; it sends group audio to ours."""

    gssi: Gssi
    host: str
    port: int
    payload_type: int = 8


@frozen
class LegGone:
    """The gateway closed the talkgroup's media leg."""

    gssi: Gssi
    cause: str


@frozen
class TalkerChanged:
    """Somebody (a radio, another console) talks in the group, or nobody does (issi None)."""

    gssi: Gssi
    issi: Issi | None
    alias: str = ""
    priority: int = 0


@frozen
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


@frozen
class PatchChanged:
    """The gateway took (active) or removed a patch, or refused it (active False, cause)."""

    patch: str
    gssi: Gssi
    active: bool
    cause: str = ""


@frozen
class CommandRejected:
    """The gateway refused a command of ours."""

    command: str
    gssi: Gssi | None
    code: str
    text: str = ""


@frozen
class EmergencyRaised:
    """A radio's emergency key was pressed, or (after a reconnect, perhaps again) still is up. `alarm` names it."""

    alarm: str
    issi: Issi
    alias: str = ""
    gssi: Gssi | None = None


@frozen
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


@frozen
class SendText:
    """Send one WebSocket text frame."""

    text: str


@frozen
class Disconnect:
    """Close the WebSocket (heartbeat lost, fenced); the shell reconnects with back-off."""

    reason: str


@frozen
class Emit:
    """Tell the house."""

    event: RadioEvent


@frozen
class Count:
    """A metric and, with `detail`, a log line."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


Output = SendText | Disconnect | Emit | Count


@frozen
class GatewaySettings:
    """One endpoint of the radio gateway."""

    name: str
    url: str
    room: str = "kak"
    heartbeat_ms: int = 2_000
    stale_after_ms: int = 6_000
    command_timeout_ms: int = 2_000
    media_host: str = "127.0.0.1"
