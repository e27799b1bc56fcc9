"""How long this machine kept those waiting who were due: what a bound on sound must allow for, and nothing more.

A busy machine lets a media worker, a browser and this test stand still for a while, whatever the server does. Two
probes that wake as often as a worker does show for how long: a small process of its own, and the loop of this test.
"""

import asyncio
import sys
import time
from pathlib import Path
from types import TracebackType

TICK_S = 0.02
_PROBE = f"""
import sys, time
with open(sys.argv[1], "w", buffering=1) as told:
    while True:
        due_s = time.monotonic() + {TICK_S}
        time.sleep({TICK_S})
        late_ms = (time.monotonic() - due_s) * 1000
        if late_ms > 5:
            print(time.time_ns(), round(late_ms), file=told)
"""


class Standstill:
    """Measures from `async with` on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "standstill.txt"
        self._late: list[tuple[int, float]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Standstill":
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-c", _PROBE, str(self._path))
        self._task = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, raised: object, trace: TracebackType | None) -> None:
        assert self._process is not None
        assert self._task is not None
        self._task.cancel()
        self._process.kill()
        await self._process.wait()

    def longest_ms(self, since_ns: int, until_ns: int) -> float:
        """The longest that the process stood still and the longest that the loop did, one after the other, ending
        between the two times (UTC ns)."""
        text = self._path.read_text(encoding="ascii") if self._path.exists() else ""
        rows = [line.split() for line in text.splitlines()]
        elsewhere = [(int(row[0]), float(row[1])) for row in rows if len(row) == 2]
        return sum(
            max((late_ms for at_ns, late_ms in late if since_ns <= at_ns <= until_ns), default=0.0)
            for late in (elsewhere, self._late)
        )

    async def _watch(self) -> None:
        while True:
            due_s = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self._late.append((time.time_ns(), (time.monotonic() - due_s) * 1000))
