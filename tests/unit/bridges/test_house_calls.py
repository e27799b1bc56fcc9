"""A citizen's call through the house: queue, offer, answer, hold, hang-up, and everything that can go wrong."""

from dataclasses import replace

import pytest

from kak_server.bridges.contact_plan import caller_leg
from kak_server.bridges.house import House
from kak_server.bridges.outputs import JournalEvent, Put, StoreCall, StoreTrack, ToMedia, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId, LegId, RecordingId
from kak_server.routing.api import Configured, ContactState
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallCancelled, CallEnded, CallMediaChanged
from kak_server.sip.api_legs import MediaAgreed
from tests.unit.bridges.world import (
    KARI,
    OFFER,
    OLA,
    SEAT_1,
    SEAT_2,
    CountingIds,
    World,
    routing_config,
    settings,
    world,
)


@pytest.fixture
def w() -> World:
    return world()


def test_a_call_with_nobody_signed_in_rings_and_waits(w: World) -> None:
    contact = w.ring()
    assert w.sip() == [("ring", "call1")]
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.state is ContactState.WAITING
    assert w.commands(rpc.CreateRtp) == []  # thousands may wait: no socket each
    w.sit()
    assert caller_leg(contact) in [c.leg for c in w.commands(rpc.CreateRtp)]  # somebody is asked


def test_media_that_move_while_a_call_only_rings_are_known_when_somebody_is_asked(w: World) -> None:
    contact = w.ring()
    moved = OFFER.replace("40000", "40404")
    w.event(CallMediaChanged(CallId("call1"), moved))
    assert w.commands(rpc.ModifyRtp) == []  # there is nothing to change yet
    w.sit()
    (made,) = [c for c in w.commands(rpc.CreateRtp) if c.leg == caller_leg(contact)]
    assert made.peer_port == 40404


def test_records_come_before_what_they_are_records_of(w: World) -> None:
    w.ring()
    line = next(n for n, o in enumerate(w.outputs) if isinstance(o, Put) and o.key.startswith("line/"))
    arrival = next(n for n, o in enumerate(w.outputs) if isinstance(o, JournalEvent) and "Arrived" in repr(o))
    ringing = next(n for n, o in enumerate(w.outputs) if isinstance(o, ToSip))
    assert line < arrival < ringing


def test_answering_sends_200_and_joins_both_ways(w: World) -> None:
    w.sit()
    contact = w.ring()
    assert w.told("offer")[0]["contact"] == contact
    assert w.answer(contact).code == ""
    assert ("answer", "call1") in w.sip()
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", f"seat-{SEAT_1}/headset"),
        (f"seat-{SEAT_1}", f"caller-{contact}"),
    }
    assert w.told("call")[-1]["state"] == "connected"


def test_each_leg_is_recorded_on_its_own_track(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    assert {(r.label, r.source) for r in w.commands(rpc.StartRecord)} == {
        ("caller", f"caller-{contact}"),
        ("operator", f"seat-{SEAT_1}"),
    }


def test_early_answer_plays_the_welcome_and_records_the_caller(w: World) -> None:
    contact = w.ring(number="116117")
    assert w.sip() == [("answer", "call1")]
    assert [p.source for p in w.commands(rpc.StartPlay)] == ["prompt:queue-welcome"]
    assert [r.label for r in w.commands(rpc.StartRecord)] == ["caller"]
    w.sit()
    w.answer(contact)
    assert w.sip().count(("answer", "call1")) == 1
    assert [p.play for p in w.commands(rpc.StopPlay)] == [f"wait-{contact}-queue-welcome"]


def test_unknown_number_is_404_and_bad_sdp_488(w: World) -> None:
    w.ring(number="999")
    w.ring("call2", offer="v=0\r\nrubbish")
    assert [(o.status, o.call) for o in w.outputs if isinstance(o, ToSip)] == [(404, "call1"), (488, "call2")]
    assert w.house.ctx.ports.in_use == 0


def test_a_call_beyond_the_ports_gets_503_and_leaks_nothing(w: World) -> None:
    for n in range(50):
        w.ring(f"c{n}")
    w.ring("one-too-many")
    refused = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "reject"]
    assert [(o.status, o.call) for o in refused] == [(503, "one-too-many")]


def test_cancel_while_offered_withdraws_the_offer_and_frees_everything(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.house.sip_event(CallCancelled(CallId("call1")), w.now_ms)
    w.pump()
    assert w.told("offer.withdrawn")[-1]["reason"] == "caller-gone"
    assert contact not in w.house.calls.lines
    assert w.house.ctx.ports.in_use == 0
    assert not [key for key in w.records if key.startswith("line/")]
    assert LegId(f"caller-{contact}") in [c.leg for c in w.commands(rpc.CloseLeg)]


def test_the_callers_bye_ends_the_call_at_the_seat(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.house.sip_event(CallEnded(CallId("call1"), "bye"), w.now_ms)
    w.pump()
    assert w.told("call.ended")[-1]["contact"] == contact
    stored = [o for o in w.outputs if isinstance(o, StoreCall)][-1]
    assert stored.values["operator"] == KARI
    assert stored.values["ended_at_ms"] == w.now_ms


def test_hang_up_by_the_operator_sends_bye(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    assert w.do("contact.hangup", {"contact": contact}).code == ""
    assert w.sip()[-1] == ("hangup", "call1")


def test_hold_parts_the_two_and_plays_the_hold_tone(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.do("contact.hold", {"contact": contact, "on": True})
    assert w.edges(f"contact/{contact}") == set()
    assert w.commands(rpc.StartPlay)[-1].source == "tone:hold"
    w.do("contact.hold", {"contact": contact, "on": False})
    assert len(w.edges(f"contact/{contact}")) == 2


def test_a_late_accept_of_an_expired_offer_loses_against_its_new_holder(w: World) -> None:
    w.sit()
    w.sit(OLA, SEAT_2)
    contact = w.ring()
    first = w.told("offer")[-1]
    w.pass_ms(15_000)
    w.timer(f"routing/offer:{contact}")
    second = w.told("offer")[-1]
    assert second["epoch"] == first["epoch"] + 1
    late = w.do("contact.accept", {"contact": contact, "epoch": first["epoch"]})
    assert late.code == "offer-gone"
    assert w.do("contact.accept", {"contact": contact, "epoch": second["epoch"]}, OLA, SEAT_2).code == ""
    assert w.do("contact.accept", {"contact": contact, "epoch": first["epoch"]}).code == "offer-gone"
    assert {sink for _, sink in w.edges(f"contact/{contact}")} == {f"caller-{contact}", f"seat-{SEAT_2}/headset"}


def test_an_operator_whose_sound_is_gone_loses_the_call_after_the_grace(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    assert len(w.edges(f"contact/{contact}")) == 2  # nothing is concluded at once
    w.pass_ms(5_000)
    w.timer(f"routing/media:{KARI}")
    assert w.edges(f"contact/{contact}") == set()
    assert w.commands(rpc.StartPlay)[-1].source == "prompt:please-hold"
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.state is ContactState.WAITING
    assert ("hangup", "call1") not in w.sip()


def test_a_refresh_within_the_grace_loses_nothing(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.pass_ms(1_500)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "up"))
    w.timer(f"routing/media:{KARI}")
    assert len(w.edges(f"contact/{contact}")) == 2


def test_transfer_to_another_rooms_queue_waits_there_with_its_arrival_time(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    arrived = w.house.calls.lines[contact].arrived_at_ms
    w.pass_ms(9_000)
    assert w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"}).code == ""
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.queue, view.arrived_at_ms, view.state) == ("113-bergen", arrived, ContactState.WAITING)
    assert w.commands(rpc.StartPlay)[-1].source == "prompt:please-hold"


def test_silence_asks_the_dialog_and_never_hangs_up(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegSilent(caller_leg(contact), 10_000))
    assert w.sip()[-1] == ("probe", "call1")
    assert w.told("notice")[-1]["code"] == "caller-silent"
    assert contact in w.house.calls.lines
    w.house.sip_event(CallEnded(CallId("call1"), "gone"), w.now_ms)
    w.pump()
    assert contact not in w.house.calls.lines


def test_commands_on_somebody_elses_call_are_refused(w: World) -> None:
    w.sit()
    w.sit(OLA, SEAT_2)
    contact = w.ring()
    w.answer(contact)
    for name in ("contact.hangup", "contact.hold", "contact.transfer", "contact.patch", "video.invite"):
        args = {"contact": contact, "on": True, "queue": "116117", "gssi": 24201}
        assert w.do(name, args, OLA, SEAT_2).code == "not-yours", name


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("no.such", {}),
        ("contact.accept", {}),
        ("contact.accept", {"contact": 7, "epoch": 1}),
        ("contact.accept", {"contact": "c", "epoch": True}),
        ("contact.accept", {"contact": "c" * 500, "epoch": 1}),
        ("contact.hold", {"contact": "nobody", "on": True}),
        ("activity.set", {"activity": "asleep"}),
        ("ptt", {"gssi": "24201", "on": True}),
        ("ptt", {"gssi": 1, "on": True}),
        ("talkgroup.monitor", {"gssi": 24201, "on": "yes"}),
    ],
)
def test_wrong_arguments_are_refused_and_change_nothing(w: World, name: str, args: dict[str, object]) -> None:
    w.sit()
    before = w.house.ctx.core.digest()
    assert w.do(name, args).code != ""
    assert w.house.ctx.core.digest() == before


def test_a_reinvite_moves_the_peers_media(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER.replace("40000", "40010")), w.now_ms)
    w.pump()
    moved = w.commands(rpc.ModifyRtp)[-1]
    assert (moved.leg, moved.peer_port, moved.send) == (caller_leg(contact), 40_010, True)
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER + "a=inactive\r\n"), w.now_ms)
    w.pump()
    assert w.commands(rpc.ModifyRtp)[-1].send is False


def test_a_closed_track_goes_to_the_ledger_also_after_the_call(w: World) -> None:
    track = rpc.RecordClosed(RecordingId("c1.caller.1"), "caller-c1", "caller", "x", 0, 1, 1, 1, "00", 1, "alaw-8000")
    (stored,) = [o for o in w.media(track) if isinstance(o, StoreTrack)]
    assert stored.contact == "c1"


def test_draining_takes_no_new_calls_and_keeps_those_that_are_up(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.house.ctx.draining = True
    w.ring("call2")
    refused = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "reject"]
    assert [(o.status, o.call) for o in refused] == [(503, "call2")]
    assert contact in w.house.calls.lines


def test_a_caller_the_core_will_not_have_is_told_and_leaves_nothing() -> None:
    w = World(House(settings(), RoutingCore(), CountingIds()))
    w.house.ctx.route(Configured(w.now_ms, replace(routing_config(), max_contacts=1)))
    w.pump()
    w.ring("call1", "116117")
    w.ring("call2", "116117")
    assert [(o.status, o.call) for o in w.outputs if isinstance(o, ToSip) and o.action == "reject"] == [(503, "call2")]
    assert CallId("call2") not in w.house.calls.by_call
    assert w.house.ctx.ports.in_use == 1
    assert len([key for key in w.records if key.startswith("line/")]) == 1


def test_the_end_of_a_call_is_planned_once_and_nothing_is_played_into_it(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0, last=True))
    before = len(w.outputs)
    w.house.sip_event(CallEnded(CallId("call1"), "bye"), w.now_ms)
    w.pump()
    commands = [o.command for o in w.outputs[before:] if isinstance(o, ToMedia)]
    assert [type(command) for command in commands] == [rpc.SetMix, rpc.StopRecord, rpc.StopRecord, rpc.CloseLeg]


@pytest.mark.parametrize(("host", "written"), [("127.0.0.1", False), ("127.0.0.7", True)])
def test_where_a_callers_media_comes_from_is_written_if_it_was_not_signalled(
    w: World, host: str, written: bool
) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    line = w.house.calls.lines[contact]
    port = line.leg.peer_port
    assert line.leg.peer_host == "127.0.0.1"
    before = len(w.outputs)
    w.media(rpc.LegLearned(caller_leg(contact), host, port))
    leg = w.house.calls.lines[contact].leg
    assert (leg.peer_host, leg.peer_port, leg.learned) == (host, port, True)
    assert w.house.ctx.desk.desired().legs[leg.leg] == leg
    assert any(isinstance(o, Put) for o in w.outputs[before:]) is written


def test_a_session_refresh_leaves_what_was_learned(w: World) -> None:
    """A re-INVITE with the same address (RFC 4028) moves nothing: behind NAT the peer is elsewhere."""
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegLearned(caller_leg(contact), "127.0.0.7", 39_000))
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER), w.now_ms)
    w.pump()
    leg = w.house.calls.lines[contact].leg
    assert (leg.peer_host, leg.peer_port, leg.learned) == ("127.0.0.7", 39_000, True)


def test_a_reinvite_while_no_worker_listens_is_made_up_for(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    held = w.house.ctx.desk.desired().legs[caller_leg(contact)]
    w.house.worker_lost("socket", w.now_ms)
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER.replace("40000", "40010")), w.now_ms)
    w.pump()
    census = rpc.Census((rpc.LegCensus(held.leg, "rtp", "learned", held.port, "127.0.0.7", 39_000),))
    w.house.worker_attached(census, "boot-1", w.now_ms)
    w.pump()
    assert {(c.leg, c.peer_port) for c in w.commands(rpc.ModifyRtp)} == {(held.leg, 40_010)}


def test_a_new_worker_sends_nothing_to_a_peer_on_hold(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER + "a=inactive\r\n"), w.now_ms)
    w.pump()
    w.outputs.clear()
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    assert [(c.leg, c.send) for c in w.commands(rpc.ModifyRtp)] == [(caller_leg(contact), False)]


def test_a_port_that_somebody_else_has_is_replaced_before_the_answer(w: World) -> None:
    w.sit()
    contact = w.ring()
    taken = w.house.calls.lines[contact].leg
    w.house.leg_refused(taken, "port_in_use", w.now_ms)
    w.pump()
    line = w.house.calls.lines[contact]
    assert line.leg.port != taken.port
    assert f"m=audio {line.leg.port} " in line.answer_sdp
    assert [c.port for c in w.commands(rpc.CreateRtp) if c.leg == taken.leg] == [taken.port, line.leg.port]
    w.answer(contact)
    (answer,) = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "answer"]
    assert f"m=audio {line.leg.port} " in answer.sdp


def test_a_port_that_was_lost_after_the_answer_is_another_one_by_reinvite(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    line = w.house.calls.lines[contact]
    w.outputs.clear()
    w.house.leg_refused(line.leg, "port_in_use", w.now_ms)
    w.pump()
    moved = w.house.calls.lines[contact]
    assert moved.leg.port != line.leg.port
    kept = next(n for n, o in enumerate(w.outputs) if isinstance(o, Put) and o.key == f"line/{contact}")
    told = next(n for n, o in enumerate(w.outputs) if isinstance(o, ToSip))
    assert kept < told, "journalled before it is offered"
    order = w.outputs[told]
    assert isinstance(order, ToSip)
    assert (order.action, order.call, order.paced) == ("reoffer", line.call, True)
    assert f"m=audio {moved.leg.port} " in order.sdp
    assert "a=sendrecv" in order.sdp
    assert [c.port for c in w.commands(rpc.CreateRtp)] == [moved.leg.port]
    assert not w.commands(rpc.StopRecord), "the same files go on: one closed and opened again would be two in one"
    answer = OFFER.replace("m=audio 40000", "m=audio 40100")
    w.event(MediaAgreed(line.call, order.sdp, answer))
    assert w.commands(rpc.ModifyRtp)[-1].peer_port == 40_100
    w.event(CallEnded(line.call, "gone"))  # what a 481 to the re-INVITE is for the house
    assert w.house.calls.lines == {}
    assert w.house.ctx.ports.in_use <= 1, "the lost port rests, the other is free again"


def test_a_peer_that_went_on_hold_while_no_worker_listened_gets_nothing(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    leg = w.house.ctx.desk.desired().legs[caller_leg(contact)]
    w.house.worker_lost("socket", w.now_ms)
    w.house.sip_event(CallMediaChanged(CallId("call1"), OFFER + "a=inactive\r\n"), w.now_ms)
    w.pump()
    census = rpc.Census((rpc.LegCensus(leg.leg, "rtp", "waiting", leg.port, leg.peer_host, leg.peer_port),))
    w.house.worker_attached(census, "boot-1", w.now_ms)
    w.pump()
    assert [(c.leg, c.send) for c in w.commands(rpc.ModifyRtp)] == [(leg.leg, False)]
