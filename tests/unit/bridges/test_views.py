"""What consoles are shown, held against the API's own models: the bridges cannot drift from the document."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges.house import House
from kak_server.bridges.lent_lists import MAX_WAITING_ROWS
from kak_server.bridges.outputs import Tell
from kak_server.console import models
from kak_server.console.messages import check_event
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Issi, PositionId, RoomId
from kak_server.routing.api import Configured
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, IncomingCall, Location
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
    world,
)

SERVER = {"name": "kak", "version": "0", "lab": True}


@pytest.fixture
def w() -> World:
    return world()


def snapshot(w: World, operator: Any = KARI, position: PositionId = SEAT_1) -> models.SnapshotFields:
    shown = w.house.views.snapshot(operator, position)
    return models.SnapshotFields.model_validate({**shown, "now_ms": w.now_ms, "server": SERVER})


def exactly(model: type[models.Outgoing], shown: dict[str, Any]) -> None:
    """The view has the model's fields, all of them and no others."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    assert set(shown) == names, model
    model.model_validate(shown)


def busy(w: World) -> ContactId:
    """Radio, a call at Kari's seat with a patch and video, one that waits."""
    w.radio_up()
    w.sit()
    w.do("talkgroup.monitor", {"gssi": GROUP, "on": True})
    where = Location(59.91273, 10.74609, 25.0, civic="Storgata 1")
    caller = CallerIdentity("+4799999999", source="p-asserted-identity")
    w.house.sip_event(IncomingCall(CallId("call1"), "lab", "113", caller, OFFER, (where,)), w.now_ms)
    w.pump()
    (contact,) = w.house.calls.lines
    w.answer(contact)
    w.do("contact.patch", {"contact": contact, "gssi": GROUP, "confirmed": True, "owner_ok": True})
    w.do("video.invite", {"contact": contact})
    w.radio(radio.TalkerChanged(GROUP, Issi(1001), "Ambulanse 1", 3))
    w.ring("call2")
    return contact


def test_every_view_has_the_models_fields_and_no_others(w: World) -> None:
    busy(w)
    shown = w.house.views.snapshot(KARI, SEAT_1)
    assert set(shown) == set(models.SnapshotFields.model_fields) - {"now_ms", "server"}
    exactly(models.Me, shown["me"])
    exactly(models.Call, shown["call"])
    exactly(models.CallPatch, shown["call"]["patch"])
    exactly(models.CallVideo, shown["call"]["video"])
    exactly(models.Location, shown["call"]["location"])
    exactly(models.Queue, shown["queues"][0])
    exactly(models.Waiting, shown["waiting"][0])
    exactly(models.OperatorRow, shown["operators"][0])
    exactly(models.Talkgroup, shown["talkgroups"][0])
    exactly(models.Talker, shown["talkgroups"][0]["talker"])
    exactly(models.TransferTarget, shown["transfer_targets"][0])
    exactly(models.MediaStatus, shown["media"])


def test_an_offer_has_the_models_fields_and_no_others(w: World) -> None:
    w.sit()
    w.ring()
    exactly(models.Offer, w.told("offer")[0])
    exactly(models.Offer, w.house.views.snapshot(KARI, SEAT_1)["offer"])


def test_everything_told_is_an_event_of_the_api(w: World) -> None:
    contact = busy(w)
    w.media(rpc.LegSilent(w.house.calls.lines[contact].leg.leg, 10_000))
    w.media(rpc.LegActive(w.house.calls.lines[contact].leg.leg, 12_000))
    w.do("contact.hangup", {"contact": contact})
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.sit(OLA)
    told = {o.name for o in w.outputs if isinstance(o, Tell)}
    assert {"me", "offer", "call", "call.ended", "talkgroup", "media", "media.reset", "notice"} <= told
    for output in w.outputs:
        if isinstance(output, Tell):
            check_event(output.name, dict(output.data))


def test_the_call_card_shows_the_caller_and_the_place(w: World) -> None:
    busy(w)
    call = snapshot(w).call
    assert call is not None
    assert (call.caller, call.caller_source, call.state) == ("+4799999999", "p-asserted-identity", "connected")
    assert call.location.text == "Storgata 1 (59.91273, 10.74609 ± 25 m)"
    assert (call.location.latitude, call.location.radius_m) == (59.91273, 25.0)
    assert call.recording


def test_an_offer_is_no_call_and_a_call_no_offer(w: World) -> None:
    w.sit()
    contact = w.ring()
    assert (snapshot(w).offer is not None, snapshot(w).call) == (True, None)
    w.answer(contact)
    assert (snapshot(w).offer, snapshot(w).call is not None) == (None, True)
    w.sit(OLA, SEAT_2)
    assert (snapshot(w, OLA, SEAT_2).offer, snapshot(w, OLA, SEAT_2).call) == (None, None)


def test_a_room_sees_its_own_queues_contacts_and_colleagues(w: World) -> None:
    bergen = PositionId("bergen-1")
    w.sit(OLA, bergen, available=False)
    w.sit(available=False)
    w.ring()
    assert [row.queue for row in snapshot(w).queues] == ["113-oslo", "116117"]
    assert len(snapshot(w).waiting) == 1
    assert [row.operator for row in snapshot(w).operators] == [KARI]
    away = snapshot(w, OLA, bergen)
    assert [row.queue for row in away.queues] == ["113-bergen"]
    assert away.waiting == []
    assert away.talkgroups == []
    assert {target.queue for target in away.transfer_targets} == {"113-oslo", "113-bergen", "116117"}


def test_queue_figures_count_who_waits_and_who_is_free(w: World) -> None:
    w.sit(available=False)
    first = w.now_ms
    w.ring("call1")
    w.pass_ms(5_000)
    w.ring("call2")
    (row,) = [row for row in snapshot(w).queues if row.queue == "113-oslo"]
    assert (row.waiting, row.longest_since_ms, row.available) == (2, first, 0)
    w.sit(OLA, SEAT_2)
    (row,) = [row for row in snapshot(w).queues if row.queue == "116117"]
    assert (row.waiting, row.longest_since_ms) == (0, None)


def test_an_emergency_is_on_the_list_however_many_came_before() -> None:
    w = World(House(replace(settings(), rtp_port_max=31_000), RoutingCore(), CountingIds()))
    w.house.ctx.route(Configured(w.now_ms, routing_config()))
    w.pump()
    for number in range(MAX_WAITING_ROWS + 20):
        w.pass_ms(10)
        w.ring(f"normal{number}", "116117")
    w.pass_ms(10)
    last = w.ring("emergency", "113")
    rows = w.house.views.lists.waiting_list(RoomId("oslo"))
    assert len(rows) == MAX_WAITING_ROWS
    assert rows[0]["contact"] == last
    assert [row["arrived_at_ms"] for row in rows[1:]] == sorted(row["arrived_at_ms"] for row in rows[1:])


def test_a_seat_that_left_the_configuration_can_still_be_drawn(w: World) -> None:
    gone = PositionId("taken-down")
    assert w.house.views.room_of(gone) == ""
    w.sit()
    shown = w.house.views.snapshot(KARI, gone)
    assert shown["queues"] == []
