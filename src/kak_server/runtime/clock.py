"""The one clock of the control process."""

import time
from collections.abc import Callable


class UtcClock:
    """UTC milliseconds that never stand still and never go backwards, whatever is done to the wall clock: the start is
    read from the wall clock, the rest from the monotonic one; a wall clock that runs ahead is followed. One that is set
    back is not: time-outs would wait until it had caught up."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._ahead_ns = wall_ns() - monotonic_ns()

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        monotonic_ns = self._monotonic_ns()
        self._ahead_ns = max(self._ahead_ns, self._wall_ns() - monotonic_ns)
        return (monotonic_ns + self._ahead_ns) // 1_000_000

    def not_before(self, at_ms: int) -> None:
        """The journal ends at `at_ms`: a machine whose clock was set back meanwhile goes on from there."""
        self._ahead_ns = max(self._ahead_ns, at_ms * 1_000_000 - self._monotonic_ns())
