"""Help between rooms by weight, against exact fractions: whose callers have got least of it are helped, then who came
first."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.model.ids import RoomId
from kak_server.routing.api import Activity, ContactClass, RoomConfig, RoomsConfig
from tests.unit.routing.desk import Desk, queue

weights = st.sampled_from([1, 2, 4, 5])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=12), weights, weights)
def test_a_room_that_helps_two_others_shares_by_weight_and_ties_go_by_arrival(came: list[str], a: int, b: int) -> None:
    weight = {"a": a, "b": b}
    rooms = tuple(RoomConfig(RoomId(room), weight=weight.get(room, 1)) for room in ("a", "b", "c"))
    asked = [queue(room, room, "c", klass=ContactClass.NORMAL, wrap_up_ms=0) for room in "ab"]
    desk = Desk(*asked, national=RoomsConfig(rooms, fair=True))
    desk.sit("cia", "c", ready=False)
    waiting: dict[str, list[str]] = {"a": [], "b": []}
    for number, room in enumerate(came):
        desk.ring(f"c{number:02}", room)
        waiting[room].append(f"c{number:02}")
        desk.wait(10)
    desk.says("cia", Activity.AVAILABLE)
    got = {"a": Fraction(0), "b": Fraction(0)}
    for _ in came:
        helped = min((room for room in "ab" if waiting[room]), key=lambda room: (got[room], waiting[room][0]))
        got[helped] += Fraction(1, weight[helped])
        contact = waiting[helped].pop(0)
        assert desk.operator("cia").contact == contact
        desk.talk("cia", contact)
        desk.hang_up("cia", contact)
