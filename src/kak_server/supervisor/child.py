"""One process of the lab: started in a session of its own, with a log file and a pid file of its own.

An own session means that Ctrl-C in the terminal reaches only the supervisor, which then stops its processes in order;
and that a process outlives a supervisor that is killed. The pid file is how the next supervisor finds such leftovers.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from kak_server.model.light import frozen

LOG_BYTES_MAX = 16 * 1024 * 1024
TAIL_BYTES = 4_096
TAIL_LINES = 8


@frozen
class Spec:
    """What to run, where its log goes, and how long it may take to stop after SIGTERM."""

    name: str
    argv: tuple[str, ...]
    log: Path
    pid_file: Path
    stop_timeout_s: float


class Child:
    """A running process. Use `start`, then `wait`; `stop` from elsewhere."""

    def __init__(self, spec: Spec, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    async def start(cls, spec: Spec) -> "Child":
        """Start it. Raises OSError when the program or its log file is not to be had."""
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        spec.pid_file.parent.mkdir(parents=True, exist_ok=True)
        _rotate(spec.log)
        with spec.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *spec.argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        spec.pid_file.write_text(f"{process.pid}\n")
        return cls(spec, process)

    async def wait(self) -> int:
        """Until it ends. Its exit code; negative: the signal that ended it."""
        code = await self._process.wait()
        self.spec.pid_file.unlink(missing_ok=True)
        return code

    async def stop(self) -> int:
        """SIGTERM, the time it may take, then SIGKILL. Its exit code."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), self.spec.stop_timeout_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self._process.returncode is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                pass  # it ended in this moment: what was wanted


def _rotate(log: Path) -> None:
    """Keep one older log file, so that logs are bounded."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))


def tail(log: Path) -> list[str]:
    """The last lines of a log file, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        return []


async def end_leftover(spec: Spec) -> bool:
    """End what an earlier, killed supervisor left of this spec. True if there was something.

    A pid is only believed if the process runs the same module or program: pids are used again.
    """
    try:
        pid = int(spec.pid_file.read_text())
    except (OSError, ValueError):
        return False
    found = _is_same_program(pid, spec.argv)
    if found:
        os.kill(pid, signal.SIGTERM)
        if not await _gone(pid, spec.argv, timeout_s=5):
            os.kill(pid, signal.SIGKILL)
            await _gone(pid, spec.argv, timeout_s=5)
    spec.pid_file.unlink(missing_ok=True)
    return found


async def _gone(pid: int, argv: Sequence[str], *, timeout_s: float) -> bool:
    for _ in range(int(timeout_s / 0.05)):
        if not _is_same_program(pid, argv):
            return True
        await asyncio.sleep(0.05)
    return False


def _is_same_program(pid: int, argv: Sequence[str]) -> bool:
    """Whether the process runs the command line `argv` (a script's line starts with its interpreter)."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return False
    return words[-len(argv) :] == list(argv) and _is_alive(pid)


def _is_alive(pid: int) -> bool:
    """Not a zombie that waits for its parent."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
