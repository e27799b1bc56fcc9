"""Sections of the organisation: control rooms, queues and operators."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from kak_server.config.callers import CallersSection
from kak_server.config.fields import DialNumber, Identifier, Section, SkillLevel, Text
from kak_server.config.workflows import StepSection
from kak_server.model.ids import PositionId
from kak_server.routing.words_workflow import STEPS_MAX

Role = Literal["operator", "supervisor", "admin", "technician", "statistics", "statistics-people"]


class PositionSection(Section):
    """A seat with a name of its own."""

    id: Identifier = Field(description="identifier of the seat, unique in the file")
    name: Text = Field(description="name on the consoles")


def _count_or_list(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "count"


class RoomSection(Section):
    """A control room and its seats."""

    id: Identifier = Field(description="identifier of the room")
    name: Text = Field(description="name on the consoles")
    kind: Literal["amk", "legevakt", "mottak", "other"] = Field(
        "other", description="emergency medical dispatch, out-of-hours primary care, emergency department, other"
    )
    positions: Annotated[
        Annotated[int, Field(ge=1, le=1_000), Tag("count")]
        | Annotated[tuple[PositionSection, ...], Field(min_length=1, max_length=1_000), Tag("list")],
        Discriminator(_count_or_list),
    ] = Field(description="how many seats (named ROOM-1, ROOM-2 ...), or the list of them")

    neighbours: tuple[Identifier, ...] = Field((), max_length=50, description="rooms that workflows widen to first")
    region: Identifier | None = Field(None, description="rooms of one region help each other next")
    reserve: int = Field(0, ge=0, le=20, description="so many idle operators are kept for the room's own emergencies")
    weight: int = Field(
        1, ge=1, le=100, description="of the room's callers where rooms compete for help (routing.fair_sharing)"
    )
    help_percent: int = Field(
        50, ge=0, le=100, description="fair sharing: so much of the room goes to others' callers while its own wait"
    )
    park_slots: int = Field(10, ge=0, le=99, description="so many calls can be parked in the room at once")
    park_recall_s: int = Field(
        60, ge=5, le=3_600, description="a parked call nobody takes comes back to who parked it, then to the queue"
    )
    minimum_staff: int = Field(
        0, ge=0, le=1_000, description="so many ready people stay when others of the room are lent"
    )

    def seats(self) -> tuple[tuple[PositionId, str], ...]:
        """Identifier and name of each seat."""
        if isinstance(self.positions, int):
            return tuple((PositionId(f"{self.id}-{n}"), f"{self.name} {n}") for n in range(1, self.positions + 1))
        return tuple((PositionId(position.id), position.name) for position in self.positions)


class LocalisedName(Section):
    """A name in the console's languages."""

    nb: Text = Field(description="bokmål")
    en: Text | None = Field(None, description="English; bokmål when missing")


def _plain_or_localised(value: Any) -> str:
    return "localised" if isinstance(value, dict | LocalisedName) else "plain"


class ServiceLevelSection(Section):
    """What the statistics measure a queue by."""

    threshold_s: int = Field(ge=1, le=86_400, description="seconds from arrival within which an answer is in time")
    goal_percent: int = Field(ge=1, le=100, description="share of the calls that is to be answered in time")


class QueueSection(Section):
    """A service in an area: which numbers lead to it, who answers, in what order and how fast."""

    id: Identifier = Field(description="identifier of the queue")
    name: Annotated[
        Annotated[LocalisedName, Tag("localised")] | Annotated[Text, Tag("plain")], Discriminator(_plain_or_localised)
    ] = Field(description="name on the consoles, plain or {nb, en}")
    numbers: tuple[DialNumber, ...] = Field((), max_length=100, description="called numbers or service URNs")
    klass: Literal["emergency", "urgent", "normal"] = Field(
        "normal", alias="class", description="emergency comes before urgent before normal, always"
    )
    brought_classes: tuple[Literal["emergency", "urgent", "normal"], ...] = Field(
        (),
        max_length=3,
        description="classes that integrators may give what they bring, beside the queue's; in no emergency queue",
    )
    priority: int = Field(0, ge=-3_600, le=3_600, description="seconds of credit within the class")
    rooms: tuple[Identifier, ...] = Field(min_length=1, max_length=1_000, description="who answers; own room first")
    skills: dict[Identifier, SkillLevel] = Field({}, max_length=20, description="skill and the level it takes, 1-10")
    preferred: dict[Identifier, SkillLevel] = Field(
        {}, max_length=20, description="skill and level; operators who have them are asked before others"
    )
    own_room_ms: int = Field(0, ge=0, le=600_000, description="for so long only the first room is asked")
    interrupts_chats: bool = Field(True, description="its calls are offered to operators who have nothing but chats")
    workflow: tuple[StepSection, ...] = Field(
        (), max_length=STEPS_MAX, description="steps, in place of own_room_ms: docs/routing.md"
    )
    offer_timeout_ms: int = Field(15_000, ge=1_000, le=300_000, description="an offer nobody answers goes on after")
    wrap_up_ms: int = Field(10_000, ge=0, le=3_600_000, description="paper work after a call")
    waiting: Literal["ring", "announce"] = Field(
        "ring",
        description="ring: 180 until an operator answers; announce: answered at once, announcement while waiting",
    )
    callers: CallersSection = Field(
        default_factory=CallersSection, description="redials, surges, silent calls and blocked numbers"
    )

    service_level: ServiceLevelSection | None = Field(
        None, description="threshold and goal; 10 s and 90 % for class emergency, 120 s and 80 % for the others"
    )

    def measured_by(self) -> ServiceLevelSection:
        """The queue's own threshold and goal, or those of its class."""
        if self.service_level is not None:
            return self.service_level
        if self.klass == "emergency":
            return ServiceLevelSection(threshold_s=10, goal_percent=90)
        return ServiceLevelSection(threshold_s=120, goal_percent=80)

    def display_name(self) -> str:
        """The bokmål name."""
        return self.name if isinstance(self.name, str) else self.name.nb

    def english_name(self) -> str:
        """The English name; "" where it has none of its own."""
        return "" if isinstance(self.name, str) else (self.name.en or "")


class ChatsSection(Section):
    """How many chats an operator has at once, and how they go with calls."""

    most: int = Field(0, ge=0, le=20, description="chats at once; 0: none are offered")
    in_call: int = Field(0, ge=0, le=20, description="of them so many may come while the operator is in a call")
    interruptible: bool = Field(
        True, description="calls are offered in the middle of chats; emergencies are in any case"
    )


class OperatorSection(Section):
    """A person who may sign in."""

    username: Identifier = Field(description="name to sign in with")
    name: Text = Field(description="name on the consoles")
    password: Text | None = Field(None, description="clear text, in a lab only")
    password_hash: Text | None = Field(None, description="argon2id hash ($argon2id$...); !file and !env work too")
    roles: tuple[Role, ...] = Field(("operator",), min_length=1, description="what the person may do")
    skills: dict[Identifier, SkillLevel] = Field({}, max_length=50, description="skill and level, 1-10")
    rooms: tuple[Identifier, ...] = Field(min_length=1, max_length=1_000, description="rooms the person may sit in")
    leads: tuple[Identifier, ...] | None = Field(
        None, max_length=1_000, description="rooms a supervisor leads the shifts of; those in rooms"
    )
    chats: ChatsSection | None = Field(None, description="chats beside each other and beside calls; as staffing says")

    def rooms_led(self) -> tuple[str, ...]:
        """The rooms whose shift lead the person is."""
        if "supervisor" not in self.roles:
            return ()
        return self.rooms if self.leads is None else self.leads
