"""Rooms that close and open again."""

from kak_server.model.ids import ContactId, RoomId
from kak_server.routing.api import ContactClass, Reach, RoomConfig, RoomsConfig, RoomState, RoomStateSet, Step
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


def test_who_looked_past_a_shut_room_waits_for_it_again_when_it_opens() -> None:
    """Both rooms of the first step are shut, so the next step's are asked; then one of the two opens."""
    desk = Desk(
        queue("113", "oslo", workflow=(Step(reach=Reach.NEIGHBOURS), Step(after_ms=60_000, reach=Reach.REGION))),
        national=RoomsConfig(
            (
                RoomConfig(RoomId("oslo"), (RoomId("moss"),), "south"),
                RoomConfig(RoomId("moss"), (), "east"),
                RoomConfig(RoomId("skien"), (), "south"),
            )
        ),
    )
    for shut in ("oslo", "moss"):
        desk.send(RoomStateSet(desk.now_ms, RoomId(shut), RoomState.CLOSED))
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    desk.send(RoomStateSet(desk.now_ms, RoomId("moss"), RoomState.OPEN))
    desk.sit("mia", "moss")
    assert desk.offered_to("c1") == "mia"
    desk.crash_and_replay()
