"""Section of people's days: reasons for not being ready, how long things may take, lending between rooms."""

from pydantic import Field

from kak_server.config.fields import Identifier, Section
from kak_server.config.people import ChatsSection, LocalisedName, OperatorSection, RoomSection
from kak_server.model.ids import RoomId
from kak_server.routing.words_people import MISSED, Capacity, PeopleConfig, ReasonConfig


class ReasonSection(Section):
    """Why somebody is not available."""

    id: Identifier = Field(description="identifier, in the API and in statistics")
    name: LocalisedName = Field(description="name on the consoles")
    working_time: bool = Field(False, description="counts as working time in statistics")


def _reason(name: str, nb: str, en: str, *, working_time: bool = False) -> ReasonSection:
    return ReasonSection(id=name, name=LocalisedName(nb=nb, en=en), working_time=working_time)


USUAL_REASONS = (
    _reason("meal", "Måltid", "Meal"),
    _reason("rest", "Hvile", "Rest"),
    _reason("toilet", "Toalett", "Toilet"),
    _reason("meeting", "Møte", "Meeting", working_time=True),
    _reason("training", "Opplæring", "Training", working_time=True),
    _reason("technical", "Teknisk feil", "Technical fault", working_time=True),
    _reason("other", "Annet", "Other"),
)


class LoansSection(Section):
    """How control rooms lend each other people."""

    asked_minutes: int = Field(10, ge=1, le=240, description="a request that nobody has answered lapses after so long")
    max_hours: int = Field(12, ge=1, le=72, description="longest loan; then it is given back by itself")
    operator_consents: bool = Field(False, description="those who are lent must say yes themselves")
    max_open: int = Field(500, ge=1, le=10_000, description="requests and loans at once, of all rooms together")


class StaffingSection(Section):
    """People's days."""

    versioned = True

    reasons: tuple[ReasonSection, ...] = Field(
        USUAL_REASONS, max_length=50, description="why somebody is not ready; [] allows any word"
    )
    misses_before_not_ready: int = Field(
        3, ge=0, le=100, description="so many offers rung out in a row make somebody not ready; 0: never"
    )
    wrap_up_extension_s: int = Field(
        300, ge=0, le=7_200, description="paper work of one call may be extended by so much altogether; 0: never"
    )
    wrap_up_extensions: int = Field(5, ge=0, le=100, description="and so many times")
    hand_over_minutes: int = Field(
        15, ge=1, le=240, description="change of shifts: the next operator may stand by so long at the position"
    )
    chats: ChatsSection = Field(
        default_factory=ChatsSection, description="of operators for whom nothing else is said (operators.chats)"
    )
    loans: LoansSection = Field(default_factory=LoansSection, description="lending between control rooms")


def to_people_config(section: StaffingSection, rooms: tuple[RoomSection, ...]) -> PeopleConfig:
    """What the routing core must know of it."""
    return PeopleConfig(
        reasons=tuple(
            ReasonConfig(reason.id, reason.name.nb, reason.name.en or reason.name.nb, reason.working_time)
            for reason in section.reasons
        ),
        wrap_up_extension_ms=section.wrap_up_extension_s * 1_000,
        wrap_up_extensions=section.wrap_up_extensions,
        misses=section.misses_before_not_ready,
        hand_over_ms=section.hand_over_minutes * 60_000,
        loan_asked_ms=section.loans.asked_minutes * 60_000,
        loan_ms=section.loans.max_hours * 3_600_000,
        loan_consent=section.loans.operator_consents,
        minimum_staff={RoomId(room.id): room.minimum_staff for room in rooms if room.minimum_staff},
        max_loans=section.loans.max_open,
    )


def capacity_of(section: StaffingSection, person: OperatorSection) -> Capacity:
    """What somebody takes by kind of contact: their own word, or everybody's."""
    chats = section.chats if person.chats is None else person.chats
    return Capacity(chats.most, chats.in_call, chats.interruptible)


def reason_problems(section: StaffingSection) -> list[tuple[int, str]]:
    """What is wrong with the list: place in it, and what."""
    problems, seen = [], {MISSED}
    for number, reason in enumerate(section.reasons):
        if reason.id in seen:
            what = "is the server's own" if reason.id == MISSED else "is used twice"
            problems.append((number, f"reason {reason.id} {what}"))
        seen.add(reason.id)
    return problems
