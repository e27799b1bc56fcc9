"""A simulated radio network and a control room's link to it, in one process, on real sockets."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from kak_server.model.ids import Gssi
from kak_server.tetra_gw.aio.link import RadioLink
from kak_server.tetra_gw.api import GatewaySettings, LegReady, LinkChanged, RadioEvent
from kak_server.tetra_gw.imw_sim import ImwSimDriver
from kak_sim.audio import FRAME_SAMPLES, Samples, alaw_decode, alaw_encode
from kak_sim.tetra.air import Air, utc_ms
from kak_sim.tetra.gateway_ws import GatewayServer
from kak_sim.tetra.world import LAB, World

E = TypeVar("E")
PATIENCE_S = 20.0


class Phone:
    """The control room's RTP end of one leg: sends A-law frames at their times, keeps what comes."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.packets: list[bytes] = []
        self._sequence = 65_530  # wraps within the first second
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.packets.append(self._socket.recv(2_048))

    @property
    def heard(self) -> Samples:
        """All audio received, packet after packet."""
        return alaw_decode(b"".join(packet[12:] for packet in self.packets))

    async def speak(self, samples: Samples, port: int) -> None:
        """Send the samples in real time, 20 ms a packet."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        for index in range(len(samples) // FRAME_SAMPLES):
            frame = samples[index * FRAME_SAMPLES : (index + 1) * FRAME_SAMPLES]
            self.send(frame, port)
            await asyncio.sleep(max(0.0, start_s + (index + 1) * 0.02 - loop.time()))

    def send(self, frame: Samples, port: int) -> None:
        """One packet now."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = bytes((0x80, 8)) + self._sequence.to_bytes(2, "big") + bytes(4) + b"SSRC"
        self._socket.sendto(header + alaw_encode(np.ascontiguousarray(frame)), ("127.0.0.1", port))


@dataclass
class Console:
    """A control room: a link, everything it was told, everything it counted."""

    link: RadioLink
    events: list[RadioEvent] = field(default_factory=list)
    counts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def driver(self) -> ImwSimDriver:
        return self.link.driver

    def do(self, name: str, *arguments: object) -> None:
        """A command of the driver, now."""
        self.link.command(lambda driver, now_ms: getattr(driver, name)(*arguments, now_ms))

    async def told(self, kind: type[E], wanted: Callable[[E], bool] = lambda _: True) -> E:
        """Wait for an event (also one that has come already), and take it and all before it away."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for index, event in enumerate(self.events):
                    if isinstance(event, kind) and wanted(event):
                        del self.events[: index + 1]
                        return event
                await asyncio.sleep(0.005)

    async def tune(self, gssi: Gssi, phone: Phone) -> int:
        """Attach with a leg; returns the gateway's RTP port."""
        self.do("attach", gssi)
        self.do("open_leg", gssi, "127.0.0.1", phone.port)
        return (await self.told(LegReady, lambda event: event.gssi == gssi)).port


@contextlib.asynccontextmanager
async def radio_network(world: World = LAB) -> AsyncIterator[tuple[Air, GatewayServer]]:
    """The network, ticking, and its gateway on a free port."""
    air = Air(world)
    server = GatewayServer(air)
    await server.start("127.0.0.1", 0)
    ticking = asyncio.create_task(air.run())
    try:
        yield air, server
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await server.stop()


@contextlib.asynccontextmanager
async def console(
    port: int, room: str = "kak", wait_up: bool = True, heartbeat_ms: int = 2_000, stale_after_ms: int = 6_000
) -> AsyncIterator[Console]:
    """A control room's link to the gateway at a port."""
    ids = itertools.count(1)
    settings = GatewaySettings(
        "sim", f"ws://127.0.0.1:{port}", room=room, heartbeat_ms=heartbeat_ms, stale_after_ms=stale_after_ms
    )
    driver = ImwSimDriver(settings, lambda: f"{room}-{next(ids)}")

    def count(name: str, labels: Mapping[str, str], detail: str) -> None:
        found.counts.append((name, detail))

    events: list[RadioEvent] = []
    found = Console(RadioLink(driver, clock=utc_ms, on_event=events.append, count=count), events)
    link = found.link
    link.start()
    try:
        if wait_up:
            await found.told(LinkChanged, lambda event: event.up)
        yield found
    finally:
        await link.stop()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for is another room's state, which has no event
            await asyncio.sleep(0.005)
