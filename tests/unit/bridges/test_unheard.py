"""Numbers outside that answer and hang up at once: an answering machine ends no caller's call."""

import pytest

from kak_server.bridges.outputs import Note
from kak_server.bridges.unheard import HEARD_MS
from kak_server.model.ids import CallId, ContactId
from kak_server.routing.api import ContactState, Step
from tests.unit.bridges.test_recovery import after_restart, resume, sip_calls
from tests.unit.bridges.test_workflows import later, state_of, with_workflow
from tests.unit.bridges.world import KARI, OLA, SEAT_2, START_MS, World, world

OUTSIDE = "+4722000001"
CALLER = CallId("call1")


def answered_outside() -> tuple[World, ContactId, CallId]:
    """A 113 call that went on to a number outside, where something answers."""
    w = with_workflow(Step(after_ms=5_000, overflow_number=OUTSIDE), Step(after_ms=60_000, overflow_number=OUTSIDE))
    contact = w.ring()
    later(w, contact, 5_000)
    call = w.house.calls.lines[contact].parties[0].call
    w.pass_ms(3_000)
    w.picks_up(call)
    return w, contact, call


@pytest.mark.parametrize("talked_ms", [0, 1_000, HEARD_MS - 1])
def test_a_machine_that_answers_for_a_waiting_caller_and_hangs_up_ends_nothing(talked_ms: int) -> None:
    w, contact, call = answered_outside()
    w.pass_ms(talked_ms)
    w.ends(call)
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.requeued, view.arrived_at_ms) == (ContactState.WAITING, True, START_MS)
    assert ("hangup", CALLER) not in w.sip()
    assert w.house.calls.lines[contact].waiting == "requeued"
    assert [out.name for out in w.outputs if isinstance(out, Note) and out.level == "warning"] == ["party_unheard"]


def test_that_number_is_not_called_again_for_this_caller_and_operators_see_why() -> None:
    w, contact, call = answered_outside()
    w.ends(call)
    later(w, contact, 60_000)
    assert len(w.dials()) == 1
    assert state_of(w, contact) is ContactState.WAITING
    w.sit()
    assert w.answer(contact).code == ""
    (party,) = w.call_card()["parties"]
    assert (party["number"], party["cause"]) == (OUTSIDE, "unheard")
    assert party["text_en"] == "Answered and hung up at once"


def test_whoever_talked_with_the_caller_for_a_while_may_end_the_call() -> None:
    w, contact, call = answered_outside()
    w.pass_ms(HEARD_MS)
    w.ends(call)
    assert ("hangup", CALLER) in w.sip()
    assert contact not in w.house.calls.lines
    assert contact in w.house.abandoned.cases, "nobody of ours has talked with an emergency's caller"


def test_a_number_that_does_not_answer_may_be_tried_again_by_a_later_step() -> None:
    w = with_workflow(Step(after_ms=5_000, overflow_number=OUTSIDE), Step(after_ms=60_000, overflow_number=OUTSIDE))
    contact = w.ring()
    later(w, contact, 5_000)
    w.ends(w.house.calls.lines[contact].parties[0].call, "no-answer", 480)
    later(w, contact, 60_000)
    assert len(w.dials()) == 2


def test_a_caller_passed_on_blindly_to_a_machine_comes_back() -> None:
    w = world()
    contact = w.talking()
    w.sit(OLA, SEAT_2)
    assert w.do("contact.transfer_out", {"contact": contact, "number": OUTSIDE}).code == ""
    call = w.dials()[-1].call
    w.pass_ms(4_000)
    w.picks_up(call)
    w.pass_ms(2_000)
    w.ends(call)
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.operator) == (ContactState.OFFERED, OLA), "not first the one who passed it on"
    assert ("hangup", CallId("call-113")) not in w.sip()


def test_those_whom_the_operator_talked_with_end_the_call_when_they_like() -> None:
    w = world()
    contact = w.talking()
    w.do("party.add", {"contact": contact, "number": OUTSIDE})
    call = w.dials()[-1].call
    w.picks_up(call)
    w.pass_ms(10)
    assert w.do("contact.leave", {"contact": contact}).code == ""
    w.pass_ms(1_000)
    w.ends(call)
    assert ("hangup", CallId("call-113")) in w.sip()
    assert w.house.ctx.core.operator(KARI) is not None


@pytest.mark.parametrize("cause", ["gone", "no-media"])
def test_a_connection_that_breaks_is_nobody_hanging_up(cause: str) -> None:
    w, contact, call = answered_outside()
    w.pass_ms(10 * HEARD_MS)
    w.ends(call, cause)
    assert state_of(w, contact) is ContactState.WAITING
    later(w, contact, 60_000)
    assert len(w.dials()) == 2, "that number has been heard, and may be called again"


def test_a_machine_that_hung_up_while_we_were_away_ends_nothing_either() -> None:
    w, contact, call = answered_outside()
    w.pass_ms(1_000)
    w2 = after_restart(w)
    held = {one: view for one, view in sip_calls(w2).items() if one != call}
    resume(w2, held)
    view = w2.house.ctx.core.contact(contact)
    assert view is not None
    assert view.state is ContactState.WAITING
    assert ("hangup", CALLER) not in w2.sip()
