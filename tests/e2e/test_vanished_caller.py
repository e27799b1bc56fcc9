"""A caller who is suddenly gone without BYE is found; one who is only silent is never hung up on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kak_sim.callers.sound import steady
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.lab import calling, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

SOON: dict[str, Any] = {"probe_after_silence_s": 2, "t1_ms": 50}  # 64*T1: a lost answer is known after 3.2 s


async def answering_robot(base_url: str) -> Robot:
    robot = Robot(PositionClient(base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=None), source=steady(600))
    await robot.start()
    return robot


async def test_a_caller_whose_telephone_is_gone_is_found(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False, sip=SOON) as lab:
        robot = await answering_robot(lab.base_url)
        async with calling(lab, "113", source=steady(440)) as caller:
            await caller.answered()
            await asyncio.sleep(0.5)
            caller.vanish()
            await robot.client.until(lambda client: bool(client.saw("call.ended")), 20)
            assert robot.client.view["call"] is None
        metrics = await lab.metrics()
        assert metrics["kak_census_lines"] == 0
        assert metrics["kak_census_contacts"] == 0
        await robot.stop()


async def test_a_telephone_that_was_restarted_is_found_by_its_481(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False, sip=SOON) as lab:
        robot = await answering_robot(lab.base_url)
        async with calling(lab, "113", source=steady(440)) as caller:
            await caller.answered()
            await asyncio.sleep(0.5)
            caller.restart_telephone()
            await robot.client.until(lambda client: bool(client.saw("call.ended")), 20)
        await robot.stop()


async def test_a_caller_who_is_only_silent_keeps_the_call(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False, sip=SOON) as lab:
        robot = await answering_robot(lab.base_url)
        async with calling(lab, "113", source=steady(440)) as caller:
            await caller.answered()
            await asyncio.sleep(0.5)
            caller.mute(True)
            await asyncio.sleep(9)  # several probes and their time-outs would fit
            assert caller.state == "answered"
            assert robot.client.view["call"]["state"] == "connected"
            caller.mute(False)
            await caller.hang_up()
        await robot.stop()
