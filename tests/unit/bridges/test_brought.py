"""Contacts without a call through the house: chats beside calls, alarms, repetitions, limits, restarts."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought import KEPT_FOR_MS, LOST_IN_RESTART
from kak_server.bridges.brought_types import MESSAGES_MAX, Asked, Brought, Integrator
from kak_server.bridges.outputs import Audit, Dirty, JournalEvent, Note, Put, StoreCall, Tell, ToRadio
from kak_server.bridges.radio_emergency import TETRA
from kak_server.bridges.staff import PersonInfo
from kak_server.console.messages import check_event
from kak_server.console.models import Offer, SnapshotFields
from kak_server.console.requests_contacts import ContactInfo
from kak_server.media import rpc
from kak_server.model.ids import ContactId, Issi, LegId, OperatorId, QueueId, RoomId
from kak_server.routing.api import Capacity, ContactArrived, ContactClass, ContactState, OperatorState
from kak_server.runtime.arrival_sentences import arrived
from kak_server.tetra_gw.api import EmergencyChanged, EmergencyRaised
from tests.unit.bridges.test_recovery import after_restart, resume, sip_calls
from tests.unit.bridges.world import GROUP, KARI, OLA, SEAT_1, SEAT_2, World, settings, world

WEB = Integrator("helsenorge", "Helsenorge", "0" * 64, contacts_a_minute=600, max_open=5, messages_a_minute=20)
OTHER = Integrator("other", "Other", "1" * 64, kinds=frozenset({"alarm"}), queues=frozenset({QueueId("116117")}))
CHAT = Asked("chat", "c1", queue="116117", caller="anna", caller_name="Anna", text="Hei, jeg har feber")
KEY = EmergencyRaised("a1", Issi(2001), "Ambulanse 1-1", GROUP)
ALARM = Asked("alarm", "a1", number="116117", caller="+4722222222", text="Trygghetsalarm: fall")


@pytest.fixture
def w() -> World:
    made = world()
    able = Capacity(chats_max=2, chats_in_call=1)
    made.house.ctx.settings = replace(
        made.house.ctx.settings,
        integrators=(WEB, OTHER),
        people={KARI: PersonInfo("Kari", (), able), OLA: PersonInfo("Ola", (), able)},
    )
    return made


def bring(w: World, asked: Asked = CHAT, by: Integrator = WEB) -> Brought:
    w.house.at(w.now_ms)
    one, _ = w.house.brought.bring(by, asked)
    w.pump()
    return one


def accept(w: World, one: Brought) -> None:
    assert w.answer(one.contact).code == ""


def says(w: World, one: Brought, text: str, key: str = "", by: Integrator = WEB) -> int:
    w.house.at(w.now_ms)
    message, _ = w.house.brought_talk.from_outside(by, one.contact, text, key)
    w.pump()
    return message.number


def info(w: World, one: Brought) -> dict[str, Any]:
    view = w.house.views.brought.outside(w.house.brought.contacts[one.contact])
    ContactInfo.model_validate(view)
    return view


def test_a_chat_is_offered_answered_written_in_and_ended_by_the_operator(w: World) -> None:
    w.sit()
    chat = bring(w)
    offer = w.told("offer")[-1]
    Offer.model_validate(offer)
    assert (offer["kind"], offer["text"], offer["caller_name"]) == ("chat", "Hei, jeg har feber", "Anna")
    accept(w, chat)
    assert info(w, chat)["state"] == "connected"
    assert [row["text"] for row in w.told("card")[-1]["messages"]] == ["Hei, jeg har feber"]
    assert says(w, chat, "39,5 grader") == 2
    assert w.told("card.message")[-1]["text"] == "39,5 grader"
    assert w.do("contact.say", {"contact": chat.contact, "text": "Hvor lenge?", "key": "k"}).result == {"number": 3}
    said = w.house.brought_talk.after(WEB, chat.contact, 1)
    assert [(m.number, m.by, m.text) for m in said] == [(2, "outside", "39,5 grader"), (3, "operator", "Hvor lenge?")]
    assert w.do("contact.hangup", {"contact": chat.contact}).code == ""
    assert w.told("card.ended")[-1]["contact"] == chat.contact
    assert (info(w, chat)["state"], info(w, chat)["cause"]) == ("ended", "operator-hangup")
    stored = [o for o in w.outputs if isinstance(o, StoreCall)][-1]
    assert (stored.values["kind"], stored.values["operator"], len(stored.values["messages"])) == ("chat", KARI, 3)
    for output in w.outputs:
        if isinstance(output, Tell):
            check_event(output.name, output.data)
    assert w.house.brought_talk.after(WEB, chat.contact, 2)[0].text == "Hvor lenge?"  # the last word is still there


def test_records_come_before_anybody_outside_can_know(w: World) -> None:
    w.sit()
    chat = bring(w)
    kinds = [type(o).__name__ for o in w.outputs if isinstance(o, JournalEvent | Put) and "Arrived" in repr(o)[:60]]
    assert kinds == ["JournalEvent"]
    assert {f"brought/{chat.contact}", f"said/{chat.contact}/1"} <= w.records.keys()
    assert [(o.operator, o.action) for o in w.outputs if isinstance(o, Audit)] == [
        ("integrator:helsenorge", "contact.brought")
    ]


def test_the_first_look_at_what_was_written_is_audited_and_polls_are_not(w: World) -> None:
    def looks(world: World, after: int) -> int:
        world.house.at(world.now_ms)
        count = len(world.house.brought_talk.after(WEB, chat.contact, after))
        world.pump()
        return count

    def rows(world: World) -> list[tuple[str, str]]:
        return [(o.operator, o.subject) for o in world.outputs if isinstance(o, Audit) and o.action == "chat.read"]

    chat = bring(w, replace(CHAT, text=""))
    assert (looks(w, 0), rows(w)) == (0, []), "there was nothing to read"
    says(w, chat, "hei")
    for _ in range(3):
        assert looks(w, 0) == 1
    assert rows(w) == [("integrator:helsenorge", chat.contact)]
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    assert looks(again, 0) == 1
    assert rows(again) == []


def test_a_chat_comes_beside_a_call_and_neither_touches_the_other(w: World) -> None:
    call = w.talking()
    chat = bring(w)
    accept(w, chat)
    shown = w.house.views.snapshot(KARI, SEAT_1)
    SnapshotFields.model_validate({**shown, "now_ms": 1, "server": {"name": "x", "version": "", "lab": True}})
    assert shown["call"]["contact"] == call
    assert [card["contact"] for card in shown["cards"]] == [chat.contact]
    assert (shown["me"]["chats"], shown["me"]["chats_max"], shown["me"]["chats_in_call"]) == (1, 2, 1)
    assert w.do("contact.hangup", {"contact": chat.contact}).code == ""
    view = w.house.ctx.core.contact(call)
    assert view is not None
    assert view.state is ContactState.CONNECTED
    assert w.told("call.ended") == []
    another = bring(w, replace(CHAT, reference="c2"))
    accept(w, another)
    assert w.do("contact.hangup", {"contact": call}).code == ""
    assert w.told("call.ended")[-1]["contact"] == call
    assert info(w, another)["state"] == "connected"


def test_a_call_comes_beside_chats(w: World) -> None:
    w.sit()
    chat = bring(w)
    accept(w, chat)
    call = w.ring()
    assert w.answer(call).code == ""
    assert w.call_card()["contact"] == call
    assert len(w.house.views.snapshot(KARI, SEAT_1)["cards"]) == 1


def test_an_emergency_does_not_wait_for_an_answer_to_a_chats_offer(w: World) -> None:
    w.sit()
    chat = bring(w)
    assert w.told("offer")[-1]["kind"] == "chat"
    call = w.ring("call2", "113")
    assert w.told("offer")[-1]["contact"] == call
    assert w.told("offer.withdrawn")[-1] == {"contact": chat.contact, "epoch": 1, "reason": "gives-way"}
    assert info(w, chat)["state"] == "waiting"
    assert w.answer(call).code == ""
    assert w.told("offer")[-1]["contact"] == chat.contact  # beside the call
    accept(w, chat)
    me = w.house.ctx.core.operator(KARI)
    assert me is not None
    assert (me.rejected, me.missed) == (0, 0)


def test_a_call_of_the_same_class_is_answered_while_a_chat_that_goes_beside_it_waits(w: World) -> None:
    w.sit()
    chat = bring(w)
    call = w.ring("call1", "116117")
    assert w.told("offer")[-1]["contact"] == call
    assert w.told("offer.withdrawn")[-1]["reason"] == "gives-way"
    assert w.answer(call).code == ""
    assert w.told("offer")[-1]["contact"] == chat.contact
    accept(w, chat)
    assert (info(w, chat)["state"], w.call_card()["contact"]) == ("connected", call)


def state_of(w: World, contact: ContactId) -> ContactState:
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    return view.state


def test_a_chat_gives_way_once_to_a_call_that_its_operator_does_not_want(w: World) -> None:
    w.sit()
    chat = bring(w)
    call = w.ring("call1", "116117")
    view = w.house.ctx.core.contact(call)
    assert view is not None
    assert w.do("contact.reject", {"contact": call, "epoch": view.epoch}).code == ""
    assert w.told("offer")[-1]["contact"] == chat.contact
    assert (state_of(w, call), info(w, chat)["state"]) == (ContactState.WAITING, "waiting")
    accept(w, chat)
    assert w.told("offer")[-1]["contact"] == call


@pytest.mark.parametrize("beside", [0, 1])
def test_where_both_do_not_fit_the_chat_is_asked_for_in_its_turn(w: World, beside: int) -> None:
    """Nobody takes chats beside a call, or as many as go beside one are here."""
    able = Capacity(chats_max=2, chats_in_call=beside)
    w.house.ctx.settings = replace(w.house.ctx.settings, people={KARI: PersonInfo("Kari", (), able)})
    w.sit()
    for number in range(beside):
        accept(w, bring(w, replace(CHAT, reference=f"before-{number}")))
    chat = bring(w)
    call = w.ring("call1", "116117")
    assert state_of(w, call) is ContactState.WAITING
    assert w.told("offer")[-1]["contact"] == chat.contact
    accept(w, chat)
    assert w.told("offer")[-1]["contact"] == call


def test_the_chat_of_the_lowest_class_gives_way(w: World) -> None:
    w.sit()
    w.sit(OLA, SEAT_2)
    graver = bring(w, replace(CHAT, reference="graver", queue="113-oslo"))
    lower = bring(w, replace(CHAT, reference="lower"))
    call = w.ring("call1", "113")
    assert w.told("offer.withdrawn")[-1]["contact"] == lower.contact
    assert (state_of(w, call), info(w, graver)["state"]) == (ContactState.OFFERED, "waiting")
    assert w.house.brought.offered.keys() == {graver.contact}


def test_an_alarm_takes_the_operator_whole_and_leaves_paper_work(w: World) -> None:
    w.sit()
    alarm = bring(w, ALARM)
    assert w.told("offer")[-1]["text"] == "Trygghetsalarm: fall"
    accept(w, alarm)
    shown = w.house.views.snapshot(KARI, SEAT_1)
    assert shown["call"] is None
    assert shown["cards"][0]["text"] == "Trygghetsalarm: fall"
    assert w.do("contact.hangup", {"contact": alarm.contact}).code == ""
    operator = w.house.ctx.core.operator(KARI)
    assert operator is not None
    assert operator.state is OperatorState.WRAP_UP
    assert not w.commands(rpc.CreateRtp)


def test_a_repeated_request_is_the_same_contact_and_another_one_is_refused(w: World) -> None:
    first = bring(w)
    assert w.house.brought.bring(WEB, CHAT) == (first, False)
    w.pump()
    assert len(w.house.ctx.core.contacts()) == 1
    with pytest.raises(RefusedError, match="another contact"):
        w.house.brought.bring(WEB, replace(CHAT, text="noe annet"))
    other = bring(w, replace(ALARM, reference="c1"), OTHER)  # another's reference is another's
    assert other.contact != first.contact


def test_a_repeated_message_is_the_same_message(w: World) -> None:
    w.sit()
    chat = bring(w)
    accept(w, chat)
    assert [says(w, chat, "hei", "k1"), says(w, chat, "hei", "k1"), says(w, chat, "hei", "k2")] == [2, 2, 3]
    assert len(w.told("card.message")) == 2


@pytest.mark.parametrize(
    ("by", "asked", "code"),
    [
        (WEB, replace(CHAT, queue="none"), "unknown-queue"),
        (WEB, replace(CHAT, queue="", number="99"), "unknown-queue"),
        (OTHER, CHAT, "not-allowed"),
        (OTHER, replace(ALARM, number="113"), "not-allowed"),
    ],
)
def test_what_may_not_be_brought(w: World, by: Integrator, asked: Asked, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        w.house.brought.bring(by, asked)
    assert refused.value.code == code
    assert w.house.ctx.core.contacts() == ()


def test_limits(w: World) -> None:
    chats = [bring(w, replace(CHAT, reference=f"r{n}")) for n in range(5)]
    with pytest.raises(RefusedError) as refused:
        w.house.brought.bring(WEB, replace(CHAT, reference="r5"))
    assert refused.value.code == "limit"
    w.house.brought.end(WEB, chats[0].contact)
    w.pump()
    bring(w, replace(CHAT, reference="r5"))
    for n in range(20):
        says(w, chats[1], f"{n}")
    with pytest.raises(RefusedError) as refused:
        says(w, chats[1], "one too many")
    assert refused.value.code == "too-many-requests"
    for n in range(MESSAGES_MAX - 21):
        w.house.brought.say(chats[1], "operator", f"{n}")
    w.pass_ms(60_000)
    with pytest.raises(RefusedError) as refused:
        says(w, chats[1], "full")
    assert refused.value.code == "limit"


def test_contacts_of_others_are_not_there(w: World) -> None:
    chat = bring(w)
    for ask in (
        lambda: w.house.brought.of(OTHER, chat.contact),
        lambda: w.house.brought.end(OTHER, chat.contact),
        lambda: w.house.brought_talk.from_outside(OTHER, chat.contact, "hei", ""),
        lambda: w.house.brought_talk.after(OTHER, chat.contact, 0),
        lambda: w.house.brought.of(WEB, ContactId("none")),
    ):
        with pytest.raises(RefusedError) as refused:
            ask()
        assert refused.value.code == "not-found"


def test_the_outside_ends_it_in_every_state(w: World) -> None:
    waiting = bring(w)
    w.house.brought.end(WEB, waiting.contact)
    w.sit()
    offered = bring(w, replace(CHAT, reference="c2"))
    w.house.brought.end(WEB, offered.contact)
    w.pump()
    assert w.told("offer.withdrawn")[-1]["reason"] == "caller-gone"
    taken = bring(w, replace(CHAT, reference="c3"))
    accept(w, taken)
    for _ in range(2):
        w.house.brought.end(WEB, taken.contact)
        w.pump()
    assert len(w.told("card.ended")) == 1
    for one in (waiting, offered, taken):
        assert info(w, one)["cause"] == "ended-outside"
    with pytest.raises(RefusedError) as refused:
        says(w, taken, "hallo?")
    assert refused.value.code == "gone"
    assert w.house.ctx.core.contacts() == ()


def test_it_is_forgotten_an_hour_after_its_end(w: World) -> None:
    chat = bring(w)
    w.house.brought.end(WEB, chat.contact)
    w.pump()
    w.timer(f"brought/{chat.contact}")
    w.pass_ms(KEPT_FOR_MS)
    assert w.house.brought.contacts == {}
    assert [key for key in w.records if key.startswith(("brought/", "said/"))] == []
    assert bring(w).contact != chat.contact


def test_each_of_several_is_forgotten_in_its_time(w: World) -> None:
    """The second found its integrator's place cleared away by the first."""
    over = [bring(w, replace(CHAT, reference=name)) for name in ("c1", "c2", "c3")]
    for one in over:
        w.house.brought.end(WEB, one.contact)
        w.pump()
    w.pass_ms(KEPT_FOR_MS)
    for one in over:
        w.timer(f"brought/{one.contact}")
    assert w.house.brought.contacts == {}
    assert w.house.brought.open_of(WEB.integrator) == []
    assert bring(w, CHAT).contact not in {one.contact for one in over}


def test_only_who_has_it_may_write_end_or_pass_it_on(w: World) -> None:
    w.sit()
    w.sit(OLA, SEAT_2, available=False)
    chat = bring(w)
    accept(w, chat)
    for name, more in (
        ("contact.say", {"text": "x"}),
        ("contact.hangup", {}),
        ("contact.transfer", {"queue": "116117"}),
    ):
        assert w.do(name, {"contact": chat.contact, **more}, OLA, SEAT_2).code == "not-yours"
    for name in ("contact.hold", "contact.leave", "video.invite", "contact.silent"):
        assert w.do(name, {"contact": chat.contact, "on": True}).code == "not-yours"
    assert w.do("contact.say", {"contact": chat.contact, "text": ""}).code == "bad-request"


def test_a_chat_goes_on_to_another_queue(w: World) -> None:
    w.sit()
    chat = bring(w)
    accept(w, chat)
    w.do("activity.set", {"activity": "break"})
    assert w.do("contact.transfer", {"contact": chat.contact, "queue": "113-oslo"}).code == ""
    assert w.told("card.ended")[-1]["cause"] == "transfer"
    assert info(w, chat)["queue"] == "113-oslo"
    assert info(w, chat)["state"] == "waiting"
    assert w.house.brought.contacts[chat.contact].queue == "113-oslo"


def test_an_operator_whose_sound_is_lost_gives_an_alarm_back(w: World) -> None:
    w.sit()
    alarm = bring(w, ALARM)
    accept(w, alarm)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.pass_ms(6_000)
    w.timer(f"routing/media:{KARI}")
    assert info(w, alarm)["state"] == "waiting"
    assert w.told("card.ended")[-1]["cause"] == "media-lost"


def test_chats_of_a_lost_position_wait_again_with_their_messages_after_the_call(w: World) -> None:
    call = w.talking()
    chat = bring(w)
    accept(w, chat)
    w.sit(OLA, SEAT_2)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.pass_ms(6_000)
    w.timer(f"routing/media:{KARI}")
    offered = [(row["contact"], row["kind"]) for row in w.told("offer")]
    assert offered[-1] == (call, "voice")
    assert w.answer(call, OLA, SEAT_2).code == ""
    assert w.answer(chat.contact, OLA, SEAT_2).code == ""
    assert [row["text"] for row in w.told("card")[-1]["messages"]] == ["Hei, jeg har feber"]
    assert w.told("card.ended")[-1]["cause"] == "media-lost"


def test_a_radios_emergency_key_makes_one_contact_at_a_time(w: World) -> None:
    key = KEY
    w.radio(key)
    assert [o.name for o in w.outputs if isinstance(o, Note) and o.level == "error"] == ["radio_emergency_unrouted"]
    w.house.ctx.settings = replace(w.house.ctx.settings, radio_emergency_queue=QueueId("113-oslo"))
    w.sit()
    for event in (key, key, replace(key, alarm="a2")):  # a reconnect, and a second press while it is up
        w.radio(event)
    (one,) = w.house.brought.contacts.values()
    offer = w.told("offer")[-1]
    assert (offer["kind"], offer["class"], offer["text"]) == ("radio", "emergency", "Ambulanse 1-1 · 2001 · AMK Oslo 1")
    accept(w, one)
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"][0]["source"] == "TETRA"
    assert w.do("contact.hangup", {"contact": one.contact}).code == ""
    w.radio(key)  # still up at the gateway, and done with here
    assert w.house.ctx.core.contacts() == ()
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    again.radio(key)
    assert again.house.ctx.core.contacts() == ()
    again.radio(replace(key, alarm="a3"))
    assert len(again.house.ctx.core.contacts()) == 1


def alarms(w: World) -> list[tuple[str, str, OperatorId | None]]:
    """What the gateway was told of alarms, taken away."""
    told = [o for o in w.outputs if isinstance(o, ToRadio) and o.alarm]
    w.outputs = [o for o in w.outputs if o not in told]
    return [(o.action, o.alarm, o.op) for o in told]


@pytest.fixture
def emergency(w: World) -> Brought:
    """A radio's emergency that Kari has."""
    w.house.ctx.settings = replace(w.house.ctx.settings, radio_emergency_queue=QueueId("113-oslo"))
    w.sit()
    w.radio(KEY)
    (one,) = w.house.brought.contacts.values()
    accept(w, one)
    return one


def test_the_gateway_hears_that_an_operator_has_a_radios_emergency_and_is_done(w: World, emergency: Brought) -> None:
    assert alarms(w) == [("ack_alarm", "a1", KARI)]
    w.radio(KEY)  # the link was lost, and it is still up
    assert alarms(w) == [("ack_alarm", "a1", KARI)]
    w.radio(EmergencyChanged("a1", Issi(2001), False, "kari"))
    assert w.do("contact.hangup", {"contact": emergency.contact}).code == ""
    assert alarms(w) == [("clear_alarm", "a1", KARI)]
    w.radio(KEY)  # it was lost on the way
    assert alarms(w) == [("clear_alarm", "a1", KARI)]
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    assert alarms(again) == []
    again.radio(KEY)
    assert alarms(again) == [("clear_alarm", "a1", KARI)]


def test_a_second_press_while_the_first_is_worked_on_is_done_with_it(w: World, emergency: Brought) -> None:
    w.radio(EmergencyChanged("a1", Issi(2001), True, "", "calm at the radio"))
    w.radio(replace(KEY, alarm="a2"))
    alarms(w)
    assert w.do("contact.hangup", {"contact": emergency.contact}).code == ""
    assert alarms(w) == [("clear_alarm", "a1", KARI), ("clear_alarm", "a2", KARI)]


def test_who_has_a_radios_emergency_sees_it_called_off_and_pressed_again_through_a_restart(
    w: World, emergency: Brought
) -> None:
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"][0]["key_pressed"] is None
    w.radio(EmergencyChanged("a1", Issi(2001), False, "kari"))  # acknowledged: that is no news
    assert w.house.views.snapshot(KARI, SEAT_1)["cards"][0]["key_pressed"] is None
    w.radio(EmergencyChanged("a1", Issi(2001), True, "", "calm at the radio"))
    calmed_ms = w.now_ms
    key = {"presses": 1, "pressed_at_ms": None, "calmed_at_ms": calmed_ms, "calmed_by": ""}
    assert w.told("card")[-1]["key_pressed"] == key
    again = replace(KEY, alarm="a2")
    w.radio(again)
    key = {"presses": 2, "pressed_at_ms": w.now_ms, "calmed_at_ms": None, "calmed_by": ""}
    assert w.told("card")[-1]["key_pressed"] == key
    w.radio(again)  # a reconnect is no press
    w.radio(EmergencyChanged("a1", Issi(2001), True, "", "late news of the first"))
    assert w.told("card")[-1]["key_pressed"] == key
    other = after_restart(w, w.house.ctx.settings)
    resume(other, {})
    other.radio(again)
    assert (
        other.house.brought.contacts[emergency.contact].key_pressed
        == w.house.brought.contacts[emergency.contact].key_pressed
    )


def test_who_is_offered_a_radios_emergency_that_was_called_off_sees_that(w: World) -> None:
    w.house.ctx.settings = replace(w.house.ctx.settings, radio_emergency_queue=QueueId("113-oslo"))
    w.radio(KEY)
    w.radio(EmergencyChanged("a1", Issi(2001), True, "bergen", "handled"))
    w.sit()
    offer = w.told("offer")[-1]
    assert (offer["key_pressed"]["calmed_by"], offer["area"]) == ("bergen", "AMK Oslo 1")


def test_a_radios_emergency_that_waits_says_in_its_row_what_became_of_the_key(w: World) -> None:
    w.house.ctx.settings = replace(w.house.ctx.settings, radio_emergency_queue=QueueId("113-oslo"))
    w.radio(KEY)

    def key() -> dict[str, object] | None:
        (row,) = w.house.views.lists.waiting_list(RoomId("oslo"))
        check_event("waiting", [row])
        found: dict[str, object] | None = row["key_pressed"]
        return found

    assert key() is None
    w.outputs.clear()
    w.radio(EmergencyChanged("a1", Issi(2001), True, "bergen", "handled"))
    assert [output.rooms for output in w.outputs if isinstance(output, Dirty) and output.topic == "waiting"] == [
        (RoomId("oslo"),)
    ]
    calmed = {"presses": 1, "pressed_at_ms": None, "calmed_at_ms": w.now_ms, "calmed_by": "bergen"}
    assert key() == calmed
    w.radio(replace(KEY, alarm="a2"))
    assert key() == {"presses": 2, "pressed_at_ms": w.now_ms, "calmed_at_ms": None, "calmed_by": ""}


@pytest.mark.parametrize("cause", ["operator-hangup", LOST_IN_RESTART])
def test_an_alarm_that_is_told_again_is_known_by_its_name(w: World, emergency: Brought, cause: str) -> None:
    """The radio has changed its group, or a version the names: a cry for help that nobody may have seen to came to
    nobody, and one that was done with stayed up at the gateway."""
    w.house.brought.ended(emergency.contact, cause)
    w.pump()
    alarms(w)
    w.radio(replace(KEY, alias="Ambulanse 9", gssi=None))
    assert alarms(w) == ([("clear_alarm", "a1", KARI)] if cause == "operator-hangup" else [])
    open_ones = [one for one in w.house.brought.contacts.values() if not one.over]
    assert [one.asked.caller_name for one in open_ones] == ([] if cause == "operator-hangup" else ["Ambulanse 9"])


def test_an_emergency_that_ends_without_its_operator_stays_up_at_the_gateway(w: World, emergency: Brought) -> None:
    alarms(w)
    w.house.brought.end(TETRA, emergency.contact)
    w.pump()
    assert w.house.brought.contacts[emergency.contact].over
    assert alarms(w) == []


def test_an_alarm_of_somebody_else_is_none_of_the_gateways_business(w: World) -> None:
    w.sit()
    one = bring(w, ALARM)
    accept(w, one)
    assert w.do("contact.hangup", {"contact": one.contact}).code == ""
    assert alarms(w) == []


def test_after_a_restart_everything_is_as_it_was(w: World) -> None:
    call = w.talking()
    chat = bring(w)
    accept(w, chat)
    says(w, chat, "er du der?")
    waiting = bring(w, replace(ALARM, reference="a2"))
    over = bring(w, replace(CHAT, reference="c3"))
    w.house.brought.end(WEB, over.contact)
    w.pump()
    again = after_restart(w, replace(settings(), integrators=(WEB, OTHER)))
    resume(again, sip_calls(w))
    shown = again.house.views.snapshot(KARI, SEAT_1)
    assert shown["call"]["contact"] == call
    assert [row["text"] for row in shown["cards"][0]["messages"]] == ["Hei, jeg har feber", "er du der?"]
    assert info(again, waiting)["state"] == "waiting"
    assert info(again, over)["state"] == "ended"
    assert again.house.brought.bring(WEB, CHAT)[1] is False
    assert says(again, chat, "hallo") == 3
    assert again.do("contact.hangup", {"contact": chat.contact}).code == ""
    assert info(again, chat)["cause"] == "operator-hangup"


def test_a_contact_that_died_between_its_arrival_and_its_record_is_brought_again(w: World) -> None:
    chat = bring(w)
    del w.records[f"brought/{chat.contact}"]
    again = after_restart(w)
    resume(again, {})
    assert again.house.ctx.core.contacts() == ()
    assert [key for key in again.records if key.startswith("said/")] == []
    assert bring(again).contact != chat.contact


def test_one_that_ended_while_we_died_is_over(w: World) -> None:
    chat = bring(w)
    before = dict(w.records)
    w.house.brought.end(WEB, chat.contact)
    w.pump()
    w.records = before
    again = after_restart(w)
    recovery.resume(again.house, {}, again.now_ms)
    again.pump()
    assert info(again, chat)["cause"] == "ended-outside"


def permitting(w: World, *classes: ContactClass) -> None:
    """The queue of 116117 lets integrators give these classes."""
    queue = QueueId("116117")
    info = w.house.calls.queues[queue]
    w.house.calls.queues[queue] = replace(info, brought_classes=frozenset(classes))


def audited(w: World) -> dict[str, Any]:
    return dict([o for o in w.outputs if isinstance(o, Audit) and o.action == "contact.brought"][-1].detail)


def test_a_class_that_the_queue_permits_is_the_contacts_own_and_is_explained(w: World) -> None:
    permitting(w, ContactClass.EMERGENCY)
    first = bring(w, replace(ALARM, reference="a0"))
    raised = bring(w, replace(ALARM, klass="emergency"))
    assert (info(w, first)["class"], info(w, raised)["class"]) == ("normal", "emergency")
    assert audited(w)["class"] == "emergency"
    assert "class_asked" not in audited(w)
    core = w.house.ctx.core
    events = [o.event for o in w.outputs if isinstance(o, JournalEvent) and isinstance(o.event, ContactArrived)]
    assert "class emergency (the queue's is normal)" in arrived(events[-1], core.state.queues[raised.queue].config).en
    w.sit()
    assert w.told("offer")[-1]["contact"] == raised.contact, "before the one that came first"
    assert w.told("offer")[-1]["class"] == "emergency"
    again = after_restart(w, w.house.ctx.settings)
    permitting(again, ContactClass.EMERGENCY)
    assert bring(again, replace(ALARM, klass="emergency")).contact == raised.contact
    assert info(again, raised)["class"] == "emergency"
    with pytest.raises(RefusedError, match="another contact"):
        bring(again, ALARM)


def test_a_class_that_the_queue_does_not_permit_costs_nobody_the_contact(w: World) -> None:
    permitting(w, ContactClass.URGENT)
    one = bring(w, replace(ALARM, klass="emergency"))
    assert info(w, one)["class"] == "normal"
    assert (audited(w)["class"], audited(w)["class_asked"]) == ("normal", "emergency")
    notes = [o.fields for o in w.outputs if isinstance(o, Note) and o.name == "contact_class_not_permitted"]
    assert notes == [{"by": "helsenorge", "queue": "116117", "asked": "emergency", "class": "normal"}]
    assert info(w, bring(w, replace(ALARM, reference="a2", klass="urgent")))["class"] == "urgent"
    w.house.at(w.now_ms)
    w.house.brought.end(WEB, one.contact)
    assert (info(w, one)["state"], info(w, one)["class"]) == ("ended", "normal")


def test_an_emergency_queue_takes_nothing_for_less(w: World) -> None:
    permitting(w, ContactClass.NORMAL)
    emergency = next(q for q, info in w.house.calls.queues.items() if info.klass is ContactClass.EMERGENCY)
    one = bring(w, replace(ALARM, number="", queue=emergency, klass="normal"))
    assert (info(w, one)["class"], audited(w)["class_asked"]) == ("emergency", "normal")
    low = bring(w, replace(ALARM, reference="a3", klass="normal"))
    assert info(w, low)["class"] == "normal"


def cause_of(w: World, one: Brought) -> str:
    return w.house.brought.contacts[one.contact].cause


def dies_before_the_record(w: World, contact: ContactId) -> World:
    """The operator has ended it, the event is in the journal, and what follows is not."""
    before = dict(w.records)
    assert w.do("contact.hangup", {"contact": contact}).code == ""
    w.records = before
    return w


def test_an_emergency_that_was_seen_to_as_we_died_is_cleared_when_the_gateway_tells_of_it(
    w: World, emergency: Brought
) -> None:
    again = after_restart(dies_before_the_record(w, emergency.contact), w.house.ctx.settings)
    resume(again, {})
    assert cause_of(again, emergency) == "operator-hangup"
    alarms(again)
    again.radio(KEY)  # the link is back: it was never cleared there
    assert alarms(again) == [("clear_alarm", "a1", KARI)]
    assert again.house.ctx.core.contacts() == ()


def test_an_emergency_of_which_nobody_knows_how_it_ended_is_brought_again_while_it_is_up(
    w: World, emergency: Brought
) -> None:
    w = dies_before_the_record(w, emergency.contact)
    w.do("activity.set", {"activity": "break"})  # a later event: how the contact ended is known no more
    w.records = {**w.records, emergency.key(): emergency}
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    assert cause_of(again, emergency) == "ended-in-restart"
    again.radio(KEY)
    assert alarms(again) == []
    (anew,) = again.house.ctx.core.contacts()
    assert anew.contact != emergency.contact
    again.radio(KEY)
    assert len(again.house.ctx.core.contacts()) == 1
