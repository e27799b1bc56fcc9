"""A control room is evacuated with real callers waiting in it, and control is killed while it is empty."""

from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from kak_sim.robots.client import ApiRefusedError
from kak_sim.robots.robot import Manner
from tests.e2e.test_shift_lead import audited, next_shift, noticed
from tests.support.lab import calling, operator, running_lab
from tests.support.robots import in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

CALLER_HZ = 440


async def test_who_waits_for_an_evacuated_room_is_answered_next_door_at_once(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1", Manner(accept_after_ms=60_000)) as kari,  # it rings at her, and she runs
        operator(lab, "sofie", "oslo-2", available=False) as lead,
        robot_at(lab, "ingrid", "bergen-1", Manner(wrap_up_ms=0)) as ingrid,
        calling(lab, "113", source=steady(CALLER_HZ)),
    ):
        await kari.client.until(lambda client: client.view["offer"] is not None)
        with pytest.raises(ApiRefusedError, match="not-lead"):
            await kari.client.command("room.set", room="oslo", state="evacuated")
        await lead.command("room.set", room="oslo", state="evacuated", reason="Brannalarm")
        await ingrid.client.until(in_call, timeout_s=8)  # the room's own 20 s are not waited out
        assert kari.client.view["offer"] is None
        assert noticed(kari.client, "room-evacuated")
        await ingrid.client.until(lambda client: client.view["rooms"][0]["state"] == "evacuated")
        assert not noticed(ingrid.client, "room-evacuated")

        await lab.kill_control()
        await lab.start_control()
        await lead.connect_events()
        row = next(row for row in lead.view["rooms"] if row["room"] == "oslo")
        assert (row["state"], row["reason"], row["by_name"]) == ("evacuated", "Brannalarm", "Sofie Haugen")
        assert [notice["code"] for notice in lead.view["notices"] if notice["id"] == "room-oslo"] == ["room-evacuated"]
        async with next_shift(lab, "anne") as admin:  # who has no seat
            await admin.request("PUT", "/api/v1/rooms/oslo/state", {"state": "open"})
        await lead.until(lambda client: noticed(client, "room-open"))
        steps = [("sofie", "room.set", "oslo"), ("anne", "room.set", "oslo")]
        await eventually(lambda: [row for row in audited(lab) if row[1] == "room.set"] == steps, what="both rows")
