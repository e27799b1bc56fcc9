"""What a console sees of its position's phone, and that it is told once of each change."""

from typing import Any

from kak_server.console import models
from kak_server.model.ids import PositionId
from kak_server.sip.api import CallEnded
from tests.unit.bridges.test_phones import dials, hear, phone_world, picks_up, registers
from tests.unit.bridges.test_views import exactly
from tests.unit.bridges.world import KARI, SEAT_1, World


def seen(w: World) -> list[tuple[str, bool]]:
    return [(data["state"], data["serves"]) for data in w.told("phone")]


def shown(w: World, position: PositionId = SEAT_1) -> Any:
    return w.house.views.snapshot(KARI, position)["phone"]


def test_a_phone_that_registers_rings_and_talks_is_told_each_time_once() -> None:
    w = phone_world()
    assert shown(w)["state"] == "unregistered"
    registers(w, "sip:desk@127.0.0.1:5066")
    registers(w, "sip:desk@127.0.0.1:5066")
    assert seen(w) == [("registered", True)]
    exactly(models.Phone, shown(w))
    w.ring()
    picks_up(w, dials(w)[-1].call)
    assert seen(w) == [("registered", True), ("ringing", True), ("in-call", True)]
    hear(w, CallEnded(dials(w)[-1].call, "bye"))
    assert seen(w)[-1] == ("registered", True)
    registers(w)
    assert seen(w)[-1] == ("unregistered", True)
    assert w.house.phone_views.state(PositionId("nowhere")) is None


def test_a_phone_that_does_not_answer_at_all_is_silent_until_it_registers_again() -> None:
    w = phone_world()
    registers(w, "sip:desk@127.0.0.1:5066")
    w.ring()
    hear(w, CallEnded(dials(w)[-1].call, "no-answer"))
    assert shown(w)["state"] == "silent"
    registers(w, "sip:desk@127.0.0.1:5066")
    assert shown(w)["state"] in ("registered", "ringing")


def test_my_phone_is_switched_on_and_off_from_the_console() -> None:
    w = phone_world()
    w.sit()
    registers(w, "sip:desk@127.0.0.1:5066")
    assert seen(w)[-1] == ("registered", False)
    assert w.do("position.phone", {"on": True}).code == ""
    assert seen(w)[-1] == ("registered", True)
    assert w.do("contact.dial", {"number": "110"}).code == "use-phone"
    assert w.do("position.phone", {"on": False}).code == ""
    assert seen(w)[-1] == ("registered", False)


def test_a_switch_from_a_browser_with_sound_to_the_phone_leaves_the_operator_reachable() -> None:
    w = phone_world()
    w.sit()
    registers(w, "sip:desk@127.0.0.1:5066")
    w.do("position.phone", {"on": True})
    kari = w.house.ctx.core.operator(KARI)
    assert kari is not None
    assert (kari.media_up, kari.state.value) == (True, "idle")
    w.ring()
    assert shown(w)["state"] == "ringing"
