"""A queue's steps at work: who is asked when, and where else a contact goes."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import api, ranking
from kak_server.routing.api import Condition, ContactClass, Reach, RoomConfig, RoomsConfig, RoomState, Step, Strategy
from kak_server.routing.invariants import violations
from kak_server.routing.steps import OVERFLOWS_MAX
from tests.unit.routing.desk import Desk, offers_in, only, queue

NATIONAL = RoomsConfig(
    (
        RoomConfig(RoomId("oslo"), (RoomId("bergen"),), "south"),
        RoomConfig(RoomId("bergen"), (RoomId("oslo"),), "west"),
        RoomConfig(RoomId("moss"), (), "south"),
        RoomConfig(RoomId("bodo"), (), "north"),
    ),
    recheck_ms=2_000,
)


def desk(*steps: Step, rooms: RoomsConfig = NATIONAL, others: tuple[api.QueueConfig, ...] = (), **more: Any) -> Desk:
    """One queue of Oslo with these steps."""
    return Desk(queue("q", "oslo", workflow=steps, **more), *others, national=rooms)


def come(made: Desk, contact: str = "c1", to: str = "q", **more: Any) -> tuple[api.Effect, ...]:
    return made.send(api.ContactArrived(made.now_ms, ContactId(contact), QueueId(to), **more))


def room(made: Desk, name: str, state: RoomState) -> tuple[api.Effect, ...]:
    return made.send(api.RoomStateSet(made.now_ms, RoomId(name), state))


def asked(made: Desk, contact: str = "c1") -> str | None:
    return made.offered_to(contact)


def test_each_step_widens_and_the_nearest_come_first() -> None:
    made = desk(
        Step(reach=Reach.OWN),
        Step(after_ms=1_000, reach=Reach.NEIGHBOURS),
        Step(after_ms=2_000, reach=Reach.REGION, rooms=(RoomId("bergen"),)),
        Step(after_ms=3_000, reach=Reach.COUNTRY),
    )
    made.sit("far", "bodo")
    come(made)
    made.wait(2_999)
    assert asked(made) is None
    made.wait(1)
    assert asked(made) == "far"
    made.sit("moss", "moss")
    made.reject("far", "c1")
    assert asked(made) == "moss"
    made.sit("near", "bergen")
    made.sit("home", "oslo")
    made.reject("moss", "c1")
    assert asked(made) == "home"


def test_skills_are_relaxed_and_dropped() -> None:
    made = desk(
        Step(reach=Reach.OWN),
        Step(after_ms=1_000, relax=2),
        Step(after_ms=2_000, drop=("no",)),
        skills={"emd": 4, "no": 1},
    )
    made.sit("two", emd=2, no=1)
    made.sit("three", emd=2)
    come(made)
    made.wait(1_000)
    assert asked(made) == "two"
    made.reject("two", "c1")
    made.wait(1_000)
    made.reject("two", "c1")
    assert asked(made) == "three"


@pytest.mark.parametrize(
    ("strategy", "first"),
    [
        (Strategy.LONGEST_IDLE, "old"),
        (Strategy.MOST_SKILLED, "expert"),
        (Strategy.LEAST_OCCUPIED, "expert"),
        (Strategy.ROUND_ROBIN, "expert"),
    ],
)
def test_strategies(strategy: Strategy, first: str) -> None:
    made = desk(Step(reach=Reach.OWN, strategy=strategy), skills={"emd": 1}, wrap_up_ms=0)
    made.sit("old", emd=1)
    come(made, "c0")
    made.talk("old", "c0")
    made.wait(1_000)
    made.hang_up("old", "c0")
    made.wait(10)
    made.sit("expert", emd=5)
    come(made)
    assert asked(made) == first


def test_preferred_skills_and_the_callers_language_come_before_the_strategy() -> None:
    made = desk(Step(reach=Reach.OWN), preferred={"english": 2})
    made.sit("first", english=1)
    made.wait(5)
    made.sit("second", english=2)
    third, seat, skills = OperatorId("third"), PositionId("p3"), {"lang-se": 1, "english": 2}
    available = api.Activity.AVAILABLE
    made.send(api.OperatorSignedIn(made.now_ms, third, "Third", seat, RoomId("oslo"), skills, available, True))
    come(made, language="se")
    assert asked(made) == "third"
    come(made, "c2")
    assert asked(made, "c2") == "second"


def test_ring_all_rings_in_stages_and_the_first_has_it() -> None:
    made = desk(Step(reach=Reach.OWN, strategy=Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=1_000))
    for who in ("a", "b", "c", "d"):
        made.sit(who)
    assert offers_in(come(made)) == [("c1", "a", 1), ("c1", "b", 1)]
    assert offers_in(made.wait(1_000)) == [("c1", "c", 1)]
    assert offers_in(made.wait(1_000)) == []
    made.accept("b", "c1")
    assert only(made.accept("a", "c1"), api.Standby)[0].operator == "a"
    assert made.operator("c").state is api.OperatorState.IDLE
    assert made.operator("a").state is api.OperatorState.OFFERED
    made.joined("c1")
    assert made.operator("a").state is api.OperatorState.IDLE
    assert made.contact("c1").operator == "b"


def test_whoever_stands_by_takes_over_when_joining_fails() -> None:
    made = desk(Step(reach=Reach.OWN, strategy=Strategy.RING_ALL))
    for who in ("a", "b"):
        made.sit(who)
    come(made)
    made.accept("a", "c1")
    made.accept("b", "c1")
    (connect,) = only(made.join_failed("c1"), api.Connect)
    assert (connect.operator, connect.epoch) == ("b", 2)
    made.joined("c1", 2)
    assert made.contact("c1").operator == "b"


def test_sticky_waits_for_the_last_operator_for_a_while() -> None:
    made = desk(
        Step(reach=Reach.OWN, strategy=Strategy.STICKY, sticky_within_ms=60_000),
        Step(after_ms=5_000, strategy=Strategy.LONGEST_IDLE),
        klass=ContactClass.NORMAL,
        wrap_up_ms=3_000,
    )
    made.sit("kari")
    come(made, "c0", caller="+4711")
    made.talk("kari", "c0")
    made.hang_up("kari", "c0")
    made.sit("ola")
    come(made, caller="+4711")
    assert asked(made) is None
    assert made.core.why_not(ContactId("c1"), OperatorId("ola")) == "is not kari, who is asked alone at this step"
    made.wait(3_000)
    assert asked(made) == "kari"
    made.reject("kari", "c1")
    made.says("kari", api.Activity.BREAK)
    made.wait(2_000)
    assert asked(made) == "ola"


def test_an_emergency_waits_for_nobody_by_name() -> None:
    made = desk(Step(reach=Reach.OWN, strategy=Strategy.NAMED, operator=OperatorId("kari")))
    made.sit("kari", ready=False)
    made.sit("ola")
    come(made)
    assert asked(made) == "ola"


def test_a_condition_is_looked_at_again() -> None:
    made = desk(Step(reach=Reach.OWN), Step(after_ms=1_000, reach=Reach.COUNTRY, when=Condition(waiting_from=2)))
    made.sit("far", "bodo")
    come(made)
    made.wait(1_900)
    assert asked(made) is None
    made.wait(400)
    come(made, "c2")
    made.wait(1_100)
    assert asked(made) == "far", "two seconds after the first look, before the second contact's own step is due"


CONDITIONS = [
    (Condition(classes=(ContactClass.EMERGENCY,)), True),
    (Condition(classes=(ContactClass.NORMAL,)), False),
    (Condition(kinds=(api.ContactKind.VOICE,), areas=("0301",), languages=("se",)), True),
    (Condition(areas=("4601",)), False),
    (Condition(staff_below=1), True),
    (Condition(staff_from=1), False),
    (Condition(waiting_below=1), True),
    (Condition(from_min=0, until_min=30), True),
    (Condition(from_min=30), False),
    (Condition(weekdays=(3,)), True),
    (Condition(weekdays=(4, 5)), False),
    (Condition(calendar="holidays"), True),
    (Condition(calendar="holidays", in_calendar=False), False),
    (Condition(room_states=(RoomState.OPEN,)), True),
    (Condition(room_states=(RoomState.CLOSED,)), False),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_conditions(condition: Condition, holds: bool) -> None:
    rooms = RoomsConfig(NATIONAL.rooms, calendars={"holidays": (0,)})
    made = desk(Step(reach=Reach.OWN), Step(reach=Reach.COUNTRY, when=condition), rooms=rooms)
    made.sit("far", "bodo")
    come(made, area="0301", language="se")
    assert (asked(made) == "far") is holds


def test_announcements_tell_the_place_where_wanted() -> None:
    made = desk(Step(reach=Reach.OWN), Step(after_ms=1_000, announce="wait", tell_position=True))
    come(made)
    come(made, "c2")
    said = only(made.wait(1_000), api.Announce)
    assert [(one.contact, one.prompt, one.place) for one in said] == [("c1", "wait", 1), ("c2", "wait", 2)]


def test_overflow_to_a_queue_keeps_the_arrival_and_does_not_go_on_for_ever() -> None:
    back = queue("other", "bergen", workflow=(Step(overflow_queue=QueueId("q")),))
    made = desk(Step(overflow_queue=QueueId("other")), others=(back,))
    effects = come(made)
    assert [effect.queue for effect in only(effects, api.StartWaiting)] == ["q", "other"] * 3
    assert made.core.state.contacts[ContactId("c1")].overflows == OVERFLOWS_MAX
    assert made.contact("c1").arrived_at_ms == made.now_ms


def test_overflow_to_a_number_and_back() -> None:
    made = desk(Step(reach=Reach.OWN), Step(after_ms=1_000, overflow_number="+4722"))
    come(made)
    (out,) = only(made.wait(1_000), api.OverflowOut)
    assert (out.contact, out.number) == ("c1", "+4722")
    assert made.contact("c1").state is api.ContactState.HANDED_OVER
    made.handover_failed("c1")
    assert (made.contact("c1").state, made.contact("c1").requeued) == (api.ContactState.WAITING, True)
    made.wait(10_000)
    assert made.contact("c1").state is api.ContactState.WAITING


def test_a_number_that_hung_up_at_once_is_not_called_again_by_any_step_or_queue() -> None:
    again = queue("other", "bergen", workflow=(Step(overflow_number="+4722"), Step(overflow_number="+4723")))
    steps = (Step(after_ms=1_000, overflow_number="+4722"), Step(after_ms=2_000, overflow_number="+4722"))
    made = desk(*steps, Step(after_ms=3_000, overflow_queue=QueueId("other")), others=(again,))
    come(made)
    made.wait(1_000)
    made.handover_failed("c1", unheard=True)
    assert not only(made.wait(1_000), api.OverflowOut)
    assert [out.number for out in only(made.wait(1_000), api.OverflowOut)] == ["+4723"]
    made.handover_failed("c1", unheard=True)
    assert made.contact("c1").requeued
    assert violations(made.core.state) == []


def test_one_that_did_not_answer_may_be_called_again_by_a_later_step() -> None:
    made = desk(Step(after_ms=1_000, overflow_number="+4722"), Step(after_ms=2_000, overflow_number="+4722"))
    come(made)
    made.wait(1_000)
    made.handover_failed("c1")
    assert [out.number for out in only(made.wait(1_000), api.OverflowOut)] == ["+4722"]
    made.sit("anna")
    assert only(made.pull_back("anna", "c1"), api.Connect)
    assert made.core.state.contacts[ContactId("c1")].outside == ""


def test_a_closed_room_is_not_waited_for_and_an_evacuated_one_is_not_asked() -> None:
    made = desk(Step(reach=Reach.OWN), Step(after_ms=60_000, reach=Reach.NEIGHBOURS))
    made.sit("near", "bergen")
    come(made)
    assert asked(made) is None
    room(made, "oslo", RoomState.CLOSED)
    assert asked(made) == "near"
    made.reject("near", "c1")
    made.says("near", api.Activity.BREAK)
    made.sit("home")
    assert asked(made) == "home"
    room(made, "oslo", RoomState.EVACUATED)
    assert asked(made) is None
    assert made.core.why_not(ContactId("c1"), OperatorId("home")) == "sits in room oslo, which is evacuated"
    room(made, "oslo", RoomState.OPEN)
    assert asked(made) == "home"
    assert only(room(made, "oslo", RoomState.OPEN), api.RoomChanged) == []
    assert [effect.code for effect in only(room(made, "mars", RoomState.OPEN), api.Refused)] == ["unknown-room"]


def test_the_reserve_is_for_the_rooms_own_emergencies() -> None:
    rooms = RoomsConfig((RoomConfig(RoomId("oslo"), reserve=1), RoomConfig(RoomId("bergen"))))
    foreign = queue("foreign", "bergen", "oslo")
    normal = queue("normal", "oslo", klass=ContactClass.NORMAL)
    made = desk(Step(reach=Reach.OWN), rooms=rooms, others=(foreign, normal))
    made.sit("kept")
    come(made, "f", "foreign")
    come(made, "n", "normal")
    assert (asked(made, "f"), asked(made, "n")) == (None, None)
    why = made.core.why_not(ContactId("f"), OperatorId("kept"))
    assert why == "is kept in reserve for the emergencies of oslo"
    made.sit("more")
    assert asked(made, "f") == "more"
    come(made, "own")
    assert asked(made, "own") == "kept"


def test_reserves_are_used_where_a_step_says_so() -> None:
    rooms = RoomsConfig((RoomConfig(RoomId("oslo"), reserve=1), RoomConfig(RoomId("bergen"))))
    foreign = queue("foreign", "bergen", workflow=(Step(reach=Reach.COUNTRY), Step(after_ms=1_000, use_reserves=True)))
    made = desk(Step(reach=Reach.OWN), rooms=rooms, others=(foreign,))
    made.sit("kept")
    come(made, "f", "foreign")
    assert asked(made, "f") is None
    made.wait(1_000)
    assert asked(made, "f") == "kept"


def test_help_is_shared_by_weight_and_the_own_callers_get_their_part() -> None:
    rooms = RoomsConfig(
        (
            RoomConfig(RoomId("oslo"), help_percent=50),
            RoomConfig(RoomId("bergen"), weight=2),
            RoomConfig(RoomId("bodo")),
        ),
        fair=True,
    )
    others = (queue("bergen", "bergen", "oslo", wrap_up_ms=0), queue("bodo", "bodo", "oslo", wrap_up_ms=0))
    made = desk(Step(reach=Reach.OWN), rooms=rooms, others=others, wrap_up_ms=0)
    for number in range(12):  # Bergen is flooded and was there first
        come(made, f"b{number:02d}", "bergen")
    for number in range(6):
        come(made, f"n{number:02d}", "bodo")
        come(made, f"o{number:02d}", "q")
    made.sit("kari")
    served = []
    for _ in range(12):
        (contact,) = [view.contact for view in made.core.contacts() if view.operator == "kari"]
        served.append(contact[0])
        made.talk("kari", contact)
        made.hang_up("kari", contact)
    assert (served.count("o"), served.count("b"), served.count("n")) == (6, 4, 2)


def test_chats_beside_each_other_and_calls_that_interrupt() -> None:
    made = desk(Step(reach=Reach.OWN), others=(queue("quiet", klass=ContactClass.NORMAL, interrupts_chats=False),))
    made.send(
        api.OperatorSignedIn(
            made.now_ms,
            OperatorId("kari"),
            "Kari",
            PositionId("p1"),
            RoomId("oslo"),
            {},
            api.Activity.AVAILABLE,
            True,
            chats_max=2,
            chats_in_call=1,
            interruptible=False,
        )
    )
    for chat in ("t1", "t2", "t3"):
        come(made, chat, kind=api.ContactKind.CHAT)
        if asked(made, chat):
            made.talk("kari", chat)
    assert made.contact("t3").state is api.ContactState.WAITING
    assert made.core.why_not(ContactId("t3"), OperatorId("kari")) == "has 2 chats, and takes 2 at most"
    come(made, "call", "quiet")
    assert made.core.why_not(ContactId("call"), OperatorId("kari")) == "has chats that this may not interrupt"
    come(made, "emergency")
    assert asked(made, "emergency") == "kari"
    made.talk("kari", "emergency")
    made.hang_up("kari", "t1")
    assert asked(made, "t3") is None, "one chat beside a call"
    made.hang_up("kari", "t2")
    assert asked(made, "t3") == "kari"
    assert made.operator("kari").contact == "emergency"


def test_candidates_are_ranked_and_the_others_have_their_reason() -> None:
    made = desk(Step(reach=Reach.QUEUE), skills={"emd": 2})
    for who, level in (("low", 1), ("kari", 3), ("ola", 4)):
        made.sit(who, emd=level)
    come(made)
    state = made.core.state
    found = ranking.candidates(state, state.contacts[ContactId("c1")])
    assert [(one.operator, one.reason) for one in found][-1] == ("low", "has skill emd at 1, 2 is needed")
    assert {one.operator for one in found} == {"low", "kari", "ola"}


def test_who_is_kept_in_reserve_can_be_seen() -> None:
    rooms = RoomsConfig((RoomConfig(RoomId("oslo"), reserve=1), RoomConfig(RoomId("bergen"))))
    made = desk(Step(reach=Reach.OWN), rooms=rooms)

    def reserved() -> list[str]:
        return [view.operator for view in made.core.operators() if view.reserved]

    made.sit("a")
    assert reserved() == ["a"]
    made.sit("b")
    assert reserved() == [], "one is enough for the room's own"
    come(made)
    assert asked(made) == "a"
    assert reserved() == ["b"], "who is asked is free no more"


def test_who_stands_by_can_be_seen() -> None:
    made = desk(Step(reach=Reach.OWN, strategy=Strategy.RING_ALL))
    for who in ("a", "b"):
        made.sit(who)
    come(made)
    made.accept("a", "c1")
    assert made.contact("c1").standby is None
    made.accept("b", "c1")
    assert made.contact("c1").standby == "b"
    made.joined("c1")
    assert made.contact("c1").standby is None
