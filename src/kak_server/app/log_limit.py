"""A bound on log lines that strangers can cause: so many a second by name, and then one line that counts the rest."""

from collections.abc import Callable
from dataclasses import dataclass

LINES_A_SECOND = 10


@dataclass
class _Window:
    begins_ms: int
    lines: int = 0
    left_out: int = 0


class LogLimit:
    """Asks before each line. Counters are not limited, only lines are."""

    def __init__(self, now_ms: Callable[[], int], lines_a_second: int = LINES_A_SECOND) -> None:
        self._now_ms = now_ms
        self._most = lines_a_second
        self._windows: dict[str, _Window] = {}

    def admits(self, name: str) -> tuple[bool, int]:
        """Whether to write this line, and how many of the name were left out before it."""
        now_ms = self._now_ms()
        window = self._windows.get(name)
        left_out = 0
        if window is None or now_ms - window.begins_ms >= 1_000:
            left_out = window.left_out if window is not None else 0
            window = self._windows[name] = _Window(now_ms)
        if window.lines >= self._most:
            window.left_out += 1
            return False, 0
        window.lines += 1
        return True, left_out
