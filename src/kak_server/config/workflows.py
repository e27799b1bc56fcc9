"""A queue's workflow as it is written: ordered steps with conditions. docs/routing.md explains them by examples."""

from typing import Annotated, Literal

from pydantic import Field

from kak_server.config.fields import DialNumber, Identifier, Section
from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.routing.api import Condition, ContactClass, ContactKind, Reach, RoomState, Step, Strategy
from kak_server.routing.words_workflow import RING_MAX

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class ConditionSection(Section):
    """When a step holds: all that is said must be true. Looked at when the step is due, and again every
    routing.recheck_ms as long as it does not hold."""

    classes: tuple[Literal["emergency", "urgent", "normal"], ...] = Field((), description="classes of contacts")
    kinds: tuple[Literal["voice", "video", "chat", "alarm", "radio"], ...] = Field(
        (), description="kinds of contacts; a call is video while there is a picture"
    )
    areas: tuple[Identifier, ...] = Field(
        (), max_length=400, description="municipalities, by code; of calls as docs/routing.md says"
    )
    languages: tuple[Identifier, ...] = Field((), max_length=50, description="the caller's language, such as en or se")
    days: tuple[Day, ...] = Field((), description="days of the week")
    from_: ClockTime | None = Field(None, alias="from", description="local time of day, such as 08:00")
    until: ClockTime | None = Field(None, description="until then; before `from`: of the next day")
    on: Identifier | None = Field(None, description="today is in this calendar (routing.calendars)")
    not_on: Identifier | None = Field(None, description="today is not in this calendar")
    staff_below: int | None = Field(
        None, ge=1, le=1_000, description="fewer of the own room's operators are at work for the queue"
    )
    staff_from: int | None = Field(None, ge=1, le=1_000, description="at least so many are")
    waiting_from: int | None = Field(None, ge=1, le=100_000, description="at least so many contacts wait in the queue")
    waiting_below: int | None = Field(None, ge=1, le=100_000, description="fewer wait")
    own_room: tuple[Literal["open", "closed", "evacuated"], ...] = Field((), description="state of the own room")

    def to_condition(self) -> Condition:
        """As the routing core takes it."""
        return Condition(
            classes=tuple(ContactClass(name) for name in self.classes),
            kinds=tuple(ContactKind(name) for name in self.kinds),
            areas=self.areas,
            languages=self.languages,
            weekdays=tuple(DAYS.index(day) for day in self.days),
            from_min=_minutes(self.from_),
            until_min=_minutes(self.until),
            calendar=self.on or self.not_on or "",
            in_calendar=self.on is not None,
            staff_below=self.staff_below,
            staff_from=self.staff_from,
            waiting_from=self.waiting_from,
            waiting_below=self.waiting_below,
            room_states=tuple(RoomState(name) for name in self.own_room),
        )


class StepSection(Section):
    """One step of a workflow. What it does not say stays as the steps before it left it."""

    after_ms: int = Field(0, ge=0, le=86_400_000, description="how long after the contact came into the queue")
    when: ConditionSection | None = Field(None, description="only then")
    reach: Literal["own", "neighbours", "region", "queue", "country"] | None = Field(
        None,
        description="whose operators are asked from now on: the own room's (the first of rooms), also its neighbours', "
        "...",
    )
    rooms: tuple[Identifier, ...] = Field(
        (), max_length=1_000, description="and those of these rooms; without reach: beside who is asked already"
    )
    relax: int | None = Field(None, ge=0, le=9, description="so many levels below what is needed are enough")
    drop: tuple[Identifier, ...] = Field((), max_length=20, description="these skills are not needed any more")
    strategy: (
        Literal["longest-idle", "most-skilled", "least-occupied", "round-robin", "ring-all", "sticky", "named"] | None
    ) = Field(None, description="who comes first; at the beginning longest-idle")
    operator: Identifier | None = Field(None, description="for named: the user name")
    sticky_within_ms: int = Field(
        14_400_000, ge=60_000, le=604_800_000, description="for sticky: how long ago the last call may be"
    )
    ring_first: int = Field(5, ge=2, le=RING_MAX, description="for ring-all: so many positions at once")
    ring_max: int = Field(10, ge=2, le=RING_MAX, description="and so many in the end")
    ring_stage_ms: int = Field(5_000, ge=1_000, le=60_000, description="as many more after so long")
    use_reserves: bool | None = Field(
        None, description="emergencies: operators whom rooms keep for their own are asked too"
    )
    announce: Identifier | None = Field(None, description="announcement played from now on (WAV in prompts_dir)")
    tell_position: bool = Field(False, description="tell the place in the queue with it")
    overflow_queue: Identifier | None = Field(None, description="the contact goes on to this queue")
    overflow_number: DialNumber | None = Field(
        None, description="this number is called for the contact, which comes back if nobody answers there"
    )

    def to_step(self) -> Step:
        """As the routing core takes it."""
        return Step(
            after_ms=self.after_ms,
            when=None if self.when is None else self.when.to_condition(),
            reach=None if self.reach is None else Reach(self.reach),
            rooms=tuple(RoomId(room) for room in self.rooms),
            relax=self.relax,
            drop=self.drop,
            strategy=None if self.strategy is None else Strategy(self.strategy),
            operator=None if self.operator is None else OperatorId(self.operator),
            sticky_within_ms=self.sticky_within_ms,
            ring_first=self.ring_first,
            ring_max=self.ring_max,
            ring_stage_ms=self.ring_stage_ms,
            use_reserves=self.use_reserves,
            announce=self.announce or "",
            tell_position=self.tell_position,
            overflow_queue=None if self.overflow_queue is None else QueueId(self.overflow_queue),
            overflow_number=self.overflow_number or "",
        )


def _minutes(clock: str | None) -> int | None:
    return None if clock is None else int(clock[:2]) * 60 + int(clock[3:])
