"""The words of workflows: kinds of contacts, rooms and their neighbours, and a queue's ordered steps.

A workflow is data. Each step says after how long in the queue, and under which condition, something changes for the
contacts that wait: who is asked, how skilled they must be, in which order, what is played, where else it goes.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words_class import ContactClass

STEPS_MAX = 32
"""Steps of one workflow; a contact remembers by a bit each which are done."""

RING_MAX = 20
"""Operators whom one contact may ring at once."""


class ContactKind(StrEnum):
    """What comes in. A chat is light: an operator may have several, beside each other. All others are exclusive."""

    VOICE = "voice"
    VIDEO = "video"
    CHAT = "chat"  # chat and SMS
    ALARM = "alarm"
    RADIO = "radio"  # a radio's emergency call


class Strategy(StrEnum):
    """Who of those that may be asked comes first; the own room comes before all others in any case."""

    LONGEST_IDLE = "longest-idle"
    MOST_SKILLED = "most-skilled"  # the sum of the levels of the skills that are needed or preferred
    LEAST_OCCUPIED = "least-occupied"  # the smallest share of the time since sign-in spent on contacts
    ROUND_ROBIN = "round-robin"  # whose last offer is longest ago
    RING_ALL = "ring-all"  # several at once, by longest idle; the first to answer has it
    STICKY = "sticky"  # the operator whom this caller talked with last; if there is none, longest idle
    NAMED = "named"  # one operator; if not signed in, longest idle


class Reach(StrEnum):
    """Whose operators are asked."""

    OWN = "own"  # the first of the queue's rooms
    NEIGHBOURS = "neighbours"  # it and its neighbours
    REGION = "region"  # it and all rooms of its region
    QUEUE = "queue"  # the queue's rooms
    COUNTRY = "country"  # every room there is


class RoomState(StrEnum):
    """Whether a control room is there for its callers."""

    OPEN = "open"
    CLOSED = "closed"  # nobody waits for it, but operators who sit there are asked
    EVACUATED = "evacuated"  # nobody waits for it, and nobody there is asked


@frozen
class RoomConfig:
    """A control room as far as routing goes."""

    room: RoomId
    neighbours: tuple[RoomId, ...] = ()
    region: str = ""
    reserve: int = 0  # so many idle operators are kept for emergencies whose own room this is
    weight: int = 1  # of the room's callers, where rooms compete for help from others
    help_percent: int = 50  # fair sharing: callers of other rooms get so much of this room while its own wait


@frozen
class Condition:
    """When a step holds: all that is said must be true; what is not said is no matter. Times of day are local."""

    classes: tuple[ContactClass, ...] = ()
    kinds: tuple[ContactKind, ...] = ()
    areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()  # 0 Monday ... 6 Sunday
    from_min: int | None = None  # minutes since midnight; with `until_min` before it the night is meant
    until_min: int | None = None
    calendar: str = ""  # name of a calendar of days
    in_calendar: bool = True  # today is one of its days, or is none
    staff_below: int | None = None  # fewer of the own room's operators are at work for this queue
    staff_from: int | None = None  # at least so many are
    waiting_from: int | None = None  # at least so many contacts wait in the queue
    waiting_below: int | None = None
    room_states: tuple[RoomState, ...] = ()  # of the own room


@frozen
class Step:
    """One step. What it does not say stays as the steps before it left it.

    A step whose condition does not hold at its time is looked at again every `recheck_ms`, as long as the contact
    waits; steps after it do not wait for it.
    """

    after_ms: int = 0  # since the contact came into the queue
    when: Condition | None = None
    reach: Reach | None = None
    rooms: tuple[RoomId, ...] = ()  # these as well
    relax: int | None = None  # so many levels less than needed are enough, but at least 1
    drop: tuple[str, ...] = ()  # these skills are not needed any more
    strategy: Strategy | None = None
    operator: OperatorId | None = None  # for "named"
    sticky_within_ms: int = 4 * 3_600_000
    ring_first: int = 5  # ring-all: so many at once
    ring_max: int = 10  # and so many in the end
    ring_stage_ms: int = 5_000  # as many more after so long
    use_reserves: bool | None = None  # the operators that rooms keep for their own emergencies are asked too
    announce: str = ""  # name of the announcement that is played
    tell_position: bool = False  # with the place in the queue
    overflow_queue: QueueId | None = None
    overflow_number: str = ""


@frozen
class LocalTime:
    """Local time as a table: from each UTC time (ms, ascending) on, local time is so many ms ahead.

    The configuration works it out of the time zone's rules, so that a replay does not depend on those of its machine.
    """

    from_ms: tuple[int, ...] = (0,)
    ahead_ms: tuple[int, ...] = (0,)


@frozen
class RoomsConfig:
    """The country's rooms, its calendars, and how rooms share."""

    rooms: tuple[RoomConfig, ...] = ()
    fair: bool = False  # rooms' callers share help from other rooms by weight; otherwise by arrival alone
    local: LocalTime = field(default_factory=LocalTime)
    calendars: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # days since 1970-01-01, local
    recheck_ms: int = 5_000
