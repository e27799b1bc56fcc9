"""sipp as a peer: run a scenario of ours as caller or as server, in its own folder, with a time limit."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ports import free_port

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed (Debian: sip-tester)")

END_WITHIN_S = 30  # when all of its calls are over


@dataclass(frozen=True, slots=True)
class SippResult:
    """How it ended: exit code 0 means every call went as the scenario says."""

    code: int
    output: str


def command(scenario: Path, port: int, media_port: int, arguments: Sequence[str]) -> list[str]:
    """The command line; `arguments` are sipp's own."""
    fixed = ["-sf", str(scenario.resolve()), "-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1"]
    return ["sipp", *fixed, "-mp", str(media_port), "-nostdin", "-trace_err", *arguments]


async def run_sipp(
    scenario: Path, target: tuple[str, int], folder: Path, *arguments: str, timeout_s: float = 60, calls: int = 1
) -> SippResult:
    """Be the caller: `calls` calls of the scenario to the target. Raises TimeoutError (sipp is ended then)."""
    line = command(scenario, free_port(), free_port(), ["-m", str(calls), *arguments])
    process = await asyncio.create_subprocess_exec(
        *line,
        f"{target[0]}:{target[1]}",
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return SippResult(process.returncode, output.decode(errors="replace") + _errors_in(folder))


async def logged(folder: Path, key: str, timeout_s: float = 30.0) -> str:
    """What the scenario logged as `KEY VALUE` (needs -trace_logs). Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while True:
            for line in _lines_of(folder, "*_logs.log"):
                word, _, value = line.partition(" ")
                if word == key and value:
                    return value.strip()
            await asyncio.sleep(0.02)


def _lines_of(folder: Path, pattern: str) -> list[str]:
    return [line for path in folder.glob(pattern) for line in path.read_text(errors="replace").splitlines()]


def _errors_in(folder: Path) -> str:
    return "\n".join(_lines_of(folder, "*_errors.log"))


@contextlib.asynccontextmanager
async def sipp_server(
    scenario: Path, folder: Path, *arguments: str, transport: str = "udp"
) -> AsyncIterator[tuple[str, int]]:
    """Be the called side of one call for as long as the block lasts; gives its address. At the end of the block the
    call must have gone as the scenario says."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *command(scenario, port, free_port(), ["-m", "1", "-t", "t1" if transport == "tcp" else "u1", *arguments]),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await _until_bound(port, process, transport)
        yield "127.0.0.1", port
        async with asyncio.timeout(END_WITHIN_S):
            assert await process.wait() == 0, _errors_in(folder)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_bound(port: int, process: asyncio.subprocess.Process, transport: str) -> None:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, f"sipp ended at once with {process.returncode}"
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return
            await asyncio.sleep(0.02)
