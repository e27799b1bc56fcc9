"""The caller's side: leaving in every state, hold, transfer, hang-up, refusals."""

import pytest

from kak_server.routing.api import (
    ContactClass,
    ContactState,
    EndContact,
    OperatorState,
    ReleaseOperator,
    SetHold,
    StartWaiting,
    WithdrawOffer,
)
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused


def desk_with_call(wrap_up_ms: int = 10_000) -> Desk:
    desk = Desk(queue("113", wrap_up_ms=wrap_up_ms), queue("bergen", "bergen"))
    desk.sit("kari")
    desk.ring("c1")
    desk.talk("kari", "c1")
    return desk


def test_a_caller_who_hangs_up_while_waiting_is_gone() -> None:
    desk = Desk()
    desk.ring("c1")
    effects = desk.gone("c1", "cancel")
    assert only(effects, EndContact) == [EndContact(desk.contact("c1").contact, "cancel")]
    assert (desk.contact("c1").state, desk.contact("c1").cause) == (ContactState.ENDED, "cancel")
    desk.wait(1)
    desk.ring("c2")
    assert desk.core.contact(desk.contact("c2").contact) is not None
    assert [view.contact for view in desk.core.contacts()] == ["c2"]
    assert desk.core.timers() == {}


def test_a_caller_who_hangs_up_while_ringing_frees_the_operator_for_the_next() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.ring("c2")
    effects = desk.gone("c1")
    assert only(effects, WithdrawOffer)[0].reason == "caller-gone"
    assert offers_in(effects) == [("c2", "kari", 1)]


def test_a_caller_who_hangs_up_while_connecting_needs_no_paper_work() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1")
    effects = desk.gone("c1")
    assert only(effects, ReleaseOperator)[0].cause == "caller-gone"
    assert desk.operator("kari").state is OperatorState.IDLE
    assert desk.core.timers() == {}


@pytest.mark.parametrize("held", [False, True])
def test_a_caller_who_hangs_up_in_the_call_leaves_paper_work(held: bool) -> None:
    desk = desk_with_call(wrap_up_ms=8_000)
    desk.hold("kari", "c1", held)
    desk.gone("c1")
    kari = desk.operator("kari")
    assert (kari.state, kari.wrap_up_until_ms) == (OperatorState.WRAP_UP, desk.now_ms + 8_000)
    desk.wait(8_000)
    assert desk.operator("kari").state is OperatorState.IDLE
    assert desk.operator("kari").wrap_up_until_ms is None


def test_leaving_twice_is_leaving_once() -> None:
    desk = desk_with_call()
    desk.gone("c1")
    assert desk.gone("c1") == ()


def test_the_operator_hangs_up() -> None:
    desk = desk_with_call()
    effects = desk.hang_up("kari", "c1")
    assert only(effects, ReleaseOperator)[0].cause == "hangup"
    assert only(effects, EndContact)[0].cause == "operator-hangup"
    assert refused(desk.hang_up("kari", "c1")) == ["unknown-contact"]


def test_without_paper_work_the_next_call_comes_at_once() -> None:
    desk = desk_with_call(wrap_up_ms=0)
    desk.ring("c2")
    assert offers_in(desk.hang_up("kari", "c1")) == [("c2", "kari", 1)]


def test_only_the_holder_may_touch_the_call() -> None:
    desk = desk_with_call()
    desk.sit("ola")
    assert refused(desk.hang_up("ola", "c1")) == ["not-yours"]
    assert refused(desk.hold("ola", "c1")) == ["not-yours"]
    assert refused(desk.transfer("ola", "c1", "bergen")) == ["not-yours"]
    desk.ring("c2")
    assert refused(desk.hang_up("ola", "c2")) == ["not-yours"], "an offer is not a call"


def test_hold_and_resume_once_each() -> None:
    desk = desk_with_call()
    assert only(desk.hold("kari", "c1"), SetHold)[0].on is True
    assert desk.contact("c1").held
    assert desk.hold("kari", "c1") == ()
    assert only(desk.hold("kari", "c1", on=False), SetHold)[0].on is False
    assert not desk.contact("c1").held


def test_nothing_but_hanging_up_before_the_call_is_connected() -> None:
    desk = Desk(queue("113"), queue("bergen", "bergen"))
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1")
    assert refused(desk.hold("kari", "c1")) == ["busy"]
    assert refused(desk.transfer("kari", "c1", "bergen")) == ["busy"]
    assert only(desk.hang_up("kari", "c1"), EndContact)


def test_a_transfer_keeps_the_arrival_time_and_frees_the_operator() -> None:
    desk = desk_with_call()
    first = desk.contact("c1").arrived_at_ms
    desk.wait(60_000)
    desk.ring("c2", "bergen")
    effects = desk.transfer("kari", "c1", "bergen")
    assert only(effects, ReleaseOperator)[0].cause == "transfer"
    assert only(effects, StartWaiting)[0].reason == "transferred"
    assert desk.contact("c1").arrived_at_ms == first
    assert desk.line("bergen") == ["c1", "c2"]
    assert desk.operator("kari").state is OperatorState.WRAP_UP
    desk.sit("bente", "bergen")
    assert desk.offered_to("c1") == "bente"


def test_a_transfer_takes_the_new_queues_class() -> None:
    desk = Desk(queue("116117", klass=ContactClass.NORMAL), queue("113"))
    desk.sit("kari")
    desk.ring("c1", "116117")
    desk.talk("kari", "c1")
    desk.transfer("kari", "c1", "113")
    assert desk.contact("c1").klass is ContactClass.EMERGENCY


def test_a_transfer_to_nowhere_is_refused_and_the_call_goes_on() -> None:
    desk = desk_with_call()
    assert refused(desk.transfer("kari", "c1", "moon")) == ["unknown-queue"]
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_a_transfer_to_the_same_queue_goes_to_somebody_else_first() -> None:
    desk = desk_with_call(wrap_up_ms=0)
    desk.wait(5)
    desk.sit("ola")
    assert offers_in(desk.transfer("kari", "c1", "113")) == [("c1", "ola", 2)]


def test_unknown_queues_and_duplicates_are_refused() -> None:
    desk = Desk()
    assert refused(desk.ring("c1", "nowhere")) == ["unknown-queue"]
    desk.ring("c2")
    assert refused(desk.ring("c2")) == ["duplicate"]


def test_too_many_contacts_are_refused_but_never_an_emergency() -> None:
    desk = Desk(queue("113"), queue("116117", klass=ContactClass.NORMAL), max_contacts=2)
    desk.ring("c1")
    desk.ring("c2")
    assert refused(desk.ring("c3", "116117")) == ["limit"]
    assert refused(desk.ring("c4", "113")) == []
    assert len(desk.core.contacts()) == 3
