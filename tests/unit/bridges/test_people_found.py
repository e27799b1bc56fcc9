"""Colleagues of any room are found by name or room, asked first, and given a call."""

from kak_server.bridges.people_found import MAX_FOUND
from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing.api import OperatorSignedIn, RoomState, RoomStateSet
from tests.unit.bridges.test_staff import BERGEN_1, LEAD_SEAT, SOFIE, asks, sees, two_rooms
from tests.unit.bridges.world import KARI, SEAT_1, World


def found(world: World, text: str) -> list[str]:
    return [row["operator"] for row in world.house.staff_views.found(text)]


def test_people_are_found_by_their_name_or_that_of_their_room() -> None:
    world = two_rooms()
    (row,) = world.house.staff_views.found("  BERGEN ")
    assert (row["operator"], row["room"], row["room_name"]) == ("bente", "bergen", "AMK Bergen")
    assert (row["state"], row["activity"], row["on_loan"]) == ("idle", "break", False)
    assert "note" not in row
    assert "reason" not in row
    assert found(world, "bENte") == ["bente"]
    assert set(found(world, "amk")) == {"kari", "sofie", "bente"}
    assert found(world, "nobody") == found(world, "   ") == []


def test_who_can_be_asked_comes_first_and_the_rest_of_many_is_left_out() -> None:
    world = two_rooms()
    for number in range(MAX_FOUND + 5):
        who, seat = OperatorId(f"x{number:02}"), PositionId(f"far-{number}")
        world.house.ctx.route(OperatorSignedIn(world.now_ms, who, f"X {number:02}", seat, RoomId("far"), {}))
    world.ring()
    assert found(world, "oslo") == ["sofie", "kari"]  # kari is rung at
    assert len(found(world, "x")) == MAX_FOUND


def test_nobody_of_an_evacuated_room_is_found_and_those_lent_to_a_room_are() -> None:
    world = two_rooms()
    loan = asks(world).result["loan"]
    world.do("loan.agree", {"loan": loan, "operators": ["kari"], "own_emergencies": True}, SOFIE, LEAD_SEAT)
    assert set(found(world, "bergen")) == {"kari", "bente"}
    world.house.ctx.route(RoomStateSet(world.now_ms, RoomId("bergen"), RoomState.EVACUATED, KARI, "fire"))
    world.pump()
    assert found(world, "bente") == []


def test_a_call_goes_to_a_colleague_of_another_room_asked_first_or_at_once() -> None:
    world = two_rooms()
    contact = world.talking()
    (row,) = world.house.staff_views.found("bente")
    bente = OperatorId(row["operator"])
    assert world.do("colleague.invite", {"contact": contact, "operator": bente, "purpose": "consult"}).code == ""
    offer = sees(world, bente, BERGEN_1)["offer"]
    assert (offer["purpose"], offer["invited_by_name"]) == ("consult", "Kari")
    world.do("contact.accept", {"contact": contact, "epoch": offer["epoch"]}, bente, BERGEN_1)
    assert sees(world, KARI, SEAT_1)["call"]["consulting"] is True
    assert world.do("consult.complete", {"contact": contact}).code == ""
    assert sees(world, bente, BERGEN_1)["call"]["part"] == "holder"
    assert sees(world, KARI, SEAT_1)["call"] is None
