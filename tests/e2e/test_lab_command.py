"""`kak-server lab` as a newcomer runs it: it tells where and who, restarts what dies, and Ctrl-C leaves nothing."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from kak_sim.lab import Ports, reserved_ports, write_config
from tests.support.lab import LAB_CONFIG
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 40.0


class Running:
    """The lab command as a process, and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process, ports: Ports, folder: Path) -> None:
        self.process = process
        self.ports = ports
        self.folder = folder
        self.printed = ""
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(4_096):
            self.printed += data.decode()

    async def until(self, words: str) -> None:
        await eventually(
            lambda: words in self.printed or self.process.returncode is not None,
            START_TIMEOUT_S,
            what=f"{words!r} in {self.printed!r}",
        )
        assert words in self.printed, self.printed

    def pid(self, name: str) -> int:
        return int((self.folder / "data" / "run" / f"{name}.pid").read_text())

    async def ends(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
        await self._reader
        return code


@contextlib.asynccontextmanager
async def lab_command(folder: Path, *words: str) -> AsyncIterator[Running]:
    with reserved_ports() as ports:
        config = write_config(LAB_CONFIG, folder, ports, {})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kak_server.cli", "lab", "--config", str(config), *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        running = Running(process, ports, folder)
        try:
            yield running
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await running.ends()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def answers(url: str, verify: ssl.SSLContext | bool = True) -> bool:
    async with httpx.AsyncClient(verify=verify, timeout=2) as client:
        try:
            return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False


async def test_start_restart_and_stop(tmp_path: Path) -> None:
    async with lab_command(tmp_path) as lab:
        await lab.until("is ready")
        await lab.until("control.log\n")
        assert f"console      http://localhost:{lab.ports.http}" in lab.printed
        assert "kari / lab" in lab.printed
        url = f"http://127.0.0.1:{lab.ports.http}/healthz"
        assert await answers(url)

        pids = {name: lab.pid(name) for name in ("worker", "simulators", "control")}
        os.kill(pids["control"], signal.SIGKILL)
        await lab.until("control stopped (SIGKILL); starting it again now")
        await eventually(lambda: answers(url), 30)
        assert lab.pid("control") != pids["control"]
        assert lab.pid("worker") == pids["worker"], "the worker is not touched by control's death"
        pids["control"] = lab.pid("control")

        lab.process.send_signal(signal.SIGINT)
        assert await lab.ends() == 0
        assert lab.printed.endswith(
            "lab: stopping control\nlab: stopping worker\nlab: stopping simulators\nlab: everything has stopped\n"
        )
        assert all(is_gone(pid) for pid in pids.values())


async def test_a_killed_lab_leaves_nothing_in_the_next_ones_way(tmp_path: Path) -> None:
    with reserved_ports() as ports:
        config = write_config(LAB_CONFIG, tmp_path, ports, {})
        argv = [sys.executable, "-m", "kak_server.cli", "lab", "--config", str(config)]
        first = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        killed = Running(first, ports, tmp_path)
        await killed.until("is ready")
        left = [killed.pid(name) for name in ("worker", "simulators", "control")]
        first.kill()
        await first.wait()
        assert not any(is_gone(pid) for pid in left), "they outlive their supervisor"
        second = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        lab = Running(second, ports, tmp_path)
        try:
            await lab.until("is ready")
            assert lab.printed.count("that an earlier run had left behind") == 3
            assert all(is_gone(pid) for pid in left)
        finally:
            second.send_signal(signal.SIGINT)
            assert await lab.ends() == 0


async def test_a_process_that_cannot_start_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "recordings").write_text("a file where a folder should be")
    async with lab_command(tmp_path) as lab:
        assert await lab.ends() == 2
        assert "kak-server: worker stopped (exit code" in lab.printed
        assert "recordings" in lab.printed
        assert "Traceback" not in lab.printed.splitlines()[0]


async def test_https_for_another_host(tmp_path: Path) -> None:
    overrides = ["server.http.tls.self_signed=true", "server.advertised_address=127.0.0.3", "server.http.host=0.0.0.0"]
    async with lab_command(tmp_path, *(word for override in overrides for word in ("--set", override))) as lab:
        await lab.until("is ready")
        assert f"https://127.0.0.3:{lab.ports.http}" in lab.printed
        url = f"https://localhost:{lab.ports.http}/healthz"
        (certificate,) = (tmp_path / "data" / "tls").glob("*.crt")
        assert await answers(url, ssl.create_default_context(cafile=str(certificate)))
        assert not await answers(url), "nobody trusts it unasked"
