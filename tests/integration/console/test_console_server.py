"""The HTTP server itself: TLS of our own making, errors a person can read, connections that say nothing."""

import asyncio
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from kak_server.console.aio import server as server_module
from kak_server.console.aio.app import build_app
from kak_server.console.aio.server import ConsoleServer
from kak_server.console.settings import ConsoleSettings
from tests.integration.console.backend import PASSWORD, CardHouse
from tests.integration.console.conftest import Loopback, Running


@dataclass(frozen=True)
class Files:
    cert: Path | None = None
    key: Path | None = None
    self_signed: bool = False


@dataclass(frozen=True)
class Secure:
    tls: Files
    host: str = "127.0.0.1"
    port: int = 0


async def test_https_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    app = build_app(CardHouse(), ConsoleSettings(secure_cookies=True))
    server = ConsoleServer(app, Secure(Files(self_signed=True)), tmp_path)
    await server.start()
    try:
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "self-signed.crt"))
        base = f"https://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base, verify=trust, headers={"Origin": base}) as client:
            answer = await client.post("/api/v1/session", json={"username": "kari", "password": PASSWORD})
            assert answer.status_code == 200
            assert "secure" in answer.headers["set-cookie"].lower()
            change = {"X-Kak-Csrf": answer.json()["csrf"]}
            assert (await client.post("/api/v1/position", json={"position": "oslo-1"}, headers=change)).is_success
            cookie = {"Cookie": f"kak_session={answer.cookies['kak_session']}", "Origin": base}
            url = f"wss://127.0.0.1:{server.port}/api/v1/events?seat_epoch=1"
            async with connect(url, ssl=trust, additional_headers=cookie) as socket:
                assert '"type":"snapshot"' in str(await socket.recv())
    finally:
        await server.stop()


async def test_a_certificate_that_is_not_there_is_said(tmp_path: Path) -> None:
    app = build_app(CardHouse(), ConsoleSettings())
    files = Files(cert=tmp_path / "none.crt", key=tmp_path / "none.key")
    with pytest.raises(OSError, match="TLS certificate or key cannot be used"):
        await ConsoleServer(app, Secure(files), tmp_path).start()


async def test_an_unknown_host_is_said(tmp_path: Path) -> None:
    app = build_app(CardHouse(), ConsoleSettings())
    with pytest.raises(OSError, match=r"'no\.such\.host\.invalid' is not known"):
        await ConsoleServer(app, Loopback(host="no.such.host.invalid"), tmp_path).start()


async def test_a_connection_that_asks_nothing_is_closed_and_one_that_asks_is_not(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FIRST_REQUEST_S", 0.3)
    silent_reader, silent = await asyncio.open_connection("127.0.0.1", running.server.port)
    slow_reader, slow = await asyncio.open_connection("127.0.0.1", running.server.port)
    slow.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")  # and never the empty line
    good_reader, good = await asyncio.open_connection("127.0.0.1", running.server.port)
    good.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await good_reader.read(15)).startswith(b"HTTP/1.1 200")
        assert await silent_reader.read() == b""
        assert await slow_reader.read() == b""
    good.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await good_reader.read()).count(b"HTTP/1.1 200") == 1
    for writer in (silent, slow, good):
        writer.close()


async def test_signals_are_left_to_the_process(running: Running) -> None:
    assert running.server.port > 0
    for number in (signal.SIGTERM, signal.SIGINT):
        assert not isinstance(getattr(signal.getsignal(number), "__self__", None), uvicorn.Server)


async def test_stopping_twice_or_before_the_start_is_fine(tmp_path: Path) -> None:
    server = ConsoleServer(build_app(CardHouse(), ConsoleSettings()), Loopback(), tmp_path)
    await server.stop()
    with pytest.raises(RuntimeError):
        _ = server.port
    await server.start()
    port = server.port
    await server.stop()
    await server.stop()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", port)
