"""CPU time of other processes and of their threads by name, out of /proc."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU milliseconds since the process began: all of it, and by thread name (ended threads only in the total)."""

    total_ms: float
    threads_ms: dict[str, float]

    def since(self, earlier: "CpuTime") -> "CpuTime":
        """What was used between two readings."""
        names = {*self.threads_ms, *earlier.threads_ms}
        spent = {name: self.threads_ms.get(name, 0.0) - earlier.threads_ms.get(name, 0.0) for name in names}
        return CpuTime(self.total_ms - earlier.total_ms, spent)

    def named(self, part: str) -> float:
        """Sum over the threads whose name holds `part`."""
        return sum(spent for name, spent in self.threads_ms.items() if part in name)


def read(pid: int) -> CpuTime:
    """A reading now. Raises OSError when the process is gone."""
    threads: dict[str, float] = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread may end while we look
            name, spent_ms = _stat(folder / "stat")
            threads[name] = threads.get(name, 0.0) + spent_ms
    return CpuTime(_stat(Path(f"/proc/{pid}/stat"))[1], threads)


def _stat(path: Path) -> tuple[str, float]:
    text = path.read_text()
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return name, (int(fields[11]) + int(fields[12])) * _TICK_MS  # utime, stime: proc(5)
