"""Rooms that close and open again."""

from kak_server.model.ids import ContactId
from kak_server.routing.api import ContactClass, RoomState, RoomStateSet
from tests.unit.routing.desk import OSLO, Desk, queue


def test_when_people_come_back_an_emergency_is_not_passed_over_by_who_waited_for_others() -> None:
    """The other room is asked no more for the call of the lower class: its need changes, the emergency's does not."""
    advice = queue("116117", "oslo", "bergen", klass=ContactClass.NORMAL, own_room_ms=60_000)
    desk = Desk(queue("113", "oslo"), advice)
    desk.sit("ada", "oslo")
    desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.EVACUATED))
    desk.ring("c1", "116117")
    desk.ring("c2", "113")
    desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.OPEN))
    assert desk.operator("ada").contact == ContactId("c2")
