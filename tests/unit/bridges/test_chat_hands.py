"""Chats handed on to a colleague, taken over by a shift lead, and read by one, through the house."""

from typing import Any

import pytest

from kak_server.bridges.commands import AUDITED
from kak_server.bridges.outputs import StoreCall, Tell
from kak_server.console.messages import check_event
from kak_server.console.models import Offer, SnapshotFields
from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing.api import INVITES, ContactState
from tests.unit.bridges.test_brought import ALARM, CHAT, WEB, accept, bring, info, says, w
from tests.unit.bridges.test_brought_moves import do, lead, taken, view_of
from tests.unit.bridges.test_recovery import after_restart, resume
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World

__all__ = ["w"]  # the fixture


def shown(w: World, operator: OperatorId) -> dict[str, Any]:
    seat = SEAT_1 if operator == KARI else SEAT_2
    snapshot = w.house.views.snapshot(operator, seat)
    SnapshotFields.model_validate({**snapshot, "now_ms": 0, "server": {"name": "x", "version": "", "lab": True}})
    return snapshot


def told_at(w: World, position: str, name: str) -> list[Any]:
    return [o.data for o in w.outputs if isinstance(o, Tell) and (o.position, o.name) == (position, name)]


def answer(w: World, contact: ContactId, name: str = "contact.accept") -> str:
    row = view_of(w, contact).handing
    epoch = INVITES + (row.number if row is not None else 1)
    return w.do(name, {"contact": contact, "epoch": epoch}, OLA, SEAT_2).code


def check_told(w: World) -> None:
    for output in w.outputs:
        if isinstance(output, Tell):
            check_event(output.name, output.data)


def test_a_colleague_sees_what_was_written_and_takes_the_chat(w: World) -> None:
    one = taken(w, CHAT)
    says(w, one, "39,5 grader")
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    offer = told_at(w, SEAT_2, "offer")[-1]
    Offer.model_validate(offer)
    assert (offer["purpose"], offer["invited_by_name"], offer["epoch"]) == ("hand-on", "Kari", INVITES + 1)
    assert [row["text"] for row in offer["messages"]] == ["Hei, jeg har feber", "39,5 grader"]
    assert shown(w, OLA)["offer"] == offer, "and after the page is loaded anew"
    card = shown(w, KARI)["cards"][0]
    assert (card["handing"]["operator"], card["handing"]["name"]) == (OLA, "Ola")
    assert w.do("contact.say", {"contact": one.contact, "text": "Et øyeblikk"}).code == "", "it is Kari's until then"
    assert answer(w, one.contact) == ""
    assert told_at(w, SEAT_1, "card.ended")[-1]["cause"] == "transfer"
    assert shown(w, KARI)["cards"] == []
    assert [row["text"] for row in shown(w, OLA)["cards"][0]["messages"]][-1] == "Et øyeblikk"
    assert w.do("contact.say", {"contact": one.contact, "text": "Hei"}).code == "not-yours"
    assert w.do("contact.hangup", {"contact": one.contact}, OLA, SEAT_2).code == ""
    stored = [o for o in w.outputs if isinstance(o, StoreCall)][-1]
    assert (stored.values["operator"], len(stored.values["messages"])) == (OLA, 3)
    check_told(w)


@pytest.mark.parametrize("reason", ["rejected", "expired"])
def test_who_gave_it_is_told_that_the_colleague_does_not_take_it(w: World, reason: str) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    if reason == "rejected":
        assert answer(w, one.contact, "contact.reject") == ""
    else:
        w.house.timer(f"routing/hand:{one.contact}", w.now_ms + 60_000)
        w.pump()
    assert told_at(w, SEAT_1, "chat.kept") == [
        {"contact": one.contact, "operator": OLA, "name": "Ola", "reason": reason}
    ]
    assert shown(w, KARI)["cards"][0]["handing"] is None
    assert shown(w, OLA)["offer"] is None
    check_told(w)


def test_it_is_taken_back_while_it_is_offered(w: World) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    assert do(w, "contact.transfer_operator", one, operator=OLA) == "busy"
    assert w.do("colleague.drop", {"contact": one.contact, "operator": OLA}, OLA, SEAT_2).code == "not-yours"
    assert do(w, "colleague.drop", one, operator=OLA) == ""
    assert told_at(w, SEAT_2, "offer.withdrawn")[-1]["reason"] == "dropped"
    assert (told_at(w, SEAT_1, "chat.kept"), shown(w, OLA)["offer"]) == ([], None)
    assert answer(w, one.contact) == "offer-gone"


def test_it_is_asked_for_still_after_a_restart(w: World) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    assert shown(again, OLA)["offer"]["purpose"] == "hand-on"
    assert shown(again, KARI)["cards"][0]["handing"]["operator"] == OLA
    assert answer(again, one.contact) == ""
    assert view_of(again, one.contact).operator == OLA


def test_a_colleague_without_room_for_a_chat_is_not_asked(w: World) -> None:
    one = taken(w, CHAT)
    assert [row["chat_room"] for row in shown(w, KARI)["operators"]] == [1, 2]
    w.house.ctx.core.state.operators[OLA].chats_max = 0
    assert do(w, "contact.transfer_operator", one, operator=OLA) == "chats-full"


def test_a_call_takes_the_place_of_a_chat_that_is_handed_on(w: World) -> None:
    one = taken(w, CHAT)
    w.do("activity.set", {"activity": "available"}, OLA, SEAT_2)
    w.do("activity.set", {"activity": "break"})
    assert do(w, "contact.transfer_operator", one, operator=OLA) == ""
    w.ring()
    assert told_at(w, SEAT_2, "offer")[-1]["kind"] == "voice", "who is on the telephone does not wait for a chat"
    assert told_at(w, SEAT_1, "chat.kept")[-1]["reason"] == "gives-way"
    assert view_of(w, one.contact).operator == KARI


def test_a_shift_lead_takes_a_chat_over(w: World) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.take_over", one) == "not-allowed"
    assert lead(w, "contact.take_over", one.contact) == ""
    assert told_at(w, SEAT_1, "card.ended")[-1]["cause"] == "taken-over"
    assert shown(w, OLA)["cards"][0]["contact"] == one.contact
    assert view_of(w, one.contact).state is ContactState.CONNECTED
    assert w.house.brought.contacts[one.contact].last_operator == OLA
    assert {"contact.take_over", "contact.read"} <= AUDITED


def test_a_shift_lead_reads_what_is_written_and_takes_nothing(w: World) -> None:
    one = taken(w, CHAT)
    assert do(w, "contact.read", one, on=True) == "not-allowed"
    assert lead(w, "contact.read", one.contact, on=True) == ""
    seen = told_at(w, SEAT_2, "reading")[-1]
    assert (seen["holder_name"], [row["text"] for row in seen["card"]["messages"]]) == ("Kari", ["Hei, jeg har feber"])
    assert told_at(w, SEAT_1, "card")[-1]["readers"] == ["Ola"], "whoever has the chat sees who looks in"
    says(w, one, "39,5 grader")
    assert told_at(w, SEAT_2, "card.message")[-1]["text"] == "39,5 grader"
    assert shown(w, OLA)["reading"]["card"]["messages"][-1]["text"] == "39,5 grader"
    assert (shown(w, OLA)["cards"], view_of(w, one.contact).operator) == ([], KARI)
    assert lead(w, "contact.read", one.contact, on=False) == ""
    assert told_at(w, SEAT_2, "reading")[-1]["card"] is None
    assert shown(w, KARI)["cards"][0]["readers"] == []
    count = len(told_at(w, SEAT_2, "card.message"))
    says(w, one, "og frysninger")
    assert len(told_at(w, SEAT_2, "card.message")) == count
    check_told(w)


@pytest.mark.parametrize("how", ["ends", "is taken over", "lead goes home"])
def test_looking_in_ends_by_itself(w: World, how: str) -> None:
    one = taken(w, CHAT)
    assert lead(w, "contact.read", one.contact, on=True) == ""
    if how == "ends":
        w.house.brought.end(WEB, one.contact)
        w.pump()
        assert told_at(w, SEAT_2, "reading")[-1]["cause"] == "ended-outside"
    elif how == "is taken over":
        assert lead(w, "contact.take_over", one.contact) == ""
        assert shown(w, OLA)["cards"][0]["readers"] == []
    else:
        assert w.house.stand(OLA) == ""
        w.pump()
        assert shown(w, KARI)["cards"][0]["readers"] == []
    assert w.house.chat_hands.at(SEAT_2, OLA) is None
    check_told(w)


def test_only_a_chat_of_somebody_else_is_read(w: World) -> None:
    one = taken(w, CHAT)
    assert lead(w, "contact.take_over", one.contact) == ""
    assert lead(w, "contact.read", one.contact, on=True) == "busy"
    assert lead(w, "contact.read", ContactId("none"), on=True) == "unknown-contact"
    assert info(w, one)["state"] == "connected"
    other = bring(w, ALARM)
    accept(w, other)
    assert lead(w, "contact.read", other.contact, on=True) == "not-a-chat"
