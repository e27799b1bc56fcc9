"""Somebody we have called is left with nobody: the room's consoles list it, and shift leads are told."""

from dataclasses import replace
from typing import Any

from kak_server.bridges.house import House
from kak_server.bridges.outputs import Dirty
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId, OperatorId, RoomId
from kak_server.routing.api import Configured, ContactState, RoomConfig, RoomsConfig
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, CountingIds, World, routing_config, settings, world

OSLO = RoomId("oslo")


def left_alone() -> tuple[World, ContactId]:
    """A call out whose operator's PC dies; the room keeps the only other one in reserve."""
    w = world()
    rooms = RoomsConfig((RoomConfig(OSLO, reserve=2), RoomConfig(RoomId("bergen"))))
    w.house.ctx.route(Configured(w.now_ms, replace(routing_config(), national=rooms)))
    w.pump()
    w.sit()
    w.sit(OLA, SEAT_2)
    contact = ContactId(w.do("contact.dial", {"number": "+4722222222"}).result["contact"])
    w.picks_up(w.dials()[-1].call)
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.pass_ms(5_000)
    w.timer("routing/media:kari")
    return w, contact


def notices(w: World, operator: OperatorId, position: Any) -> list[str]:
    return [one["code"] for one in w.house.views.snapshot(operator, position)["notices"]]


def test_every_console_of_the_room_lists_it_and_somebody_is_told() -> None:
    w, contact = left_alone()
    assert w.house.ctx.core.state.contacts[contact].state is ContactState.WAITING
    for who, seat in ((KARI, SEAT_1), (OLA, SEAT_2)):
        (row,) = w.house.views.snapshot(who, seat)["waiting"]
        assert (row["contact"], row["caller"], row["state"]) == (contact, "+4722222222", "waiting")
    assert row["transferred_by"] == KARI
    assert any(one.topic == "waiting" and OSLO in (one.rooms or ()) for one in w.outputs if isinstance(one, Dirty))
    assert "call-out-left" in notices(w, OLA, SEAT_2), "no lead is on: everybody has to know"


def test_who_lost_it_takes_it_back_and_the_notice_goes() -> None:
    w, contact = left_alone()
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "up"))
    assert w.do("contact.pull_back", {"contact": contact}).code == ""
    assert w.house.views.snapshot(OLA, SEAT_2)["waiting"] == []
    assert "call-out-left" not in notices(w, OLA, SEAT_2)


def test_after_ten_seconds_the_reserve_is_asked() -> None:
    w, contact = left_alone()
    w.pass_ms(10_000)
    w.timer(f"routing/step:{contact}")
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert offer is not None
    assert offer["contact"] == contact
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["waiting"]
    assert row["state"] == "offered"


def test_a_restart_tells_it_again() -> None:
    w, _ = left_alone()
    again = House(settings(), w.house.ctx.core, CountingIds(900))
    again.staff.resume()
    assert [one["code"] for one in again.staff.notices_of(OLA, SEAT_2)] == ["call-out-left"]


def called_back() -> tuple[World, ContactId]:
    """Somebody rang the emergency queue and gave up; Kari calls back and loses the call, and Ola is on a break."""
    w = world()
    w.sit()
    w.sit(OLA, SEAT_2)
    w.do("activity.set", {"activity": "break"}, OLA, SEAT_2)
    w.do("activity.set", {"activity": "break"})
    missed = w.ring("call1")
    w.ends(CallId("call1"))
    contact = ContactId(w.do("contact.callback", {"contact": missed}).result["contact"])
    assert w.house.ctx.core.state.contacts[contact].queue == "113-oslo"
    w.picks_up(w.dials()[-1].call)
    return w, contact


def loses(w: World) -> None:
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.pass_ms(5_000)
    w.timer("routing/media:kari")


def test_a_call_back_that_loses_its_operator_is_told_with_its_queue_until_somebody_has_it() -> None:
    w, contact = called_back()
    loses(w)
    assert w.house.ctx.core.state.contacts[contact].state is ContactState.WAITING
    (told,) = [one for one in w.house.views.snapshot(OLA, SEAT_2)["notices"] if one["code"] == "call-out-left"]
    assert (
        told["text_en"]
        == "The call out to +4799999999 (113 Oslo) is left without an operator, and nobody has taken it."
    )
    assert "(113 Oslo) står uten operatør" in told["text_nb"]
    w.do("activity.set", {"activity": "available"}, OLA, SEAT_2)
    assert w.answer(contact, OLA, SEAT_2).code == ""
    assert "call-out-left" not in notices(w, OLA, SEAT_2)


def test_a_call_out_that_is_passed_on_to_a_queue_is_not_left() -> None:
    w, contact = called_back()
    assert w.do("contact.transfer", {"contact": contact, "queue": "116117"}).code == ""
    assert w.house.ctx.core.state.contacts[contact].state is ContactState.WAITING
    assert "call-out-left" not in notices(w, OLA, SEAT_2)
