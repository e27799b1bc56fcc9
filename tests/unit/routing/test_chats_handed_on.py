"""Chats handed on to a named colleague, and taken over by a shift lead: with the holder until the other has them."""

import pytest

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.api import ContactState, OperatorState
from tests.unit.routing.desk import Desk, only, queue, refused
from tests.unit.routing.test_chats_moved import chats_of, come, desk, sit


def handed() -> Desk:
    """Ada has a chat and hands it on to Bob, who was on a break."""
    made = Desk(queue("chats", klass=api.ContactClass.NORMAL), queue("others"), queue("calls", wrap_up_ms=10_000))
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    sit(made, "bob", ready=False)
    effects = made.hand_to("ada", "t1", "bob")
    offer = only(effects, api.Offer)[0]
    assert (offer.operator, offer.purpose, offer.invited_by) == ("bob", "hand-on", "ada")
    assert offer.expires_at_ms == made.now_ms + 15_000
    return made


def epoch_of(made: Desk, chat: str = "t1") -> int:
    row = made.contact(chat).handing
    return api.INVITES + row.number if row is not None else api.INVITES + 1


def asked_for(made: Desk, who: str) -> ContactId | None:
    return made.core.state.operators[OperatorId(who)].chat_offer


def test_a_colleague_takes_a_chat_and_the_giver_has_it_until_then() -> None:
    made = handed()
    assert (made.contact("t1").state, chats_of(made, "ada"), chats_of(made, "bob")) == (
        ContactState.CONNECTED,
        ["t1"],
        [],
    )
    made.crash_and_replay()
    effects = made.accept("bob", "t1", epoch_of(made))
    assert [(row.operator, row.cause) for row in only(effects, api.ReleaseOperator)] == [("ada", "transfer")]
    assert [row.operator for row in only(effects, api.Connect)] == ["bob"]
    made.joined("t1")
    view = made.contact("t1")
    assert (view.operator, view.handing, chats_of(made, "ada"), chats_of(made, "bob")) == ("bob", None, [], ["t1"])
    assert made.operator("ada").state is OperatorState.IDLE, "a chat makes no paper work"
    assert not [key for key in made.timers if key.startswith("hand:")]
    made.hang_up("bob", "t1")
    assert chats_of(made, "bob") == []


@pytest.mark.parametrize("how", ["rejected", "expired", "dropped", "gives-way"])
def test_who_does_not_take_it_leaves_it_with_the_giver(how: str) -> None:
    made = handed()
    if how == "expired":
        effects = tuple(made.wait(15_000))
    elif how == "dropped":
        effects = made.drop("ada", "t1", "bob")
    else:
        effects = made.reject("bob", "t1", epoch_of(made), gives_way=how == "gives-way")
    assert [row.reason for row in only(effects, api.WithdrawOffer)] == [how]
    view = made.contact("t1")
    assert (view.state, view.operator, view.handing) == (ContactState.CONNECTED, "ada", None)
    assert (asked_for(made, "bob"), chats_of(made, "ada")) == (None, ["t1"])
    bob = made.operator("bob")
    assert (bob.rejected, bob.missed) == (int(how == "rejected"), int(how == "expired"))
    assert refused(made.accept("bob", "t1", api.INVITES + 1)) == ["offer-gone"]
    assert not refused(made.hand_to("ada", "t1", "bob")), "and it can be handed on again"
    assert refused(made.accept("bob", "t1", api.INVITES + 1)) == ["offer-gone"], "that was the first time"


@pytest.mark.parametrize("how", ["signs out", "moves", "loses sound", "evacuated", "available and away again"])
def test_a_colleague_who_goes_leaves_it_with_the_giver(how: str) -> None:
    made = handed()
    if how == "signs out":
        made.leave("bob")
    elif how == "moves":
        made.sit("bob", at="oslo-9", ready=False)
    elif how == "loses sound":
        made.media("oslo-bob", up=False)
    elif how == "evacuated":
        made.send(
            api.RoomStateSet(made.now_ms, made.core.state.operators[OperatorId("bob")].room, api.RoomState.EVACUATED)
        )
    else:
        made.says("bob", api.Activity.AVAILABLE)
        assert asked_for(made, "bob") == "t1"
        made.says("bob", api.Activity.BREAK)
    assert (made.contact("t1").operator, made.contact("t1").handing) == ("ada", None)
    if how != "signs out":
        assert asked_for(made, "bob") is None


@pytest.mark.parametrize("how", ["pc dies", "transfers", "ends it", "citizen leaves", "falls silent"])
def test_nobody_is_asked_any_more_when_the_giver_has_it_no_longer(how: str) -> None:
    made = handed()
    if how == "pc dies":
        made.media("oslo-ada", up=False)
        made.wait(5_000)
        assert made.contact("t1").state is ContactState.WAITING
        come(made, "t2")
        assert made.line("chats") == ["t1", "t2"], "first of its class, where it was"
    elif how == "transfers":
        made.transfer("ada", "t1", "others")
        assert made.contact("t1").queue == "others"
    elif how == "ends it":
        made.hang_up("ada", "t1")
    elif how == "citizen leaves":
        made.gone("t1")
    else:
        made.falls_silent("t1")
    assert asked_for(made, "bob") is None
    assert chats_of(made, "ada") == []
    assert refused(made.accept("bob", "t1", api.INVITES + 1)) == ["offer-gone"]


def test_the_colleague_gets_it_by_the_queue_when_the_givers_pc_dies() -> None:
    made = desk()
    sit(made, "ada", chats=1)
    come(made)
    made.talk("ada", "t1")
    sit(made, "bob")
    made.hand_to("ada", "t1", "bob")
    made.media("oslo-ada", up=False)
    made.wait(5_000)
    assert made.offered_to("t1") == "bob"
    made.talk("bob", "t1")
    assert chats_of(made, "bob") == ["t1"]


def test_who_cannot_be_asked_is_not() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    assert refused(made.hand_to("ada", "t1", "bob")) == ["not-yours"]
    made.accept("ada", "t1")
    sit(made, "bob", chats=1, in_call=0, ready=False)
    assert refused(made.hand_to("ada", "t1", "bob")) == ["busy"], "not connected yet"
    made.joined("t1")
    assert refused(made.hand_to("ada", "t1", "nobody")) == ["unknown-operator"]
    assert refused(made.hand_to("ada", "t1", "ada")) == ["busy"]
    assert refused(made.hand_to("bob", "t1", "ada")) == ["not-yours"]
    sit(made, "cia", chats=0)
    assert refused(made.hand_to("ada", "t1", "cia")) == ["chats-full"]
    made.dial("bob", "d1")
    assert refused(made.hand_to("ada", "t1", "bob")) == ["chats-full"], "none beside a call"
    made.gone("d1")
    made.done("bob")
    assert not refused(made.hand_to("ada", "t1", "bob"))
    assert refused(made.hand_to("ada", "t1", "cia")) == ["busy"], "one at a time"
    assert refused(made.drop("ada", "t1", "cia")) == ["unknown-operator"]
    made.accept("bob", "t1", epoch_of(made))
    made.joined("t1")
    come(made, "t2")
    made.talk("ada", "t2")
    assert refused(made.hand_to("ada", "t2", "bob")) == ["chats-full"], "one is all that Bob takes"
    made.media("oslo-bob", up=False)
    assert refused(made.hand_to("ada", "t2", "bob")) == ["busy"]


def test_who_is_asked_for_something_else_is_not_asked_twice() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    sit(made, "bob")
    made.says("ada", api.Activity.BREAK)
    come(made, "t2", "others")
    assert made.offered_to("t2") == "bob"
    assert refused(made.hand_to("ada", "t1", "bob")) == ["busy"]
    made.talk("bob", "t2")
    assert not refused(made.hand_to("ada", "t1", "bob"))
    made.ring("c1", "calls")
    assert made.contact("c1").state is ContactState.WAITING, "one thing at a time"
    made.reject("bob", "t1", epoch_of(made))
    assert made.offered_to("c1") == "bob"


def test_a_chat_comes_beside_a_call_and_leaves_it_alone() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    made.says("ada", api.Activity.BREAK)
    sit(made, "bob")
    made.ring("c1", "calls")
    made.talk("bob", "c1")
    made.hand_to("ada", "t1", "bob")
    made.accept("bob", "t1", epoch_of(made))
    made.joined("t1")
    assert (made.operator("bob").contact, chats_of(made, "bob")) == ("c1", ["t1"])


def test_a_chat_that_is_handed_on_gives_way_to_the_call_that_its_colleague_dials() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    sit(made, "bob", in_call=0, ready=False)
    made.hand_to("ada", "t1", "bob")
    assert [row.reason for row in only(made.dial("bob", "d1"), api.WithdrawOffer)] == ["gives-way"]
    assert made.contact("t1").operator == "ada"


# --- taken over -------------------------------------------------------------------------------------------------------


def test_a_lead_who_takes_no_chats_takes_over_this_one() -> None:
    made = handed()
    sit(made, "lead", chats=0, in_call=0, ready=False)
    made.ring("c1", "calls")
    made.talk("ada", "c1")
    effects = made.take_over("lead", "t1")
    assert [(row.operator, row.cause) for row in only(effects, api.ReleaseOperator)] == [("ada", "taken-over")]
    assert [(row.operator, row.reason) for row in only(effects, api.WithdrawOffer)] == [("bob", "answered-elsewhere")]
    made.joined("t1")
    assert (made.contact("t1").operator, chats_of(made, "lead")) == ("lead", ["t1"])
    assert made.operator("ada").contact == "c1", "the call is not touched"
    assert asked_for(made, "bob") is None
    made.crash_and_replay()


def test_a_lead_in_a_call_or_asked_for_that_very_chat_takes_it_over() -> None:
    made = handed()
    made.dial("bob", "d1")
    made.take_over("bob", "t1")
    made.joined("t1")
    assert (chats_of(made, "bob"), made.operator("bob").contact, asked_for(made, "bob")) == (["t1"], "d1", None)


def test_only_a_chat_that_somebody_else_has_is_taken_over() -> None:
    made = desk()
    come(made)
    sit(made, "lead", chats=0, ready=False)
    assert refused(made.take_over("lead", "t1")) == ["unknown-contact"], "it waits"
    sit(made, "ada")
    assert refused(made.take_over("lead", "t1")) == ["unknown-contact"], "it rings"
    made.talk("ada", "t1")
    assert refused(made.take_over("nobody", "t1")) == ["unknown-operator"]
    assert refused(made.take_over("ada", "t1")) == ["busy"]
    assert refused(made.listen("lead", "t1")) == ["unknown-contact"], "nobody is heard there"
    made.media("oslo-lead", up=False)
    assert refused(made.take_over("lead", "t1")) == ["no-media"]


def test_a_lead_does_not_take_over_chats_without_end() -> None:
    made = desk()
    sit(made, "ada", chats=20)
    sit(made, "lead", chats=0, ready=False)
    for number in range(20):
        come(made, f"t{number}")
        made.talk("ada", f"t{number}")
        assert not refused(made.take_over("lead", f"t{number}"))
        made.joined(f"t{number}")
    come(made, "more")
    made.talk("ada", "more")
    assert refused(made.take_over("lead", "more")) == ["chats-full"]
