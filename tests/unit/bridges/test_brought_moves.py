"""Alarms and radios' emergencies that go from hand to hand: the moves of a call that need no voice."""

from typing import Any

import pytest

from kak_server.bridges.brought_types import Asked, Brought
from kak_server.bridges.commands import By
from kak_server.bridges.outputs import StoreCall, Tell
from kak_server.console.messages import check_event
from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.routing.views import ContactView
from tests.unit.bridges.test_brought import ALARM, CHAT, WEB, accept, bring, info, w
from tests.unit.bridges.test_recovery import after_restart, resume
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World

__all__ = ["w"]  # the fixture

RADIO = Asked("radio", "r1", queue="113-oslo", caller="2001", caller_name="Ambulanse 1-1", text="Ambulanse 1-1 · 2001")


def taken(w: World, asked: Asked = ALARM) -> Brought:
    """Kari has it; Ola is there, on a break."""
    w.sit()
    w.sit(OLA, SEAT_2, available=False)
    one = bring(w, asked)
    accept(w, one)
    return one


def view_of(w: World, contact: ContactId) -> ContactView:
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    return view


def do(w: World, name: str, one: Brought, **args: Any) -> str:
    return w.do(name, {"contact": one.contact, **args}).code


def lead(w: World, name: str, contact: ContactId, **args: Any) -> str:
    by = By(OLA, SEAT_2, frozenset({"operator", "supervisor"}))
    outcome = w.house.command(by, name, {"contact": contact, **args}, w.now_ms)
    w.pump()
    return outcome.code


def state_at(w: World, operator: OperatorId) -> OperatorState:
    view = w.house.ctx.core.operator(operator)
    assert view is not None
    return view.state


@pytest.mark.parametrize("asked", [ALARM, RADIO], ids=["alarm", "radio"])
def test_it_is_handed_to_a_colleague_who_takes_it(w: World, asked: Asked) -> None:
    one = taken(w, asked)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    assert w.told("card.ended")[-1]["cause"] == "transfer"
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert (offer["contact"], offer["kind"], offer["text"]) == (one.contact, asked.kind, asked.text)
    assert w.answer(one.contact, OLA, SEAT_2).code == ""
    assert w.house.views.snapshot(OLA, SEAT_2)["cards"][0]["text"] == asked.text
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"] == []
    assert state_at(w, KARI) is OperatorState.WRAP_UP
    assert w.do("contact.hangup", {"contact": one.contact}, OLA, SEAT_2).code == ""
    stored = [o for o in w.outputs if isinstance(o, StoreCall)][-1]
    assert (stored.values["operator"], stored.values["kind"]) == (OLA, asked.kind)
    for output in w.outputs:
        if isinstance(output, Tell):
            check_event(output.name, output.data)


def test_what_the_colleague_does_not_take_comes_back(w: World) -> None:
    one = taken(w)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    args = {"contact": one.contact, "epoch": view_of(w, one.contact).epoch}
    assert w.do("contact.reject", args, OLA, SEAT_2).code == ""
    assert w.told("offer")[-1]["contact"] == one.contact
    assert view_of(w, one.contact).operator == KARI
    accept(w, one)
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"][0]["contact"] == one.contact


def test_it_is_handed_to_another_room(w: World) -> None:
    one = taken(w, RADIO)
    assert do(w, "contact.transfer_room", one, room="mars") == "unknown-room"
    assert w.do("contact.transfer_room", {"contact": one.contact, "room": "oslo"}).result == {"queue": "113-oslo"}
    assert info(w, one)["state"] == "waiting"
    assert view_of(w, one.contact).transferred_by == KARI


def test_who_handed_it_on_takes_it_back_until_somebody_answers(w: World) -> None:
    one = taken(w)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    assert do(w, "contact.pull_back", one) == ""
    assert w.told("offer.withdrawn")[-1]["reason"] == "pulled-back"
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"][0]["contact"] == one.contact
    assert do(w, "contact.transfer", one, queue="113-oslo") == ""
    assert do(w, "contact.pull_back", one) == ""
    assert view_of(w, one.contact).state is ContactState.CONNECTED
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    assert w.answer(one.contact, OLA, SEAT_2).code == ""
    assert do(w, "contact.pull_back", one) == "unknown-contact"


def test_a_shift_lead_takes_it_over(w: World) -> None:
    one = taken(w, RADIO)
    assert do(w, "contact.take_over", one) == "not-allowed"
    assert lead(w, "contact.take_over", one.contact) == ""
    assert w.told("card.ended")[-1]["cause"] == "taken-over"
    assert w.told("card")[-1]["contact"] == one.contact
    assert w.house.views.snapshot(OLA, SEAT_2)["cards"][0]["contact"] == one.contact
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"] == []
    assert w.house.views.snapshot(OLA, SEAT_2)["call"] is None
    assert w.house.brought.contacts[one.contact].last_operator == OLA
    assert (state_at(w, KARI), state_at(w, OLA)) == (OperatorState.WRAP_UP, OperatorState.BUSY)
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    assert again.house.views.snapshot(OLA, SEAT_2)["cards"][0]["contact"] == one.contact
    assert again.do("contact.hangup", {"contact": one.contact}, OLA, SEAT_2).code == ""
    assert state_at(again, OLA) is OperatorState.WRAP_UP


def test_what_needs_a_voice_is_refused_and_says_so(w: World) -> None:
    one = taken(w)
    kinds = {row["operator"]: row["contact_kind"] for row in w.house.staff_views.rows((RoomId("oslo"),))}
    assert (kinds[KARI], kinds[OLA]) == ("alarm", None), "a lead's console offers no listening"
    assert do(w, "contact.park", one) == "not-a-call"
    assert do(w, "colleague.invite", one, operator=OLA) == "not-a-call"
    assert lead(w, "contact.listen", one.contact, whisper=False) == "not-a-call"
    assert do(w, "contact.transfer_operator", one, operator="nobody") == "unknown-operator"
    assert do(w, "contact.transfer_operator", one, operator=KARI) == "busy"
    assert w.do("contact.transfer_operator", {"contact": one.contact, "operator": OLA}, OLA, SEAT_2).code == "not-yours"
    assert view_of(w, one.contact).state is ContactState.CONNECTED


def test_a_chat_is_not_parked_and_goes_to_a_room(w: World) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.park", one) == "not-a-call"
    assert do(w, "contact.transfer_room", one, room="oslo") == ""
    assert info(w, one)["queue"] in ("116117", "113-oslo")


def test_one_that_is_over_is_taken_over_by_nobody(w: World) -> None:
    one = taken(w)
    w.house.brought.end(WEB, one.contact)
    w.pump()
    assert lead(w, "contact.take_over", one.contact) == "unknown-contact"
