"""Peers for media tests: a worker process, an RTP phone, tones and how to find them."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.media.engine import g711, rtp

RATE_HZ = 8_000
FRAME = 160
Samples = npt.NDArray[np.int16]
EventT = TypeVar("EventT", bound=rpc.Event)


def sine(frequency_hz: float, samples: int, start: int = 0, level: float = 0.3) -> Samples:
    """A tone at 8 kHz."""
    at = (np.arange(samples) + start) / RATE_HZ
    tone: Samples = (np.sin(2 * np.pi * frequency_hz * at) * level * 32_767).astype(np.int16)
    return tone


def tone_share(samples: Samples, frequency_hz: float, rate_hz: int = RATE_HZ) -> float:
    """The share of the energy that lies at one frequency (Goertzel, +-1 bin of a Hann window): 1.0 is a pure tone."""
    if not len(samples):
        return 0.0
    wave = samples.astype(np.float64) * np.hanning(len(samples))
    total = float(np.dot(wave, wave))
    if total < 1.0:
        return 0.0
    power = 0.0
    for bin_offset in (-1, 0, 1):
        hz = frequency_hz + bin_offset * rate_hz / len(samples)
        phase = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / rate_hz)
        power += abs(np.dot(wave, phase)) ** 2
    return float(2 * power / (total * len(samples)))


async def until(condition: Callable[[], object], timeout_s: float = 20.0, what: str = "") -> None:
    """Wait for a condition, checking every 10 ms."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or condition}")
        await asyncio.sleep(0.01)


class RtpPhone:
    """A plain RTP peer: sends a tone every 20 ms, keeps what it hears."""

    def __init__(self, frequency_hz: float | None = None, *, payload_type: int = 8, ssrc: int = 0x1234) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.frequency_hz = frequency_hz
        self.payload_type = payload_type
        self.ssrc = ssrc
        self.sequence = 1_000
        self.timestamp = 50_000
        self.sent = 0
        self.packets: list[rtp.RtpPacket] = []
        self.arrivals: list[float] = []
        self.target: tuple[str, int] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, port: int) -> None:
        """Send to 127.0.0.1:port from now on, and listen."""
        self.target = ("127.0.0.1", port)
        asyncio.get_running_loop().add_reader(self.sock.fileno(), self._read)
        self._task = asyncio.get_running_loop().create_task(self._send_on())

    def listen(self) -> None:
        """Only listen."""
        asyncio.get_running_loop().add_reader(self.sock.fileno(), self._read)

    async def _send_on(self) -> None:
        begin = time.monotonic()
        ticks = 0
        while True:
            if self.frequency_hz is not None:
                self.send_frame(sine(self.frequency_hz, FRAME, self.timestamp))
            ticks += 1
            await asyncio.sleep(max(0.0, begin + ticks * 0.02 - time.monotonic()))

    def send_frame(self, samples: Samples) -> None:
        """One packet of any length."""
        assert self.target is not None
        law: g711.Law = "PCMU" if self.payload_type == 0 else "PCMA"
        payload = g711.encode(law, samples)
        self.send_payload(self.payload_type, payload)
        self.timestamp += len(payload)

    def send_payload(self, payload_type: int, payload: bytes, marker: bool = False) -> None:
        """One packet at the current timestamp."""
        assert self.target is not None
        self.sock.sendto(
            rtp.build(marker, payload_type, self.sequence, self.timestamp, self.ssrc, payload), self.target
        )
        self.sequence += 1
        self.sent += 1

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = rtp.parse(self.sock.recv(2_048))
                assert packet is not None, "the worker sent something that is no RTP"
                self.packets.append(packet)
                self.arrivals.append(time.monotonic())

    def heard(self, last: int) -> Samples:
        """The samples of the newest `last` packets."""
        law: g711.Law = "PCMU" if self.payload_type == 0 else "PCMA"
        return g711.decode(law, b"".join(packet.payload for packet in self.packets[-last:]))

    def hears(self, frequency_hz: float, packets: int = 15) -> bool:
        """Whether the newest packets are this tone."""
        return len(self.packets) >= packets and tone_share(self.heard(packets), frequency_hz) > 0.8

    def close(self) -> None:
        """Stop sending and listening."""
        if self._task is not None:
            self._task.cancel()
        asyncio.get_running_loop().remove_reader(self.sock.fileno())
        self.sock.close()


class WorkerProcess:
    """A real media worker."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        self.socket = folder / "worker.sock"
        self.recordings = folder / "recordings"
        self.log = folder / "worker.log"
        base = 20_000 + (os.getpid() * 37 + int(time.monotonic() * 1000)) % 20_000
        self.command = [
            sys.executable,
            "-m",
            "kak_server.media.worker",
            "--socket",
            str(self.socket),
            "--recordings",
            str(self.recordings),
            "--prompts",
            str(folder / "prompts"),
            "--ice-ports",
            f"{base}-{base + 400}",
            "--address",
            "127.0.0.1",
            "--log-file",
            str(self.log),
            *extra,
        ]
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self.process = self._spawn()
        await until(self._listens, 20.0, "the worker listens")

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, start_new_session=True, stderr=subprocess.PIPE)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the worker ended: {self.process.stderr.read()!r}"  # type: ignore[union-attr]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Signal it and wait for its end; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(15)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code


class Control:
    """A control process's view of a worker: the client and everything it said."""

    def __init__(self, worker: WorkerProcess, generation: int = 1) -> None:
        self.events: list[tuple[int, rpc.Event]] = []
        self.attached: list[tuple[str, rpc.Census, int]] = []
        self.lost: list[str] = []
        self.client = MediaClient(
            str(worker.socket),
            generation=generation,
            on_events=lambda events: self.events.extend((n, event) for n, _at_ms, event in events),
            on_attached=lambda boot, census, lost: self.attached.append((boot, census, lost)),
            on_lost=self.lost.append,
        )

    async def start(self) -> None:
        """Attach."""
        self.client.start()
        await until(lambda: self.client.attached, 5.0, "attached")

    async def do(self, command: rpc.Command) -> rpc.Reply:
        """A command that must succeed."""
        reply = await self.client.call(command, timeout_ms=5_000)
        assert reply.ok, f"{reply.code}: {reply.message}"
        return reply

    def of(self, kind: type[EventT]) -> list[EventT]:
        """The events of one kind so far."""
        return [event for _, event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def running(folder: Path, *extra: str) -> AsyncIterator[tuple[WorkerProcess, Control]]:
    """A worker with an attached control; both are gone afterwards."""
    worker = WorkerProcess(folder, *extra)
    await worker.start()
    control = Control(worker)
    try:
        await control.start()
        yield worker, control
    finally:
        await control.client.stop()
        worker.kill(signal.SIGTERM)


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def rtp_leg(leg: str, port: int, **more: object) -> rpc.CreateRtp:
    """A leg with plain defaults."""
    values: dict[str, object] = {"ssrc": 77, "seq0": 100, "ts0": 5_000, "epoch_ms": now_ms()} | more
    return rpc.CreateRtp(leg=leg, port=port, **values)  # type: ignore[arg-type]


def both_ways(mix: str, one: str, other: str) -> rpc.SetMix:
    """Two legs that hear each other."""
    return rpc.SetMix(mix, (rpc.Edge(one, other), rpc.Edge(other, one)))  # type: ignore[arg-type]


def read_wav(path: Path) -> tuple[int, bytes]:
    """(format tag, data) of a WAV file, whatever chunks it has; checks that the sizes in the headers fit."""
    data = path.read_bytes()
    riff, size, wave = struct.unpack_from("<4sI4s", data)
    assert (riff, wave) == (b"RIFF", b"WAVE")
    assert size == len(data) - 8
    at, tag = 12, 0
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"fmt ":
            tag = struct.unpack_from("<H", data, at + 8)[0]
        if kind == b"data":
            return tag, data[at + 8 : at + 8 + length]
        at += 8 + length
    raise AssertionError("no data chunk")
