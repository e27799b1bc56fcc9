"""A whole system on free ports: media worker, simulators and control as real processes that can be killed one by one.

For the end-to-end tests and the benchmarks; `kak-server lab` is the one for people. Everything is kept in one folder.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from kak_server.model.light import frozen

# Below the ports Linux gives out by itself (32768 and up), a block of 200 for each lab that runs on the machine
_FIRST_PORT, _LAST_PORT, _BLOCK = 16_000, 31_800, 200
_RTP_PORTS, _ICE_PORTS = (0, 119), (120, 179)
_SIP, _HTTP, _GATEWAY, _SIMULATOR, _CALLEES, _LOCK = 190, 192, 193, 194, 195, 199
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class LabError(Exception):
    """A process did not start, or did not stop. The text holds the end of its log."""


@frozen
class Ports:
    """The ports of one lab."""

    first: int

    @property
    def sip(self) -> int:
        return self.first + _SIP

    @property
    def http(self) -> int:
        return self.first + _HTTP

    @property
    def gateway(self) -> int:
        return self.first + _GATEWAY

    @property
    def simulator(self) -> int:
        return self.first + _SIMULATOR

    @property
    def callees(self) -> int:
        return self.first + _CALLEES

    def all(self) -> list[int]:
        """Those that must be free before anything starts."""
        return [self.first, self.sip, self.http, self.gateway, self.simulator, self.callees]


@contextlib.contextmanager
def reserved_ports() -> Iterator[Ports]:
    """A block of ports nobody else of us uses as long as the context lasts. Raises LabError when there is none."""
    blocks = range(_FIRST_PORT, _LAST_PORT, _BLOCK)
    for turn in range(len(blocks)):
        ports = Ports(blocks[(os.getpid() * 7 + turn) % len(blocks)])
        lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            lock.bind(("127.0.0.1", ports.first + _LOCK))
            lock.listen(1)
        except OSError:
            lock.close()
            continue
        with lock:
            if all(is_free(port) for port in ports.all()):
                yield ports
                return
    raise LabError("no free block of ports on this machine")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody on this machine has the port, for UDP or for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it; mappings are merged, everything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def write_config(template: Path, folder: Path, ports: Ports, changes: Mapping[str, Any]) -> Path:
    """The template's configuration with this lab's folder and ports, and the wished changes."""
    own = {
        "server": {
            "data_dir": str(folder / "data"),
            "http": {"host": "127.0.0.1", "port": ports.http},
            "lab_simulator_url": f"http://127.0.0.1:{ports.simulator}",
            "drain_timeout_s": 1,
        },
        "sip": {"port": ports.sip},
        "media": {
            "rtp_port_min": ports.first + _RTP_PORTS[0],
            "rtp_port_max": ports.first + _RTP_PORTS[1],
            "ice_port_min": ports.first + _ICE_PORTS[0],
            "ice_port_max": ports.first + _ICE_PORTS[1],
        },
    }
    settings = merged(yaml.safe_load(template.read_text(encoding="utf-8")), own)
    if "radio" in settings:
        settings["radio"]["gateways"] = [{"name": "sim", "url": f"ws://127.0.0.1:{ports.gateway}"}]
    for trunk in settings["sip"].get("trunks", []):
        if trunk.get("outbound"):
            trunk["address"] = f"sip:127.0.0.1:{ports.callees}"
    whole = merged(settings, changes)
    groups = {group["gssi"] for group in whole.get("radio", {}).get("talkgroups", [])}
    for device in whole["sip"].get("devices", []):
        if device.get("talkgroup") not in groups:  # a lab without a radio network
            device.pop("talkgroup", None)
    if whole.get("radio", {}).get("emergency_queue") not in {queue["id"] for queue in whole["queues"]}:
        whole.get("radio", {}).pop("emergency_queue", None)  # a lab with queues of its own
    path = folder / "lab.yaml"
    path.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


class Lab:
    """Processes of one system. Build it on a written configuration, `start`, then always `stop`."""

    def __init__(self, folder: Path, config: Path, ports: Ports, *, simulators: bool = True) -> None:
        self.folder = folder
        self.config = config
        self.ports = ports
        self.sip = ("127.0.0.1", ports.sip)
        self.base_url = f"http://127.0.0.1:{ports.http}"
        self.simulator_url = f"http://127.0.0.1:{ports.simulator}"
        self.data_dir = folder / "data"
        self.server: Sequence[str] = (sys.executable, "-m", "kak_server.cli")  # a test may put something before it
        self._simulators = simulators
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "logs").mkdir(parents=True, exist_ok=True)

    # --- all together ---

    async def start(self) -> None:
        """Everything, until the server takes calls. Raises LabError."""
        self.start_worker()
        if self._simulators:
            self.start_simulators()
        await self.start_control()
        if self._simulators:
            await self._answers(f"{self.simulator_url}/state", "simulators")

    async def stop(self) -> None:
        """SIGTERM to control, the worker, the simulators, in this order. Raises LabError when one had to be killed."""
        stubborn = [name for name in ("control", "worker", "simulators") if not await self._stop(name)]
        if stubborn:
            raise LabError("\n".join(f"{name} did not stop on SIGTERM\n{self.tail(name)}" for name in stubborn))

    def pid(self, name: str) -> int:
        """The process id of "control", "worker" or "simulators"."""
        return self._processes[name].pid

    def running(self, name: str) -> bool:
        """Whether the process lives."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def tail(self, name: str, lines: int = 40) -> str:
        """The end of a process's log."""
        path = self.folder / "logs" / f"{name}.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return "\n".join([f"--- {name}.log", *text.splitlines()[-lines:]])

    def left_behind(self) -> list[str]:
        """Command lines of processes of this lab that still live."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    zombie = ") Z " in (folder / "stat").read_text()
                    if str(self.folder) in words and not zombie and int(folder.name) != os.getpid():
                        found.append(words)
        return found

    # --- one by one ---

    async def start_control(self, *, ready: bool = True) -> None:
        """The control process; with `ready` until it takes calls. Raises LabError."""
        self._run("control", *self.server, "serve", "--config", str(self.config))
        if ready:
            await self._answers(f"{self.base_url}/readyz", "control")

    def start_worker(self) -> None:
        """The media worker."""
        self._run("worker", sys.executable, "-m", "kak_server.cli", "worker", "--config", str(self.config))

    def start_simulators(self) -> None:
        """The radio network and the callers."""
        listen, http = f"127.0.0.1:{self.ports.gateway}", f"127.0.0.1:{self.ports.simulator}"
        sip = f"127.0.0.1:{self.ports.sip}"
        arguments = ["network", "--listen", listen, "--http", http, "--sip", sip, "--config", str(self.config)]
        arguments += ["--callees", f"127.0.0.1:{self.ports.callees}"]
        self._run("simulators", sys.executable, "-m", "kak_sim.cli", *arguments)

    async def kill(self, name: str) -> None:
        """SIGKILL: the process has no chance to say goodbye."""
        process = self._processes.pop(name)
        process.kill()
        await asyncio.to_thread(process.wait)

    async def kill_control(self) -> None:
        """kill -9 of the control process."""
        await self.kill("control")

    async def kill_worker(self) -> None:
        """kill -9 of the media worker."""
        await self.kill("worker")

    async def metrics(self) -> dict[str, float]:
        """All samples of /metrics by name with labels."""
        async with httpx.AsyncClient(base_url=self.base_url) as client:
            text = (await client.get("/metrics")).text
        rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    # --- inside ---

    def _run(self, name: str, *argv: str) -> None:
        if self.running(name):
            raise LabError(f"{name} runs already")
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    async def _answers(self, url: str, name: str) -> None:
        """Wait for a 200. Raises LabError when the process ends first or takes too long."""
        words = "no answer"
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + READY_TIMEOUT_S
        async with httpx.AsyncClient(timeout=2.0) as client:
            while loop.time() < deadline_s:
                if not self.running(name):
                    raise LabError(f"{name} ended while it started\n{self.tail(name)}")
                try:
                    answer = await client.get(url)
                except httpx.TransportError as problem:
                    words = type(problem).__name__
                else:
                    if answer.status_code == 200:
                        return
                    words = f"{answer.status_code} {answer.text[:500]}"
                await asyncio.sleep(0.05)
        raise LabError(f"{url}: {words} after {READY_TIMEOUT_S:.0f} s\n{self.tail(name)}\n{self.tail('worker')}")

    async def _stop(self, name: str) -> bool:
        process = self._processes.pop(name, None)
        if process is None:
            return True
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
            return False
        return True
