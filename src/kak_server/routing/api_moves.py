"""Moves of a live contact: parked, handed to a named operator, consulted about, shared, listened to, taken over. What
the core is told, and decides.

An invited colleague gets an ordinary Offer, with `purpose` and `invited_by`; its epoch is INVITES and more, so that the
holder's own epoch stays what it is. OfferAccepted, OfferRejected and WithdrawOffer go with it as with any offer.
"""

from typing import Literal

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_moves import Part

INVITES = 1_000_000
"""Epochs from here on are those of invitations: INVITES + 1 is the contact's first."""

Purpose = Literal["consult", "conference"]

# --- events -----------------------------------------------------------------------------------------------------------


@frozen
class ContactParked:
    """The holder puts the contact into a slot of the own room; it comes back by itself after the room's time. On loan
    the slot is the borrowing room's, unless the contact is the own room's alone, and stays so after the loan. Refused:
    "not-yours", "busy" (not connected yet), "others-there" (a colleague is in the call), "limit" (no slot is free)."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


@frozen
class ParkedTaken:
    """An operator of that room, one on loan to it, or one who serves the contact's queue, takes a parked contact. The
    first has it; others are refused: "offer-gone". Also "not-yours", "busy", "no-media", "unknown-operator"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


@frozen
class TransferToOperator:
    """Blind, to one colleague: who does not take it leaves it to the holder it comes from (`back`), if that one can, or
    to the queue, at the head of its class. A chat stays with its holder until the colleague has said yes (an Offer with
    purpose "hand-on", of an invitation's epoch), whatever `back` says; ColleagueDropped takes it back. Refused:
    "not-yours", "busy" (not connected yet, or the colleague is not free), "others-there", "unknown-operator",
    "chats-full" (the colleague takes no further chat just now)."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    target: OperatorId
    back: bool = True


@frozen
class ColleagueInvited:
    """The holder asks a colleague in: to talk with first, the caller on hold meanwhile ("consult"), or with everybody
    ("conference"). Refused: "not-yours", "busy", "unknown-operator", "limit"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    target: OperatorId
    purpose: Purpose


@frozen
class ColleagueSought:
    """The holder asks for somebody to talk with first, and leaves it to us whom: of a queue, or of a room (those who
    can serve the contact's queue before others there). One is invited after the other until somebody comes, nobody is
    left or the time is over. Refused: "not-yours", "busy" (not connected yet, or a colleague is asked already),
    "unknown-queue", "unknown-room", "limit", "nobody-free"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    queue: QueueId | None = None  # before `room`, if both are said
    room: RoomId | None = None


@frozen
class ColleagueDropped:
    """The holder takes an invitation back, or parts a colleague from the contact. Where somebody is sought the search
    ends, and any of those who were asked may be named. Refused: "not-yours", "unknown-operator" (who is not in it)."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    target: OperatorId


@frozen
class ConsultEnded:
    """The holder has talked with the colleague: "complete" leaves the caller to the colleague, "merge" joins all three.
    Refused: "not-yours", "nobody-else" (no consultation is up)."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    how: Literal["complete", "merge"]


@frozen
class ParticipantQuit:
    """One who takes part leaves the contact to the others. Refused: "not-yours"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


@frozen
class SupervisorListens:
    """A shift lead listens in, heard by nobody or (`whisper`) by the holder; said again it changes. That
    they may is the shell's to know. Refused: "unknown-contact", "busy", "no-media", "unknown-operator"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    whisper: bool = False


@frozen
class ContactTakenOver:
    """A shift lead takes a contact from its holder, who has paper work then. A chat comes beside whatever the shift
    lead has. Refused: "unknown-contact" (nobody talks in it), "busy", "no-media", "unknown-operator", "chats-full"."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


# --- effects ----------------------------------------------------------------------------------------------------------


@frozen
class Parked:
    """The contact is in the slot until `recall_at_ms`, and the caller hears that it is looked after."""

    contact: ContactId
    room: RoomId
    slot: int
    by: OperatorId
    recall_at_ms: int


@frozen
class ParticipantJoined:
    """Join the operator's sound; said again when the part changes. `number` counts the contact's participants."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    number: int
    part: Part
    by: OperatorId


@frozen
class SearchChanged:
    """The holder seeks a colleague ("begun"), or does no longer, and has the caller still: "nobody" is left of the
    `asked`, the "time" is over, or the holder "dropped" it. Who comes is a ParticipantJoined."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    change: str
    queue: QueueId | None
    room: RoomId | None
    asked: int


@frozen
class ParticipantLeft:
    """Part the operator from the contact, which goes on. cause: "left", "dropped", "media-lost", "caller-gone", "over"
    (the contact went elsewhere)."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    number: int
    cause: str


@frozen
class HolderChanged:
    """One who took part has the contact from now on; their sound is joined already."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    epoch: int
    number: int
    former: OperatorId


MoveEvent = (
    ContactParked
    | ParkedTaken
    | TransferToOperator
    | ColleagueInvited
    | ColleagueSought
    | ColleagueDropped
    | ConsultEnded
    | ParticipantQuit
    | SupervisorListens
    | ContactTakenOver
)
MoveEffect = Parked | ParticipantJoined | SearchChanged | ParticipantLeft | HolderChanged
