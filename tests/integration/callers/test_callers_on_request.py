"""Callers by HTTP and by command line, with sipp at the other end."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kak_sim.audio import read_wav, sequence_of
from kak_sim.callers.registry import Callers
from kak_sim.callers.routes import router_for
from tests.support.ports import free_port
from tests.support.sipp import needs_sipp, sipp_server

HERE = Path(__file__).parent
pytestmark = [pytest.mark.real_peer, needs_sipp]


async def client_of(callers: Callers) -> AsyncIterator[httpx.AsyncClient]:
    application = FastAPI()
    application.include_router(router_for(callers))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://sim") as client:
        yield client
    await callers.stop()


async def state_becomes(client: httpx.AsyncClient, name: str, state: str) -> dict[str, object]:
    async with asyncio.timeout(20):
        while True:
            rows = (await client.get("/callers")).json()
            row: dict[str, object] = next(row for row in rows if row["id"] == name)
            if row["state"] == state:
                return row
            await asyncio.sleep(0.02)


async def test_a_caller_is_placed_listed_and_hung_up(tmp_path: Path) -> None:
    async with sipp_server(HERE / "uas_bye.xml", tmp_path) as server:
        callers = Callers(server, seed=1)
        async for client in client_of(callers):
            body = {"number": "113", "speech": False, "tones": [440], "location": "59.91,10.75"}
            name = (await client.post("/callers", json=body)).json()["id"]
            row = await state_becomes(client, name, "answered")
            assert str(row["caller"]).startswith("+474")
            await asyncio.sleep(0.2)
            assert (await client.post(f"/callers/{name}/hangup")).json() == {"ok": True}
            row = await state_becomes(client, name, "ended")
            assert (row["cause"], row["status"]) == ("hung-up", 200)
            assert callers.up == 0


async def test_a_caller_hangs_up_when_its_time_is_over(tmp_path: Path) -> None:
    async with sipp_server(HERE / "uas_bye.xml", tmp_path) as server:
        async for client in client_of(Callers(server)):
            body = {"number": "113", "caller": "+4791500001", "speech": False, "duration_s": 0.3}
            name = (await client.post("/callers", json=body)).json()["id"]
            row = await state_becomes(client, name, "ended")
            assert (row["caller"], row["cause"]) == ("+4791500001", "hung-up")


async def test_what_cannot_be_placed_is_refused() -> None:
    async for client in client_of(Callers(("127.0.0.1", free_port()), max_callers=1)):
        assert (await client.post("/callers/c9/hangup")).status_code == 404
        for wrong in (
            {},
            {"number": "1 13"},
            {"number": "113", "location": "nowhere"},
            {"number": "113", "tones": []},
            {"number": "113", "colour": "red"},
            {"number": "113", "duration_s": 0},
        ):
            assert (await client.post("/callers", json=wrong)).status_code == 422, wrong
        assert (await client.post("/callers", json={"number": "113", "speech": False})).status_code == 200
        assert (await client.post("/callers", json={"number": "113", "speech": False})).status_code == 429


async def test_the_command_line_rings_talks_and_records(tmp_path: Path) -> None:
    program = (
        "import argparse, sys; from kak_sim.callers.cli import add_parser; p = argparse.ArgumentParser();"
        " add_parser(p.add_subparsers(required=True)); a = p.parse_args(); sys.exit(a.run(a))"
    )
    async with sipp_server(HERE / "uas_bye.xml", tmp_path, "-rtp_echo") as server:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-c",
                program,
                "caller",
                "--to",
                f"sip:113@{server[0]}:{server[1]}",
                "--tones",
                "440,880",
            ),
            *("--duration", "1.5", "--record", str(tmp_path / "heard.wav")),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode()
    assert "ended: hung-up 200" in output.decode()
    samples, rate = read_wav(tmp_path / "heard.wav")
    assert rate == 8000
    assert sequence_of(samples, [440, 880])[:2] == [440, 880]
