"""The records lie in a PostgreSQL: calls, audit and versions are there, and its death costs no call and no row."""

import asyncio
from pathlib import Path

import pytest

from kak_server.records.config_store import ConfigStore
from kak_server.records.store import RecordStore
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.robot import Manner
from tests.support.lab import calling, running_lab
from tests.support.postgres import Cluster, needs_postgres
from tests.support.robots import robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.real_peer, pytest.mark.xdist_group("e2e"), needs_postgres]


async def answered(lab: Lab, caller: str) -> None:
    """Somebody calls, is answered, and hangs up."""
    async with calling(lab, "113", caller, source=steady(440)) as phone:
        await phone.answered()
        await phone.hang_up()


async def test_a_database_that_dies_in_mid_shift_costs_no_call_and_no_row(tmp_path: Path) -> None:
    cluster = await asyncio.to_thread(Cluster)
    url = await asyncio.to_thread(cluster.empty)
    try:
        async with running_lab(tmp_path, simulators=False, storage={"url": url}) as lab:
            async with robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=0)):
                await answered(lab, "+4791500001")
                await asyncio.to_thread(cluster.stop)
                await answered(lab, "+4791500002")
                await lab.kill_control()
                await lab.start_control()  # without its database
            async with robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=0)):
                await answered(lab, "+4791500003")
            await asyncio.to_thread(cluster.start)
            records = RecordStore(url, tmp_path / "not-used.jsonl", print)
            callers = {f"+479150000{number}" for number in (1, 2, 3)}
            await eventually(
                lambda: {call.caller for call in records.recent_calls(10) if call.ended_at_ms} == callers,
                what="all three calls are in the records",
            )
            assert records.verify_chain() == []
            assert {row.action for row in records.audit_log()} >= {"sign-in"}
            records.close()
            versions = ConfigStore(url)
            newest = versions.newest()
            assert newest is not None
            assert newest.number == 1
            versions.close()
    finally:
        await asyncio.to_thread(cluster.close)
