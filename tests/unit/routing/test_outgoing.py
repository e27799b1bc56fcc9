"""Calls out, calls that go on without an operator, and their way back."""

from kak_server.model.ids import RoomId
from kak_server.routing.api import (
    Activity,
    Connect,
    ContactState,
    DialOut,
    EndContact,
    OperatorState,
    RoomConfig,
    RoomsConfig,
    StartWaiting,
)
from kak_server.routing.outgoing import queue_of_room
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import OSLO, Desk, only, queue, refused


def talking(desk: Desk, who: str = "ada", contact: str = "c1") -> None:
    desk.ring(contact)
    desk.talk(who, contact)


def test_a_call_out_is_its_operators_from_the_start() -> None:
    desk = Desk()
    desk.sit("ada")
    (dialled,) = only(desk.dial("ada", "c1"), DialOut)
    assert (dialled.operator, dialled.epoch, dialled.queue) == ("ada", 1, queue_of_room(OSLO))
    view = desk.contact("c1")
    assert (view.state, view.caller, view.outgoing) == (ContactState.CONNECTING, "110", True)
    assert desk.operator("ada").state is OperatorState.BUSY
    desk.joined("c1")
    assert desk.contact("c1").state is ContactState.CONNECTED
    desk.hang_up("ada", "c1")
    assert desk.operator("ada").state is OperatorState.WRAP_UP
    assert queue_of_room(OSLO) not in desk.core.state.queues


def test_one_on_a_break_or_in_wrap_up_may_dial_and_one_with_a_call_or_an_offer_may_not() -> None:
    desk = Desk()
    desk.sit("ada", ready=False)
    desk.dial("ada", "c1")
    assert refused(desk.dial("ada", "c2")) == ["busy"]
    desk.joined("c1")
    desk.gone("c1")
    desk.dial("ada", "c3")
    assert desk.operator("ada").wrap_up_until_ms is None
    desk.hang_up("ada", "c3")
    assert desk.operator("ada").state is OperatorState.IDLE, "no conversation, no paper work"
    desk.says("ada", Activity.AVAILABLE)
    desk.ring("c4")
    assert refused(desk.dial("ada", "c5")) == ["busy"]
    desk.sit("bob", media=False)
    assert refused(desk.dial("bob", "c5")) == ["no-media"]
    assert refused(desk.dial("nobody", "c5")) == ["unknown-operator"]
    desk.sit("cia")
    assert refused(desk.dial("cia", "c4")) == ["duplicate"]
    assert refused(desk.dial("cia", "c6", "nowhere")) == ["unknown-queue"]


def test_nobody_answers_in_time() -> None:
    desk = Desk(dial_timeout_ms=30_000)
    desk.sit("ada")
    desk.dial("ada", "c1")
    assert [end.cause for end in only(desk.wait(30_000), EndContact)] == ["no-answer"]
    assert desk.operator("ada").state is OperatorState.IDLE


def test_who_loses_the_sound_while_it_rings_gives_up_and_in_mid_call_a_colleague_gets_it() -> None:
    desk = Desk(media_grace_ms=1_000)
    desk.sit("ada")
    desk.dial("ada", "c1")
    desk.media("oslo-ada", False)
    assert [end.cause for end in only(desk.wait(1_000), EndContact)] == ["media-lost"]
    desk.media("oslo-ada", True)
    desk.dial("ada", "c2")
    desk.joined("c2")
    desk.sit("bob")
    desk.media("oslo-ada", False)
    assert [wait.reason for wait in only(desk.wait(1_000), StartWaiting)] == ["requeued"]
    assert desk.offered_to("c2") == "bob"


def test_calls_out_of_a_room_survive_a_snapshot() -> None:
    desk = Desk()
    desk.sit("ada")
    desk.sit("bob")
    desk.dial("ada", "c1")
    assert RoutingCore.restore(desk.core.snapshot()).digest() == desk.core.digest()
    assert desk.core.idle(queue_of_room(OSLO)) == ("bob",)


def test_a_handed_over_contact_stays_until_somebody_leaves() -> None:
    desk = Desk()
    desk.sit("ada")
    talking(desk)
    assert refused(desk.hand_over("bob", "c1")) == ["not-yours"]
    desk.hand_over("ada", "c1")
    view = desk.contact("c1")
    assert (view.state, view.operator) == (ContactState.HANDED_OVER, None)
    assert desk.operator("ada").state is OperatorState.WRAP_UP
    desk.wait(3_600_000)
    assert desk.contact("c1").state is ContactState.HANDED_OVER
    assert only(desk.gone("c1"), EndContact)


def test_it_cannot_be_handed_over_before_it_is_connected() -> None:
    desk = Desk()
    desk.sit("ada")
    desk.dial("ada", "c1")
    assert refused(desk.hand_over("ada", "c1")) == ["busy"]


def test_a_failed_handover_comes_back_to_the_head_of_the_queue() -> None:
    desk = Desk()
    desk.sit("ada")
    talking(desk)
    desk.ring("c2")
    desk.hand_over("ada", "c1")
    desk.wait(10_000)  # c2 is offered after the paper work
    desk.ring("c3")
    desk.handover_failed("c1")
    assert desk.line() == ["c1", "c3"]
    assert desk.contact("c1").requeued
    assert not desk.handover_failed("c1"), "said twice"


def test_it_is_pulled_back_by_one_who_is_free() -> None:
    desk = Desk(queue("113"), queue("bergen", "bergen"))
    desk.sit("ada")
    talking(desk)
    desk.sit("bob", "bergen")
    assert refused(desk.pull_back("ada", "c1")) == ["unknown-contact"]
    desk.hand_over("ada", "c1")
    assert refused(desk.pull_back("bob", "c1")) == ["not-yours"]
    (connect,) = only(desk.pull_back("ada", "c1"), Connect)
    assert (connect.operator, connect.epoch) == ("ada", 2)
    desk.joined("c1")
    assert desk.contact("c1").state is ContactState.CONNECTED
    desk.hand_over("ada", "c1")
    desk.pull_back("ada", "c1")
    desk.join_failed("c1")
    assert desk.contact("c1").requeued, "a join that fails leaves nobody alone"


# --- somebody called who is left with nobody -------------------------------------------------------------------------


def country(own: str, *others: str, reserve: int = 0) -> RoomsConfig:
    """`own` with the first of the others for its neighbour."""
    neighbours = tuple(RoomId(name) for name in others[:1])
    rooms = (RoomConfig(RoomId(name), reserve=reserve) for name in others)
    return RoomsConfig(rooms=(RoomConfig(RoomId(own), neighbours=neighbours, reserve=reserve), *rooms))


def test_an_answered_call_out_is_offered_to_its_operator_again_in_a_room_that_keeps_a_reserve() -> None:
    desk = Desk(national=country("oslo", reserve=2))
    desk.sit("ada")
    desk.sit("ola", ready=False)
    desk.dial("ada", "c1")
    desk.joined("c1")
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    desk.media("oslo-ada", True)
    desk.wait(10_000)
    assert desk.offered_to("c1") == "ada"
    desk.talk("ada", "c1")
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_an_answered_call_out_goes_to_the_neighbours_and_then_to_the_country() -> None:
    desk = Desk(national=country("oslo", "bergen", "sund"))
    for who, room in (("ada", "oslo"), ("zoe", "bergen"), ("sun", "sund")):
        desk.sit(who, room)
    desk.dial("ada", "c1")
    desk.joined("c1")
    desk.wait(600_000)  # however long they have talked
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    assert desk.contact("c1").state is ContactState.WAITING, "its room comes first"
    desk.wait(9_999)
    assert desk.contact("c1").state is ContactState.WAITING
    desk.wait(1)
    assert desk.offered_to("c1") == "zoe"
    desk.says("zoe", Activity.BREAK)
    desk.wait(9_999)
    assert desk.contact("c1").state is ContactState.WAITING
    desk.wait(1)
    assert desk.offered_to("c1") == "sun"
    desk.crash_and_replay()


def test_whoever_lost_a_call_out_takes_it_back_from_a_break() -> None:
    desk = Desk()
    desk.sit("ada")
    desk.sit("bob")
    desk.dial("ada", "c1")
    desk.joined("c1")
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    assert desk.offered_to("c1") == "bob"
    desk.media("oslo-ada", True)
    desk.says("ada", Activity.BREAK)
    assert refused(desk.pull_back("bob", "c1")) == ["unknown-contact"]
    (connect,) = only(desk.pull_back("ada", "c1"), Connect)
    assert connect.operator == "ada"
    desk.joined("c1")
    assert desk.contact("c1").transferred_by is None


def test_a_call_out_that_began_by_former_rules_gets_the_present_ones_when_it_waits() -> None:
    desk = Desk(outgoing_wrap_up_ms=1_000)
    desk.sit("ada")
    desk.sit("bob")
    desk.dial("ada", "c1")
    desk.joined("c1")
    desk.configure(queue("113"), outgoing_wrap_up_ms=2_000)
    desk.dial("bob", "c2")
    desk.joined("c2")
    assert len(desk.core.state.versions_of(queue_of_room(OSLO))) == 2
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    assert len(desk.core.state.versions_of(queue_of_room(OSLO))) == 1
    desk.hang_up("bob", "c2")
    desk.wait(2_000)
    assert desk.offered_to("c1") == "bob"
    desk.crash_and_replay()
