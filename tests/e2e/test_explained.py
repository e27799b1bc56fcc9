"""Over the whole running system: a shift lead asks why a call waits, and why it went where it went."""

from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from kak_sim.robots.client import ApiRefusedError, PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.lab import calling, operator, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


async def test_a_shift_lead_sees_who_was_considered_while_it_waits_and_after(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        operator(lab, "sofie", "oslo-2", available=False) as sofie,
        calling(lab, "113", "+4791500001", source=steady(440)) as caller,
    ):
        await sofie.until(lambda client: len(client.view["waiting"]) == 1)
        contact = sofie.view["waiting"][0]["contact"]
        path = f"/contacts/{contact}/explanation"
        waits = await sofie.request("GET", f"/api/v1{path}")
        assert (waits["contact"], waits["complete"], waits["over"]) == (contact, True, False)
        (why,) = [step for step in waits["steps"] if step["considered"]]
        assert why["considered"]["able"] == 0
        assert sum(group["count"] for group in why["considered"]["others"]) == 1
        assert why["text_nb"].startswith("Den venter, først i køen:")
        robot = Robot(PositionClient(lab.base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=100), source=steady(600))
        await robot.start()
        await caller.answered()
        await caller.hang_up()
        await sofie.until(lambda client: client.view["waiting"] == [])
        told = await sofie.request("GET", f"/api/v1{path}")
        assert told["over"]
        offers = [step["considered"] for step in told["steps"] if step["text_en"].startswith("Offer ")]
        assert [one["name"] for seen in offers for one in seen["best"] if one["chosen"]] == ["Kari Nordmann"]
        with pytest.raises(ApiRefusedError) as refused:
            await robot.client.request("GET", f"/api/v1{path}")
        assert refused.value.code == "forbidden"
        await robot.stop()
