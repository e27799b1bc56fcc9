"""Shift leads in other people's calls."""

import pytest

from kak_server.routing.api import (
    ContactClass,
    ContactState,
    HolderChanged,
    Offer,
    OperatorState,
    Part,
    ParticipantJoined,
    ParticipantLeft,
    ReleaseOperator,
)
from tests.unit.routing.desk import Desk, only, queue, refused


def talking() -> Desk:
    desk = Desk(queue("113", wrap_up_ms=5_000), queue("bergen", "bergen"))
    desk.sit("ada")
    desk.sit("lead", ready=False)
    desk.ring("c1")
    desk.talk("ada", "c1")
    return desk


@pytest.mark.parametrize("before", ["nothing", "listens", "held"])
def test_a_lead_takes_over_without_a_gap(before: str) -> None:
    desk = talking()
    if before == "listens":
        desk.listen("lead", "c1")
    elif before == "held":
        desk.hold("ada", "c1")
    effects = desk.take_over("lead", "c1")
    assert only(effects, ReleaseOperator)[0].cause == "taken-over"
    assert only(effects, HolderChanged)[0].former == "ada"
    view = desk.contact("c1")
    assert (view.state, view.operator, view.participants) == (ContactState.CONNECTED, "lead", ())
    assert desk.operator("ada").state is OperatorState.WRAP_UP


def test_listening_and_whispering_change_on_the_fly() -> None:
    desk = talking()
    assert only(desk.listen("lead", "c1"), ParticipantJoined)[0].part is Part.LISTEN
    assert only(desk.listen("lead", "c1", whisper=True), ParticipantJoined)[0].part is Part.WHISPER
    assert desk.listen("lead", "c1", whisper=True) == ()
    assert desk.contact("c1").operator == "ada"


def test_who_listens_is_out_when_the_call_goes_elsewhere() -> None:
    for move in ("park", "transfer", "hangup", "gone", "lost"):
        desk = talking()
        desk.listen("lead", "c1")
        if move == "park":
            effects = desk.park("ada", "c1")
        elif move == "transfer":
            effects = desk.transfer("ada", "c1", "bergen")
        elif move == "hangup":
            effects = desk.hang_up("ada", "c1")
        elif move == "gone":
            effects = desk.gone("c1")
        else:
            desk.media("oslo-ada", False)
            effects = tuple(desk.wait(5_000))
        assert only(effects, ParticipantLeft), move
        assert desk.operator("lead").state is OperatorState.IDLE, "listening makes no paper work"


def test_who_listens_is_no_heir_and_is_not_sent_away() -> None:
    desk = talking()
    desk.listen("lead", "c1")
    assert refused(desk.drop("ada", "c1", "lead")) == ["unknown-operator"]
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    assert desk.contact("c1").operator is None


def test_a_lead_leaves_as_quietly() -> None:
    desk = talking()
    desk.listen("lead", "c1")
    desk.quit("lead", "c1")
    assert desk.contact("c1").operator == "ada"
    assert desk.operator("lead").state is OperatorState.IDLE


def test_only_a_call_somebody_talks_in_and_only_one_at_a_time() -> None:
    desk = talking()
    assert refused(desk.listen("lead", "none")) == ["unknown-contact"]
    assert refused(desk.take_over("ada", "c1")) == ["busy"]
    desk.sit("bob")
    desk.ring("c2")
    assert refused(desk.take_over("lead", "c2")) == ["unknown-contact"]
    desk.talk("bob", "c2")
    desk.listen("lead", "c1")
    assert refused(desk.listen("lead", "c2")) == ["busy"]
    desk.media("oslo-lead", False)
    assert refused(desk.take_over("lead", "c1")) == ["no-media"]


def test_a_lead_in_paper_work_may_look_in() -> None:
    desk = talking()
    desk.sit("bob", ready=False)
    desk.gone("c1")
    desk.done("ada")
    desk.ring("c2")
    desk.talk("ada", "c2")
    desk.take_over("lead", "c2")
    desk.hang_up("lead", "c2")
    desk.done("ada")
    desk.ring("c3")
    desk.talk("ada", "c3")
    assert desk.operator("lead").state is OperatorState.WRAP_UP
    desk.listen("lead", "c3")
    assert desk.operator("lead").state is OperatorState.BUSY
    assert "wrap-up:lead" not in desk.timers


def test_who_listened_is_not_asked_for_a_later_call_before_the_one_that_was_transferred() -> None:
    desk = Desk(queue("113"), queue("doctor", klass=ContactClass.NORMAL))
    desk.sit("ada")
    desk.ring("c1", "doctor")
    desk.talk("ada", "c1")
    desk.sit("lead")
    desk.listen("lead", "c1")
    desk.ring("c2", "doctor")
    effects = desk.transfer("ada", "c1", "113")
    assert [(offer.contact, offer.operator) for offer in only(effects, Offer)] == [("c1", "lead")]


def test_an_invitation_that_was_taken_back_is_not_held_against_the_colleague() -> None:
    desk = Desk(queue("113"))
    desk.sit("ada")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.sit("bob")
    desk.wait(1_000)
    desk.sit("cia")
    desk.invite("ada", "c1", "bob")
    desk.drop("ada", "c1", "bob")
    desk.ring("c2")
    assert desk.offered_to("c2") == "bob"
