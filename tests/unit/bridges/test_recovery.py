"""The house after a restart of control or of the worker: desired minus actual."""

from dataclasses import replace

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.context import HouseSettings
from kak_server.bridges.house import House
from kak_server.bridges.outputs import JournalEvent, Put, SalvageTrack, SetTimer, Tell, TellAll, ToMedia, ToSip
from kak_server.bridges.tapings import NO_WORKER
from kak_server.bridges.videos import video_leg
from kak_server.media import rpc
from kak_server.model.codec import from_json, to_json
from kak_server.model.ids import CallId, LegId
from kak_server.routing.api import Configured, ContactKind, ContactState
from kak_server.routing.codec import decode_event
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, CallView, IncomingCall
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


def after_restart(w: World, configured: HouseSettings | None = None) -> World:
    """A new process: the core from the journal's events, the house from its map; both through JSON."""
    core = RoutingCore()
    for event in w.events:
        core.step(decode_event(type(event).__name__, to_json(event)))
    assert core.digest() == w.house.ctx.core.digest()
    house = House(configured or settings(), core, CountingIds(1_000))
    recovery.restore(house, {key: to_json(value) for key, value in w.records.items()})
    return World(house, w.now_ms, records=dict(w.records), events=list(w.events))


def sip_calls(w: World) -> dict[CallId, CallView]:
    """What the SIP room would have restored for the lines."""
    return {
        line.call: CallView(
            line.call,
            "confirmed" if line.answered else "pending",
            IncomingCall(line.call, "lab", "113", line.caller, OFFER),
        )
        for line in w.house.calls.lines.values()
    }


def resume(w: World, calls: dict[CallId, CallView]) -> None:
    recovery.resume(w.house, calls, w.now_ms)
    w.pump()


def census(w: World) -> rpc.Census:
    """A worker that holds exactly what the plans say."""
    desired = w.house.ctx.desk.desired()
    legs = [
        rpc.LegCensus(leg, "rtp", "waiting", create.port, create.peer_host, create.peer_port)
        for leg, create in desired.legs.items()
    ]
    legs += [rpc.LegCensus(leg, "operator", "up") for leg in sorted(desired.browser_legs)]
    return rpc.Census(
        tuple(legs), desired.mixes, tuple(desired.plays), tuple(desired.recordings), (), tuple(desired.watched)
    )


@pytest.fixture
def w() -> World:
    """A call at a seat, one on 180, one answered early."""
    made = world()
    made.sit()
    made.answer(made.ring("call1"))
    made.pass_ms(1_000)
    made.ring("call2")
    made.pass_ms(1_000)
    made.ring("call3", "116117")
    return made


def test_a_restart_with_everything_alive_commands_nothing(w: World) -> None:
    held = census(w)
    new = after_restart(w)
    resume(new, sip_calls(new))
    new.house.worker_attached(held, "boot-1", new.now_ms)
    new.pump()
    assert [o for o in new.outputs if isinstance(o, ToMedia)] == []
    assert {o.action for o in new.outputs if isinstance(o, ToSip)} <= {"answer", "ring"}  # done before: no-ops
    assert not [o for o in new.outputs if isinstance(o, Tell) and o.name == "media.reset"]


def test_the_call_the_order_and_the_waiting_times_survive(w: World) -> None:
    new = after_restart(w)
    resume(new, sip_calls(new))
    old, now = w.house.ctx.core, new.house.ctx.core
    assert [v.contact for v in now.contacts()] == [v.contact for v in old.contacts()]
    assert [v.arrived_at_ms for v in now.contacts()] == [v.arrived_at_ms for v in old.contacts()]
    snapshot = new.house.views.snapshot(KARI, SEAT_1)
    assert snapshot["call"]["state"] == "connected"
    assert len(snapshot["waiting"]) == 2
    assert new.do("contact.hangup", {"contact": snapshot["call"]["contact"]}).code == ""
    assert ("hangup", "call1") in new.sip()


def test_a_picture_that_ceased_as_we_died_is_no_video_call() -> None:
    w = world()
    contact = w.talking()
    w.do("video.invite", {"contact": contact})
    w.media(rpc.LegMedia(video_leg(contact), "up"))
    before = len(w.events)
    w.media(rpc.LegMedia(video_leg(contact), "closed"))
    del w.events[before:]  # the record was kept, the core's event not
    core = RoutingCore()
    for event in w.events:
        core.step(event)
    assert core.contact(contact).kind is ContactKind.VIDEO  # type: ignore[union-attr]
    house = House(settings(), core, CountingIds(1_000))
    recovery.restore(house, {key: to_json(value) for key, value in w.records.items()})
    again = World(house, w.now_ms, records=dict(w.records), events=list(w.events))
    resume(again, sip_calls(w))
    assert core.contact(contact).kind is ContactKind.VOICE  # type: ignore[union-attr]


def test_timers_are_armed_again(w: World) -> None:
    w.sit(OLA, SEAT_2)  # call2 is offered
    new = after_restart(w)
    resume(new, sip_calls(new))
    armed = {o.key for o in new.outputs if isinstance(o, SetTimer)}
    assert {f"routing/{key}" for key in w.house.ctx.core.timers()} | {NO_WORKER} == armed


def test_a_call_whose_dialog_is_gone_ends(w: World) -> None:
    new = after_restart(w)
    calls = sip_calls(new)
    del calls[CallId("call2")]
    resume(new, calls)
    assert CallId("call2") not in new.house.calls.by_call
    assert len(new.house.ctx.core.contacts()) == 2


def test_a_pending_invite_that_was_not_yet_queued_is_queued_now(w: World) -> None:
    new = after_restart(w)
    calls = sip_calls(new)
    caller = CallerIdentity("+4798888888")
    calls[CallId("call9")] = CallView(
        CallId("call9"), "pending", IncomingCall(CallId("call9"), "lab", "113", caller, OFFER)
    )
    resume(new, calls)
    assert CallId("call9") in new.house.calls.by_call
    assert ("ring", "call9") in new.sip()


def test_an_established_dialog_without_a_contact_is_hung_up(w: World) -> None:
    new = after_restart(w)
    calls = sip_calls(new)
    view = calls[CallId("call1")]
    calls[CallId("call9")] = replace(view, call=CallId("call9"))
    resume(new, calls)
    assert new.sip().count(("hangup", "call9")) == 1


def test_where_history_was_lost_callers_whom_the_core_does_not_know_wait_again_and_are_heard(w: World) -> None:
    """The records are there, and the core was made of less: whoever talks is up and must not be cut off."""
    house = House(settings(), RoutingCore(), CountingIds(1_000))
    house.at(w.now_ms)
    house.ctx.route(Configured(w.now_ms, routing_config()))
    recovery.restore(house, {key: to_json(value) for key, value in w.records.items()})
    new = World(house, w.now_ms, records=dict(w.records))
    recovery.resume(new.house, sip_calls(w), new.now_ms, history_lost=True)
    new.pump()
    assert not [action for action, _ in new.sip() if action in ("hangup", "reject")]
    waiting = {view.contact: view.state for view in new.house.ctx.core.contacts()}
    assert waiting == dict.fromkeys(w.house.calls.lines, ContactState.WAITING)
    (talked,) = [line for line in w.house.calls.lines.values() if line.call == "call1"]
    new.house.worker_attached(census(w), "boot-1", new.now_ms)
    new.sit()
    view = new.house.ctx.core.contact(talked.contact)
    assert view is not None
    assert view.state is ContactState.OFFERED, "the one who was here first"
    assert new.answer(talked.contact).code == ""
    assert new.house.views.snapshot(KARI, SEAT_1)["call"]["state"] == "connected"
    assert ("seat-oslo-1", f"caller-{talked.contact}") in new.edges(f"contact/{talked.contact}")


def test_a_new_worker_gets_every_leg_under_its_old_identity(w: World) -> None:
    contact = next(iter(w.house.calls.lines))
    w.media(rpc.LegLearned(w.house.calls.lines[contact].leg.leg, "127.0.0.9", 40_500))
    before = {c.leg: c for c in w.commands(rpc.CreateRtp)}
    w.outputs.clear()
    w.house.worker_lost("killed", w.now_ms)
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    again = {c.leg: c for c in w.commands(rpc.CreateRtp)}
    assert set(again) == set(w.house.ctx.desk.desired().legs)
    for leg, create in again.items():
        old = before[leg]
        assert (create.port, create.ssrc, create.seq0, create.ts0, create.epoch_ms) == (
            old.port,
            old.ssrc,
            old.seq0,
            old.ts0,
            old.epoch_ms,
        )
    learned = again[w.house.calls.lines[contact].leg.leg]
    assert (learned.peer_host, learned.peer_port, learned.learned) == ("127.0.0.9", 40_500, True)


def test_a_new_worker_salvages_tracks_goes_on_in_new_files_and_resets_browsers(w: World) -> None:
    first = {r.recording: r.path for r in w.commands(rpc.StartRecord)}
    w.outputs.clear()
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    second = {r.recording: r.path for r in w.commands(rpc.StartRecord)}
    assert len(second) == len(first)
    assert not set(first.values()) & set(second.values())
    salvaged = [o for o in w.outputs if isinstance(o, SalvageTrack)]
    assert {o.recording.path for o in salvaged} == set(first.values())
    assert all(o.started_at_ms for o in salvaged)
    assert [o.position for o in w.outputs if isinstance(o, Tell) and o.name == "media.reset"] == [SEAT_1]
    assert [o.data["code"] for o in w.outputs if isinstance(o, TellAll)] == ["media-restarted"]


def test_strangers_in_the_census_are_closed(w: World) -> None:
    held = census(w)
    stranger = rpc.LegCensus(LegId("caller-old"), "rtp", "", 30_080)
    w.outputs.clear()
    w.house.worker_attached(replace(held, legs=(*held.legs, stranger), recordings=(*held.recordings,)), "boot-1", 0)
    w.pump()
    assert [c.leg for c in w.commands(rpc.CloseLeg)] == ["caller-old"]


def test_commands_wait_for_the_census_while_no_worker_is_attached(w: World) -> None:
    w.house.worker_lost("socket", w.now_ms)
    w.outputs.clear()
    contact = w.ring("call4", "116117")  # is answered, and hears the queue's announcement
    assert w.commands(rpc.CreateRtp) == []
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    assert f"caller-{contact}" in [c.leg for c in w.commands(rpc.CreateRtp)]


def test_every_record_survives_json(w: World) -> None:
    puts = {o.key: to_json(o.value) for o in w.outputs if isinstance(o, Put)}
    line = next(iter(w.house.calls.lines.values()))
    assert from_json(type(line), puts[line.key()]) == line
    assert [o for o in w.outputs if isinstance(o, JournalEvent)]
    view = w.house.ctx.core.contact(line.contact)
    assert view is not None
    assert view.state is ContactState.CONNECTED


def test_calls_that_are_up_are_told_of_our_new_address(w: World) -> None:
    new = after_restart(w, replace(settings(), media_host="192.0.2.9", bind_host="192.0.2.9"))
    resume(new, sip_calls(new))
    orders = [o for o in new.outputs if isinstance(o, ToSip) and o.action == "reoffer"]
    assert {order.call for order in orders} == {"call1", "call3"}, "one rings only: it has not been told anything yet"
    assert all(order.paced and "c=IN IP4 192.0.2.9\r\n" in order.sdp for order in orders)
    line = new.house.calls.lines[new.house.calls.by_call[CallId("call1")]]
    assert (line.leg.bind_host, line.answer_sdp) == ("192.0.2.9", orders[0].sdp)
    assert from_json(type(line), to_json(new.records[line.key()])) == line
    again = after_restart(new, new.house.ctx.settings)
    resume(again, sip_calls(again))
    assert [o for o in again.outputs if isinstance(o, ToSip) and o.action == "reoffer"] == [], "they know by now"
