"""A real server on a port of its own, over a house of cards."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kak_server.console.aio.app import build_app
from kak_server.console.aio.server import ConsoleServer
from kak_server.console.aio.shell import Shell, wall_clock_ms
from kak_server.console.settings import ConsoleSettings
from tests.integration.console.backend import CardHouse
from tests.integration.console.client import Tab


@dataclass(frozen=True)
class Loopback:
    """A listener on 127.0.0.1; port 0 is a free one."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: None = None


@dataclass
class Running:
    """A server that runs, with its insides."""

    house: CardHouse
    shell: Shell
    server: ConsoleServer
    now_ms: list[int]  # added to the clock

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def tab(self) -> Tab:
        return Tab(self.base)


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start servers with settings of one's own; they are stopped at the end."""
    running: list[Running] = []
    quick = ConsoleSettings(name="test", version="1", lab=True, web_dist=str(tmp_path / "dist"), check_events=True)

    async def begin(house: CardHouse | None = None, **changes: object) -> Running:
        house = house or CardHouse()
        skew = [0]
        settings = replace(quick, **changes)  # type: ignore[arg-type]
        app = build_app(house, settings, lambda: wall_clock_ms() + skew[0])
        server = ConsoleServer(app, Loopback(), tmp_path)
        await server.start()
        running.append(Running(house, app.state.shell, server, skew))
        return running[-1]

    yield begin
    for one in running:
        await one.server.stop()


@pytest.fixture
async def running(start: Start) -> Running:
    """A server with the usual settings."""
    return await start()
