"""Calls out, and calls that go on without an operator: what the routing core is told of them, and what it decides."""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId
from kak_server.model.light import frozen

# --- events -----------------------------------------------------------------------------------------------------------


@frozen
class ContactDialed:
    """An operator calls somebody: a contact that is theirs from the start, connecting until the far end answers.

    `queue` "" puts it into the room's own queue of calls out, whose operators get it if this one's audio is lost.
    Refused: "busy" (a call or an offer), "no-media", "unknown-operator", "unknown-queue", "duplicate", "limit"."""

    now_ms: int
    contact: ContactId
    operator: OperatorId
    number: str
    queue: QueueId
    attributes: Mapping[str, str] = field(default_factory=dict)


@frozen
class ContactHandedOver:
    """The operator leaves; the caller goes on with others (or hears them being called). Refused: "not-yours",
    "busy" while not connected."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


@frozen
class HandoverFailed:
    """Nobody is left with the caller of a contact that was handed over: it waits at the head of its class. `unheard`:
    somebody answered and hung up at once, an answering machine, say; no step calls that number for this contact
    again."""

    now_ms: int
    contact: ContactId
    cause: str
    unheard: bool = False


@frozen
class ContactPulledBack:
    """An operator of its queue's rooms joins a contact that was handed over. Refused: "busy", "no-media",
    "unknown-contact", "not-yours"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


# --- effects ----------------------------------------------------------------------------------------------------------


@frozen
class DialOut:
    """Call the far end and let the operator hear how it goes; report ContactConnected when it answers, ContactGone
    when it does not."""

    contact: ContactId
    queue: QueueId
    operator: OperatorId
    position: PositionId
    epoch: int
