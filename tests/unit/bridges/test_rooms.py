"""Control rooms that close and are evacuated, in the house: who may say so, who is told, audited, kept."""

from dataclasses import replace
from typing import Any

from kak_server.bridges import recovery
from kak_server.bridges.commands import By, Outcome
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Dirty
from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing.api import Configured, ContactState, RoomConfig, RoomsConfig
from kak_server.routing.step import RoutingCore
from tests.unit.bridges.test_staff import (
    BENT_LEAD,
    BERGEN_1,
    LEAD_SEAT,
    LEADS,
    SOFIE,
    audited,
    sees,
    staffed,
    told,
)
from tests.unit.bridges.world import KARI, SEAT_1, CountingIds, World, routing_config, settings


def rooms() -> World:
    """Oslo with its lead Sofie and with Kari; Bergen with its lead Bente."""
    world = staffed(LEADS)
    world.sit()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    world.sit(BENT_LEAD, BERGEN_1, available=False)
    return world


def says(
    world: World, state: str, by: OperatorId = SOFIE, at: PositionId = LEAD_SEAT, room: str = "oslo", **more: Any
) -> Outcome:
    return world.do("room.set", {"room": room, "state": state, **more}, by, at)


def row_of(world: World, room: str) -> Any:
    (row,) = [row for row in sees(world, KARI, SEAT_1)["rooms"] if row["room"] == room]
    return row


def test_an_evacuated_room_says_so_to_everybody_in_it_and_gets_nothing_new() -> None:
    world = rooms()
    contact = world.ring()
    world.pass_ms(3_000)
    assert says(world, "evacuated", reason="Brannalarm").code == ""
    view = world.house.ctx.core.contact(contact)
    assert view is not None
    assert view.state is ContactState.WAITING, "what rang there goes on"
    for seat in (SEAT_1, LEAD_SEAT):
        (notice,) = told(world, seat, "notice")
        assert (notice["id"], notice["level"], notice["code"]) == ("room-oslo", "alarm", "room-evacuated")
        assert notice["text_nb"].startswith("AMK Oslo er evakuert")
        assert notice["text_en"].startswith("AMK Oslo is evacuated")
        assert notice["text_en"].endswith("(Sofie, Brannalarm).")
    assert told(world, BERGEN_1, "notice") == []
    assert row_of(world, "oslo") == {
        "room": "oslo",
        "name": "AMK Oslo",
        "state": "evacuated",
        "reason": "Brannalarm",
        "by": "sofie",
        "by_name": "Sofie",
        "since_ms": world.now_ms,
    }
    assert row_of(world, "bergen")["state"] == "open"
    assert audited(world) == [("sofie", "room.set", "oslo")]
    assert Dirty("rooms") in world.outputs

    assert says(world, "open").code == ""
    for seat in (SEAT_1, LEAD_SEAT):
        assert told(world, seat, "notice.cleared") == [{"id": "room-oslo"}]
        assert told(world, seat, "notice")[-1]["code"] == "room-open"
    assert sees(world, KARI, SEAT_1)["notices"] == []
    assert sees(world, KARI, SEAT_1)["offer"]["contact"] == contact


def test_it_is_for_the_rooms_leads_and_for_admins() -> None:
    world = rooms()
    assert says(world, "closed", KARI, SEAT_1).code == "not-lead"
    assert says(world, "closed", BENT_LEAD, BERGEN_1).code == "not-lead"
    assert says(world, "closed", room="nowhere").code == "unknown-room"
    assert says(world, "ajar").code == "bad-request"
    assert says(world, "closed", reason="x" * 201).code == "bad-request"
    assert audited(world) == []
    admin = By(KARI, SEAT_1, frozenset({"operator", "admin"}))
    args = {"room": "bergen", "state": "closed", "reason": "natt"}
    assert world.house.command(admin, "room.set", args, world.now_ms).code == ""
    world.pump()
    assert audited(world) == [("kari", "room.set", "bergen")]
    assert [n["code"] for n in told(world, BERGEN_1, "notice")] == ["room-closed"]


def test_said_twice_it_is_audited_once() -> None:
    world = rooms()
    says(world, "closed", reason="natt")
    assert says(world, "closed", reason="natt").code == ""
    assert len(audited(world)) == 1
    says(world, "closed", reason="natt og dag")
    assert len(audited(world)) == 2


def test_it_outlives_a_restart_and_who_sits_down_there_is_told() -> None:
    world = rooms()
    world.pass_ms(5_000)
    said_ms = world.now_ms
    says(world, "evacuated", reason="Brannalarm")
    again = RoutingCore()
    for event in world.events:
        again.step(event)
    assert again.digest() == world.house.ctx.core.digest()
    house = House(world.house.ctx.settings, again, CountingIds(1_000))
    house.at(world.now_ms + 60_000)
    recovery.restore(house, world.records)
    (notice,) = house.views.snapshot(KARI, SEAT_1)["notices"]
    assert (notice["code"], notice["at_ms"]) == ("room-evacuated", said_ms)
    assert [row["since_ms"] for row in house.views.snapshot(KARI, SEAT_1)["rooms"]] == [said_ms, None]


def test_the_rooms_come_in_the_order_of_the_configuration() -> None:
    assert [row["room"] for row in sees(rooms(), KARI, SEAT_1)["rooms"]] == ["oslo", "bergen"]
    assert {info.room for info in settings().positions} == {"oslo", "bergen"}


def test_who_is_on_in_a_room_is_for_leads_elsewhere_without_reasons() -> None:
    world = rooms()
    assert world.do("activity.set", {"activity": "break", "reason": "meal", "note": "kl. 12"}).code == ""
    rows = world.house.staff_views.people(RoomId("oslo"))
    assert {row["operator"]: row["activity"] for row in rows} == {"kari": "break", "sofie": "break"}
    known = {"operator", "name", "position", "room", "room_name", "activity", "state", "skills", "on_loan", "chat_room"}
    assert all(set(row) == known for row in rows)
    assert not any(row["on_loan"] for row in rows)
    assert world.house.staff_views.people(RoomId("mars")) == []


def test_reserve_is_in_the_lists_of_lead_and_colleagues() -> None:
    world = rooms()
    config = replace(routing_config(), national=RoomsConfig((RoomConfig(RoomId("oslo"), reserve=1),)))
    world.house.ctx.route(Configured(world.now_ms, config))
    world.pump()
    listed = {row["operator"]: row["reserved"] for row in sees(world, SOFIE, LEAD_SEAT)["staff"]}
    assert listed == {"kari": True, "sofie": False}
    assert listed == {row["operator"]: row["reserved"] for row in sees(world, KARI, SEAT_1)["operators"]}


def test_reserve_is_redrawn_wherever_somebody_on_loan_to_the_room_sits() -> None:
    """Bente is lent to Oslo. When Kari there is called, Bente is the only one left for Oslo's emergencies: Bergen's
    consoles, where she sits, must say so, and Oslo's when she is asked herself."""
    world = rooms()
    config = replace(routing_config(), national=RoomsConfig((RoomConfig(RoomId("oslo"), reserve=1),)))
    world.house.ctx.route(Configured(world.now_ms, config))
    asked = {"room": "oslo", "lender": "bergen", "count": 1, "minutes": 30, "note": ""}
    loan = world.do("loan.ask", asked, SOFIE, LEAD_SEAT).result["loan"]
    agreed = {"loan": loan, "operators": [BENT_LEAD], "own_emergencies": False}
    assert world.do("loan.agree", agreed, BENT_LEAD, BERGEN_1).code == ""
    world.do("activity.set", {"activity": "available"}, BENT_LEAD, BERGEN_1)

    def reserved() -> dict[str, bool]:
        return {view.operator: view.reserved for view in world.house.ctx.core.operators()}

    def drawn() -> set[RoomId]:
        fresh = world.house.drain()
        lists = (out for out in fresh if isinstance(out, Dirty) and out.topic == "operators")
        return {room for out in lists for room in out.rooms or ()}

    assert not reserved()[BENT_LEAD]
    world.pump()
    world.house.command(By(KARI, SEAT_1), "activity.set", {"activity": "break", "reason": "meal"}, world.now_ms)
    assert reserved()[BENT_LEAD]
    assert drawn() == {"oslo", "bergen"}
    world.house.command(By(KARI, SEAT_1), "activity.set", {"activity": "available"}, world.now_ms)
    assert drawn() == {"oslo", "bergen"}
    world.house.command(By(BENT_LEAD, BERGEN_1), "activity.set", {"activity": "break", "reason": "meal"}, world.now_ms)
    assert reserved()[KARI]
    assert drawn() == {"oslo", "bergen"}
