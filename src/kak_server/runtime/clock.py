"""The one clock of the control process."""

import time


class UtcClock:
    """UTC milliseconds that never go backwards, whatever NTP does to the wall clock: the start is read from the wall
    clock, the rest from the monotonic one; a wall clock that runs ahead is followed."""

    def __init__(self) -> None:
        self._last_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        self._last_ms = max(self._last_ms, time.time_ns() // 1_000_000)
        return self._last_ms
