"""What the routing core is told and what it decides: `step(state, event) -> (state, effects)`.

Pure and deterministic: every event carries `now_ms` (UTC, never backwards); ids come in with the event. Words are those
of docs/glossary.md: contact, queue, position, operator, activity (what the person says) and state (what the system
knows), offer (a reservation with an epoch and a lease).
"""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api_chats import ChatIdle as ChatIdle
from kak_server.routing.api_common import CancelTimer as CancelTimer
from kak_server.routing.api_common import ContactChanged as ContactChanged
from kak_server.routing.api_common import OperatorChanged as OperatorChanged
from kak_server.routing.api_common import PositionLeft as PositionLeft
from kak_server.routing.api_common import PositionMoved as PositionMoved
from kak_server.routing.api_common import Refused as Refused
from kak_server.routing.api_common import SetTimer as SetTimer
from kak_server.routing.api_config import Apply as Apply
from kak_server.routing.api_config import ConfigChanged as ConfigChanged
from kak_server.routing.api_config import OperatorRules as OperatorRules
from kak_server.routing.api_facts import ContactDescribed as ContactDescribed
from kak_server.routing.api_loans import LoanAgreed as LoanAgreed
from kak_server.routing.api_loans import LoanAnswered as LoanAnswered
from kak_server.routing.api_loans import LoanAsked as LoanAsked
from kak_server.routing.api_loans import LoanChanged as LoanChanged
from kak_server.routing.api_loans import LoanEnded as LoanEnded
from kak_server.routing.api_loans import LoanEvent
from kak_server.routing.api_moves import INVITES as INVITES
from kak_server.routing.api_moves import ColleagueDropped as ColleagueDropped
from kak_server.routing.api_moves import ColleagueInvited as ColleagueInvited
from kak_server.routing.api_moves import ColleagueSought as ColleagueSought
from kak_server.routing.api_moves import ConsultEnded as ConsultEnded
from kak_server.routing.api_moves import ContactParked as ContactParked
from kak_server.routing.api_moves import ContactTakenOver as ContactTakenOver
from kak_server.routing.api_moves import HolderChanged as HolderChanged
from kak_server.routing.api_moves import MoveEffect, MoveEvent
from kak_server.routing.api_moves import Parked as Parked
from kak_server.routing.api_moves import ParkedTaken as ParkedTaken
from kak_server.routing.api_moves import ParticipantJoined as ParticipantJoined
from kak_server.routing.api_moves import ParticipantLeft as ParticipantLeft
from kak_server.routing.api_moves import ParticipantQuit as ParticipantQuit
from kak_server.routing.api_moves import SearchChanged as SearchChanged
from kak_server.routing.api_moves import SupervisorListens as SupervisorListens
from kak_server.routing.api_moves import TransferToOperator as TransferToOperator
from kak_server.routing.api_out import ContactDialed as ContactDialed
from kak_server.routing.api_out import ContactHandedOver as ContactHandedOver
from kak_server.routing.api_out import ContactPulledBack as ContactPulledBack
from kak_server.routing.api_out import DialOut as DialOut
from kak_server.routing.api_out import HandoverFailed as HandoverFailed
from kak_server.routing.api_people import Forced as Forced
from kak_server.routing.api_people import HandOverCancelled as HandOverCancelled
from kak_server.routing.api_people import HandOverChanged as HandOverChanged
from kak_server.routing.api_people import HandOverStarted as HandOverStarted
from kak_server.routing.api_people import MadeNotReady as MadeNotReady
from kak_server.routing.api_people import MissesTolerated as MissesTolerated
from kak_server.routing.api_people import OperatorForced as OperatorForced
from kak_server.routing.api_people import PeopleEffect, PeopleEvent
from kak_server.routing.api_people import WrapUpExtended as WrapUpExtended
from kak_server.routing.api_work import Announce as Announce
from kak_server.routing.api_work import OverflowOut as OverflowOut
from kak_server.routing.api_work import RoomChanged as RoomChanged
from kak_server.routing.api_work import RoomStateSet as RoomStateSet
from kak_server.routing.api_work import Standby as Standby
from kak_server.routing.words import Activity as Activity
from kak_server.routing.words import ContactClass as ContactClass
from kak_server.routing.words import ContactState as ContactState
from kak_server.routing.words import OperatorState as OperatorState
from kak_server.routing.words import QueueConfig as QueueConfig
from kak_server.routing.words import RoutingConfig as RoutingConfig
from kak_server.routing.words_moves import ParkRules as ParkRules
from kak_server.routing.words_moves import Part as Part
from kak_server.routing.words_people import CALLS_ALONE as CALLS_ALONE
from kak_server.routing.words_people import Capacity as Capacity
from kak_server.routing.words_people import ForcedTo as ForcedTo
from kak_server.routing.words_people import LoanState as LoanState
from kak_server.routing.words_people import PeopleConfig as PeopleConfig
from kak_server.routing.words_people import ReasonConfig as ReasonConfig
from kak_server.routing.words_workflow import Condition as Condition
from kak_server.routing.words_workflow import ContactKind as ContactKind
from kak_server.routing.words_workflow import LocalTime as LocalTime
from kak_server.routing.words_workflow import Reach as Reach
from kak_server.routing.words_workflow import RoomConfig as RoomConfig
from kak_server.routing.words_workflow import RoomsConfig as RoomsConfig
from kak_server.routing.words_workflow import RoomState as RoomState
from kak_server.routing.words_workflow import Step as Step
from kak_server.routing.words_workflow import Strategy as Strategy


@frozen
class Configured:
    """The rules from here on. First event of every journal; replaces queue definitions, keeps contacts."""

    now_ms: int
    config: RoutingConfig
    version: int = 0  # of the configuration; 0: it has none


@frozen
class ContactArrived:
    """A new contact for a queue. Unknown queue or too many contacts: Refused (emergency is taken as long as memory).

    `first_arrived_at_ms`: this caller rang before and got nobody; the contact waits as if it had come then (0, or a
    time to come: as of now).
    `klass` and `priority_ms` (credit within the class) are the queue's unless said, and an emergency queue's class is
    everybody's; skills (level 1-10) come on top of the queue's. `identity`: who the caller is, for the sticky strategy
    (otherwise `caller`)."""

    now_ms: int
    contact: ContactId
    queue: QueueId
    caller: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    first_arrived_at_ms: int = 0
    kind: ContactKind = ContactKind.VOICE
    klass: ContactClass | None = None
    priority_ms: int | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    preferred: Mapping[str, int] = field(default_factory=dict)
    area: str = ""  # municipality
    language: str = ""
    identity: str = ""


@frozen
class ContactGone:
    """The caller left (BYE, CANCEL, gone): legal in every state."""

    now_ms: int
    contact: ContactId
    cause: str


@frozen
class OperatorSignedIn:
    """An operator sits down. A position already taken, or an operator already elsewhere, moves: the old seat is left
    (effect PositionLeft), a call in progress moves with the operator."""

    now_ms: int
    operator: OperatorId
    name: str
    position: PositionId
    room: RoomId
    skills: Mapping[str, int] = field(default_factory=dict)
    activity: Activity = Activity.BREAK
    media_up: bool = False
    chats_max: int = 0  # chats at once
    chats_in_call: int = 0  # of them so many may come while the operator is in a call
    interruptible: bool = True  # calls are offered while the operator has chats; emergencies are in any case


@frozen
class OperatorSignedOut:
    """Refused (code "busy") while connected."""

    now_ms: int
    operator: OperatorId


@frozen
class ActivitySet:
    """What the person says; `note` is free text beside the reason. Leaving AVAILABLE while offered withdraws the offer
    to the next operator. Refused: "unknown-reason"."""

    now_ms: int
    operator: OperatorId
    activity: Activity
    reason: str = ""
    note: str = ""


@frozen
class PositionMedia:
    """The position's media leg came up or went down. Down while connected: `media_grace_ms`, then the contact
    re-enters at the head with its arrival time."""

    now_ms: int
    position: PositionId
    up: bool


@frozen
class OfferAccepted:
    """Wins only with the current epoch and operator; anyone else gets Refused (code "offer-gone")."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    epoch: int


@frozen
class OfferRejected:
    """The operator says no: the next one is asked. `gives_way`: nobody said no, a chat's offer is taken back since
    something graver waits for this operator, who is asked for that first."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    epoch: int
    gives_way: bool = False


@frozen
class ContactConnected:
    """The shells report: caller answered and joined with the operator of this epoch."""

    now_ms: int
    contact: ContactId
    epoch: int


@frozen
class ConnectFailed:
    """The join failed on our side: the contact re-enters at the head, the operator becomes unreachable or idle."""

    now_ms: int
    contact: ContactId
    epoch: int
    cause: str


@frozen
class HangUp:
    """The operator ends the call."""

    now_ms: int
    operator: OperatorId
    contact: ContactId


@frozen
class HoldSet:
    """Hold or resume."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    on: bool


@frozen
class TransferToQueue:
    """Blind transfer: the contact waits in another queue (another room's, say), keeping its arrival time."""

    now_ms: int
    operator: OperatorId
    contact: ContactId
    queue: QueueId


@frozen
class WrapUpDone:
    """The operator is through with the paper work."""

    now_ms: int
    operator: OperatorId


@frozen
class TimerFired:
    """A timer of effect SetTimer. A stale key is ignored."""

    now_ms: int
    key: str


Event = (
    Configured
    | ConfigChanged
    | ContactArrived
    | ContactDescribed
    | ContactGone
    | ChatIdle
    | OperatorSignedIn
    | OperatorSignedOut
    | ActivitySet
    | PositionMedia
    | OfferAccepted
    | OfferRejected
    | ContactConnected
    | ConnectFailed
    | HangUp
    | HoldSet
    | TransferToQueue
    | ContactDialed
    | ContactHandedOver
    | HandoverFailed
    | ContactPulledBack
    | WrapUpDone
    | RoomStateSet
    | PeopleEvent
    | LoanEvent
    | MoveEvent
    | TimerFired
)


@frozen
class StartWaiting:
    """The contact waits. reason: "arrived", "requeued" (its operator or a join was lost), "transferred", "recalled" (it
    was parked too long), "handed-to" (a colleague by name)."""

    contact: ContactId
    queue: QueueId
    reason: str
    announce: bool


@frozen
class Offer:
    """Ring at this position until `expires_at_ms`. `epoch` counts this contact's offers from 1; with a `purpose` it is
    an invitation by the contact's holder (`api_moves`)."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    epoch: int
    expires_at_ms: int
    purpose: str = ""
    invited_by: OperatorId | None = None


@frozen
class WithdrawOffer:
    """Stop ringing there. reason: "accepted", "rejected", "expired", "caller-gone", "activity", "media", "moved",
    "signed-out", "gives-way"."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    epoch: int
    reason: str


@frozen
class Connect:
    """Answer the caller if not answered yet and join the two; report ContactConnected or ConnectFailed."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    epoch: int


@frozen
class SetHold:
    """Part or join caller and operator."""

    contact: ContactId
    position: PositionId
    on: bool


@frozen
class ReleaseOperator:
    """Part the operator from the contact. cause: "hangup", "caller-gone", "transfer", "media-lost",
    "connect-failed", "handed-over", "idle"."""

    contact: ContactId
    operator: OperatorId
    position: PositionId
    cause: str


@frozen
class EndContact:
    """Hang up towards the caller (harmless if the caller left) and close the record."""

    contact: ContactId
    cause: str


Effect = (
    StartWaiting
    | Offer
    | WithdrawOffer
    | Connect
    | DialOut
    | Announce
    | OverflowOut
    | Standby
    | RoomChanged
    | SetHold
    | ReleaseOperator
    | EndContact
    | PositionLeft
    | PositionMoved
    | SetTimer
    | CancelTimer
    | Refused
    | PeopleEffect
    | LoanChanged
    | MoveEffect
    | ContactChanged
    | OperatorChanged
)
