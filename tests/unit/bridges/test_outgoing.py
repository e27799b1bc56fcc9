"""Calls out: dialled from a position, heard on the way, answered or not, called back."""

from dataclasses import replace

import pytest

from kak_server.bridges.outputs import StoreCall, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.sip.api_legs import CallAnswered
from tests.unit.bridges.world import KARI, OFFER, OLA, SEAT_1, SEAT_2, World, world


def dialled(w: World, number: str = "22 33 44 55") -> tuple[ContactId, CallId]:
    outcome = w.do("contact.dial", {"number": number, "display": "Sykehuset"})
    assert outcome.code == ""
    return ContactId(outcome.result["contact"]), w.dials()[-1].call


def test_a_call_out_is_noted_before_it_is_dialled_and_heard_all_the_way() -> None:
    w = world()
    w.sit()
    contact, call = dialled(w)
    (dial,) = w.dials()
    assert (dial.target, dial.trunks, dial.emergency) == ("+4722334455", ("out", "spare"), False)
    assert f"m=audio {w.house.calls.lines[contact].leg.port} " in dial.offer_sdp
    kinds = [type(o).__name__ for o in w.outputs]
    order = next(n for n, o in enumerate(w.outputs) if isinstance(o, ToSip))
    assert "Put" in kinds[:order], "never dialled without being known"
    card = w.call_card()
    assert (card["state"], card["direction"], card["far_end"], card["display"]) == (
        "connecting", "out", "dialing", "Sykehuset",
    )  # fmt: skip
    w.rings(call)
    assert w.call_card()["far_end"] == "ringing"
    assert [p.sink for p in w.house.ctx.desk.desired().plays.values()] == ["seat-oslo-1/headset"]
    w.rings(call, OFFER)
    assert w.call_card()["far_end"] == "early"
    assert w.edges(f"contact/{contact}") == {(f"caller-{contact}", "seat-oslo-1/headset")}
    assert not w.house.ctx.desk.desired().plays
    w.picks_up(call)
    assert w.call_card()["state"] == "connected"
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", "seat-oslo-1/headset"),
        ("seat-oslo-1", f"caller-{contact}"),
    }
    assert w.commands(rpc.ModifyRtp)[-1].peer_port == 41_000
    w.do("contact.hangup", {"contact": contact})
    assert ("hangup", call) in w.sip()
    assert w.house.ctx.ports.in_use == 0
    assert w.house.ctx.core.operator(KARI).state is OperatorState.WRAP_UP  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cause", "status", "told"),
    [
        ("busy", 486, "busy"),
        ("no-answer", 480, "no-answer"),
        ("refused", 404, "unknown-number"),
        ("refused", 603, "declined"),
        ("unreachable", 0, "unreachable"),
    ],
)
def test_the_operator_hears_why_nobody_is_there(cause: str, status: int, told: str) -> None:
    w = world()
    w.sit()
    contact, call = dialled(w)
    w.ends(call, cause, status)
    (ended,) = w.told("call.ended")
    assert (ended["contact"], ended["cause"]) == (contact, told)
    assert ended["text_nb"]
    assert ended["text_en"]
    assert w.house.ctx.core.operator(KARI).state is OperatorState.IDLE  # type: ignore[union-attr]
    assert w.house.ctx.ports.in_use == 0
    stored = [o for o in w.outputs if isinstance(o, StoreCall)][-1]
    assert stored.values["direction"] == "out"


@pytest.mark.parametrize(
    ("number", "code"), [("82012345", "forbidden-number"), ("+46812345678", "no-route"), ("1999", "no-route")]
)
def test_where_no_call_leads(number: str, code: str) -> None:
    w = world()
    w.sit()
    assert w.do("contact.dial", {"number": number}).code == code
    assert not w.dials()
    assert not w.house.ctx.core.contacts()


def test_one_call_at_a_time() -> None:
    w = world()
    w.sit()
    dialled(w)
    assert w.do("contact.dial", {"number": "110"}).code == "busy"
    assert len(w.dials()) == 1


def test_no_port_is_said_and_nothing_is_left() -> None:
    w = world()
    w.sit()
    while w.house.ctx.ports.take() is not None:
        pass
    w.do("contact.dial", {"number": "110"})
    assert w.told("call.ended")[-1]["cause"] == "no-room"
    assert not w.house.calls.lines


def test_110_goes_the_emergency_way() -> None:
    w = world()
    w.sit()
    dialled(w, "110")
    assert w.dials()[0].emergency


def test_a_session_we_cannot_use_ends_the_call() -> None:
    w = world()
    w.sit()
    _, call = dialled(w)
    w.event(CallAnswered(call, OFFER.replace("RTP/AVP 8 101", "RTP/AVP 18").replace("rtpmap:8 PCMA", "rtpmap:18 G729")))
    assert w.told("call.ended")[-1]["cause"] == "no-common-media"
    assert ("hangup", call) in w.sip()


def test_who_left_is_called_back_by_one() -> None:
    w = world()
    contact = w.ring()
    w.pass_ms(12_000)
    w.ends(CallId("call1"))
    w.sit()
    w.sit(OLA, SEAT_2)
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["abandoned"]
    assert (row["contact"], row["number"], row["waited_ms"], row["claimed_by"]) == (
        contact, "+4799999999", 12_000, None,
    )  # fmt: skip
    first = w.do("contact.callback", {"contact": contact})
    assert first.code == ""
    assert w.dials()[0].target == "+4799999999"
    assert w.dials()[0].caller == "113"
    assert w.do("contact.callback", {"contact": contact}, OLA, SEAT_2).code == "claimed"
    (row,) = w.house.views.snapshot(OLA, SEAT_2)["abandoned"]
    assert (row["claimed_by"], row["claimed_by_name"], row["talking_since_ms"]) == (KARI, "Kari", None)
    w.ends(w.dials()[0].call, "no-answer")
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["abandoned"]
    assert (row["claimed_by"], row["attempts"]) == (None, 1)
    again = w.do("contact.callback", {"contact": contact}, OLA, SEAT_2)
    w.picks_up(w.dials()[1].call)
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["abandoned"]
    assert (row["claimed_by"], row["talking_since_ms"]) == (OLA, w.now_ms), "answered, no longer merely ringing"
    assert w.records[f"abandoned/{contact}"]["talking_since_ms"] == w.now_ms, "a restart tells the same"
    assert w.house.ctx.core.contact(ContactId(again.result["contact"])).queue == "113-oslo"  # type: ignore[union-attr]
    w.ends(w.dials()[1].call)
    assert w.house.views.snapshot(KARI, SEAT_1)["abandoned"] == []
    assert not [key for key in w.records if key.startswith("abandoned/")]


def test_a_claim_that_cannot_be_dialled_is_given_back() -> None:
    w = world()
    contact = w.ring()
    w.ends(CallId("call1"))
    w.sit()
    dialled(w)
    assert w.do("contact.callback", {"contact": contact}).code == "busy"
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["abandoned"]
    assert (row["claimed_by"], row["attempts"]) == (None, 0)


def test_a_claim_for_which_there_is_no_port_is_given_back() -> None:
    w = world()
    contact = w.ring()
    w.ends(CallId("call1"))
    w.sit()
    taken = [port for _ in range(1_000) if (port := w.house.ctx.ports.take()) is not None]
    assert w.do("contact.callback", {"contact": contact}).code == "no-room"
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["abandoned"]
    assert (row["claimed_by"], row["attempts"]) == (None, 0)
    for port in taken:
        w.house.ctx.ports.free(port)
    assert w.do("contact.callback", {"contact": contact}).code == ""


def test_who_gets_through_needs_no_call_back() -> None:
    w = world()
    w.ring()
    w.ends(CallId("call1"))
    w.sit()
    w.talking()
    assert w.house.views.snapshot(KARI, SEAT_1)["abandoned"] == []


def test_a_finished_call_can_be_called_back_and_a_strange_one_cannot() -> None:
    w = world()
    contact = w.talking()
    w.ends(CallId("call-113"))
    assert w.do("contact.callback", {"contact": contact}).code == ""
    assert w.do("contact.callback", {"contact": "nobody"}).code == "unknown-contact"


def test_a_colleague_gets_the_call_when_the_sound_is_lost() -> None:
    w = world()
    w.sit()
    contact, call = dialled(w)
    w.picks_up(call)
    w.sit(OLA, SEAT_2)
    w.media(rpc.LegMedia(LegId("seat-oslo-1"), "down"))
    w.pass_ms(5_000)
    w.timer(f"routing/media:{KARI}")
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.operator) == (ContactState.OFFERED, OLA)
    assert w.answer(contact, OLA, SEAT_2).code == ""
    assert ("answer", call) not in w.sip()
    assert ("seat-oslo-2", f"caller-{contact}") in w.edges(f"contact/{contact}")


def test_another_room_is_called_at_our_own_front_door() -> None:
    w = world()
    w.house.ctx.settings = replace(w.house.ctx.settings, front_door="192.0.2.1:5060")
    w.sit()
    dialled(w, "1131")
    (dial,) = w.dials()
    assert (dial.target, dial.trunks, dial.emergency) == ("sip:1131@192.0.2.1:5060", (), True)
    assert w.call_card()["caller"] == "1131"


def test_a_port_that_somebody_else_has_ends_the_call_and_says_so() -> None:
    w = world()
    w.sit()
    contact, call = dialled(w)
    w.house.leg_refused(w.house.calls.lines[contact].leg, "port_in_use", w.now_ms)
    w.pump()
    assert w.told("call.ended")[-1]["cause"] == "no-media"
    assert ("hangup", call) in w.sip()


def test_a_late_word_about_the_port_of_one_who_has_left_hurts_nobody() -> None:
    w = world()
    w.sit()
    contact, call = dialled(w)
    w.picks_up(call)
    leg = w.house.calls.lines[contact].leg
    w.do("party.add", {"contact": contact, "number": "112"})
    w.picks_up(w.dials()[-1].call)
    w.ends(call)
    in_use = w.house.ctx.ports.in_use
    w.house.leg_refused(leg, "port_in_use", w.now_ms)
    w.pump()
    assert w.call_card()["state"] == "connected"
    assert w.house.ctx.ports.in_use == in_use


def test_the_last_ports_and_lines_are_for_emergency_calls() -> None:
    w = world()
    w.house.ctx.settings = replace(w.house.ctx.settings, reserve_lines=5, max_lines=5)
    w.sit()
    assert w.do("contact.dial", {"number": "22334455"}).code == "no-room"
    contact, call = dialled(w, "110")
    w.picks_up(call)
    while w.house.ctx.ports.left() > 5:
        w.house.ctx.ports.take()
    assert w.do("party.add", {"contact": contact, "number": "22334455"}).code == "no-room"
    assert w.do("party.add", {"contact": contact, "number": "112"}).code == ""
