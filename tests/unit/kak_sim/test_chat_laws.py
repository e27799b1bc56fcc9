"""The laws of chats notice a word that comes to something else: the core does one thing, and they hear of another."""

from collections.abc import Callable

import pytest

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_sim import chat_laws
from tests.unit.routing.desk import Desk
from tests.unit.routing.test_chats_moved import come, desk, sit

CHAT = ContactId("t1")
Say = Callable[[Desk], api.Event]


def handed(*, on: bool = True) -> Desk:
    """Ada has a chat, and Bob and Cia take one, too; it is handed on to Bob."""
    made = desk()
    sit(made, "ada")
    come(made)
    made.talk("ada", CHAT)
    for who in ("bob", "cia"):
        sit(made, who, ready=False)
    if on:
        made.hand_to("ada", CHAT, "bob")
    return made


def findings(made: Desk, does: api.Event | None, told: api.Event) -> list[str]:
    """What the laws say of the step `does` (None: nothing is done at all) where they hear `told`."""
    contacts = {view.contact: view for view in made.core.contacts()}
    people = {view.operator: view for view in made.core.operators()}
    effects = made.send(does) if does is not None else ()
    return list(chat_laws.broken(told, effects, contacts, people, made.core))


def hands_on(made: Desk, to: str = "bob", by: str = "ada") -> api.Event:
    return api.TransferToOperator(made.now_ms, OperatorId(by), CHAT, OperatorId(to))


def keeps(made: Desk, named: str = "bob", by: str = "ada") -> api.Event:
    return api.ColleagueDropped(made.now_ms, OperatorId(by), CHAT, OperatorId(named))


def takes_over(made: Desk, who: str = "cia") -> api.Event:
    return api.ContactTakenOver(made.now_ms, OperatorId(who), CHAT)


def answers(made: Desk, who: str = "bob", *, yes: bool = True, later: int = 0) -> api.Event:
    row = made.contact(CHAT).handing
    epoch = api.INVITES + (1 if row is None else row.number) + later
    said = api.OfferAccepted if yes else api.OfferRejected
    return said(made.now_ms, OperatorId(who), CHAT, epoch)


SAID: tuple[Say, ...] = (
    hands_on,
    lambda made: hands_on(made, "cia"),
    lambda made: hands_on(made, "cia", "bob"),
    lambda made: hands_on(made, "ada"),
    lambda made: hands_on(made, "nobody"),
    keeps,
    lambda made: keeps(made, "cia"),
    lambda made: keeps(made, by="cia"),
    takes_over,
    lambda made: takes_over(made, "ada"),
    lambda made: takes_over(made, "nobody"),
    answers,
    lambda made: answers(made, "cia"),
    lambda made: answers(made, later=1),
    lambda made: answers(made, yes=False),
    lambda made: answers(made, "cia", yes=False),
)


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("say", SAID)
def test_what_the_core_does_is_what_should_be(say: Say, on: bool) -> None:
    made = handed(on=on)
    event = say(made)
    assert findings(made, event, event) == []


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("say", SAID)
def test_a_word_is_obeyed_or_refused(say: Say, on: bool) -> None:
    made = handed(on=on)
    assert findings(made, None, say(made))


def test_a_holder_who_keeps_the_chat_after_all_is_not_refused() -> None:
    made = handed()
    assert findings(made, keeps(made, "cia"), keeps(made))


def test_whoever_is_not_asked_does_not_ring() -> None:
    made = handed(on=False)
    assert any("rings for t1" in found for found in findings(made, hands_on(made), hands_on(made, "ada")))
    made = handed(on=False)
    assert any("is handed on to cia" in found for found in findings(made, hands_on(made), hands_on(made, "cia")))


def test_nobody_is_asked_who_has_no_room_or_cannot_be_asked() -> None:
    made = handed(on=False)
    asked = hands_on(made)
    for name, value in (("chats_max", 0), ("media_up", False), ("state", api.OperatorState.WRAP_UP)):
        made = handed(on=False)
        row = made.core.state.operators[OperatorId("bob")]
        was = getattr(row, name)
        setattr(row, name, value)
        people = {view.operator: view for view in made.core.operators()}
        setattr(row, name, was)
        contacts = {view.contact: view for view in made.core.contacts()}
        assert list(chat_laws.broken(asked, made.send(asked), contacts, people, made.core)), name


def test_a_chat_is_out_at_one_and_in_at_the_other_in_one_step() -> None:
    made = handed()
    found = findings(made, answers(made, yes=False), answers(made))
    assert any("goes from ada to bob, epoch 1: [] are out and [] are in" in line for line in found)
    assert any("t1 has gone from ada, who is" in line for line in found)
    assert any("t1 has gone to bob, who is" in line for line in found)
    assert any("stops ringing: [('bob', 'rejected')], and should: [('bob', 'accepted')]" in line for line in found)


def test_a_call_is_no_chat() -> None:
    made = handed(on=False)
    made.sit("dag", ready=True)
    made.ring("c1", "calls")
    told = api.TransferToOperator(made.now_ms, OperatorId("dag"), ContactId("c1"), OperatorId("bob"))
    assert findings(made, None, told) == []
