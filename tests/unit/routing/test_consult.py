"""A colleague asked in: consulted, joined, left with the caller; and whoever vanishes in between."""

import pytest

from kak_server.routing.api import (
    Activity,
    ContactState,
    EndContact,
    HolderChanged,
    MadeNotReady,
    Offer,
    OperatorState,
    Part,
    ParticipantJoined,
    ParticipantLeft,
    PeopleConfig,
    ReleaseOperator,
    SetHold,
    WithdrawOffer,
)
from tests.unit.routing.desk import Desk, only, queue, refused


def talking(*others: str) -> Desk:
    desk = Desk(queue("113", wrap_up_ms=5_000), queue("bergen", "bergen"))
    desk.sit("ada")
    for who in others or ("bob",):
        desk.sit(who, ready=False)
    desk.ring("c1")
    desk.talk("ada", "c1")
    return desk


def consulting() -> Desk:
    desk = talking()
    desk.invite("ada", "c1", "bob")
    desk.comes_in("bob", "c1")
    return desk


def conference(*who: str) -> Desk:
    desk = talking(*who)
    for other in who:
        desk.invite("ada", "c1", other, "conference")
        desk.comes_in(other, "c1")
    return desk


def test_an_invitation_rings_and_the_caller_hears_nothing_of_it() -> None:
    desk = talking()
    effects = desk.invite("ada", "c1", "bob")
    offer = only(effects, Offer)[0]
    assert (offer.operator, offer.purpose, offer.invited_by) == ("bob", "consult", "ada")
    assert desk.contact("c1").state is ContactState.CONNECTED
    assert desk.contact("c1").epoch == 1, "the holder's epoch is what it was"
    assert desk.operator("bob").state is OperatorState.OFFERED


def test_the_caller_is_on_hold_while_the_two_talk() -> None:
    desk = talking()
    desk.invite("ada", "c1", "bob")
    effects = desk.comes_in("bob", "c1")
    assert only(effects, ParticipantJoined)[0].part is Part.CONSULT
    assert only(effects, SetHold)[0].on
    view = desk.contact("c1")
    assert (view.state, view.operator, view.consulting) == (ContactState.HELD, "ada", True)


def test_complete_leaves_the_caller_to_the_colleague() -> None:
    desk = consulting()
    effects = desk.consulted("ada", "c1", "complete")
    assert only(effects, ReleaseOperator)[0].cause == "handed-on"
    assert only(effects, HolderChanged)[0].operator == "bob"
    view = desk.contact("c1")
    assert (view.state, view.operator, view.epoch, view.participants) == (ContactState.CONNECTED, "bob", 2, ())
    assert desk.operator("ada").state is OperatorState.WRAP_UP
    desk.hang_up("bob", "c1")
    assert desk.operator("bob").state is OperatorState.WRAP_UP


def test_merge_joins_all_three() -> None:
    desk = consulting()
    effects = desk.consulted("ada", "c1", "merge")
    assert only(effects, ParticipantJoined)[0].part is Part.MEMBER
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_swapping_is_holding() -> None:
    desk = consulting()
    desk.hold("ada", "c1", False)
    view = desk.contact("c1")
    assert (view.state, view.consulting) == (ContactState.CONNECTED, False)
    desk.hold("ada", "c1", True)
    assert desk.contact("c1").consulting
    desk.drop("ada", "c1", "bob")
    assert desk.contact("c1").state is ContactState.CONNECTED


@pytest.mark.parametrize("how", ["drop", "quit", "hangup", "lost"])
def test_however_the_colleague_goes_the_caller_is_back_with_the_holder(how: str) -> None:
    desk = consulting()
    if how == "drop":
        effects = desk.drop("ada", "c1", "bob")
    elif how == "quit":
        effects = desk.quit("bob", "c1")
    elif how == "hangup":
        effects = desk.hang_up("bob", "c1")
    else:
        desk.media("oslo-bob", False)
        effects = tuple(desk.wait(5_000))
    assert only(effects, ParticipantLeft)
    view = desk.contact("c1")
    assert (view.state, view.operator, view.participants) == (ContactState.CONNECTED, "ada", ())


def test_a_hold_that_was_there_before_stays() -> None:
    desk = talking()
    desk.invite("ada", "c1", "bob")
    desk.hold("ada", "c1")
    desk.comes_in("bob", "c1")
    desk.drop("ada", "c1", "bob")
    assert desk.contact("c1").state is ContactState.HELD


@pytest.mark.parametrize("how", ["reject", "expire", "media", "leave", "drop", "break"])
def test_an_invitation_that_comes_to_nothing_changes_nothing(how: str) -> None:
    desk = talking()
    desk.invite("ada", "c1", "bob")
    epoch = desk.guest_epoch("c1", "bob")
    if how == "reject":
        effects = desk.reject("bob", "c1", epoch)
    elif how == "expire":
        effects = tuple(desk.wait(15_000))
    elif how == "media":
        effects = desk.media("oslo-bob", False)
    elif how == "leave":
        effects = desk.leave("bob")
    elif how == "break":
        desk.drop("ada", "c1", "bob")
        effects = desk.accept("bob", "c1", epoch)
        assert refused(effects) == ["offer-gone"]
        return
    else:
        effects = desk.drop("ada", "c1", "bob")
    assert only(effects, WithdrawOffer)
    view = desk.contact("c1")
    assert (view.state, view.operator, view.participants) == (ContactState.CONNECTED, "ada", ())


def test_the_caller_leaves_during_a_consultation_and_both_have_paper_work() -> None:
    desk = consulting()
    effects = desk.gone("c1")
    assert only(effects, EndContact)
    assert only(effects, ParticipantLeft)[0].cause == "ended"
    assert desk.operator("ada").state is OperatorState.WRAP_UP
    assert desk.operator("bob").state is OperatorState.WRAP_UP


def test_the_caller_leaves_while_the_colleague_rings() -> None:
    desk = talking()
    desk.invite("ada", "c1", "bob")
    assert only(desk.gone("c1"), WithdrawOffer)[0].reason == "caller-gone"
    assert desk.operator("bob").state is OperatorState.IDLE


@pytest.mark.parametrize("how", ["hangup", "lost", "leave"])
def test_a_holder_who_goes_leaves_the_caller_to_the_colleague(how: str) -> None:
    desk = conference("bob", "cia")
    if how == "hangup":
        effects = desk.hang_up("ada", "c1")
    elif how == "leave":
        effects = desk.hand_over("ada", "c1")
    else:
        desk.media("oslo-ada", False)
        effects = tuple(desk.wait(5_000))
    assert only(effects, HolderChanged)[0].operator == "bob"
    view = desk.contact("c1")
    assert (view.operator, [row.operator for row in view.participants]) == ("bob", ["cia"])
    desk.quit("cia", "c1")
    desk.hang_up("bob", "c1")
    assert refused(desk.gone("c1")) == []
    assert not desk.core.state.contacts


def test_the_heir_is_one_with_sound() -> None:
    desk = conference("bob", "cia")
    desk.media("oslo-bob", False)
    desk.hang_up("ada", "c1")
    assert desk.contact("c1").operator == "cia"


def test_the_last_one_left_ends_it() -> None:
    desk = conference("bob")
    desk.hang_up("ada", "c1")
    assert only(desk.hang_up("bob", "c1"), EndContact)


def test_a_colleague_without_sound_is_given_the_grace_and_then_lost() -> None:
    desk = conference("bob")
    desk.media("oslo-bob", False)
    desk.wait(4_000)
    desk.media("oslo-bob", True)
    desk.wait(20_000)
    assert desk.contact("c1").participants
    desk.media("oslo-bob", False)
    desk.wait(5_000)
    assert not desk.contact("c1").participants
    assert desk.operator("bob").state is OperatorState.UNREACHABLE


def test_while_colleagues_are_in_it_a_call_is_neither_parked_nor_passed_on() -> None:
    desk = conference("bob")
    assert refused(desk.park("ada", "c1")) == ["others-there"]
    assert refused(desk.transfer("ada", "c1", "bergen")) == ["others-there"]
    assert refused(desk.hand_to("ada", "c1", "bob")) == ["others-there"]


def test_who_is_in_a_call_is_in_no_other() -> None:
    desk = conference("bob")
    desk.ring("c2")
    assert desk.line() == ["c2"]
    assert refused(desk.leave("bob")) == ["busy"]
    assert refused(desk.invite("ada", "c1", "bob")) == ["busy"]
    assert refused(desk.dial("bob", "c9")) == ["busy"]


def test_one_is_consulted_at_a_time_and_only_by_the_holder() -> None:
    desk = talking("bob", "cia")
    assert refused(desk.invite("bob", "c1", "cia")) == ["not-yours"]
    desk.invite("ada", "c1", "bob")
    assert refused(desk.invite("ada", "c1", "cia")) == ["busy"]
    assert refused(desk.consulted("ada", "c1", "complete")) == ["nobody-else"]
    assert refused(desk.drop("ada", "c1", "cia")) == ["unknown-operator"]
    assert refused(desk.quit("bob", "c1")) == ["not-yours"]


def test_a_colleague_moves_seat_with_the_call() -> None:
    desk = conference("bob")
    desk.sit("bob", at="oslo-9", ready=False)
    row = desk.contact("c1").participants[0]
    assert (row.operator, row.position) == ("bob", "oslo-9")
    desk.hang_up("ada", "c1")
    assert desk.contact("c1").position == "oslo-9"


def test_all_of_it_survives_a_snapshot() -> None:
    desk = consulting()
    again = desk.core.restore(desk.core.snapshot())
    assert again.digest() == desk.core.digest()


def test_invitations_that_ring_out_count_as_missed() -> None:
    desk = Desk(queue("113", wrap_up_ms=0), people=PeopleConfig(misses=2))
    for who in ("ada", "bob", "cia"):
        desk.sit(who)
    desk.ring("c1")
    desk.talk("ada", "c1")
    for times in (1, 2):
        desk.invite("ada", "c1", "bob")
        effects = desk.wait(15_000)
        assert desk.operator("bob").missed == times
    assert [made.operator for made in only(effects, MadeNotReady)] == ["bob"]
    assert desk.operator("bob").activity is Activity.BREAK
