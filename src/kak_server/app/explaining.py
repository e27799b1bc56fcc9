"""Explanations from the journal, each in a process of its own: replaying a segment is a second of work, and the loop
that serves calls has none to give. Bounded in number, time and memory."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kak_server.console.ports import Result
from kak_server.model.codec import Json, loads
from kak_server.runtime.explain import EXIT_UNKNOWN

AT_ONCE = 2
WAITING_MAX = 16
TIMEOUT_S = 30.0


class Explainer:
    """One for the server. Used on the loop only."""

    def __init__(self, journal_dir: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._journal_dir = journal_dir
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(AT_ONCE, "explain")
        self._asking = 0
        self._running: set[subprocess.Popen[bytes]] = set()

    async def explain(self, contact: str) -> Result:
        """Codes: "not-found", "unavailable"."""
        if self._asking >= AT_ONCE + WAITING_MAX:
            return Result(False, code="unavailable", message="Too many explanations are asked for; try again.")
        self._asking += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, contact)
        finally:
            self._asking -= 1

    def close(self) -> None:
        """No more of it; what is under way is given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._running):
            process.kill()

    def _run(self, contact: str) -> Result:
        argv = [sys.executable, "-m", "kak_server.runtime.explain", str(self._journal_dir), "--", contact]
        try:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as problem:
            return Result(False, code="unavailable", message=f"No process could be started: {problem.strerror}.")
        self._running.add(process)
        try:
            out, _ = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Result(False, code="unavailable", message=f"It took longer than {self._timeout_s:.0f} s.")
        finally:
            self._running.discard(process)
        if process.returncode == EXIT_UNKNOWN:
            return Result(False, code="not-found", message="The journal knows no such contact.")
        if process.returncode != 0:
            return Result(False, code="unavailable", message=f"The explaining process ended with {process.returncode}.")
        told: dict[str, Json] = loads(out)
        return Result(True, told)
