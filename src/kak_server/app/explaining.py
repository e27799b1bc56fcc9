"""Explanations from the journal, each in a process of its own: replaying a segment is a second of work, and the loop
that serves calls has none to give. Bounded in number, time and memory."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kak_server.app.naming import names_of
from kak_server.config.settings import Settings
from kak_server.console.ports import Result
from kak_server.model.codec import Json, dumps, loads
from kak_server.runtime.explain import EXIT_UNKNOWN
from kak_server.runtime.naming import IDS
from kak_server.runtime.nursery import Nursery

AT_ONCE = 2
WAITING_MAX = 16
TIMEOUT_S = 30.0


class Explainer:
    """One for the server. Used on the loop only."""

    def __init__(
        self,
        journal_dir: Path,
        nursery: Nursery,
        settings: Callable[[], Settings] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`settings`: what runs; it names skills and rooms. None: ids do."""
        self._settings = settings
        self._journal_dir = journal_dir
        self._nursery = nursery
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(AT_ONCE, "explain")
        self._asking = 0

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
        """No more of it; the nursery gives up what is under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, contact: str) -> Result:
        argv = [sys.executable, "-m", "kak_server.runtime.explain", "--names", str(self._journal_dir), "--", contact]
        names = IDS if self._settings is None else names_of(self._settings())
        ran = self._nursery.run(argv, self._timeout_s, dumps(names).decode())
        if ran.problem:
            return Result(False, code="unavailable", message=f"No explanation: {ran.problem}.")
        if ran.code == EXIT_UNKNOWN:
            return Result(False, code="not-found", message="The journal knows no such contact.")
        if ran.code != 0:
            return Result(False, code="unavailable", message=f"The explaining process ended with {ran.code}.")
        told: dict[str, Json] = loads(ran.out)
        return Result(True, told)
