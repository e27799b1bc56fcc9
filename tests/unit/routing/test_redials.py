"""A caller who rang before in vain waits since then."""

from kak_server.routing.api import ContactClass
from tests.unit.routing.desk import Desk, queue


def test_a_redial_takes_the_place_of_the_first_call() -> None:
    desk = Desk()
    first_ms = desk.now_ms
    desk.wait(10_000)
    desk.ring("patient", first_ms=0)
    desk.wait(5_000)
    desk.ring("again", first_ms=first_ms)
    assert desk.line() == ["again", "patient"]
    view = desk.contact("again")
    assert (view.arrived_at_ms, view.first_arrived_at_ms) == (desk.now_ms, first_ms)


def test_a_redial_never_crosses_classes() -> None:
    desk = Desk(queue("113"), queue("116117", klass=ContactClass.NORMAL))
    desk.wait(10_000)
    desk.ring("grave")
    desk.ring("again", "116117", first_ms=1)
    desk.sit("ada")
    assert desk.offered_to("grave") == "ada"


def test_a_time_to_come_is_now() -> None:
    desk = Desk()
    desk.ring("strange", first_ms=desk.now_ms + 1_000_000)
    desk.wait(1)
    desk.ring("next")
    assert desk.contact("strange").first_arrived_at_ms == desk.contact("strange").arrived_at_ms
    assert desk.line() == ["strange", "next"]


def test_the_place_is_kept_through_an_offer_and_a_snapshot() -> None:
    desk = Desk()
    desk.wait(60_000)
    desk.ring("other")
    desk.ring("again", first_ms=desk.now_ms - 30_000)
    desk.sit("ada")
    assert desk.offered_to("again") == "ada"
    desk.reject("ada", "again")
    assert desk.core.restore(desk.core.snapshot()).digest() == desk.core.digest()
