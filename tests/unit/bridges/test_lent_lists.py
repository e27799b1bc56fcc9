"""Somebody on loan sees the borrowing room's lists beside their own, marked; nobody else sees anything more."""

from typing import Any

from kak_server.bridges.lent_lists import KEYS
from kak_server.bridges.outputs import Dirty
from kak_server.model.ids import RoomId
from tests.unit.bridges.test_staff import BENT_LEAD, BERGEN_1, LEAD_SEAT, SOFIE, asks, later, sees, two_rooms
from tests.unit.bridges.world import KARI, SEAT_1, World

LISTS = sorted(KEYS)


def lent() -> World:
    """Kari of Oslo is lent to Bergen."""
    world = two_rooms()
    loan = asks(world).result["loan"]
    agree = {"loan": loan, "operators": ["kari"], "own_emergencies": True}
    assert world.do("loan.agree", agree, SOFIE, LEAD_SEAT).code == ""
    return world


def marks(world: World, topic: str, key: str) -> list[tuple[Any, Any]]:
    return [(row[key], row["of_room"]) for row in sees(world, KARI, SEAT_1)[topic]]


def test_both_rooms_are_seen_the_borrowing_one_marked_and_after_the_loan_ones_own_alone() -> None:
    world = lent()
    assert marks(world, "queues", "queue") == [("113-oslo", None), ("116117", None), ("113-bergen", "bergen")]
    assert marks(world, "operators", "operator") == [("kari", None), ("sofie", None), ("bente", "bergen")]
    for seat, room in ((LEAD_SEAT, "oslo"), (BERGEN_1, "bergen")):
        others = world.house.views.rooms_at(seat)
        assert others == (room,)
    since = len(world.outputs)
    later(world, 3_600_000)
    assert world.house.views.rooms_at(SEAT_1) == ("oslo",)
    dirty = [one for one in world.outputs[since:] if isinstance(one, Dirty)]
    for topic in LISTS:
        assert any(one.topic == topic and (one.rooms is None or RoomId("oslo") in one.rooms) for one in dirty), topic
    assert marks(world, "queues", "queue") == [("113-oslo", None), ("116117", None)]


def test_when_it_begins_every_list_of_the_seat_is_due() -> None:
    world = lent()
    dirty = [one for one in world.outputs if isinstance(one, Dirty)]
    for topic in LISTS:
        assert any(one.topic == topic and RoomId("oslo") in (one.rooms or ()) for one in dirty), topic


def test_who_waits_in_both_is_one_line_emergencies_first() -> None:
    world = lent()
    world.do("activity.set", {"activity": "break"})
    doctor = world.ring("call1", "116117")
    world.pass_ms(1_000)
    there = world.ring("call2", "1131")
    world.pass_ms(1_000)
    here = world.ring("call3", "113")
    assert marks(world, "waiting", "contact") == [(there, "bergen"), (here, None), (doctor, None)]
    assert all(row["of_room"] is None for row in sees(world, BENT_LEAD, BERGEN_1)["waiting"])
