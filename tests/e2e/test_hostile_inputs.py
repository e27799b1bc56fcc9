"""Everything hostile at once against the whole running system: nothing crashes, nothing leaks, a call still works.

Which answer each input deserves is tested in its room (SIP, console, worker RPC, configuration); here they meet the
real processes together, while a call is up.
"""

import asyncio
import contextlib
import json
import random
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from tests.support.lab import calling, running_lab
from tests.support.robots import VOICE_HZ, in_call, robot_at
from tests.support.waiting import eventually
from tests.unit.sip.hostile import MESSAGES

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

MS = 1_000_000
WEBSOCKET_TEXTS: list[str | bytes] = [
    "",
    "null",
    "[]",
    "{",
    '"x"',
    "1e999",
    "[" * 5_000,
    '{"type":"command"}',
    '{"type":"command","id":"1","name":"no.such","args":{}}',
    '{"type":"command","id":"2","name":"contact.accept","args":{"contact":"../..","epoch":-1}}',
    '{"type":"command","id":"3","name":"activity.set","args":{"activity":"asleep"}}',
    '{"type":"snapshot"}',
    "\ud7ff" * 100,
    b"\x00\xff" * 100,
]
RPC_LINES = [
    b"\n",
    b"{}\n",
    b"[]\n",
    b"\xff\xfe\n",
    b'{"t":"attach"}\n',
    b'{"t":"attach","version":1,"generation":-1,"events_after":0,"boot":""}\n',
    b'{"t":"attach","version":99,"generation":99999,"events_after":0,"boot":""}\n',
    b'{"t":"cmd","id":"x","op":"leg.close","args":{"leg":"a"}}\n',
    b"x" * 300_000,
]
HTTP_REQUESTS = [
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
BODIES: list[Any] = [None, [], "x", 7, {"username": 7, "password": []}, {"username": "x" * 10_000, "password": "y"}]


@pytest.mark.alone
async def test_a_call_survives_everything_hostile_and_nothing_is_left(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"t1_ms": 50}) as lab,
        robot_at(lab, "kari", "oslo-1") as robot,
    ):
        before = {name: lab.pid(name) for name in ("control", "worker")}
        async with calling(lab, "113", source=steady(440)) as caller:
            await robot.client.until(in_call)
            await eventually(lambda: caller.heard.tone_started_ns(VOICE_HZ), what="the caller hears the operator")
            since_ns = time.time_ns()
            count = await sip_over_udp(lab) + await sip_over_tcp(lab)
            count += await http(lab) + await websocket(lab, robot.client.seat_epoch or 0)
            count += await worker_rpc(lab) + await rtp(lab)
            until_ns = time.time_ns()
            assert count >= 200
            assert caller.heard.longest_gap_ms(since_ns, until_ns) < 500
            assert in_call(robot.client)
            await caller.hang_up()
        async with calling(lab, "113", "+4791500077", source=steady(440)) as after:
            await robot.client.until(lambda client: in_call(client, "+4791500077"))
            await after.hang_up()
        await eventually(lambda: census_is_zero(lab), 30, what="the census is zero")
        assert {name: lab.pid(name) for name in before} == before
        assert lab.running("control")
        assert lab.running("worker")
        assert (await lab.metrics())["kak_faults_total"] == 0
        for name in before:
            assert "Traceback" not in lab.tail(name, 10_000), lab.tail(name, 200)


async def sip_over_udp(lab: Lab) -> int:
    """The table, and noise."""
    noise = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        for message in MESSAGES:
            sender.sendto(message.data[:60_000], lab.sip)
            await asyncio.sleep(0.002)
        for size in range(0, 2_000, 50):
            sender.sendto(noise.randbytes(size), lab.sip)
    return len(MESSAGES) + 40


async def sip_over_tcp(lab: Lab) -> int:
    """Each on a connection of its own, closed in the middle of whatever comes back."""
    for message in MESSAGES:
        with contextlib.suppress(ConnectionError):
            _, writer = await asyncio.open_connection(*lab.sip)
            writer.write(message.data)
            await writer.drain()
            await asyncio.sleep(0.002)
            writer.close()
    return len(MESSAGES)


async def http(lab: Lab) -> int:
    """Broken requests byte by byte, and well-formed ones that make no sense; no answer may be a 5xx."""
    for data in HTTP_REQUESTS:
        with contextlib.suppress(ConnectionError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", lab.ports.http)
            writer.write(data)
            async with asyncio.timeout(2):
                answer = await reader.read(1_000)
            assert b" 500 " not in answer.partition(b"\r\n")[0], data[:80]
            writer.close()
    async with httpx.AsyncClient(base_url=lab.base_url) as client:
        for body in BODIES:
            answer_of = await client.post("/api/v1/session", json=body)
            assert answer_of.status_code in (400, 401, 422, 429), (body, answer_of.text)
        for path in ("/api/v1/calls", "/api/v1/positions", "/api/v1/recordings/../x/audio", "/api/v1/lab"):
            assert (await client.get(path)).status_code in (401, 404), path
    return len(HTTP_REQUESTS) + len(BODIES) + 4


async def websocket(lab: Lab, seat_epoch: int) -> int:
    """A stranger is refused at the door; somebody signed in who sends rubbish loses only the connection."""
    with pytest.raises(Exception, match="401"):
        await connect(f"ws://127.0.0.1:{lab.ports.http}/api/v1/events?seat_epoch={seat_epoch}", proxy=None)
    async with httpx.AsyncClient(base_url=lab.base_url) as client:
        answer = (await client.post("/api/v1/session", json={"username": "ola", "password": "lab"})).json()
        headers = {"X-Kak-Csrf": answer["csrf"]}
        seat = (await client.post("/api/v1/position", json={"position": "oslo-2"}, headers=headers)).json()
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
        url = f"ws://127.0.0.1:{lab.ports.http}/api/v1/events?seat_epoch={seat['seat_epoch']}"
        for text in WEBSOCKET_TEXTS:
            async with connect(url, additional_headers=cookie, proxy=None) as stream:
                with contextlib.suppress(ConnectionClosed):
                    await stream.send(text)
                    assert json.loads(await stream.recv())["type"] in ("snapshot", "ping", "error", "seat.lost")
        assert (await client.delete("/api/v1/position", headers=headers)).status_code == 200
    return len(WEBSOCKET_TEXTS) + 1


async def worker_rpc(lab: Lab) -> int:
    """The worker's socket takes nobody but control, and control stays attached."""
    for line in RPC_LINES:
        with contextlib.suppress(ConnectionError, TimeoutError):
            reader, writer = await asyncio.open_unix_connection(str(lab.data_dir / "worker.sock"))
            writer.write(line)
            async with asyncio.timeout(1):
                await reader.read(1_000)
            writer.close()
    async with httpx.AsyncClient(base_url=lab.base_url) as client:
        assert (await client.get("/readyz")).status_code == 200
    return len(RPC_LINES)


async def rtp(lab: Lab) -> int:
    """Noise from a stranger to every media port: the call's peers are known, nobody else is heard."""
    noise = random.Random(11)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in range(lab.ports.first, lab.ports.first + 60):
            sender.sendto(b"\x80\x08" + noise.randbytes(170), ("127.0.0.1", port))
            sender.sendto(noise.randbytes(noise.randrange(1_400)), ("127.0.0.1", port))
    return 120


async def census_is_zero(lab: Lab) -> bool:
    metrics = await lab.metrics()
    names = ("lines", "contacts", "sip_calls", "sip_dialogs", "sip_transactions", "sip_streams")
    return all(metrics[f"kak_census_{name}"] == 0 for name in names)
