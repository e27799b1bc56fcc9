"""The operator's side: seats, audio, activities, paper work."""

from kak_server.model.ids import RoomId
from kak_server.routing.api import (
    Activity,
    ContactState,
    Effect,
    Offer,
    OperatorState,
    PositionLeft,
    PositionMoved,
    ReleaseOperator,
    RoomState,
    RoomStateSet,
    StartWaiting,
    WithdrawOffer,
)
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused


def desk_with_call() -> Desk:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    return desk


def test_nobody_signed_in_the_call_just_waits() -> None:
    desk = Desk()
    desk.ring("c1")
    desk.wait(3_600_000)
    assert desk.line() == ["c1"]
    assert offers_in(desk.sit("kari")) == [("c1", "kari", 1)]


def test_on_break_nothing_is_offered_until_available() -> None:
    desk = Desk()
    desk.sit("kari", ready=False)
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    assert offers_in(desk.says("kari", Activity.AVAILABLE)) == [("c1", "kari", 1)]


def test_without_audio_nothing_is_offered_until_it_comes() -> None:
    desk = Desk()
    desk.sit("kari", at="p1", media=False)
    assert desk.operator("kari").state is OperatorState.UNREACHABLE
    desk.ring("c1")
    assert offers_in(desk.media("p1", True)) == [("c1", "kari", 1)]


def test_audio_of_an_empty_seat_is_ignored() -> None:
    desk = Desk()
    assert desk.media("p9", True) == ()


def test_audio_lost_while_ringing_goes_on_at_once() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.sit("ola", at="p2")
    desk.ring("c1")
    effects = desk.media("p1", False)
    assert only(effects, WithdrawOffer)[0].reason == "media"
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert desk.operator("kari").state is OperatorState.UNREACHABLE


def test_audio_back_within_the_grace_loses_nothing() -> None:
    desk = desk_with_call()
    desk.media("p1", False)
    assert desk.wait(4_999) == []
    desk.media("p1", True)
    assert desk.wait(60_000) == []
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_audio_gone_for_good_puts_the_caller_at_the_head_with_an_announcement() -> None:
    desk = desk_with_call()
    arrived = desk.contact("c1").arrived_at_ms
    desk.ring("c2")
    desk.media("p1", False)
    effects = desk.wait(5_000)
    assert only(effects, ReleaseOperator)[0].cause == "media-lost"
    (start,) = only(effects, StartWaiting)
    assert (start.reason, start.announce) == ("requeued", True)
    assert desk.operator("kari").state is OperatorState.UNREACHABLE
    assert desk.contact("c1").arrived_at_ms == arrived
    assert desk.line() == ["c1", "c2"]
    desk.sit("ola")
    assert desk.offered_to("c1") == "ola"


def test_a_requeued_contact_is_ahead_of_one_with_more_credit() -> None:
    desk = Desk(queue("a"), queue("b", priority=3_600))
    desk.sit("kari", at="p1")
    desk.ring("c1", "a")
    desk.talk("kari", "c1")
    desk.ring("c2", "b")
    desk.media("p1", False)
    desk.wait(5_000)
    desk.sit("ola")
    assert desk.offered_to("c1") == "ola"


def test_audio_lost_in_the_join_has_the_same_grace() -> None:
    desk = Desk(connect_timeout_ms=60_000)
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.accept("kari", "c1")
    desk.media("p1", False)
    assert only(desk.wait(5_000), ReleaseOperator)[0].cause == "media-lost"


def test_audio_lost_in_paper_work_matters_after_it() -> None:
    desk = desk_with_call()
    desk.hang_up("kari", "c1")
    desk.media("p1", False)
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.wait(10_000)
    assert desk.operator("kari").state is OperatorState.UNREACHABLE


def test_paper_work_ends_when_said_and_twice_is_once() -> None:
    desk = desk_with_call()
    desk.hang_up("kari", "c1")
    desk.ring("c2")
    assert offers_in(desk.done("kari")) == [("c2", "kari", 1)]
    assert desk.done("kari") == ()
    assert desk.core.timers().keys() == {"offer:c2"}


def test_a_break_said_in_the_call_holds_after_it() -> None:
    desk = desk_with_call()
    desk.says("kari", Activity.BREAK, "coffee")
    desk.hang_up("kari", "c1")
    desk.ring("c2")
    desk.wait(10_000)
    assert desk.offered_to("c2") is None
    assert (desk.operator("kari").activity, desk.operator("kari").reason) == (Activity.BREAK, "coffee")


def test_saying_the_same_again_changes_nothing() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    digest = desk.core.digest()
    assert desk.says("kari", Activity.AVAILABLE) == ()
    assert desk.media("p1", True) == ()
    assert desk.core.digest() == digest


def test_unknown_operators_are_refused() -> None:
    desk = Desk()
    assert refused(desk.says("nobody", Activity.BREAK)) == ["unknown-operator"]
    assert refused(desk.leave("nobody")) == ["unknown-operator"]
    assert refused(desk.done("nobody")) == ["unknown-operator"]


def test_going_home_while_ringing_gives_the_offer_on() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.sit("ola")
    desk.ring("c1")
    effects = desk.leave("kari")
    assert only(effects, WithdrawOffer)[0].reason == "signed-out"
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert [view.operator for view in desk.core.operators()] == ["ola"]


def test_going_home_in_a_call_is_refused_and_in_paper_work_is_not() -> None:
    desk = desk_with_call()
    assert refused(desk.leave("kari")) == ["busy"]
    desk.hang_up("kari", "c1")
    desk.leave("kari")
    assert desk.core.operators() == ()
    assert desk.core.timers() == {}


def test_a_refreshed_browser_keeps_the_call() -> None:
    desk = desk_with_call()
    effects = desk.sit("kari", at="p1")
    assert only(effects, PositionMoved) == []
    assert desk.contact("c1").operator == "kari"
    assert desk.operator("kari").state is OperatorState.BUSY


def test_a_refreshed_browser_whose_audio_is_not_yet_back_has_the_grace() -> None:
    desk = desk_with_call()
    desk.sit("kari", at="p1", media=False)
    assert desk.core.timers().keys() == {"media:kari"}
    desk.media("p1", True)
    assert desk.core.timers() == {}


def test_a_call_moves_with_its_operator_to_another_seat() -> None:
    desk = desk_with_call()
    effects = desk.sit("kari", at="p2")
    assert only(effects, PositionLeft)[0].position == "p1"
    (moved,) = only(effects, PositionMoved)
    assert (moved.contact, moved.old_position, moved.position) == ("c1", "p1", "p2")
    assert desk.contact("c1").position == "p2"
    assert only(desk.hang_up("kari", "c1"), ReleaseOperator)[0].position == "p2"
    assert desk.core.operator_at(desk.operator("kari").position) == "kari"


def test_an_offer_follows_to_the_new_seat_as_a_new_offer() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.ring("c1")
    effects = desk.sit("kari", at="p2")
    assert only(effects, WithdrawOffer)[0].reason == "moved"
    assert offers_in(effects) == [("c1", "kari", 2)]


def test_taking_a_seat_sends_its_occupant_away() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.ring("c1")
    effects = desk.sit("ola", at="p1")
    assert only(effects, PositionLeft) == [PositionLeft(desk.operator("ola").position, "kari", "taken")]  # type: ignore[arg-type]
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert [view.operator for view in desk.core.operators()] == ["ola"]


def test_the_seat_of_a_call_is_not_taken() -> None:
    desk = desk_with_call()
    assert refused(desk.sit("ola", at="p1")) == ["busy"]
    assert desk.contact("c1").operator == "kari"
    assert [view.operator for view in desk.core.operators()] == ["kari"]


def test_between_two_seats_nobody_is_asked_at_the_old_one() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.sit("ola", at="p2")
    effects = desk.sit("ola", at="p1")
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert desk.contact("c1").position == "p1"


def handed(*, ready: bool = True) -> tuple[Desk, tuple[Effect, ...]]:
    """Kari hands her call to Ola, with the word that it comes back, and sits down on Ola's chair before he answers."""
    desk = desk_with_call()
    desk.sit("ola", at="p2")
    desk.hand_to("kari", "c1", "ola", back=True)
    return desk, desk.sit("kari", at="p2", ready=ready)


def test_what_was_handed_to_a_chair_one_then_takes_comes_back_there_once() -> None:
    desk, effects = handed()
    assert offers_in(effects) == [("c1", "kari", 3)], "one offer, and at the new seat"
    assert [offer.position for offer in only(effects, Offer)] == ["p2"]
    assert [(gone.operator, gone.reason) for gone in only(effects, WithdrawOffer)] == [("ola", "moved")]
    desk.accept("kari", "c1")
    desk.joined("c1")
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_it_does_not_come_back_to_somebody_who_sits_down_to_a_break() -> None:
    desk, effects = handed(ready=False)
    assert offers_in(effects) == []
    assert desk.contact("c1").state is ContactState.WAITING
    assert offers_in(desk.says("kari", Activity.AVAILABLE)) == []
    assert offers_in(desk.done("kari")) == [("c1", "kari", 3)]


def test_who_comes_to_an_evacuated_room_at_the_same_seat_rings_no_more() -> None:
    desk = Desk(queue("113", "oslo", "bergen"))
    desk.sit("cia", "bergen", at="p1")
    desk.send(RoomStateSet(desk.now_ms, RoomId("oslo"), RoomState.EVACUATED))
    desk.ring("c1")
    assert desk.offered_to("c1") == "cia"
    effects = desk.sit("cia", "oslo", at="p1")
    assert [(gone.operator, gone.reason) for gone in only(effects, WithdrawOffer)] == [("cia", "evacuated")]
    assert desk.offered_to("c1") is None
    assert desk.line() == ["c1"]


def test_new_skills_count_at_once() -> None:
    desk = Desk(queue("113", skills={"emd": 3}))
    desk.sit("kari", at="p1", emd=2)
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    assert offers_in(desk.sit("kari", at="p1", emd=3)) == [("c1", "kari", 1)]
