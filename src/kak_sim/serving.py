"""Running the simulators: the radio network's gateway, the control API and the callers, on one loop until a signal."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn

from kak_server.model.light import frozen
from kak_sim.callees.exchange import Exchange
from kak_sim.callers.generator import Generator
from kak_sim.callers.registry import Callers
from kak_sim.http import app_for
from kak_sim.tetra.air import Air
from kak_sim.tetra.gateway_ws import GatewayServer
from kak_sim.tetra.world import World

Address = tuple[str, int]


@frozen
class SimSettings:
    """Where the simulators listen. Ports may be 0: a free one is taken and printed."""

    listen: Address
    http: Address
    media_host: str = "127.0.0.1"
    sip: Address | None = None  # whom the callers ring; None: no callers
    numbers: tuple[str, ...] = ()
    callees: Address | None = None  # where telephones can be called; None: nobody can
    calls_per_minute: float = 0.0  # 0: nobody calls by himself


class _Http(uvicorn.Server):
    """Tells when it listens; signals are the command line's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Simulators:
    """The radio network with its gateway and the control API. `start`, then `stop`."""

    def __init__(self, world: World, settings: SimSettings) -> None:
        self.air = Air(world, settings.media_host)
        self.callers = Callers(settings.sip) if settings.sip is not None else None
        self.exchange = Exchange(settings.callees) if settings.callees is not None else None
        self._generator: Generator | None = None
        if self.callers is not None and settings.calls_per_minute > 0:
            self._generator = Generator(self.callers, settings.numbers, settings.calls_per_minute)
        self.gateway = GatewayServer(self.air)
        self.http_port = 0
        self._settings = settings
        config = uvicorn.Config(
            app_for(self.air, self.callers, self.exchange), log_level="warning", lifespan="off", access_log=False
        )
        self._http = _Http(config)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def gateway_url(self) -> str:
        """What goes into `radio.gateways[].url` of the server's configuration."""
        return f"ws://{self._settings.listen[0]}:{self.gateway.port}"

    @property
    def api_url(self) -> str:
        """The control API."""
        return f"http://{self._settings.http[0]}:{self.http_port}"

    async def start(self) -> None:
        """Listen and tick. Raises OSError when a port is taken."""
        await self.gateway.start(*self._settings.listen)
        try:
            http = _listening(self._settings.http)
        except OSError:
            await self.gateway.stop()
            raise
        self.http_port = http.getsockname()[1]
        if self.exchange is not None:
            await self.exchange.start()
        self._tasks = [
            asyncio.create_task(self.air.run(), name="air"),
            asyncio.create_task(self._http.serve(sockets=[http]), name="http"),
        ]
        await self._http.up.wait()
        if self._generator is not None:
            self._generator.start()

    async def stop(self) -> None:
        """Hang up, write open recordings, close every port."""
        if self._generator is not None:
            await self._generator.stop()
        if self.callers is not None:
            await self.callers.stop()
        if self.exchange is not None:
            await self.exchange.stop()
        for radio in self.air.radios.values():
            radio.release()
            radio.stop_recording()
        await self.gateway.stop()
        self._http.should_exit = True
        self._http.force_exit = True
        if self._tasks:
            self._tasks[0].cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


def _listening(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


async def until_signalled() -> None:
    """Wait for SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
