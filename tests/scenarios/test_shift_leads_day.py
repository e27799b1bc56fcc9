"""A shift lead's day in two control rooms, told as people would tell it, past the independent auditor, with a kill -9
in every part of it."""

from kak_server.model.ids import RoomId
from kak_server.routing.api import (
    Activity,
    ContactClass,
    ContactState,
    ForcedTo,
    LoanChanged,
    MadeNotReady,
    MissesTolerated,
    OperatorState,
    PeopleConfig,
    ReasonConfig,
)
from tests.scenarios.test_control_room_day import AuditedDesk
from tests.unit.routing.desk import offers_in, only, queue, refused

HOUR_MS = 3_600_000
REASONS = (ReasonConfig("meal", "Måltid", "Meal"), ReasonConfig("training", "Opplæring", "Training", working=True))


def two_rooms(**people: object) -> AuditedDesk:
    """Oslo and Bergen answer their own emergencies; Bergen has the out-of-hours line too."""
    desk = AuditedDesk()
    desk.configure(
        queue("113-oslo", "oslo", wrap_up_ms=20_000),
        queue("113-bergen", "bergen", wrap_up_ms=20_000),
        queue("116117", "bergen", klass=ContactClass.NORMAL, wrap_up_ms=30_000),
        people=PeopleConfig(
            reasons=REASONS,
            misses=3,
            hand_over_ms=900_000,
            minimum_staff={RoomId("oslo"): 1},
            **people,  # type: ignore[arg-type]
        ),
    )
    return desk


def test_morning_the_night_shift_hands_over_in_the_middle_of_a_call() -> None:
    desk = two_rooms()
    desk.sit("kari", "oslo", at="oslo-1")
    desk.ring("birth", "113-oslo")
    desk.talk("kari", "birth")
    desk.takes_over("ola", "oslo-1")
    desk.ring("fall", "113-oslo")
    assert desk.line("113-oslo") == ["fall"], "nothing new for who is about to go"
    desk.crash()
    desk.wait(300_000)
    desk.gone("birth")
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.needs_more("kari", 60_000)
    desk.crash()
    desk.wait(80_000)
    assert [view.operator for view in desk.core.operators()] == ["ola"]
    desk.media("oslo-1", True)
    assert offers_in(desk.says("ola", Activity.AVAILABLE)) == [("fall", "ola", 1)]


def test_forenoon_somebody_is_away_from_the_desk_and_the_last_one_is_not_sent_away() -> None:
    desk = two_rooms()
    desk.sit("kari", "oslo", at="oslo-1")
    desk.sit("ola", "oslo", at="oslo-2")
    desk.ring("busy", "113-oslo")
    desk.talk("kari", "busy")
    desk.ring("c1", "113-oslo")
    effects = desk.wait(45_000)
    assert [effect.operator for effect in only(effects, MadeNotReady)] == ["ola"]
    desk.crash()
    assert desk.line("113-oslo") == ["c1"]
    desk.hang_up("kari", "busy")
    assert offers_in(desk.done("kari")) == [("c1", "kari", 4)]
    effects = desk.wait(45_000)
    assert [effect.operator for effect in only(effects, MissesTolerated)] == ["kari"]
    assert desk.offered_to("c1") == "kari", "alone in the room: the caller goes on ringing there"
    assert offers_in(desk.says("ola", Activity.AVAILABLE)) == [], "one press, and Ola is back"
    desk.reject("kari", "c1")
    assert desk.offered_to("c1") == "ola"


def test_noon_the_lead_sends_somebody_to_a_course_who_is_in_a_call() -> None:
    desk = two_rooms()
    desk.sit("kari", "oslo", at="oslo-1")
    desk.ring("chest", "113-oslo")
    desk.talk("kari", "chest")
    desk.force("kari", ForcedTo.NOT_READY, by="sofie", reason="training", note="øvelse kl. 13")
    desk.crash()
    assert desk.contact("chest").state is ContactState.CONNECTED
    desk.gone("chest")
    desk.wait(20_000)
    view = desk.operator("kari")
    assert (view.state, view.activity, view.reason) == (OperatorState.IDLE, Activity.BREAK, "training")
    assert view.duty.forced is not None
    assert (view.duty.forced.by, view.duty.forced.note) == ("sofie", "øvelse kl. 13")
    desk.force("kari", ForcedTo.SIGNED_OUT, by="sofie")
    assert desk.core.operators() == ()


def test_afternoon_a_storm_in_bergen_and_oslo_lends_what_it_can() -> None:
    desk = two_rooms()
    for who in ("kari", "ola", "per"):
        desk.sit(who, "oslo")
    desk.sit("bente", "bergen")
    for number in range(6):
        desk.ring(f"storm-{number}", "116117")
        desk.wait(1_000)
    desk.borrow("l1", "bergen", "oslo", count=3, by="bente-lead")
    assert refused(desk.lend("l1", "kari", "ola", "per")) == ["minimum-staff"]
    assert len(offers_in(desk.lend("l1", "kari", "ola"))) == 2
    desk.crash()
    desk.ring("heart", "113-oslo")
    assert desk.offered_to("heart") == "per", "one stayed at home"
    desk.talk("per", "heart")
    desk.reject("kari", "storm-1")
    desk.ring("stroke", "113-oslo")
    for who in ("kari", "ola"):
        contact = desk.operator(who).contact
        if contact is not None and contact != "stroke":
            desk.talk(who, contact)
            desk.hang_up(who, contact)
            desk.done(who)
    assert desk.offered_to("stroke") in ("kari", "ola"), "their own room's emergency before the other's ordinary calls"
    desk.crash()
    desk.gone("heart")
    desk.says("per", Activity.BREAK, "meal")
    effects = desk.leave("per")
    assert [(effect.change, effect.cause) for effect in only(effects, LoanChanged)][:1] == [("returned", "staffing")]
    over = only(desk.wait(HOUR_MS), LoanChanged)
    assert ("over", "time") in [(effect.change, effect.cause) for effect in over]
    assert desk.core.loans() == ()
