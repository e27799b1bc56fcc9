"""The words of the routing room: classes, states, what people say, and the rules of queues."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kak_server.model.ids import QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_class import ContactClass as ContactClass
from kak_server.routing.words_moves import ParkRules
from kak_server.routing.words_people import PeopleConfig
from kak_server.routing.words_workflow import RoomsConfig, Step


class ContactState(StrEnum):
    """Where a contact is. Each state has a way out and, but for WAITING and those in which people talk, a timer."""

    WAITING = "waiting"
    OFFERED = "offered"
    CONNECTING = "connecting"  # accepted, and the legs are being joined; or called by us, and not answered yet
    CONNECTED = "connected"
    HELD = "held"
    PARKED = "parked"  # in a slot of a room, the caller hears announcements
    HANDED_OVER = "handed-over"  # the caller and others talk on without an operator
    ENDED = "ended"


class OperatorState(StrEnum):
    """What the system knows of an operator."""

    IDLE = "idle"
    OFFERED = "offered"
    BUSY = "busy"
    WRAP_UP = "wrap-up"
    UNREACHABLE = "unreachable"  # signed in, but no media at the position


class Activity(StrEnum):
    """What the person says."""

    AVAILABLE = "available"
    BREAK = "break"
    AFTER_CALL = "after-call-work"


@frozen
class QueueConfig:
    """A service in an area. Operators signed in in `rooms` serve it if their skills reach `skills`."""

    queue: QueueId
    name: str
    rooms: tuple[RoomId, ...]  # own room first
    klass: ContactClass = ContactClass.NORMAL
    priority: int = 0  # seconds of credit: an arrival counts as that much earlier, within its class
    skills: Mapping[str, int] = field(default_factory=dict)  # skill -> minimum level 1-10
    offer_timeout_ms: int = 15_000
    wrap_up_ms: int = 10_000
    own_room_ms: int = 0  # for so long only the first room's operators are offered the contact
    announce: bool = False  # answer early and play an announcement while waiting; otherwise 180 Ringing
    preferred: Mapping[str, int] = field(default_factory=dict)  # skill -> level; who has them is asked before others
    interrupts_chats: bool = True  # its calls are offered to operators who have nothing but chats
    workflow: tuple[Step, ...] = ()  # instead of `own_room_ms`
    threshold_ms: int = 10_000  # statistics: an answer within so long is in time
    goal_percent: int = 90  # statistics: so many are to be


@frozen
class RoutingConfig:
    """All the core needs to know before the first call."""

    queues: tuple[QueueConfig, ...]
    media_grace_ms: int = 5_000  # an operator without media for so long has lost the call
    connect_timeout_ms: int = 10_000
    max_contacts: int = 20_000
    dial_timeout_ms: int = 120_000  # a call out that nobody has answered by then is over
    outgoing_wrap_up_ms: int = 10_000  # paper work after a call out that belongs to no queue
    national: RoomsConfig = field(default_factory=RoomsConfig)  # rooms and how they share, calendars, local time
    people: PeopleConfig = field(default_factory=PeopleConfig)
    parking: Mapping[RoomId, ParkRules] = field(default_factory=dict)  # of rooms that have rules of their own
