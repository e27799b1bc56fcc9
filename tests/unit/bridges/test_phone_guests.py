"""A colleague whose sound is a phone is asked into a call, joins, leaves, and inherits it; what the phone says is what
a browser's operator would have said."""

from typing import Any

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.house import House
from kak_server.bridges.outputs import ToSip
from kak_server.model.codec import to_json
from kak_server.model.ids import CallId, ContactId
from kak_server.routing.api import INVITES, ContactState, OperatorState, Part
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallEnded, CallMediaChanged, CallView
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import TransferAsked
from tests.unit.bridges.test_phones import (
    ANSWER,
    LEG,
    dials,
    hear,
    nothing_left,
    operator,
    phone_world,
    picks_up,
    registers,
    state,
)
from tests.unit.bridges.test_recovery import sip_calls
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, CountingIds, World

OLA_SEAT = "seat-oslo-2"


def asked(purpose: str = "conference") -> tuple[World, ContactId, CallId]:
    """Ola talks with a citizen at her browser, and asks Kari in, whose phone rings."""
    w = phone_world()
    w.sit(OLA, SEAT_2)
    contact = w.ring()
    assert w.answer(contact, OLA, SEAT_2).code == ""
    registers(w, "c1")
    args = {"contact": contact, "operator": KARI, "purpose": purpose}
    assert w.do("colleague.invite", args, OLA, SEAT_2).code == ""
    (dial,) = dials(w)
    assert (dial.device, dial.contact) == ("desk", "c1")
    return w, contact, dial.call


def joined(purpose: str = "conference") -> tuple[World, ContactId, CallId]:
    w, contact, call = asked(purpose)
    picks_up(w, call)
    return w, contact, call


def parts(w: World, contact: ContactId) -> list[tuple[str, Part, bool]]:
    view = w.house.ctx.core.contact(contact)
    return [(row.operator, row.part, row.joined) for row in view.participants] if view is not None else []


def hung_up(w: World) -> list[str]:
    return [o.call for o in w.outputs if isinstance(o, ToSip) and o.action == "hangup"]


def test_the_phone_that_is_picked_up_is_in_the_call_and_all_three_hear_each_other() -> None:
    w, contact, _ = joined()
    assert parts(w, contact) == [(KARI, Part.MEMBER, True)]
    voices = {f"caller-{contact}": f"caller-{contact}", str(LEG): f"{LEG}/headset", OLA_SEAT: f"{OLA_SEAT}/headset"}
    assert w.edges(f"contact/{contact}") == {(one, voices[other]) for one in voices for other in voices if one != other}
    assert w.house.phone_desk.phones.active[SEAT_1].epoch == INVITES + 1
    assert w.house.views.snapshot(KARI, SEAT_1)["call"]["part"] == "member"


def test_the_phone_shows_who_asks() -> None:
    w, _, _ = asked()
    assert [dial.display_name for dial in dials(w)] == ["Ola"]


@pytest.mark.parametrize(("of", "which"), [("queue", "113-oslo"), ("room", "oslo")])
def test_somebody_of_a_queue_or_a_room_may_be_at_a_phone(of: str, which: str) -> None:
    w = phone_world()
    w.sit(OLA, SEAT_2)
    contact = w.ring()
    assert w.answer(contact, OLA, SEAT_2).code == ""
    registers(w, "c1")
    assert w.do(f"contact.consult_{of}", {"contact": contact, of: which}, OLA, SEAT_2).code == ""
    picks_up(w, dials(w)[0].call)
    assert parts(w, contact) == [(KARI, Part.CONSULT, True)]
    assert state(w, contact) is ContactState.HELD


def test_a_guests_phone_does_not_pass_the_holders_call_on() -> None:
    w, contact, call = joined()
    hear(w, TransferAsked(call, "sip:1131@kak"))
    assert ("reject_transfer", str(call)) in w.sip()
    assert parts(w, contact) == [(KARI, Part.MEMBER, True)]


def test_it_is_put_down_and_the_others_talk_on() -> None:
    w, contact, call = joined()
    hear(w, CallEnded(call, "bye"))
    assert parts(w, contact) == []
    assert state(w, contact) is ContactState.CONNECTED
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", f"{OLA_SEAT}/headset"),
        (OLA_SEAT, f"caller-{contact}"),
    }
    assert w.house.phone_desk.phones.active == {}
    assert operator(w) is OperatorState.WRAP_UP


@pytest.mark.parametrize("by", ["holder", "caller", "console"])
def test_whoever_parts_them_hangs_the_phone_up(by: str) -> None:
    w, contact, call = joined()
    if by == "holder":
        assert w.do("colleague.drop", {"contact": contact, "operator": KARI}, OLA, SEAT_2).code == ""
    elif by == "console":
        assert w.do("contact.hangup", {"contact": contact}).code == ""
    else:
        hear(w, CallEnded(w.house.calls.lines[contact].call, "bye"))
    assert hung_up(w).count(call) == 1
    assert w.house.phone_desk.phones.active == {}
    assert (state(w, contact) is ContactState.ENDED) is (by == "caller")


@pytest.mark.parametrize(
    ("cause", "then"), [("busy", OperatorState.UNREACHABLE), ("no-answer", OperatorState.UNREACHABLE)]
)
def test_no_and_silence_leave_the_call_as_it_is(cause: Any, then: OperatorState) -> None:
    w, contact, call = asked()
    before = w.edges(f"contact/{contact}")
    hear(w, CallEnded(call, cause))
    assert (parts(w, contact), state(w, contact)) == ([], ContactState.CONNECTED)
    assert w.edges(f"contact/{contact}") == before
    assert operator(w) is then
    assert w.house.phone_desk.phones.active == {}
    assert w.call_card(OLA, SEAT_2)["colleagues"] == []


def test_an_invitation_that_is_taken_back_or_expires_stops_ringing() -> None:
    w, contact, call = asked()
    assert w.do("colleague.drop", {"contact": contact, "operator": KARI}, OLA, SEAT_2).code == ""
    assert hung_up(w) == [call]
    w, contact, call = asked()
    w.pass_ms(15_000)
    w.timer(f"routing/invite:{KARI}")
    assert hung_up(w) == [call]
    assert parts(w, contact) == []
    picks_up(w, call)  # too late
    assert parts(w, contact) == []


def test_who_is_consulted_by_phone_gets_the_caller_when_the_holder_leaves_it_to_them() -> None:
    w, contact, call = joined("consult")
    assert state(w, contact) is ContactState.HELD
    assert w.edges(f"contact/{contact}") == {(str(LEG), f"{OLA_SEAT}/headset"), (OLA_SEAT, f"{LEG}/headset")}
    assert w.do("consult.complete", {"contact": contact}, OLA, SEAT_2).code == ""
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.operator, view.state) == (KARI, ContactState.CONNECTED)
    assert w.house.phone_desk.phones.active[SEAT_1].epoch == view.epoch
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", f"{LEG}/headset"),
        (str(LEG), f"caller-{contact}"),
    }
    hear(w, CallEnded(call, "bye"))
    assert state(w, contact) is ContactState.ENDED


def test_a_guests_phone_that_holds_does_not_put_the_caller_on_hold() -> None:
    w, contact, call = joined()
    offer = ANSWER.format(codecs="8 101", direction="sendonly")
    answer = ANSWER.format(codecs="8 101", direction="recvonly")
    hear(w, CallMediaChanged(call, offer, answer, held_by="peer"))
    assert state(w, contact) is ContactState.CONNECTED


@pytest.mark.parametrize("how", ["rings", "talks", "holds"])
def test_after_a_restart_it_is_where_it_was(how: str) -> None:
    w, contact, call = asked()
    if how != "rings":
        picks_up(w, call)
    if how == "holds":
        assert w.do("contact.hangup", {"contact": contact}, OLA, SEAT_2).code == ""
    before = parts(w, contact)
    core = RoutingCore()
    for event in w.events:
        core.step(event)
    house = House(w.house.ctx.settings, core, CountingIds(1_000))
    recovery.restore(house, {key: to_json(value) for key, value in w.records.items()})
    again = World(house, w.now_ms, records=dict(w.records), events=list(w.events))
    (dial,) = dials(w)
    up = ANSWER.format(codecs="8 101", direction="sendrecv")
    view = CallView(call, "pending" if how == "rings" else "confirmed", None, dial=dial, peer_sdp=up)
    devices = (DeviceContacts("desk", ("c1",)),)
    recovery.resume(house, {**sip_calls(w), call: view}, again.now_ms, devices)
    again.pump()
    assert house.phone_desk.phones.active[SEAT_1].calls() == (call,)
    assert (parts(again, contact), call in hung_up(again)) == (before, False)
    if how == "rings":
        picks_up(again, call)
        assert parts(again, contact) == [(KARI, Part.MEMBER, True)]


def test_nothing_is_left_behind() -> None:
    w, contact, call = joined()
    hear(w, CallEnded(call, "bye"))
    assert w.do("contact.hangup", {"contact": contact}, OLA, SEAT_2).code == ""
    nothing_left(w)
