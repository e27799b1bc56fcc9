"""The 20 ms tick: a schedule without drift on the monotonic clock, with bounded catching up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media.rpc import TICK_MS
from kak_server.media.worker.metronome import Metronome

CATCH_UP_TICKS = 5  # so many late ticks are made good one after the other; more are skipped and counted
_EARLY_MS = 1.0  # by the grain of floating point times


@dataclass(slots=True)
class TickTime:
    """The time of the tick under way. `index` counts every 20 ms since the start, skipped ones included."""

    index: int = 0
    mono_ms: float = 0.0
    wall_ms: int = 0


class TickClock:
    """Calls `on_tick()` every 20 ms, and `on_skip(ticks)` before it when the process stood still for too long."""

    def __init__(self, on_tick: Callable[[], None], on_skip: Callable[[int], None]) -> None:
        self.time = TickTime()
        self.skipped = 0
        self.ticks = 0
        self.busy_s = 0.0
        self.late_max_ms = 0.0
        self._on_tick = on_tick
        self._on_skip = on_skip
        self._origin = 0.0
        self._metronome: Metronome | None = None
        self.touch()

    def touch(self) -> None:
        """Set the times (not the index) to now: for commands, which come between ticks."""
        self.time.mono_ms = time.monotonic() * 1000.0
        self.time.wall_ms = time.time_ns() // 1_000_000

    def start(self) -> None:
        """Begin ticking on the running loop. Raises OSError when the system has no timer left."""
        self._origin = time.monotonic()
        self._metronome = Metronome(self._origin + (self.time.index + 1) * TICK_MS / 1000.0, TICK_MS, self._beat)

    def stop(self) -> None:
        """No more ticks."""
        if self._metronome is not None:
            self._metronome.stop()
            self._metronome = None

    def _beat(self) -> None:
        started_s = time.monotonic()
        late_ms = (started_s - self._origin) * 1000.0 - (self.time.index + 1) * TICK_MS
        if late_ms < -_EARLY_MS:
            return  # a beat of the past: its tick has been made good together with the one before
        if late_ms > self.late_max_ms:
            self.late_max_ms = late_ms
        try:
            if late_ms >= TICK_MS:
                self._catch_up(int(late_ms // TICK_MS))
            self._tick()
        finally:
            self.busy_s += time.monotonic() - started_s

    def _tick(self) -> None:
        self.time.index += 1
        self.ticks += 1
        self.touch()
        self._on_tick()

    def _catch_up(self, behind: int) -> None:
        """Make good what is late, or leave it out where that would be too much at once."""
        if behind <= CATCH_UP_TICKS:
            for _ in range(behind):
                self._tick()
            return
        self.time.index += behind
        self.skipped += behind
        self.touch()
        self._on_skip(behind)
