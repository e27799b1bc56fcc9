"""Python's cyclic collector, kept from stopping the loop in the middle of somebody's call.

Its passes over old objects take time by how many there are: with the calls of a busy minute in memory a pass stood
still for a fifth of a second, with ten thousand callers waiting for more than a whole one. What lives long here lives
on purpose, and goes without the collector when it goes: among a thousand calls it found nothing. So only young objects
are looked at by themselves, once and few at a time. CPython counts what was made less what has gone, so where calls end
as fast as they come it would let the young grow to ten thousands before it looks; so we count them ourselves, ten times
a second. A pass over all of them waits for a quiet second in which not much is held; only what may be garbage that
fills the memory does not wait.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from kak_server.model.light import frozen

YOUNG = 3_000  # objects made and not gone: so many are looked at in about a millisecond
NEVER = 2**31 - 1

Why = Literal["quiet", "waited", "many"]


@contextmanager
def put_off() -> Iterator[None]:
    """Around a process that is to be a server: what its start makes stays, and looking for garbage among it costs a
    third of the start. Until `Collector.start`, or to the end of a process that did not come so far."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@frozen
class CollectorRules:
    """When a pass over everything is due, and when it has been put off long enough."""

    young_passes: int = 120  # since the last pass over everything: up to so many times 3,000 objects have survived
    held_blocks_most: int = (
        300_000  # of memory, more than at the start: a pass over more takes over a fifth of a second
    )
    gathered_blocks_most: int = 25_000_000  # since the last pass: two gigabytes do not wait, it may be garbage
    busy_share: float = 0.1  # of one CPU: below it the process counts as quiet
    quiet_s: float = 1.0  # and has been so for so long
    wait_s: float = 3_600.0
    measure_s: float = 10.0  # between two looks at the memory, each of which takes half a millisecond


class Collector:
    """`start` when everything is built, then `look` some times a second. `on_pass(seconds, why)` hears of each pass
    over everything."""

    def __init__(
        self,
        on_pass: Callable[[float, Why], None] = lambda _seconds, _why: None,
        rules: CollectorRules | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        spent_s: Callable[[], float] = time.process_time,
        blocks: Callable[[], int] = sys.getallocatedblocks,
    ) -> None:
        self._on_pass = on_pass
        self._rules = rules or CollectorRules()
        self._monotonic_s = monotonic_s
        self._spent_s = spent_s
        self._blocks = blocks
        self._start_blocks = self._passed_blocks = self._held_blocks = 0
        self._measured_at_s = 0.0
        self._due_since_s: float | None = None
        self._quiet_since_s = 0.0
        self._looked_at_s = 0.0
        self._spent_then_s = 0.0

    def start(self) -> None:
        """What start-up made lives as long as the process: out of the collector's sight with it. Without a pass before:
        the few hundred objects of garbage in it are not worth the third of a second in which nobody is answered."""
        gc.freeze()
        gc.set_threshold(YOUNG, NEVER, NEVER)
        gc.enable()
        self._start_blocks = self._passed_blocks = self._blocks()
        self._looked_at_s = self._quiet_since_s = self._monotonic_s()
        self._spent_then_s = self._spent_s()

    def look(self) -> None:
        """Whether there are too many young objects, or a pass over everything is due; if so, and this is the moment, it
        is made."""
        if len(gc.get_objects(generation=0)) > YOUNG:
            gc.collect(0)
        now_s, spent_s = self._monotonic_s(), self._spent_s()
        busy = spent_s - self._spent_then_s > self._rules.busy_share * (now_s - self._looked_at_s)
        self._looked_at_s, self._spent_then_s = now_s, spent_s
        if busy:
            self._quiet_since_s = now_s
        why = self._why(now_s)
        if why:
            gc.collect()
            self._due_since_s = None
            self._on_pass(self._monotonic_s() - now_s, why)
            self._passed_blocks = self._blocks()

    def _why(self, now_s: float) -> Why | Literal[""]:
        rules = self._rules
        young_passes = gc.get_count()[1]
        if young_passes < rules.young_passes:
            return ""
        if self._due_since_s is None:
            self._due_since_s = now_s
            self._measured_at_s = now_s - rules.measure_s
        if now_s - self._measured_at_s >= rules.measure_s:
            self._measured_at_s, self._held_blocks = now_s, self._blocks()
        if self._held_blocks - self._passed_blocks >= rules.gathered_blocks_most:
            return "many"
        if self._held_blocks - self._start_blocks > rules.held_blocks_most:
            return ""
        if now_s - self._quiet_since_s >= rules.quiet_s:
            return "quiet"
        return "waited" if now_s - self._due_since_s >= rules.wait_s else ""
