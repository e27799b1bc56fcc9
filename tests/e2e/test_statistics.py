"""Real calls, and what the statistics say of them: before a kill -9 of the control process and after it."""

from pathlib import Path
from typing import Any

import pytest

from kak_sim.robots.client import ApiRefusedError, PositionClient
from kak_sim.robots.robot import Manner
from tests.support.lab import calling, running_lab
from tests.support.robots import in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

COUNTS = (
    "offered",
    "answered",
    "answered_in_time",
    "abandoned",
    "answer_wait_ms",
    "abandon_wait_ms",
    "handled",
)


async def figures(lead: PositionClient, by: str, key: str) -> dict[str, Any]:
    """Today's."""
    shown = await lead.request("GET", f"/api/v1/statistics/live?by={by}")
    row = next((row for row in shown["rows"] if row["key"] == key), None)
    return {} if row is None else dict(row["today"])


async def test_calls_are_counted_once_whatever_happens_to_the_server(tmp_path: Path) -> None:
    """One is answered, one gives up, one waits while control is killed and is answered after."""
    async with running_lab(tmp_path, simulators=False) as lab:
        lead = PositionClient(lab.base_url, "sofie", "lab")
        await lead.sign_in()
        async with robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=100)) as robot:
            async with calling(lab, "113", "+4791500001") as first:
                await robot.client.until(lambda client: in_call(client, "+4791500001"))
                async with calling(lab, "113", "+4791500002") as second:
                    await second.ring()
                    await second.hang_up()

                    async def given_up() -> bool:
                        return bool((await figures(lead, "queue", "113-oslo")).get("abandoned"))

                    await eventually(given_up, what="the second has given up")
                await first.hang_up()

            async def handled() -> bool:
                return bool((await figures(lead, "queue", "113-oslo")).get("handled"))

            await eventually(handled, what="the wrap-up is over")
        before = await figures(lead, "queue", "113-oslo")
        assert [before.get(name, 0) for name in ("offered", "answered", "abandoned", "handled")] == [2, 1, 1, 1]
        assert before["service_level_negative_percent"] == 50.0
        assert before["service_level_ignored_percent"] == 100.0
        assert (await figures(lead, "operator", "kari"))["answers"] == 1
        async with calling(lab, "113", "+4791500003") as third:
            await third.ring()
            await lab.kill_control()
            await lab.start_control()
            again = PositionClient(lab.base_url, "sofie", "lab")
            await again.sign_in()
            after = await figures(again, "queue", "113-oslo")
            assert after["pending"] == 1
            assert {name: after.get(name, 0) - before.get(name, 0) for name in COUNTS} == {
                **dict.fromkeys(COUNTS, 0),
                "offered": 1,
            }
            async with robot_at(lab, "ola", "oslo-2", Manner(wrap_up_ms=100)) as robot:
                await robot.client.until(
                    lambda client: in_call(client, "+4791500003"), 40
                )  # it may ring at Kari's first
                last = await figures(again, "queue", "113-oslo")
                assert (last["offered"], last["answered"], last.get("pending", 0)) == (3, 2, 0)
                await third.hang_up()
        csv = await again.download("/api/v1/statistics/intervals.csv?after=0")
        assert csv.startswith(b"half_hour,half_hour_local,by,key")
        kari = PositionClient(lab.base_url, "kari", "lab")
        await kari.sign_in()
        with pytest.raises(ApiRefusedError, match="roles"):
            await kari.request("GET", "/api/v1/statistics/live")
        for client in (lead, again, kari):
            await client.close()
