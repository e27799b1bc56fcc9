"""Chats that go elsewhere and come back: they take a place beside others, and never the whole operator."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.api import ContactState, OperatorState, Step
from tests.unit.routing.desk import Desk, only, queue, refused

OUT = Step(after_ms=1_000, overflow_number="+4722000001")


def desk(*steps: Step, **settings: Any) -> Desk:
    """A queue for chats, another beside it, and one for calls."""
    return Desk(queue("chats", workflow=steps), queue("others"), queue("calls", wrap_up_ms=10_000), **settings)


def sit(made: Desk, who: str, *, chats: int = 2, in_call: int = 1, ready: bool = True) -> None:
    activity = api.Activity.AVAILABLE if ready else api.Activity.BREAK
    made.send(
        api.OperatorSignedIn(
            made.now_ms,
            OperatorId(who),
            who.title(),
            PositionId(f"oslo-{who}"),
            RoomId("oslo"),
            {},
            activity,
            media_up=True,
            chats_max=chats,
            chats_in_call=in_call,
        )
    )


def come(made: Desk, chat: str = "t1", to: str = "chats") -> tuple[api.Effect, ...]:
    return made.send(api.ContactArrived(made.now_ms, ContactId(chat), QueueId(to), kind=api.ContactKind.CHAT))


def chats_of(made: Desk, who: str) -> list[str]:
    return [str(chat) for chat in made.core.state.operators[OperatorId(who)].chats]


def overflown(**settings: Any) -> Desk:
    made = desk(OUT, **settings)
    come(made)
    assert only(made.wait(1_000), api.OverflowOut)
    return made


def test_a_chat_that_overflowed_to_a_number_is_pulled_back_and_ends() -> None:
    made = overflown()
    sit(made, "ada")
    assert [connect.operator for connect in only(made.pull_back("ada", "t1"), api.Connect)] == ["ada"]
    made.joined("t1")
    assert (made.operator("ada").state, chats_of(made, "ada")) == (OperatorState.IDLE, ["t1"])
    made.crash_and_replay()
    made.hang_up("ada", "t1")
    assert chats_of(made, "ada") == []


def test_a_chat_is_pulled_back_beside_a_call_and_leaves_the_call_alone() -> None:
    made = overflown()
    sit(made, "ada")
    made.ring("c1", "calls")
    made.talk("ada", "c1")
    made.pull_back("ada", "t1")
    made.joined("t1")
    assert (made.operator("ada").contact, chats_of(made, "ada")) == ("c1", ["t1"])
    made.hang_up("ada", "c1")
    assert made.operator("ada").state is OperatorState.WRAP_UP
    made.join_failed("t1")
    assert made.operator("ada").state is OperatorState.WRAP_UP, "a chat that is lost does not end the paper work"


def test_a_chat_is_pulled_back_from_a_break_and_in_paper_work() -> None:
    made = overflown()
    sit(made, "ada", ready=False)
    made.pull_back("ada", "t1")
    assert chats_of(made, "ada") == ["t1"]
    made = overflown()
    sit(made, "bob")
    made.ring("c1", "calls")
    made.talk("bob", "c1")
    made.hang_up("bob", "c1")
    made.pull_back("bob", "t1")
    assert (made.operator("bob").state, chats_of(made, "bob")) == (OperatorState.WRAP_UP, ["t1"])


def test_nobody_pulls_back_more_chats_than_they_take_or_under_an_offer() -> None:
    made = overflown()
    assert refused(made.pull_back("nobody", "t1")) == ["unknown-operator"]
    sit(made, "ada", chats=1)
    come(made, "t2", "others")
    assert refused(made.pull_back("ada", "t1")) == ["busy"], "another chat rings"
    made.talk("ada", "t2")
    assert refused(made.pull_back("ada", "t1")) == ["busy"], "one chat is all"
    made.hang_up("ada", "t2")
    made.ring("c1", "calls")
    assert refused(made.pull_back("ada", "t1")) == ["busy"], "a call rings"
    made.gone("c1")
    made.media("oslo-ada", up=False)
    assert refused(made.pull_back("ada", "t1")) == ["no-media"]
    made.media("oslo-ada", up=True)
    made.dial("ada", "d1")
    assert only(made.pull_back("ada", "t1"), api.Connect), "one beside a call"


@pytest.mark.parametrize("rings", [False, True])
def test_a_chat_that_was_passed_on_blindly_is_taken_back(rings: bool) -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    if rings:
        sit(made, "bob")
        made.ring("c1", "calls")
        made.accept(made.offered_to("c1") or "", "c1")
        made.joined("c1")
    else:
        made.says("ada", api.Activity.BREAK)
    made.transfer("ada", "t1", "others")
    waits = made.contact("t1").state
    assert waits is (ContactState.OFFERED if rings else ContactState.WAITING)
    talks = {row.operator: row.contact for row in made.core.operators() if row.contact}
    made.pull_back("ada", "t1")
    made.joined("t1")
    assert (made.contact("t1").operator, chats_of(made, "ada")) == ("ada", ["t1"])
    assert {row.operator: row.contact for row in made.core.operators() if row.contact} == talks, "no call was cut"
    made.hang_up("ada", "t1")


def test_who_rings_for_a_chat_in_a_call_keeps_the_call_when_the_chat_is_taken_back() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    made.says("ada", api.Activity.BREAK)
    sit(made, "bob")
    made.ring("c1", "calls")
    made.talk("bob", "c1")
    made.transfer("ada", "t1", "others")
    assert made.offered_to("t1") == "bob"
    made.pull_back("ada", "t1")
    assert (made.operator("bob").state, made.operator("bob").contact) == (OperatorState.BUSY, "c1")
    made.hang_up("bob", "c1")
    assert made.operator("bob").state is OperatorState.WRAP_UP


def test_a_chat_that_rings_at_who_passed_it_on_is_taken_back_by_them() -> None:
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", "t1")
    made.transfer("ada", "t1", "others")
    assert made.offered_to("t1") == "ada"
    made.pull_back("ada", "t1")
    made.joined("t1")
    assert chats_of(made, "ada") == ["t1"]


@pytest.mark.parametrize("how", ["dropped", "caller hangs up", "stays in it"])
def test_the_chats_of_a_colleague_whose_pc_dies_are_not_left_there_however_they_leave_the_call(how: str) -> None:
    made = desk(media_grace_ms=5_000)
    sit(made, "bob", chats=2, in_call=2)
    come(made)
    made.accept("bob", "t1")
    made.joined("t1")
    made.sit("ada")
    made.ring("c1", "calls")
    made.talk("ada", "c1")
    made.invite("ada", "c1", "bob", "conference")
    made.comes_in("bob", "c1")
    made.media("oslo-bob", False)
    made.wait(1_000)
    if how == "dropped":
        made.drop("ada", "c1", "bob")
    elif how == "caller hangs up":
        made.gone("c1")
    made.wait(3_999)
    assert made.contact("t1").operator == "bob", "the grace"
    made.wait(1)
    assert made.contact("t1").state is ContactState.WAITING
    sit(made, "cia")
    assert made.contact("t1").operator == "cia"


@pytest.mark.parametrize("how", ["dials", "takes a parked call", "listens in"])
@pytest.mark.parametrize("in_call", [0, 1])
def test_a_chat_on_offer_goes_on_to_others_when_the_operator_is_in_a_call_by_then(how: str, in_call: int) -> None:
    made = desk()
    made.sit("ada")
    made.ring("c1", "calls")
    made.talk("ada", "c1")
    if how == "takes a parked call":
        made.park("ada", "c1")
    sit(made, "bob", in_call=in_call)
    come(made)
    assert made.contact("t1").operator == "bob"
    if how == "dials":
        made.dial("bob", "c2")
    elif how == "listens in":
        made.listen("bob", "c1")
    else:
        made.unpark("bob", "c1")
    assert made.operator("bob").state is OperatorState.BUSY
    assert made.contact("t1").operator == ("bob" if in_call else None)
    sit(made, "cia")
    assert made.contact("t1").operator == ("bob" if in_call else "cia")
