"""kill -9 of the control process while a session timer runs: the next process refreshes in time, and takes the BYE."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.lab import running_lab
from tests.support.sipp import needs_sipp, run_sipp
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.real_peer, pytest.mark.xdist_group("e2e"), needs_sipp]

SCENARIO = Path(__file__).parents[1] / "integration" / "sipp" / "uac_refreshed.xml"


async def test_a_refresh_is_in_time_although_the_process_that_promised_it_is_dead(tmp_path: Path) -> None:
    folder = tmp_path / "caller"
    folder.mkdir()
    # sipp sends no sound: nobody shall ask for it before the timer does
    async with running_lab(tmp_path, simulators=False, sip={"probe_after_silence_s": 3_600}) as lab:
        began = time.monotonic()
        caller = asyncio.create_task(run_sipp(SCENARIO, lab.sip, folder, "-s", "116117", timeout_s=90))

        async def up() -> bool:
            return (await lab.metrics()).get("kak_census_lines") == 1

        await eventually(up, 20, what="the call is in its queue")
        await asyncio.sleep(2)
        await lab.kill_control()
        await lab.start_control()
        result = await caller
        assert result.code == 0, result.output[-3_000:]
        assert 44 < time.monotonic() - began < 70  # half of 90 s after the 200, in another process
        assert (await lab.metrics())["kak_census_lines"] == 0
