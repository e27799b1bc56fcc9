"""A SIP phone at a position: the same routing, rung by INVITE, one offer and one answer."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.context import PhoneInfo
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Note, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, PositionId, RoomId
from kak_server.routing.api import Configured, ContactState, LoanAgreed, LoanAsked, OperatorState
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallCancelled, CallEnded, CallerIdentity, CallMediaChanged, CallView, IncomingCall
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered, Dial, MediaAgreed, TransferAsked
from kak_server.tetra_gw import api as radio
from tests.unit.bridges.world import (
    GROUP,
    KARI,
    OFFER,
    OLA,
    SEAT_1,
    SEAT_2,
    CountingIds,
    World,
    routing_config,
    settings,
)

LEG = seat_leg(SEAT_1)
ANSWER = (
    "v=0\r\no=- 5 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 47000 RTP/AVP {codecs}\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
)
PHONES = (
    PhoneInfo("desk", SEAT_1, KARI, "Kari", {}, talkgroup=GROUP),
    PhoneInfo("coded", SEAT_2, OLA, "Ola", {}, pin="4711"),
    PhoneInfo("mine", PositionId("bergen-1")),
)


def phone_world(ids: int = 0) -> World:
    made = World(House(replace(settings(), phones=PHONES), RoutingCore(), CountingIds(ids)))
    made.house.at(made.now_ms)
    made.house.ctx.route(Configured(made.now_ms, routing_config()))
    made.house.worker_attached(rpc.Census(), "boot-1", made.now_ms)
    made.pump()
    return made


@pytest.fixture
def w() -> World:
    return phone_world()


def hear(w: World, event: Any) -> None:
    w.house.sip_event(event, w.now_ms)
    w.pump()


def registers(w: World, *contacts: str, device: str = "desk") -> None:
    hear(w, DeviceContacts(device, contacts))


def outputs_of(w: World, event: Any) -> list[Any]:
    before = len(w.outputs)
    hear(w, event)
    return w.outputs[before:]


def dials(w: World) -> list[Dial]:
    return [one.dial for one in w.outputs if isinstance(one, ToSip) and one.dial is not None]


def picks_up(w: World, call: CallId, codecs: str = "8 101") -> None:
    hear(w, CallAnswered(call, ANSWER.format(codecs=codecs, direction="sendrecv")))


def state(w: World, contact: ContactId) -> ContactState | None:
    view = w.house.ctx.core.contact(contact)
    return view.state if view is not None else None


def operator(w: World, who: str = KARI) -> OperatorState | None:
    view = w.house.ctx.core.operator(who)  # type: ignore[arg-type]
    return view.state if view is not None else None


def nothing_left(w: World) -> None:
    assert w.house.phone_desk.phones.active == {}
    assert w.house.phone_desk.phones.by_call == {}
    assert not [key for key in w.records if key.startswith("phone/")]
    assert w.house.ctx.ports.in_use == 0
    assert LEG not in w.house.ctx.desk.desired().legs


# --- sitting by registration -------------------------------------------------------------------------------------


def test_a_registered_phone_signs_its_operator_in_and_is_its_sound(w: World) -> None:
    registers(w, "c1")
    assert operator(w) is OperatorState.IDLE
    seat = w.house.seats.seats[SEAT_1]
    assert (seat.phone, seat.media, seat.rtp) == ("desk", "up", None)
    registers(w)
    assert operator(w) is OperatorState.UNREACHABLE
    registers(w, "c1")
    assert operator(w) is OperatorState.IDLE


def test_it_takes_nobodys_seat_and_calls_nobody_from_elsewhere(w: World) -> None:
    w.sit(OLA, SEAT_1)
    registers(w, "c1")
    assert operator(w) is None
    assert w.house.seats.seats[SEAT_1].operator == OLA
    other = phone_world()
    other.sit(KARI, SEAT_2)
    registers(other, "c1")
    assert SEAT_1 not in other.house.seats.seats


def test_a_person_takes_the_seat_from_the_phone(w: World) -> None:
    registers(w, "c1")
    w.ring()
    w.sit(OLA, SEAT_1)
    assert operator(w) is None
    assert ("hangup", str(dials(w)[0].call)) in w.sip()
    assert w.house.seats.seats[SEAT_1].phone == ""
    registers(w, "c1")
    assert operator(w, OLA) is OperatorState.OFFERED
    assert w.house.phone_desk.phones.active == {}


def test_a_phone_without_an_operator_of_its_own_waits_for_my_phone(w: World) -> None:
    registers(w, "c1", device="mine")
    assert w.house.seats.seats == {}


# --- ringing -----------------------------------------------------------------------------------------------------


def test_an_offer_rings_and_the_answer_accepts_it(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    (dial,) = dials(w)
    assert (dial.device, dial.contact, dial.emergency) == ("desk", "c1", True)
    assert (dial.caller, dial.display_name) == ("+4799999999", "113 Oslo")
    assert state(w, contact) is ContactState.OFFERED
    put = next(at for at, one in enumerate(w.outputs) if getattr(one, "key", "") == f"phone/{SEAT_1}")
    assert put < next(at for at, one in enumerate(w.outputs) if isinstance(one, ToSip) and one.dial is not None)
    picks_up(w, dial.call)
    assert state(w, contact) is ContactState.CONNECTED
    assert ("answer", "call1") in w.sip()
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", f"{LEG}/headset"),
        (str(LEG), f"caller-{contact}"),
    }
    leg = w.house.ctx.desk.desired().legs[LEG]
    assert (leg.peer_host, leg.peer_port) == ("127.0.0.1", 47_000)
    assert w.commands(rpc.ModifyRtp)[-1].peer_port == 47_000


def test_a_phone_that_takes_another_codec_gets_it(w: World) -> None:
    registers(w, "c1")
    w.ring()
    picks_up(w, dials(w)[0].call, codecs="0 101")
    assert w.commands(rpc.ModifyRtp)[-1].codec == "PCMU"


def test_all_contacts_ring_and_the_first_answer_has_it(w: World) -> None:
    registers(w, "c1", "c2", "c3")
    contact = w.ring()
    first, second, third = (dial.call for dial in dials(w))
    assert len({dial.offer_sdp for dial in dials(w)}) == 1, "one leg for all"
    picks_up(w, second)
    picks_up(w, third)  # at the same moment
    hung_up = [call for action, call in w.sip() if action == "hangup"]
    assert set(hung_up) == {str(first), str(third)}
    assert w.house.phone_desk.phones.by_call == {second: SEAT_1}
    assert state(w, contact) is ContactState.CONNECTED


def test_no_from_one_contact_lets_the_others_ring(w: World) -> None:
    registers(w, "c1", "c2")
    contact = w.ring()
    first, second = (dial.call for dial in dials(w))
    hear(w, CallEnded(first, "busy", status=486))
    assert state(w, contact) is ContactState.OFFERED
    picks_up(w, second)
    assert state(w, contact) is ContactState.CONNECTED


@pytest.mark.parametrize("cause", ["busy", "refused"])
def test_no_is_a_rejection(w: World, cause: Any) -> None:
    registers(w, "c1")
    w.sit(OLA, SEAT_2, available=False)
    contact = w.ring()
    w.do("activity.set", {"activity": "available"}, OLA, SEAT_2)
    hear(w, CallEnded(dials(w)[0].call, cause))
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.operator == OLA
    assert operator(w) is OperatorState.UNREACHABLE, "nothing more for a moment"
    w.pass_ms(3_000)
    w.timer(f"phone/{SEAT_1}")
    assert operator(w) is OperatorState.IDLE, "the next call may come here"


def test_a_phone_that_always_says_no_is_not_asked_without_a_pause(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    hear(w, CallEnded(dials(w)[0].call, "busy"))
    assert (state(w, contact), len(dials(w))) == (ContactState.WAITING, 1)
    w.timer(f"phone/{SEAT_1}")
    assert (state(w, contact), len(dials(w))) == (ContactState.OFFERED, 2)


@pytest.mark.parametrize("cause", ["no-answer", "unreachable", "gone"])
def test_a_phone_that_is_silent_is_unreachable_until_it_registers_again(w: World, cause: Any) -> None:
    registers(w, "c1")
    w.sit(OLA, SEAT_2, available=False)
    contact = w.ring()
    w.do("activity.set", {"activity": "available"}, OLA, SEAT_2)
    hear(w, CallEnded(dials(w)[0].call, cause))
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.operator == OLA, "the next operator, at once"
    assert operator(w) is OperatorState.UNREACHABLE
    registers(w, "c1")
    assert operator(w) is OperatorState.IDLE


def test_alone_and_silent_leaves_the_caller_waiting(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    hear(w, CallEnded(dials(w)[0].call, "unreachable"))
    assert state(w, contact) is ContactState.WAITING
    nothing = w.house.phone_desk.phones
    assert nothing.active == {}
    registers(w, "c1")
    assert len(dials(w)) == 2


def test_unregistering_while_it_rings_passes_the_offer_on(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    registers(w)
    assert state(w, contact) is ContactState.WAITING
    assert ("hangup", str(dials(w)[0].call)) in w.sip()


def test_a_withdrawn_offer_stops_the_ringing(w: World) -> None:
    registers(w, "c1", "c2")
    w.ring()
    hear(w, CallEnded(CallId("call1"), "gone"))
    assert {call for action, call in w.sip() if action == "hangup"} >= {str(dial.call) for dial in dials(w)}
    nothing_left(w)
    assert operator(w) is OperatorState.IDLE


def test_an_answer_after_the_offer_is_gone_is_hung_up(w: World) -> None:
    registers(w, "c1")
    w.ring()
    call = dials(w)[0].call
    hear(w, CallEnded(CallId("call1"), "gone"))
    w.outputs.clear()
    picks_up(w, call)
    assert w.sip() == []  # the SIP room has been told before: it acknowledges and hangs up by itself
    nothing_left(w)


def test_an_answer_we_cannot_use_is_a_no(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    hear(w, CallAnswered(dials(w)[0].call, ANSWER.format(codecs="3", direction="sendrecv")))
    assert ("hangup", str(dials(w)[0].call)) in w.sip()
    assert state(w, contact) is ContactState.WAITING
    assert w.house.phone_desk.phones.active == {}


def test_without_a_port_the_offer_goes_on(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    hear(w, CallEnded(CallId("call1"), "gone"))
    while w.house.ctx.ports.left() > 1:
        w.house.ctx.ports.take()
    contact = w.ring("call2")
    assert [one.name for one in w.outputs if isinstance(one, Note) and one.level == "error"][:1] == ["phone_not_rung"]
    assert contact


# --- in the call -------------------------------------------------------------------------------------------------


def connected(w: World, *contacts: str) -> tuple[ContactId, CallId]:
    registers(w, *(contacts or ("c1",)))
    contact = w.ring()
    call = dials(w)[-1].call
    picks_up(w, call)
    assert state(w, contact) is ContactState.CONNECTED
    return contact, call


def test_hanging_up_the_phone_ends_the_call(w: World) -> None:
    contact, call = connected(w)
    hear(w, CallEnded(call, "bye"))
    assert state(w, contact) in (None, ContactState.ENDED)
    assert ("hangup", "call1") in w.sip()
    assert ("hangup", str(call)) not in w.sip()
    nothing_left(w)
    assert operator(w) is OperatorState.WRAP_UP
    assert w.house.seats.seats[SEAT_1].media == "up"


def test_the_caller_hanging_up_hangs_up_the_phone(w: World) -> None:
    _, call = connected(w)
    hear(w, CallEnded(CallId("call1"), "bye"))
    assert ("hangup", str(call)) in w.sip()
    nothing_left(w)


def test_a_phone_that_is_lost_in_the_call_is_like_a_browser_that_is_gone(w: World) -> None:
    contact, call = connected(w)
    hear(w, CallEnded(call, "gone"))
    assert state(w, contact) is ContactState.CONNECTED
    registers(w, "c1")  # it is there again, but nobody is joined with the caller
    view = w.house.ctx.core.operator(KARI)
    assert view is not None
    assert not view.media_up
    w.pass_ms(5_000)
    w.timer(f"routing/media:{KARI}")
    assert state(w, contact) in (ContactState.WAITING, ContactState.OFFERED)
    assert w.house.seats.seats[SEAT_1].media == "up"
    registers(w, "c1")
    assert len(dials(w)) == 2, "and rings for the same caller again"


def test_a_port_that_is_lost_in_the_call_is_another_one_by_reinvite(w: World) -> None:
    """The phone's next registration would have called its sound up again, with nobody hearing anybody."""
    contact, call = connected(w, "c1")
    lost = w.house.seats.seats[SEAT_1].rtp
    assert lost is not None
    in_use = w.house.ctx.ports.in_use
    w.outputs.clear()
    w.house.leg_refused(lost, "port_in_use", w.now_ms)
    w.pump()
    moved = w.house.seats.seats[SEAT_1].rtp
    assert moved is not None
    assert moved.port != lost.port
    (order,) = [o for o in w.outputs if isinstance(o, ToSip)]
    assert (order.action, order.call) == ("reoffer", call)
    assert f"m=audio {moved.port} " in order.sdp
    assert [c.port for c in w.commands(rpc.CreateRtp)] == [moved.port]
    assert w.house.ctx.ports.in_use == in_use
    hear(w, MediaAgreed(call, order.sdp, ANSWER.format(codecs="8 101", direction="sendrecv").replace("47000", "47010")))
    assert w.commands(rpc.ModifyRtp)[-1].peer_port == 47_010
    registers(w, "c1")
    assert state(w, contact) is ContactState.CONNECTED
    assert w.house.seats.seats[SEAT_1].media == "up"


def test_without_another_port_the_phone_is_lost_to_the_call(w: World) -> None:
    contact, call = connected(w, "c1")
    lost = w.house.seats.seats[SEAT_1].rtp
    assert lost is not None
    while w.house.ctx.ports.take() is not None:
        pass
    w.house.leg_refused(lost, "port_in_use", w.now_ms)
    w.pump()
    assert ("hangup", call) in w.sip()
    assert w.house.seats.seats[SEAT_1].media == "down"
    assert state(w, contact) is ContactState.CONNECTED, "until the grace of the routing core is over"


def test_hold_and_resume_by_the_phone(w: World) -> None:
    contact, call = connected(w)
    held = ANSWER.format(codecs="8 101", direction="sendonly")
    ours = ANSWER.format(codecs="8 101", direction="recvonly")
    hear(w, CallMediaChanged(call, held, ours, "recvonly", "peer"))
    assert state(w, contact) is ContactState.HELD
    hear(w, CallMediaChanged(call, held, ours, "recvonly", "peer"))
    assert state(w, contact) is ContactState.HELD
    back = ANSWER.format(codecs="8 101", direction="sendrecv")
    hear(w, CallMediaChanged(call, back, back, "sendrecv", "nobody"))
    assert state(w, contact) is ContactState.CONNECTED


def test_a_transfer_to_a_number_of_ours(w: World) -> None:
    contact, call = connected(w)
    hear(w, TransferAsked(call, "116117"))
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.queue == "116117"
    assert [action for action, of in w.sip() if of == str(call) and "transfer" in action] == [
        "accept_transfer",
        "report_transfer",
    ]
    assert ("hangup", str(call)) in w.sip()


def test_a_transfer_to_nowhere_is_refused_and_the_call_goes_on(w: World) -> None:
    contact, call = connected(w)
    hear(w, TransferAsked(call, "sip:somebody@elsewhere.example"))
    assert ("reject_transfer", str(call)) in w.sip()
    assert state(w, contact) is ContactState.CONNECTED


def test_star_one_talks_on_the_radio_and_star_zero_stops(w: World) -> None:
    w.radio_up()
    contact, _ = connected(w)
    for digit in ("1", "*", "2", "*", "1"):
        w.media(rpc.LegDtmf(LEG, digit, 80))
    assert w.radio_commands()[-1] == "request_tx"
    w.radio(radio.FloorChanged(GROUP, radio.FloorState.TALKING))
    assert (str(LEG), f"tg-{GROUP}") in w.edges(f"group/{GROUP}")
    assert (str(LEG), f"caller-{contact}") not in w.edges(f"contact/{contact}"), "the caller does not hear it"
    assert (f"tg-{GROUP}", f"{LEG}/speaker") in w.edges(f"group/{GROUP}"), "and the radio's answer is heard"
    for digit in ("*", "0"):
        w.media(rpc.LegDtmf(LEG, digit, 80))
    assert w.radio_commands()[-1] == "cease_tx"
    assert (str(LEG), f"caller-{contact}") in w.edges(f"contact/{contact}")


@pytest.mark.parametrize("end", ["bye", "gone", "silence", "time"])
def test_no_microphone_stays_open(w: World, end: str) -> None:
    w.radio_up()
    _, call = connected(w)
    for digit in ("*", "1"):
        w.media(rpc.LegDtmf(LEG, digit, 80))
    w.radio(radio.FloorChanged(GROUP, radio.FloorState.TALKING))
    if end == "silence":
        w.media(rpc.LegSilent(LEG, 10_000))
        assert ("probe", str(call)) in w.sip()
    elif end == "time":
        w.pass_ms(60_000)
        w.timer(f"ptt/{GROUP}/{SEAT_1}")
    else:
        hear(w, CallEnded(call, end))  # type: ignore[arg-type]
    assert w.radio_commands()[-1] == "cease_tx"
    assert w.commands(rpc.CloseUplink)


# --- codes -------------------------------------------------------------------------------------------------------


def dialled(w: World, number: str, device: str = "coded", call: str = "d1") -> list[ToSip]:
    before = len(w.outputs)
    hear(w, IncomingCall(CallId(call), "devices", number, CallerIdentity("coded"), OFFER, device=device))
    return [one for one in w.outputs[before:] if isinstance(one, ToSip)]


def test_signing_in_and_out_by_code(w: World) -> None:
    registers(w, "c1", device="coded")
    assert operator(w, OLA) is None
    (done,) = dialled(w, "*11*4711#")
    assert (done.action, done.status, done.reason) == ("reject", 480, "signed in")
    assert operator(w, OLA) is OperatorState.IDLE
    assert dialled(w, "*11*4711")[0].status == 403, "already"
    (done,) = dialled(w, "*10#")
    assert done.reason == "signed out"
    assert operator(w, OLA) is None


def test_wrong_pins_are_counted(w: World) -> None:
    registers(w, "c1", device="coded")
    for _ in range(5):
        assert dialled(w, "*11*0000#")[0].reason == "wrong PIN"
    assert dialled(w, "*11*4711#")[0].reason == "too many wrong PINs"
    w.pass_ms(300_000)
    assert dialled(w, "*11*4711#")[0].reason == "signed in"
    assert "4711" not in str(w.records) + str([one for one in w.outputs if isinstance(one, Note)])


def test_a_phone_without_a_pin_signs_nobody_in(w: World) -> None:
    assert dialled(w, "*11*#", device="mine")[0].status == 403
    assert dialled(w, "*11*1#", device="mine")[0].reason == "wrong PIN"


def test_a_number_of_ours_is_a_call_like_others(w: World) -> None:
    assert dialled(w, "113")[0].action == "ring"
    assert len(w.house.calls.lines) == 1


def test_other_numbers_and_unknown_phones_are_refused(w: World) -> None:
    assert dialled(w, "*99#")[0].reason == "sign in first"
    assert dialled(w, "113", device="gone from the file")[0].status == 403


def test_a_phone_dials_out_for_its_position(w: World) -> None:
    registers(w, "c1")
    assert [one.action for one in dialled(w, "22334455", "desk")] == ["dial", "answer"]
    (line,) = w.house.calls.lines.values()
    (dial,) = dials(w)
    assert (line.direction, line.last_operator, dial.target) == ("out", KARI, "+4722334455")
    assert operator(w) is OperatorState.BUSY
    leg = w.house.ctx.desk.desired().legs[LEG]
    assert (leg.peer_host, leg.peer_port) == ("127.0.0.1", 40_000)
    hear(w, CallAnswered(dial.call, ANSWER.format(codecs="8 101", direction="sendrecv")))
    assert state(w, line.contact) is ContactState.CONNECTED
    assert (str(LEG), f"caller-{line.contact}") in w.edges(f"contact/{line.contact}")
    hear(w, CallEnded(CallId("d1"), "bye"))
    assert ("hangup", str(dial.call)) in w.sip()
    nothing_left(w)


def parked_by_a_colleague(w: World) -> ContactId:
    """Ola, in a browser, has parked a call in slot 1 and is on a break."""
    w.sit(OLA, SEAT_2)
    contact = w.ring("call1")
    assert w.answer(contact, OLA, SEAT_2).code == ""
    assert w.do("contact.park", {"contact": contact}, OLA, SEAT_2).result == {"slot": 1}
    return contact


@pytest.mark.parametrize("code", ["*3", "*31", "*3001#"])
def test_a_phone_takes_a_parked_call_by_code(w: World, code: str) -> None:
    contact = parked_by_a_colleague(w)
    assert w.do("activity.set", {"activity": "break"}, OLA, SEAT_2).code == ""
    registers(w, "c1")
    assert [one.action for one in dialled(w, code, "desk")] == ["answer"]
    assert state(w, contact) is ContactState.CONNECTED
    assert (str(LEG), f"caller-{contact}") in w.edges(f"contact/{contact}")
    assert w.house.ctx.desk.desired().legs[LEG].peer_port == 40_000
    assert not w.house.ctx.core.state.slots.get(RoomId("oslo"))
    hear(w, CallEnded(CallId("d1"), "bye"))
    assert ("hangup", "call1") in w.sip()
    nothing_left(w)


@pytest.mark.parametrize("code", ["*3", "*31"])
def test_the_phone_of_somebody_on_loan_takes_what_the_borrowing_room_has_parked(w: World, code: str) -> None:
    bergen_1 = PositionId("bergen-1")
    w.sit(OLA, bergen_1)
    contact = w.ring("call1", "1131")
    assert w.answer(contact, OLA, bergen_1).code == ""
    assert w.do("contact.park", {"contact": contact}, OLA, bergen_1).result == {"slot": 1}
    assert w.do("activity.set", {"activity": "break"}, OLA, bergen_1).code == ""
    registers(w, "c1")
    assert dialled(w, code, "desk", "d0")[0].status == 404, "that is Bergen's"
    until_ms = w.now_ms + 3_600_000
    w.house.ctx.route(LoanAsked(w.now_ms, "l1", OLA, RoomId("bergen"), RoomId("oslo"), until_ms, named=(KARI,)))
    w.house.ctx.route(LoanAgreed(w.now_ms, "l1", KARI, (KARI,)))
    w.pump()
    assert [one.action for one in dialled(w, code, "desk")] == ["answer"]
    assert state(w, contact) is ContactState.CONNECTED
    hear(w, CallEnded(CallId("d1"), "bye"))
    nothing_left(w)


def test_a_phone_is_told_why_it_gets_no_parked_call(w: World) -> None:
    contact = parked_by_a_colleague(w)
    assert dialled(w, "*31", "desk")[0].reason == "sign in first"
    registers(w, "c1")
    (none,) = dialled(w, "*37", "desk")
    assert (none.status, none.reason) == (404, "nothing is parked there")
    before = w.house.ctx.ports.in_use
    w.ring("call2")  # rings at Kari's phone: one call at a time
    assert dialled(w, "*31", "desk")[0].status == 486
    assert state(w, contact) is ContactState.PARKED
    assert w.house.ctx.ports.in_use == before + 2, "the caller's and the phone's that rings"


def test_the_far_ends_hanging_up_ends_the_phones_call(w: World) -> None:
    registers(w, "c1")
    dialled(w, "22334455", "desk")
    hear(w, CallEnded(dials(w)[0].call, "busy", status=486))
    assert ("hangup", "d1") in w.sip()
    nothing_left(w)


def test_giving_up_before_anybody_answers(w: World) -> None:
    registers(w, "c1")
    dialled(w, "22334455", "desk")
    hear(w, CallCancelled(CallId("d1")))
    assert ("hangup", str(dials(w)[0].call)) in w.sip()
    nothing_left(w)


def test_where_no_trunk_leads_the_phone_is_told(w: World) -> None:
    registers(w, "c1")
    assert dialled(w, "*99#", "desk")[0].status == 404
    garbled = IncomingCall(CallId("d2"), "devices", "22334455", CallerIdentity(""), "rubbish", device="desk")
    (refused,) = [one for one in outputs_of(w, garbled) if isinstance(one, ToSip)]
    assert refused.status == 488
    nothing_left(w)


def test_where_there_is_one_port_only_the_phone_is_told(w: World) -> None:
    """It would have been answered, and have heard nothing."""
    registers(w, "c1")
    ports = w.house.ctx.ports
    while ports.left() > 1:
        ports.take()
    in_use = ports.in_use
    outs = dialled(w, "22334455", "desk")
    assert [(o.action, o.status) for o in outs if o.call == "d1"] == [("reject", 503)]
    assert SEAT_1 not in w.house.phone_desk.phones.active
    assert ports.in_use == in_use


def test_a_phone_in_a_call_dials_nothing_else(w: World) -> None:
    _, call = connected(w)
    assert dialled(w, "22334455", "desk")[0].status == 486
    assert w.house.phone_desk.phones.by_call == {call: SEAT_1}


def test_a_transfer_to_a_number_outside(w: World) -> None:
    contact, call = connected(w)
    hear(w, TransferAsked(call, "sip:22334455@kak;user=phone"))
    assert ("accept_transfer", str(call)) in w.sip()
    assert ("hangup", str(call)) in w.sip()
    assert dials(w)[-1].target == "+4722334455"
    assert state(w, contact) is ContactState.HANDED_OVER


# --- my phone ----------------------------------------------------------------------------------------------------

BERGEN = PositionId("bergen-1")


def test_my_phone_and_back(w: World) -> None:
    w.sit(OLA, BERGEN)
    assert w.do("position.phone", {"on": True}, OLA, BERGEN).code == ""
    assert operator(w, OLA) is OperatorState.UNREACHABLE
    registers(w, "c1", device="mine")
    assert operator(w, OLA) is OperatorState.IDLE
    assert not w.house.seats.expect_browser(BERGEN), "a browser must not take the sound from under it"
    contact = w.ring(number="1131")
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    accepted = w.do("contact.accept", {"contact": contact, "epoch": view.epoch}, OLA, BERGEN)
    assert accepted.code == "use-phone"
    picks_up(w, dials(w)[-1].call)
    assert state(w, contact) is ContactState.CONNECTED
    assert w.do("position.phone", {"on": False}, OLA, BERGEN).code == "busy"
    w.do("contact.hangup", {"contact": contact}, OLA, BERGEN)
    assert w.do("position.phone", {"on": False}, OLA, BERGEN).code == ""
    assert w.house.seats.seats[BERGEN].phone == ""
    assert w.house.seats.expect_browser(BERGEN)


def test_my_phone_where_there_is_none(w: World) -> None:
    lonely = World(House(settings(), RoutingCore(), CountingIds()))
    lonely.sit(OLA, SEAT_2)
    assert lonely.do("position.phone", {"on": True}, OLA, SEAT_2).code == "no-phone"


# --- after a kill ------------------------------------------------------------------------------------------------


def reborn(w: World, calls: dict[CallId, CallView], contacts: tuple[str, ...] = ("c1",)) -> World:
    """Another process with the same journal."""
    core = RoutingCore()
    for event in w.events:
        core.step(event)
    made = World(House(replace(settings(), phones=PHONES), core, CountingIds(1_000)), now_ms=w.now_ms)
    recovery.restore(made.house, w.records)
    made.records = dict(w.records)
    made.events = list(w.events)
    devices = (DeviceContacts("desk", contacts), DeviceContacts("coded", ()), DeviceContacts("mine", ()))
    recovery.resume(made.house, calls, made.now_ms, devices)
    made.pump()
    made.house.worker_attached(rpc.Census(), "boot-1", made.now_ms)
    made.pump()
    return made


def views(w: World, *calls: CallId, state: Any = "pending", sdp: str = "") -> dict[CallId, CallView]:
    """What the SIP room still has: the citizen's call, and these of the phone."""
    incoming = IncomingCall(CallId("call1"), "lab", "113", CallerIdentity("+4799999999"), OFFER)
    held = {CallId("call1"): CallView(CallId("call1"), "confirmed", incoming)}
    by_call = {dial.call: dial for dial in dials(w)}
    return held | {call: CallView(call, state, None, dial=by_call[call], peer_sdp=sdp) for call in calls}


def test_ringing_goes_on_after_a_kill(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    (dial,) = dials(w)
    after = reborn(w, views(w, dial.call))
    assert dials(after) == []
    picks_up(after, dial.call)
    assert state(after, contact) is ContactState.CONNECTED
    assert LEG in after.house.ctx.desk.desired().legs


def test_an_answer_in_the_moment_of_the_kill_is_taken_up(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    (dial,) = dials(w)
    answer = ANSWER.format(codecs="8 101", direction="sendrecv")
    after = reborn(w, views(w, dial.call, state="confirmed", sdp=answer))
    assert state(after, contact) is ContactState.CONNECTED


def test_an_offer_that_never_rang_rings(w: World) -> None:
    registers(w, "c1")
    contact = w.ring()
    for key in [key for key in w.records if key.startswith("phone/")]:
        del w.records[key]
    after = reborn(w, views(w))
    assert [dial.contact for dial in dials(after)] == ["c1"]
    assert state(after, contact) is ContactState.OFFERED


def test_a_call_in_progress_goes_on_after_a_kill(w: World) -> None:
    contact, call = connected(w)
    after = reborn(w, views(w, call, state="confirmed"))
    assert state(after, contact) is ContactState.CONNECTED
    assert ("hangup", str(call)) not in after.sip()
    assert any(isinstance(one, rpc.CreateRtp) and one.leg == LEG for one in after.commands(rpc.CreateRtp))
    hear(after, CallEnded(call, "bye"))
    nothing_left(after)


@pytest.mark.parametrize("record_too", [False, True])
def test_a_leg_without_a_call_goes(w: World, record_too: bool) -> None:
    """We died after the phone's call was noted as over, and before its leg was."""
    _, call = connected(w)
    seat = dict(w.records[f"seat/{SEAT_1}"])
    hear(w, CallEnded(call, "gone"))
    w.records[f"seat/{SEAT_1}"] = seat
    if record_too:
        del w.records[f"phone/{SEAT_1}"]
    after = reborn(w, views(w))
    assert after.house.seats.seats[SEAT_1].rtp is None
    assert LEG not in after.house.ctx.desk.desired().legs


def test_a_call_that_was_lost_in_the_kill_is_lost_to_the_phone(w: World) -> None:
    contact, _ = connected(w)
    after = reborn(w, views(w))
    assert state(after, contact) is ContactState.CONNECTED
    view = after.house.ctx.core.operator(KARI)
    assert view is not None
    assert not view.media_up
    after.pass_ms(5_000)
    after.timer(f"routing/media:{KARI}")
    assert state(after, contact) in (ContactState.WAITING, ContactState.OFFERED)


def test_the_callers_end_during_the_kill_hangs_up_the_phone(w: World) -> None:
    _, call = connected(w)
    held = views(w, call, state="confirmed")
    del held[CallId("call1")]
    after = reborn(w, held)
    assert ("hangup", str(call)) in after.sip()
    nothing_left(after)


def test_a_code_dialled_in_the_moment_of_the_kill_is_obeyed(w: World) -> None:
    incoming = IncomingCall(CallId("d1"), "devices", "*11*4711#", CallerIdentity("coded"), OFFER, device="coded")
    after = reborn(w, {CallId("d1"): CallView(CallId("d1"), "pending", incoming)})
    assert ("reject", "d1") in after.sip()
    assert operator(after, OLA) is OperatorState.UNREACHABLE
