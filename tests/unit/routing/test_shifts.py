"""The change of shifts at a position: the incoming stands by until the outgoing is through."""

import pytest

from kak_server.model.ids import PositionId
from kak_server.routing.api import (
    Activity,
    ContactState,
    ForcedTo,
    HandOverChanged,
    OperatorState,
    PeopleConfig,
    PositionLeft,
    PositionMoved,
)
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused


def desk_in_call() -> Desk:
    desk = Desk(queue("113", wrap_up_ms=10_000), people=PeopleConfig(hand_over_ms=300_000))
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    return desk


def changes(effects: object) -> list[str]:
    return [effect.change for effect in only(effects, HandOverChanged)]


def test_the_incoming_sits_down_when_call_and_paper_work_are_over() -> None:
    desk = desk_in_call()
    (started,) = only(desk.takes_over("ola", "p1", emd=4), HandOverChanged)
    assert (started.outgoing, started.incoming, started.until_ms) == ("kari", "ola", desk.now_ms + 300_000)
    desk.wait(60_000)
    assert desk.contact("c1").state is ContactState.CONNECTED
    desk.hang_up("kari", "c1")
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.ring("c2")
    effects = desk.done("kari")
    assert changes(effects) == ["done"]
    assert only(effects, PositionLeft) == [PositionLeft("p1", "kari", "handed-over")]  # type: ignore[arg-type]
    assert offers_in(effects) == [], "nothing for who leaves, nor for who has not said ready"
    view = desk.operator("ola")
    assert (view.position, view.activity, view.state) == ("p1", Activity.BREAK, OperatorState.UNREACHABLE)
    assert view.skills == {"emd": 4}
    assert view.duty.on_since_ms == desk.now_ms
    assert desk.core.operator_at(view.position) == "ola"
    desk.media("p1", True)
    assert offers_in(desk.says("ola", Activity.AVAILABLE)) == [("c2", "ola", 1)]


def test_the_paper_works_timer_is_enough() -> None:
    desk = desk_in_call()
    desk.hang_up("kari", "c1")
    desk.takes_over("ola", "p1")
    assert changes(desk.wait(10_000)) == ["done"]


def test_a_free_seat_changes_hands_at_once_and_its_offer_goes_on() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.sit("per", at="p2")
    desk.ring("c1")
    effects = desk.takes_over("ola", "p1")
    assert changes(effects) == ["started", "done"]
    assert offers_in(effects) == [("c1", "per", 2)]


def test_after_its_time_the_outgoing_stays_on() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    assert changes(desk.wait(300_000)) == ["expired"]
    desk.hang_up("kari", "c1")
    desk.ring("c2")
    assert offers_in(desk.done("kari")) == [("c2", "kari", 1)]


@pytest.mark.parametrize("who", ["kari", "ola"])
def test_either_may_take_it_back_and_nobody_else(who: str) -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    assert refused(desk.stays_on("per", "p1")) == ["not-yours"]
    assert changes(desk.stays_on(who, "p1")) == ["cancelled"]
    assert refused(desk.stays_on(who, "p1")) == ["unknown-position"]
    desk.hang_up("kari", "c1")
    desk.wait(10_000)
    assert desk.operator("kari").state is OperatorState.IDLE


def test_what_cannot_be_a_hand_over_is_refused() -> None:
    desk = desk_in_call()
    assert refused(desk.takes_over("ola", "p9")) == ["empty"]
    assert refused(desk.takes_over("kari", "p1")) == ["signed-in"]
    desk.sit("per", at="p2")
    assert refused(desk.takes_over("per", "p1")) == ["signed-in"]
    desk.takes_over("ola", "p1")
    assert desk.takes_over("ola", "p1") == ()
    assert refused(desk.takes_over("eva", "p1")) == ["taken"]


def test_the_incoming_may_think_of_another_seat() -> None:
    desk = desk_in_call()
    desk.sit("per", at="p2")
    desk.ring("c2")
    desk.talk("per", "c2")
    desk.takes_over("ola", "p1")
    assert changes(desk.takes_over("ola", "p2")) == ["cancelled", "started"]
    desk.hang_up("per", "c2")
    desk.done("per")
    assert desk.operator("ola").position == "p2"


def test_the_incoming_sits_down_elsewhere() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    assert changes(desk.sit("ola", at="p2")) == ["cancelled"]
    assert not desk.operator("kari").duty.leaving


def test_the_incoming_sits_down_there_while_the_other_does_paper_work() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    assert refused(desk.sit("ola", at="p1")) == ["busy"]
    desk.hang_up("kari", "c1")
    assert changes(desk.sit("ola", at="p1")) == ["done"]


def test_a_third_one_takes_the_seat() -> None:
    desk = desk_in_call()
    desk.hang_up("kari", "c1")
    desk.takes_over("ola", "p1")
    assert changes(desk.sit("per", at="p1")) == ["taken"]
    assert [view.operator for view in desk.core.operators()] == ["per"]


def test_the_outgoing_goes_home_or_moves_to_another_seat_with_the_call() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    effects = desk.sit("kari", at="p2")
    assert only(effects, PositionMoved) != []
    assert changes(effects) == ["done"]
    assert (desk.operator("ola").position, desk.operator("kari").position) == ("p1", "p2")
    assert not desk.operator("kari").duty.leaving
    desk.hang_up("kari", "c1")
    desk.takes_over("eva", "p2")
    assert changes(desk.leave("kari")) == ["done"]


def test_a_lost_audio_frees_the_outgoing_and_the_caller_waits_at_the_head() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    desk.media("p1", False)
    effects = desk.wait(5_000)
    assert changes(effects) == ["done"]
    assert desk.line() == ["c1"]


def test_signed_out_by_the_lead_while_the_next_stands_by() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    desk.force("kari", ForcedTo.SIGNED_OUT)
    assert changes(desk.stays_on("kari", "p1")) == ["cancelled"]
    assert desk.operator("kari").duty.leaving, "the lead's word stands"
    desk.hang_up("kari", "c1")
    desk.wait(10_000)
    assert desk.core.operators() == ()


def test_it_outlives_a_crash_with_its_timer() -> None:
    desk = desk_in_call()
    desk.takes_over("ola", "p1")
    desk.core = RoutingCore.restore(desk.core.snapshot())
    assert "hand-over:p1" in desk.core.timers()
    desk.hang_up("kari", "c1")
    assert changes(desk.done("kari")) == ["done"]


def test_what_the_outgoing_has_parked_comes_back_to_the_incoming() -> None:
    desk = desk_in_call()
    desk.park("kari", "c1")
    desk.done("kari")
    desk.takes_over("ola", "p1")
    slot = desk.contact("c1").slot
    assert slot is not None
    assert slot.by == "ola"
    desk.media("p1", True)
    desk.says("ola", Activity.AVAILABLE)
    desk.sit("per", at="p2")
    desk.wait(slot.recall_at_ms - desk.now_ms)
    assert desk.offered_to("c1") == "ola"


def test_what_is_parked_comes_back_to_the_incoming_who_sits_down_before_the_paper_work_is_done() -> None:
    desk = desk_in_call()
    desk.park("kari", "c1")
    desk.takes_over("ola", "p1")
    assert changes(desk.sit("ola", at="p1")) == ["done"]
    slot = desk.contact("c1").slot
    assert slot is not None
    assert slot.by == "ola"


# --- a seat is changed in every state ---------------------------------------------------------------------------------


def test_moving_seat_with_a_held_call_keeps_it_held() -> None:
    desk = desk_in_call()
    desk.hold("kari", "c1")
    effects = desk.sit("kari", at="p2")
    assert [(moved.old_position, moved.position) for moved in only(effects, PositionMoved)] == [("p1", "p2")]
    assert desk.contact("c1").state is ContactState.HELD
    assert desk.contact("c1").position == "p2"


def test_moving_seat_in_paper_work_takes_its_clock_along() -> None:
    desk = desk_in_call()
    desk.hang_up("kari", "c1")
    desk.wait(4_000)
    effects = desk.sit("kari", at="p2")
    assert only(effects, PositionMoved) == []
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.ring("c2")
    assert offers_in(desk.wait(5_999)) == []
    assert offers_in(desk.wait(1)) == [("c2", "kari", 1)]


def test_moving_seat_while_joining_and_on_a_break_and_without_audio() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.accept("kari", "c1")
    assert len(only(desk.sit("kari", at="p2", media=False), PositionMoved)) == 1
    assert desk.contact("c1").state is ContactState.CONNECTING
    desk.joined("c1")
    desk.wait(5_000)
    assert desk.line() == ["c1"], "the audio never came to the new seat"
    assert desk.operator("kari").state is OperatorState.UNREACHABLE
    desk.sit("kari", at="p3", ready=False)
    assert (desk.operator("kari").state, desk.offered_to("c1")) == (OperatorState.IDLE, None)


def test_one_operator_sits_at_one_position_and_a_position_has_one() -> None:
    desk = Desk()
    desk.sit("kari", at="p1")
    desk.sit("ola", at="p2")
    desk.sit("kari", at="p2")
    assert [(view.operator, view.position) for view in desk.core.operators()] == [("kari", "p2")]
    assert desk.core.operator_at(PositionId("p1")) is None


def test_a_recall_leaves_who_is_going_home_in_peace() -> None:
    """The paper work goes on, and the call is offered to others at once."""
    desk = Desk(queue("113", wrap_up_ms=60_000))
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.park("kari", "c1")
    desk.done("kari")
    desk.ring("c2")
    desk.talk("kari", "c2")
    desk.takes_over("ola", "p1")
    desk.wait(50_000)
    desk.hang_up("kari", "c2")
    effects = desk.wait(10_000)
    assert offers_in(effects) == []
    assert desk.contact("c1").state is ContactState.WAITING
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.sit("cia")
    assert desk.offered_to("c1") == "cia"


def test_the_next_shift_waits_for_paper_work_in_the_middle_of_which_a_recall_rings() -> None:
    desk = Desk(queue("113", wrap_up_ms=60_000), queue("116117", wrap_up_ms=0))
    desk.sit("cia", at="p1")
    desk.ring("parked", "116117")
    desk.talk("cia", "parked")
    desk.park("cia", "parked")
    desk.ring("c1")
    desk.talk("cia", "c1")
    desk.wait(50_000)
    desk.hang_up("cia", "c1")
    desk.wait(11_000)
    assert desk.offered_to("parked") == "cia"
    desk.takes_over("bob", "p1")
    assert desk.offered_to("parked") == "cia", "it rings on, and 49 s of paper work are left"
    desk.wait(15_000)
    assert desk.operator("cia").state is OperatorState.WRAP_UP
    desk.wait(34_000)
    assert [view.operator for view in desk.core.operators()] == ["bob"]
    desk.media("p1", up=True)
    assert offers_in(desk.says("bob", Activity.AVAILABLE)) == [("parked", "bob", 3)]
