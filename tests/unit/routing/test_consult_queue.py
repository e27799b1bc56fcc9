"""Somebody of a queue or a room asked for, to talk with first: whom it rings at, and what becomes of it."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    ColleagueSought,
    ContactArrived,
    ContactClass,
    ContactKind,
    ContactState,
    Offer,
    OperatorSignedIn,
    OperatorState,
    Part,
    Reach,
    RoomConfig,
    RoomsConfig,
    RoomState,
    RoomStateSet,
    SearchChanged,
    SetHold,
    Step,
    Strategy,
    WithdrawOffer,
)
from kak_server.routing.consult_queue import MAX_ASKED, SEARCH_MS
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, only, queue, refused

OSLO_113 = queue("113", wrap_up_ms=5_000)
DOCTORS = queue("doctor", "bergen", "oslo", klass=ContactClass.URGENT, skills={"doctor": 2}, own_room_ms=30_000)


def talking(*queues: Any, **settings: Any) -> Desk:
    """Ada of Oslo talks with a caller; others come after her."""
    desk = Desk(OSLO_113, *(queues or (DOCTORS,)), **settings)
    desk.sit("ada", doctor=9)
    desk.ring("c1")
    desk.talk("ada", "c1")
    return desk


def rings(effects: Any) -> list[str]:
    """Whom the invitations among these go to."""
    return [offer.operator for offer in only(effects, Offer) if offer.purpose]


def told(effects: Any) -> list[tuple[str, int]]:
    """What the asker hears of the search, and how many were asked."""
    return [(effect.change, effect.asked) for effect in only(effects, SearchChanged)]


def no(desk: Desk, who: str) -> Any:
    return desk.reject(who, "c1", desk.guest_epoch("c1", who))


def test_the_queues_own_come_first_then_whom_its_steps_widen_to_and_nobody_unskilled() -> None:
    desk = talking()
    for who, room, level in (("eva", "oslo", 5), ("bob", "bergen", 3), ("cia", "bergen", 1), ("dag", "bergen", 2)):
        desk.wait(1_000)
        desk.sit(who, room, doctor=level)
    effects = desk.seek("ada", "c1", "doctor")
    offer = only(effects, Offer)[0]
    assert (offer.operator, offer.purpose, offer.invited_by) == ("bob", "consult", "ada")
    assert told(effects) == [("begun", 0)]
    assert desk.contact("c1").state is ContactState.CONNECTED, "the caller hears nothing of it"
    assert rings(no(desk, "bob")) == ["dag"], "the longest idle of the queue's own room"
    assert rings(desk.wait(15_000)) == ["eva"], "then the other room, without the half minute callers wait for that"
    effects = no(desk, "eva")
    assert (rings(effects), told(effects)) == ([], [("nobody", 3)])
    view = desk.contact("c1")
    assert (view.state, view.operator, view.participants, view.search) == (ContactState.CONNECTED, "ada", (), None)


def test_who_answers_talks_first_and_all_goes_on_as_with_a_colleague_by_name() -> None:
    desk = talking()
    desk.sit("bob", "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    view = desk.contact("c1").search
    assert view is not None
    assert (view.queue, view.asked) == ("doctor", 1)
    effects = desk.comes_in("bob", "c1")
    assert only(effects, SetHold)[0].on
    assert desk.contact("c1").participants[0].part is Part.CONSULT
    assert desk.contact("c1").search is None
    desk.consulted("ada", "c1", "complete")
    assert (desk.contact("c1").operator, desk.contact("c1").queue) == ("bob", "113")


@pytest.mark.parametrize("how", ["merge", "drop"])
def test_merge_and_cancel(how: str) -> None:
    desk = talking()
    desk.sit("bob", "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    desk.comes_in("bob", "c1")
    if how == "merge":
        desk.consulted("ada", "c1", "merge")
        assert desk.contact("c1").participants[0].part is Part.MEMBER
    else:
        assert told(desk.drop("ada", "c1", "bob")) == []
        assert not desk.contact("c1").participants
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_it_is_over_after_its_time_and_nobody_rings_longer() -> None:
    desk = talking(queue("113b", "bergen", offer_timeout_ms=25_000))
    for who in ("bob", "cia", "dag", "eva"):
        desk.sit(who, "bergen")
    begun_ms = desk.now_ms
    desk.seek("ada", "c1", "113b")
    effects = desk.wait(SEARCH_MS)
    assert len(rings(effects)) == 2
    assert told(effects) == [("time", 3)]
    assert max(offer.expires_at_ms for offer in only(desk.effects, Offer)) == begun_ms + SEARCH_MS


def test_nobody_is_rung_for_the_last_moment() -> None:
    desk = talking(queue("113b", "bergen", offer_timeout_ms=29_000))
    for who in ("bob", "cia", "dag"):
        desk.sit(who, "bergen")
    desk.seek("ada", "c1", "113b")
    effects = desk.wait(58_000)
    assert (rings(effects), told(effects)) == (["cia"], [("time", 2)])


@pytest.mark.parametrize("how", ["media", "leave", "break", "evacuated", "other seat"])
def test_who_vanishes_while_it_rings_is_followed_by_the_next(how: str) -> None:
    desk = talking(national=RoomsConfig(rooms=(RoomConfig(RoomId("bergen")), RoomConfig(RoomId("oslo")))))
    desk.sit("bob", "bergen", doctor=3)
    desk.wait(1_000)
    desk.sit("cia", "oslo", doctor=3)
    assert rings(desk.seek("ada", "c1", "doctor")) == ["bob"]
    if how == "media":
        effects = desk.media("bergen-bob", False)
    elif how == "leave":
        effects = desk.leave("bob")
    elif how == "break":
        effects = desk.says("bob", Activity.BREAK)
    elif how == "evacuated":
        effects = desk.send(RoomStateSet(desk.now_ms, RoomId("bergen"), RoomState.EVACUATED))
    else:
        effects = desk.sit("bob", "bergen", at="bergen-9", doctor=3)
    assert only(effects, WithdrawOffer)
    assert rings(effects) == ["cia"]


def test_the_asker_takes_it_back_whoever_rings_by_then() -> None:
    desk = talking()
    for who in ("bob", "cia"):
        desk.wait(1_000)
        desk.sit(who, "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    no(desk, "bob")
    effects = desk.drop("ada", "c1", "bob")  # said when bob still rang
    assert told(effects) == [("dropped", 2)]
    assert [effect.operator for effect in only(effects, WithdrawOffer)] == ["cia"]
    assert not desk.contact("c1").participants
    assert refused(desk.drop("ada", "c1", "bob")) == ["unknown-operator"]


def test_a_colleague_who_let_it_pass_and_is_in_the_call_by_now_is_the_one_who_is_dropped() -> None:
    desk = talking()
    for who in ("bob", "cia"):
        desk.wait(1_000)
        desk.sit(who, "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    no(desk, "bob")
    desk.invite("ada", "c1", "bob", "conference")
    desk.comes_in("bob", "c1")
    desk.drop("ada", "c1", "bob")
    assert [row.operator for row in desk.contact("c1").participants] == ["cia"]
    assert desk.contact("c1").search is not None


@pytest.mark.parametrize("how", ["caller", "holder", "parked"])
def test_the_search_goes_with_the_call(how: str) -> None:
    desk = talking()
    desk.sit("bob", "bergen", doctor=3)
    desk.sit("cia", "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    if how == "caller":
        effects = desk.gone("c1")
    elif how == "holder":
        effects = desk.hang_up("ada", "c1")
    else:
        effects = desk.park("ada", "c1")
    assert (rings(effects), told(effects)) == ([], [])
    assert only(effects, WithdrawOffer)
    assert desk.operator("bob").state is OperatorState.IDLE


def test_it_goes_on_for_the_heir() -> None:
    desk = talking()
    for who in ("bob", "cia", "dag"):
        desk.wait(1_000)
        desk.sit(who, "bergen", doctor=3)
    desk.invite("ada", "c1", "dag", "conference")
    desk.comes_in("dag", "c1")
    desk.seek("ada", "c1", "doctor")
    desk.hang_up("ada", "c1")
    assert desk.contact("c1").operator == "dag"
    offer = only(no(desk, "bob"), Offer)[0]
    assert (offer.operator, offer.invited_by) == ("cia", "dag")
    effects = no(desk, "cia")
    assert [(effect.change, effect.operator) for effect in only(effects, SearchChanged)] == [("nobody", "dag")]


def test_whom_a_waiting_caller_gets_first_is_passed_by() -> None:
    desk = talking()
    for who in ("bob", "cia"):
        desk.wait(1_000)
        desk.sit(who, "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    desk.ring("c2", "doctor")
    assert desk.offered_to("c2") == "cia"
    assert told(no(desk, "bob")) == [("nobody", 1)]


def test_the_reserve_of_a_room_is_left_to_it_even_by_an_emergency() -> None:
    bergen = queue("113-bergen", "bergen")
    other = queue("113b", "bergen", klass=ContactClass.NORMAL)
    desk = talking(bergen, other, national=RoomsConfig(rooms=(RoomConfig(RoomId("bergen"), reserve=1),)))
    desk.sit("bob", "bergen")
    for sought in ({"queue": "113-bergen"}, {"room": "bergen"}):
        assert refused(desk.seek("ada", "c1", **sought)) == ["nobody-free"]
    desk.wait(1_000)
    desk.sit("cia", "bergen")
    assert rings(desk.seek("ada", "c1", "113-bergen")) == ["bob"]
    desk.ring("c2", "113b")
    assert desk.line("113b") == ["c2"], "while bob is asked cia is kept for the room's own"
    assert rings(no(desk, "bob")) == [], "who waits comes first"


def test_of_a_room_those_who_serve_the_callers_queue_come_first_then_anybody_there() -> None:
    desk = Desk(queue("113", "oslo", skills={"nurse": 2}), queue("bergen", "bergen"))
    desk.sit("ada", nurse=2)
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.sit("bob", "bergen")
    desk.wait(1_000)
    desk.sit("cia", "bergen", nurse=3)
    desk.sit("dag", "oslo", nurse=3)
    desk.sit("eva", "bergen", ready=False)
    assert rings(desk.seek("ada", "c1", room="bergen")) == ["cia"]
    view = desk.contact("c1").search
    assert view is not None
    assert (view.queue, view.room) == (None, "bergen")
    assert rings(no(desk, "cia")) == ["bob"]
    assert told(no(desk, "bob")) == [("nobody", 2)]


def test_a_workflows_order_is_followed_but_for_what_hangs_on_those_who_wait() -> None:
    steps = (
        Step(reach=Reach.OWN, strategy=Strategy.MOST_SKILLED),
        Step(after_ms=60_000, rooms=(RoomId("tromso"),), relax=2),
        Step(after_ms=90_000, overflow_number="+4790000000"),
        Step(after_ms=95_000, rooms=(RoomId("oslo"),)),
    )
    desk = talking(queue("doctor", "bergen", "oslo", skills={"doctor": 3}, workflow=steps))
    for who, room, level in (("bob", "bergen", 3), ("cia", "bergen", 5), ("dag", "tromso", 1), ("eva", "oslo", 9)):
        desk.wait(1_000)
        desk.sit(who, room, doctor=level)
    asked = rings(desk.seek("ada", "c1", "doctor"))
    while asked[-1:] and desk.contact("c1").search is not None:
        asked += rings(no(desk, asked[-1]))
    assert asked == ["cia", "bob", "dag"], "the most skilled; then relaxed; not after where callers leave the queue"


def test_round_robin_counts_those_who_were_sought() -> None:
    steps = (Step(strategy=Strategy.ROUND_ROBIN),)
    desk = talking(queue("doctor", "bergen", workflow=steps))
    for who in ("bob", "cia"):
        desk.wait(1_000)
        desk.sit(who, "bergen")
    first = rings(desk.seek("ada", "c1", "doctor"))
    desk.drop("ada", "c1", first[0])
    assert rings(desk.seek("ada", "c1", "doctor")) != first


def test_so_many_at_most() -> None:
    desk = talking(queue("113b", "bergen"))
    for number in range(MAX_ASKED + 1):
        desk.sit(f"b{number}", "bergen")
    asked = rings(desk.seek("ada", "c1", "113b"))
    while desk.contact("c1").search is not None:
        effects = no(desk, asked[-1])
        asked += rings(effects)
    assert told(effects) == [("nobody", MAX_ASKED)]
    assert len(set(asked)) == len(asked) == MAX_ASKED


def test_what_is_refused() -> None:
    desk = talking()
    desk.sit("bob", "bergen", doctor=3)
    desk.sit("cia", "oslo", ready=False)
    assert refused(desk.seek("bob", "c1", "doctor")) == ["not-yours"]
    assert refused(desk.seek("ada", "c9", "doctor")) == ["unknown-contact"]
    assert refused(desk.seek("ada", "c1", "nobody's")) == ["unknown-queue"]
    assert refused(desk.seek("ada", "c1", room="nowhere")) == ["unknown-room"]
    assert refused(desk.seek("ada", "c1")) == ["unknown-room"]
    assert refused(desk.seek("ada", "c1", room="oslo")) == ["nobody-free"]
    desk.seek("ada", "c1", "doctor")
    assert refused(desk.seek("ada", "c1", "doctor")) == ["busy"]
    assert refused(desk.invite("ada", "c1", "cia")) == ["busy"]
    desk.comes_in("bob", "c1")
    assert refused(desk.seek("ada", "c1", "113")) == ["busy"]


def test_a_queue_that_goes_meanwhile_ends_the_search() -> None:
    desk = talking()
    for who in ("bob", "cia"):
        desk.sit(who, "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    desk.publish(removed=("doctor",))
    assert told(no(desk, "bob")) == [("nobody", 1)]


def test_all_of_it_survives_a_crash() -> None:
    desk = talking()
    for who in ("bob", "cia"):
        desk.wait(1_000)
        desk.sit(who, "bergen", doctor=3)
    desk.seek("ada", "c1", "doctor")
    desk.crash_and_replay()
    assert rings(no(desk, "bob")) == ["cia"]
    desk.crash_and_replay()


def test_a_room_that_only_had_calls_out_is_unknown_again_as_it_is_after_a_restart() -> None:
    desk = talking()
    desk.sit("eva", "tromso")
    desk.dial("eva", "out")
    desk.gone("out")
    desk.leave("eva")
    restored = RoutingCore.restore(desk.core.snapshot())
    asked = ColleagueSought(desk.now_ms, OperatorId("ada"), ContactId("c1"), None, RoomId("tromso"))
    assert restored.step(asked) == desk.seek("ada", "c1", room="tromso")
    assert refused(desk.seek("ada", "c1", room="tromso")) == ["unknown-room"]
    assert refused(desk.send(RoomStateSet(desk.now_ms, RoomId("tromso"), RoomState.OPEN, OperatorId("ada"), ""))) == [
        "unknown-room"
    ]


@pytest.mark.parametrize(("klass", "code"), [(ContactClass.NORMAL, ["nobody-free"]), (ContactClass.EMERGENCY, [])])
def test_a_room_is_not_asked_for_whom_the_call_itself_may_not_interrupt(klass: ContactClass, code: list[str]) -> None:
    """Eva has a chat that gives way to calls. Calls of this queue let chats be, but an emergency never does."""
    quiet = queue("calm", "oslo", klass=ContactClass.NORMAL, interrupts_chats=False)
    desk = talking(quiet, queue("chat", "bergen", klass=ContactClass.NORMAL))
    desk.sit("bob", "oslo")
    desk.send(ContactArrived(desk.now_ms, ContactId("c2"), quiet.queue, klass=klass))
    desk.talk("bob", "c2")
    eva, seat, room = OperatorId("eva"), PositionId("bergen-eva"), RoomId("bergen")
    desk.send(OperatorSignedIn(desk.now_ms, eva, "Eva", seat, room, {}, Activity.AVAILABLE, True, chats_max=2))
    desk.send(ContactArrived(desk.now_ms, ContactId("t1"), QueueId("chat"), kind=ContactKind.CHAT))
    desk.accept("eva", "t1")
    desk.joined("t1")
    effects = desk.seek("bob", "c2", room="bergen")
    assert refused(effects) == code
    assert rings(effects) == ([] if code else ["eva"])
