"""An emergency call with everything a network can say of it, over the whole running system: sipp as the network, a
location server of the test's own with a certificate of its own authority, a robot as the operator."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.lab import running_lab
from tests.support.robots import in_call, robot_at
from tests.support.sipp import needs_sipp, run_sipp
from tests.unit.app.test_references import Lis
from tests.unit.sip.aio.certificates import Authority

pytestmark = [pytest.mark.e2e, pytest.mark.real_peer, pytest.mark.xdist_group("e2e"), needs_sipp]

SCENARIO = Path(__file__).resolve().parents[1] / "integration" / "sipp" / "uac_emergency.xml"


@asynccontextmanager
async def location_server(authority: Authority) -> AsyncIterator[Lis]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("lis", "localhost"))
    lis = Lis()
    server = await asyncio.start_server(lis.serve, "127.0.0.1", 0, ssl=context)
    lis.port = server.sockets[0].getsockname()[1]
    try:
        yield lis
    finally:
        server.close()
        for writer in lis.left:
            writer.transport.abort()
        await server.wait_closed()


async def test_everything_a_network_says_reaches_the_operator(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    references = {"networks": ["127.0.0.0/8"], "ca": str(authority.path)}
    async with (
        location_server(authority) as lis,
        running_lab(tmp_path, simulators=False, sip={"references": references}) as lab,
        robot_at(lab, "kari", "oslo-1") as robot,
    ):
        where = ("-key", "lis", lis.reference("ok?token=1").uri, "-d", "4000")
        network = asyncio.create_task(run_sipp(SCENARIO, lab.sip, tmp_path, *where))
        await robot.client.until(lambda client: in_call(client) and not client.view["call"]["location"]["pending"])
        call = robot.client.view["call"]
        assert (call["caller"], call["caller_source"]) == ("+4791500099", "p-asserted-identity")
        assert (call["caller_name"], call["caller_private"]) == ("Ola Nordmann", True)
        assert call["diverted_from"] == ["+4722000009"]
        place = call["location"]
        middle_of_the_sector = (59.9145, 10.7655)  # 1 km from the mast, at 60 degrees
        assert (place["latitude"], place["longitude"]) == pytest.approx(middle_of_the_sector, abs=0.0002)
        assert (place["method"], place["measured"]) == ("Cell", "2026-01-01T12:00:00Z")
        assert [line.split(" · ")[0] for line in place["all"][1:]] == [
            "Storgata 12B, Oslo, NO",
            "(59.91390, 10.75220 ± 36 m)",  # of the location server
            "location could not be read: no body part with Content-ID nowhere@sipp.example",
        ]
        details = {(line["label"], line["text"]) for line in call["details"]}
        assert {("priority", "esnet.1"), ("provider", "Eksempel Mobil AS")} <= details
        assert any(label == "unreadable-data" and text.startswith("comment: ") for label, text in details)
        result = await network
        assert result.code == 0, result.output
        assert "token=1" in lis.asked[0]
        log = (tmp_path / "logs" / "control.log").read_text(errors="replace")
        assert "reference_fetched" in log
        assert "token=1" not in log, "a reference may be a key: it stays out of the log"


async def test_a_reference_is_fetched_by_the_next_process_when_the_first_one_dies(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    references = {"networks": ["127.0.0.0/8"], "ca": str(authority.path), "timeout_ms": 20_000}
    async with (
        location_server(authority) as lis,
        running_lab(tmp_path, simulators=False, sip={"references": references}) as lab,
    ):
        where = ("-key", "lis", lis.reference("silent-once").uri, "-d", "500")
        network = asyncio.create_task(run_sipp(SCENARIO, lab.sip, tmp_path, *where))
        async with asyncio.timeout(15):
            while not lis.asked:  # noqa: ASYNC110 - a poll is enough here
                await asyncio.sleep(0.02)
        await lab.kill_control()
        await lab.start_control()
        async with robot_at(lab, "kari", "oslo-1") as robot:
            await robot.client.until(lambda client: in_call(client) and not client.view["call"]["location"]["pending"])
            assert any("59.91390" in line for line in robot.client.view["call"]["location"]["all"])
            result = await network
        assert result.code == 0, result.output
        assert len(lis.asked) >= 2
