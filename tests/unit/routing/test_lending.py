"""People lent between rooms: asked, agreed, serving as one of the other room's own, and given back by themselves."""

from dataclasses import replace

import pytest

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import (
    Activity,
    ContactClass,
    ContactState,
    ForcedTo,
    LoanChanged,
    LoanState,
    MadeNotReady,
    MissesTolerated,
    OperatorState,
    PeopleConfig,
    Reach,
    RoomConfig,
    RoomsConfig,
    Step,
)
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused

HOUR_MS = 3_600_000


def desk(national: RoomsConfig | None = None, **people: object) -> Desk:
    """Oslo and Bergen, each with its own emergencies, and Bergen's doctor and out-of-hours line."""
    return Desk(
        queue("113-oslo", "oslo"),
        queue("113-bergen", "bergen"),
        queue("doctor", "bergen", klass=ContactClass.URGENT, skills={"doctor": 4}),
        queue("116117", "bergen", klass=ContactClass.NORMAL),
        queue("oslo-line", "oslo", klass=ContactClass.NORMAL),
        people=PeopleConfig(**people),  # type: ignore[arg-type]
        national=national or RoomsConfig(),
    )


def story(effects: object) -> list[tuple[str, str | None, str]]:
    return [(effect.change, effect.operator, effect.cause) for effect in only(effects, LoanChanged)]


def lent(made: Desk | None = None, **terms: object) -> Desk:
    """Kari of Oslo is in Bergen for an hour; Ola stays."""
    made = made or desk()
    made.sit("kari", "oslo", at="p1", doctor=5)
    made.sit("ola", "oslo", at="p2")
    made.borrow("l1", "bergen", "oslo", "kari", **terms)  # type: ignore[arg-type]
    made.lend("l1", "kari")
    return made


def why(made: Desk, contact: str, who: str) -> str | None:
    return made.core.why_not(ContactId(contact), OperatorId(who))


# --- asking and agreeing ----------------------------------------------------------------------------------------------


def test_a_room_asks_and_the_other_says_who_goes() -> None:
    made = desk()
    made.sit("kari", "oslo")
    made.sit("ola", "oslo")
    assert story(made.borrow("l1", "bergen", "oslo", count=2)) == [("asked", None, "")]
    made.ring("c1", "113-bergen")
    assert made.offered_to("c1") is None
    effects = made.lend("l1", "ola")
    assert story(effects) == [("agreed", None, ""), ("lent", "ola", "")]
    assert offers_in(effects) == [("c1", "ola", 1)], "one may be fewer than were asked for"
    loan = made.core.loan("l1")
    assert loan is not None
    assert (loan.state, loan.lent, loan.agreed_by) == (LoanState.RUNNING, ("ola",), "lender")
    assert made.operator("ola").room == "oslo", "the seat stays where it is"


def test_a_request_nobody_answers_lapses() -> None:
    made = desk(loan_asked_ms=60_000)
    made.sit("kari", "oslo")
    made.borrow("l1", "bergen", "oslo")
    assert story(made.wait(60_000)) == [("lapsed", None, "time")]
    assert refused(made.lend("l1", "kari")) == ["unknown-loan"]


def test_a_request_is_declined_or_taken_back() -> None:
    made = desk()
    made.borrow("l1", "bergen", "oslo")
    assert story(made.end_loan("l1", by="lender")) == [("over", None, "lead")]
    assert made.core.loans() == ()
    assert not made.timers


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"room": "oslo", "lender": "oslo"}, "same-room"),
        ({"room": "bergen", "lender": "oslo", "ms": 0}, "bad-time"),
        ({"room": "bergen", "lender": "oslo", "ms": 13 * HOUR_MS}, "bad-time"),
        ({"room": "bergen", "lender": "oslo", "count": 51}, "bad-count"),
        ({"room": "bergen", "lender": "oslo", "queues": ("oslo-line",)}, "unknown-queue"),
        ({"room": "bergen", "lender": "oslo", "queues": ("nowhere",)}, "unknown-queue"),
    ],
)
def test_what_cannot_be_asked_for(asked: dict[str, object], code: str) -> None:
    assert refused(desk().borrow("l1", **asked)) == [code]  # type: ignore[arg-type]


def test_requests_are_bounded_and_have_ids_of_their_own() -> None:
    made = desk(max_loans=2)
    made.borrow("l1", "bergen", "oslo")
    assert refused(made.borrow("l1", "bergen", "oslo")) == ["duplicate"]
    made.borrow("l2", "bergen", "oslo")
    assert refused(made.borrow("l3", "bergen", "oslo")) == ["limit"]


def test_who_cannot_be_lent() -> None:
    made = desk()
    made.sit("kari", "oslo", doctor=3)
    made.sit("bent", "bergen", doctor=9)
    made.borrow("l1", "bergen", "oslo", doctor=4)
    assert refused(made.lend("l1", "kari")) == ["not-skilled"]
    assert refused(made.lend("l1", "bent")) == ["unknown-operator"]
    assert refused(made.lend("l1", "nobody")) == ["unknown-operator"]
    assert refused(made.lend("l1", "kari", "bent")) == ["bad-count"]
    assert refused(made.lend("l1")) == ["bad-count"]
    assert refused(made.lend("l9", "kari")) == ["unknown-loan"]
    made.borrow("l2", "bergen", "oslo")
    made.lend("l2", "kari")
    assert refused(made.lend("l2", "kari")) == ["not-asked"]
    made.borrow("l3", "bergen", "oslo")
    assert refused(made.lend("l3", "kari")) == ["unknown-operator"], "lent already"


# --- what somebody on loan serves -------------------------------------------------------------------------------------


def test_on_loan_one_is_asked_as_one_of_the_rooms_own() -> None:
    made = lent()
    made.says("ola", Activity.BREAK)
    made.ring("c1", "116117")
    assert made.offered_to("c1") == "kari"
    made.talk("kari", "c1")
    made.ring("c2", "oslo-line")
    assert why(made, "c2", "kari") == "is on loan to bergen"


def test_the_own_rooms_emergencies_stay_and_its_other_calls_do_not() -> None:
    made = lent()
    made.says("ola", Activity.BREAK)
    made.ring("line", "oslo-line")
    assert made.offered_to("line") is None
    made.ring("heart", "113-oslo")
    assert made.offered_to("heart") == "kari"


def test_unless_their_lead_gave_those_away_too() -> None:
    made = desk()
    made.sit("kari", "oslo")
    made.borrow("l1", "bergen", "oslo")
    made.lend("l1", "kari", own_emergencies=False)
    made.ring("heart", "113-oslo")
    assert made.offered_to("heart") is None
    assert why(made, "heart", "kari") == "is on loan to bergen"


def test_a_waiting_emergency_of_the_own_room_finds_who_comes_back_from_a_call_of_the_other() -> None:
    made = lent()
    made.says("ola", Activity.BREAK)
    made.ring("c1", "116117")
    made.talk("kari", "c1")
    made.ring("heart", "113-oslo")
    made.ring("c2", "116117")
    made.hang_up("kari", "c1")
    assert offers_in(made.done("kari")) == [("heart", "kari", 1)]


def test_a_loan_for_some_queues_is_for_what_these_ask_for() -> None:
    made = lent(queues=("doctor",))
    made.ring("c1", "116117")
    assert made.offered_to("c1") is None
    assert why(made, "c1", "kari") == "is on loan to bergen for other queues"
    made.ring("c2", "doctor")
    assert made.offered_to("c2") == "kari"


def test_a_loan_follows_new_rules_of_its_queues() -> None:
    made = lent(queues=("doctor",))
    made.ring("c1", "116117")
    easier = queue("doctor", "bergen", klass=ContactClass.URGENT)
    plain = queue("116117", "bergen", klass=ContactClass.NORMAL)
    made.configure(easier, plain, queue("113-oslo", "oslo"))
    assert made.offered_to("c1") == "kari", "both ask for the same now"


def test_the_own_emergency_is_found_at_home_though_the_other_room_keeps_a_reserve() -> None:
    national = RoomsConfig((RoomConfig(RoomId("bergen"), reserve=2),))
    made = lent(desk(national))
    made.says("ola", Activity.BREAK)
    made.ring("c1", "116117")
    assert made.offered_to("c1") is None, "kept in reserve for Bergen's emergencies"
    made.ring("c2", "113-bergen")
    assert made.offered_to("c2") == "kari"


# --- and back ---------------------------------------------------------------------------------------------------------


def test_when_the_time_is_over_they_are_back_and_a_call_is_not_cut() -> None:
    made = lent()
    made.ring("c1", "116117")
    made.talk("kari", "c1")
    effects = made.wait(HOUR_MS)
    assert story(effects) == [("returned", "kari", "time"), ("over", None, "time")]
    assert made.contact("c1").state is ContactState.CONNECTED
    made.hang_up("kari", "c1")
    made.done("kari")
    made.ring("c2", "116117")
    assert made.offered_to("c2") is None
    made.ring("c3", "oslo-line")
    assert made.offered_to("c3") is not None


def test_an_offer_under_way_stands() -> None:
    made = lent()
    made.ring("c1", "116117")
    made.end_loan("l1")
    assert made.offered_to("c1") == "kari"
    made.reject("kari", "c1")
    assert made.line("116117") == ["c1"]


def test_either_lead_ends_it_for_one_or_all() -> None:
    made = desk()
    for who in ("kari", "ola", "per"):
        made.sit(who, "oslo")
    made.borrow("l1", "bergen", "oslo", count=3)
    made.lend("l1", "kari", "ola", "per")
    assert story(made.end_loan("l1", "ola")) == [("returned", "ola", "lead")]
    assert refused(made.end_loan("l1", "ola")) == ["unknown-operator"]
    assert story(made.end_loan("l1")) == [
        ("returned", "kari", "lead"),
        ("returned", "per", "lead"),
        ("over", None, "lead"),
    ]


def test_signing_out_or_sitting_down_in_another_room_ends_it() -> None:
    made = lent()
    assert story(made.leave("kari")) == [("returned", "kari", "signed-out"), ("over", None, "signed-out")]
    again = lent()
    assert story(again.sit("kari", "bergen", at="b1")) == [("returned", "kari", "moved"), ("over", None, "moved")]
    moved = lent()
    assert story(moved.sit("kari", "oslo", at="p9", doctor=5)) == [], "another seat in the same room is none"
    assert moved.operator("kari").duty.loan is not None


# --- the lender is not drained ----------------------------------------------------------------------------------------


def test_the_minimum_stays_and_only_ready_people_count() -> None:
    made = desk(minimum_staff={RoomId("oslo"): 1})
    made.sit("kari", "oslo")
    made.sit("ola", "oslo", ready=False)
    made.borrow("l1", "bergen", "oslo")
    assert refused(made.lend("l1", "kari")) == ["minimum-staff"]
    assert story(made.lend("l1", "ola")) == [("agreed", None, ""), ("lent", "ola", "")]


def test_who_is_lent_and_kept_in_reserve_is_free_once_the_emergencies_ask_for_more() -> None:
    made = lent(desk(RoomsConfig((RoomConfig(RoomId("bergen"), reserve=1),))))
    made.ring("c1", "116117")
    assert made.offered_to("c1") is None, "Kari is kept for Bergen's emergencies"
    made.publish(queue("113-bergen", "bergen", skills={"surgeon": 1}), apply="all")
    assert made.offered_to("c1") == "kari"


def test_a_reserve_is_a_minimum_too() -> None:
    made = desk(RoomsConfig((RoomConfig(RoomId("oslo"), reserve=2),)))
    for who in ("kari", "ola", "per"):
        made.sit(who, "oslo")
    made.borrow("l1", "bergen", "oslo", count=2)
    assert refused(made.lend("l1", "kari", "ola")) == ["minimum-staff"]
    assert refused(made.lend("l1", "kari")) == []


def test_when_its_own_go_home_the_last_lent_is_back_at_once() -> None:
    made = desk(minimum_staff={RoomId("oslo"): 1})
    for who in ("kari", "ola", "per"):
        made.sit(who, "oslo")
    made.borrow("l1", "bergen", "oslo", count=2)
    made.lend("l1", "kari", "ola")
    made.says("per", Activity.BREAK)
    assert made.operator("ola").duty.loan is not None, "a break is none of it"
    made.ring("c1", "oslo-line")
    effects = made.leave("per")
    assert story(effects) == [("returned", "ola", "staffing")]
    assert offers_in(effects) == [("c1", "ola", 1)]
    assert story(made.force("ola", ForcedTo.SIGNED_OUT))[0] == ("returned", "kari", "staffing")
    assert made.offered_to("c1") == "kari"


# --- their own consent ------------------------------------------------------------------------------------------------


def test_where_the_settings_want_it_they_say_yes_themselves() -> None:
    made = desk(loan_consent=True)
    made.sit("kari", "oslo")
    made.sit("ola", "oslo")
    made.borrow("l1", "bergen", "oslo", count=2)
    assert story(made.lend("l1", "kari", "ola")) == [("agreed", None, "")]
    loan = made.core.loan_of(OperatorId("kari"))
    assert loan is not None
    assert (loan.state, loan.asked) == (LoanState.AGREED, ("kari", "ola"))
    assert made.operator("kari").duty.loan is None
    assert story(made.goes("l1", "kari")) == [("lent", "kari", "")]
    assert story(made.goes("l1", "ola", yes=False)) == [("refused", "ola", "")]
    assert refused(made.goes("l1", "ola")) == ["not-asked"]
    assert made.operator("kari").duty.loan is not None


def test_silence_is_no() -> None:
    made = desk(loan_consent=True, loan_asked_ms=60_000)
    made.sit("kari", "oslo")
    made.borrow("l1", "bergen", "oslo")
    made.lend("l1", "kari")
    assert story(made.wait(60_000)) == [("lapsed", None, "time")]
    assert made.core.loan_of(OperatorId("kari")) is None


def test_a_yes_that_would_drain_the_room_comes_too_late() -> None:
    made = desk(loan_consent=True, minimum_staff={RoomId("oslo"): 1})
    made.sit("kari", "oslo")
    made.sit("ola", "oslo")
    made.borrow("l1", "bergen", "oslo")
    made.lend("l1", "kari")
    made.says("ola", Activity.BREAK)
    assert refused(made.goes("l1", "kari")) == ["minimum-staff"]
    made.says("ola", Activity.AVAILABLE)
    assert story(made.goes("l1", "kari")) == [("lent", "kari", "")]


# --- what outlives what -----------------------------------------------------------------------------------------------


def test_it_outlives_a_crash_with_its_timers() -> None:
    made = lent(queues=("doctor",))
    made.borrow("l2", "oslo", "bergen")
    made.core = RoutingCore.restore(made.core.snapshot())
    assert {"loan:l1", "loan-asked:l2"} <= made.core.timers().keys()
    made.ring("c1", "doctor")
    assert made.offered_to("c1") == "kari"
    assert made.operator("kari").state is OperatorState.OFFERED
    assert ("returned", "kari", "time") in story(made.wait(HOUR_MS))


def test_on_loan_ones_colleagues_are_those_of_the_other_room() -> None:
    """Who does not answer is set not ready if somebody else of the borrowing room could."""
    made = lent(desk(misses=1))  # Ola, at home, is ready and is none of them
    made.ring("c1", "116117")
    assert [effect.operator for effect in only(made.wait(15_000), MissesTolerated)] == ["kari"]
    made.gone("c1")
    made.sit("bente", "bergen", doctor=5)
    made.ring("c2", "116117")
    made.talk(made.offered_to("c2") or "", "c2")
    made.ring("c3", "116117")
    (gone,) = only(made.wait(15_000), MadeNotReady)
    assert {gone.operator, made.contact("c2").operator} == {"kari", "bente"}


def test_nobody_is_lent_for_a_queue_any_more_that_went_with_its_last_contact() -> None:
    """Another queue that asks for the same goes along with it until then, in a core that was restored too."""
    made = lent(queues=("doctor",))
    made.ring("c1", "doctor")
    made.talk("kari", "c1")
    specialists = queue("specialists", "bergen", klass=ContactClass.URGENT, skills={"doctor": 4})
    made.publish(specialists, removed=("doctor",))
    made.gone("c1")
    made.done("kari")
    made.ring("c2", "specialists")
    assert made.offered_to("c2") is None
    restored = RoutingCore.restore(made.core.snapshot())
    assert restored.idle(specialists.queue) == made.core.idle(specialists.queue) == ()


def test_who_is_lent_for_one_queue_and_kept_in_reserve_is_asked_for_no_other_and_by_neither_way() -> None:
    """Bergen's other emergencies reach Kari as one of Oslo. So she is help from a neighbour, which a reserve is not."""
    steps = (Step(reach=Reach.OWN), Step(after_ms=4_000, reach=Reach.COUNTRY, drop=("burns",)))
    plain, burns = queue("113-bergen", "bergen", skills={"emd": 1}), queue("burns", "bergen", skills={"burns": 1})
    rooms = RoomsConfig((RoomConfig(RoomId("oslo")), RoomConfig(RoomId("bergen"), reserve=1)))
    made = Desk(plain, replace(burns, workflow=steps), queue("113-oslo", "oslo"), national=rooms)
    made.sit("kari", "oslo", emd=1)
    made.borrow("l1", "bergen", "oslo", "kari", queues=("113-bergen",))
    made.lend("l1", "kari", own_emergencies=True)
    made.ring("c1", "burns")
    made.wait(4_000)
    assert made.offered_to("c1") is None
    assert why(made, "c1", "kari") == "is kept in reserve for the emergencies of bergen"
    made.says("kari", Activity.BREAK)
    made.says("kari", Activity.AVAILABLE)
    assert made.offered_to("c1") is None, "it is the same from her side"
    made.ring("c2", "113-bergen")
    assert made.offered_to("c2") == "kari", "what she is there for"
    made.reject("kari", "c2")
    made.sit("ola", "bergen", emd=1)
    assert {made.offered_to("c1"), made.offered_to("c2")} == {"kari", "ola"}, "no longer the last one kept"
