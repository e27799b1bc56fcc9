"""The objects of people's days: reasons, what a shift lead has set, the change of shifts, a shift lead's list."""

from typing import Literal

from kak_server.console.models_base import Activity, OperatorState, Outgoing
from kak_server.console.models_cards import ContactKind, StaffChat

ForcedTo = Literal["ready", "not-ready", "signed-out"]
RoomStateWord = Literal["open", "closed", "evacuated"]


class Reason(Outgoing):
    """Why somebody is not available. `chosen`: people choose it; otherwise the server alone gives it."""

    reason: str
    name_nb: str
    name_en: str
    working_time: bool = False
    chosen: bool = True


class Skill(Outgoing):
    """A skill of the catalogue: rows that have `skills` name them by `skill`. One of no catalogue is shown as it is."""

    skill: str
    name_nb: str
    name_en: str
    description: str = ""


class Forced(Outgoing):
    """What a shift lead has set somebody to. `waits`: a sign-out that the call and its paper work are not over for."""

    to: ForcedTo
    by: str
    by_name: str
    at_ms: int
    reason: str = ""
    note: str = ""
    waits: bool = False


class HandOver(Outgoing):
    """The change of shifts at a position: the incoming stands by until the outgoing's work is done, at the longest
    until `until_ms`."""

    position: str
    outgoing: str
    outgoing_name: str
    incoming: str
    incoming_name: str
    since_ms: int
    until_ms: int


class HandOverStatus(Outgoing):
    """How it goes with the seat one waits for. `ready`: sit down there (POST /position)."""

    state: Literal["none", "waiting", "ready"]
    position: str | None
    hand_over: HandOver | None


class PersonName(Outgoing):
    """Somebody by id and name."""

    operator: str
    name: str


class OnLoan(Outgoing):
    """The loan somebody is part of. `asked`: they have yet to say yes or no; otherwise they serve that room, and their
    own room's emergencies if `own_emergencies`."""

    loan: str
    room: str
    room_name: str
    until_ms: int
    asked: bool
    queues: list[str]
    own_emergencies: bool
    by_name: str


class Loan(Outgoing):
    """A request of one control room for people of another, and what came of it: `asked`, `agreed` by the lender's shift
    lead (those in `asked` have yet to say yes), `running` (those in `lent` are out)."""

    loan: str
    room: str
    room_name: str
    lender: str
    lender_name: str
    state: Literal["asked", "agreed", "running"]
    asked_by: str
    asked_by_name: str
    agreed_by: str | None
    agreed_by_name: str | None
    since_ms: int
    until_ms: int
    count: int
    named: list[PersonName]
    queues: list[str]
    skills: dict[str, int]
    note: str
    own_emergencies: bool
    asked: list[PersonName]
    lent: list[PersonName]


class RoomRow(Outgoing):
    """A control room. `closed`: nobody waits for it; `evacuated`: nobody there is asked either. Who said so, why and
    when; null where nobody ever did."""

    room: str
    name: str
    state: RoomStateWord
    reason: str
    by: str | None
    by_name: str | None
    since_ms: int | None


class Day(Outgoing):
    """What is known of somebody's day beside the state: signed in since, saying so since, `note` beside the reason;
    `leaving`: goes when the work at hand is done."""

    note: str = ""
    on_since_ms: int = 0
    activity_since_ms: int = 0
    leaving: bool = False
    forced: Forced | None = None
    hand_over: HandOver | None = None
    loan: OnLoan | None = None


class StaffRow(Day):
    """Somebody on duty, for the shift lead. `misses_in_row`: offers that rang out since the last sign of life.
    `contact_kind`: of `contact`; only calls (voice, video) can be listened to, all can be taken over."""

    operator: str
    name: str
    position: str
    room: str
    activity: Activity
    reason: str = ""
    state: OperatorState
    since_ms: int
    contact: str | None = None
    contact_kind: ContactKind | None = None
    wrap_up_until_ms: int | None = None
    missed: int = 0
    rejected: int = 0
    misses_in_row: int = 0
    skills: dict[str, int] = {}
    reserved: bool = False  # idle, and kept for the room's own emergencies
    chats: list[StaffChat] = []


class RoomPerson(Outgoing):
    """Somebody on duty in a room, as much as another room needs to ask for them by name."""

    operator: str
    name: str
    position: str
    room: str
    room_name: str
    activity: Activity
    state: OperatorState
    skills: dict[str, int] = {}
    chat_room: int = 0
    on_loan: bool = False
