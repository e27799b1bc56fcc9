"""CPU time of other processes out of /proc: all of it, and that of the main thread, which holds the event loop."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU milliseconds of a process, and the part of it that its main thread used."""

    total_ms: float
    main_ms: float

    @property
    def others_ms(self) -> float:
        """All other threads, those that have ended included: journal sync, records, password checks."""
        return self.total_ms - self.main_ms

    def since(self, earlier: "CpuTime") -> "CpuTime":
        """What was used between two readings."""
        return CpuTime(self.total_ms - earlier.total_ms, self.main_ms - earlier.main_ms)


def read(pid: int) -> CpuTime:
    """A reading now. Raises OSError when the process is gone."""
    return CpuTime(_spent_ms(Path(f"/proc/{pid}/stat")), _spent_ms(Path(f"/proc/{pid}/task/{pid}/stat")))


def _spent_ms(path: Path) -> float:
    text = path.read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_MS  # utime and stime, proc(5)


def waited_ms(pid: int) -> float:
    """How long the main thread was ready to run and had no CPU, since it began: what others on the machine cost it."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e6


def family(pid: int) -> list[int]:
    """A process and its children, and theirs."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(member for child in children for member in family(child))]


def resident_bytes(pid: int) -> int:
    """Resident memory, what is shared with others left out. Raises OSError when the process is gone."""
    _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
