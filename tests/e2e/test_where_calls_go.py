"""Over the whole running system: the municipality decides the queue, and an emergency call always has one."""

from pathlib import Path

import pytest

from tests.support.lab import calling, operator, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

TABLE = "code,name,queue,numbers,prefixes\n5501,Tromsø,113-bergen,+4777000000,+4777\n0301,Oslo,legevakt,,\n"


async def test_the_municipality_decides_the_queue(tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text(TABLE, encoding="utf-8")
    care = {"id": "care", "numbers": ["116118"], "default": "legevakt", "file": "towns.csv"}
    async with (
        running_lab(tmp_path, simulators=False, areas=[care]) as lab,
        operator(lab, "sofie", "oslo-1", available=False) as sofie,
    ):
        for number, caller, queue in (
            ("116118", "+4791500001", "legevakt"),  # nobody knows: the default
            ("116118", "77112233", "113-bergen"),  # by the caller's number, in whatever form it comes
            ("004777000000", "+4791500001", "113-bergen"),  # by the carrier's routing number, likewise
        ):
            async with calling(lab, number, caller) as phone:
                await sofie.until(lambda client: len(client.view["waiting"]) == 1)
                assert sofie.view["waiting"][0]["queue"] == queue
                await phone.hang_up()
            await sofie.until(lambda client: client.view["waiting"] == [])


@pytest.mark.parametrize("number", ["112", "+47110", "urn:service:sos.fire", "urn:service:sos"])
async def test_an_emergency_call_for_a_number_of_no_queue_has_one_all_the_same(tmp_path: Path, number: str) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        async with operator(lab, "kari", "oslo-1", available=False) as kari, calling(lab, number) as phone:
            await kari.until(lambda client: len(client.view["waiting"]) == 1)
            assert kari.view["waiting"][0]["queue"] == "113-oslo"
            await phone.hang_up()
        async with calling(lab, "4711") as phone:
            assert (await phone.over()).status == 404
