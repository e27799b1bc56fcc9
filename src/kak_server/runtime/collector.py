"""Python's cyclic collector, kept from stopping the loop in the middle of somebody's call.

Its passes over old objects take time by how many there are: with the calls of a busy minute in memory a pass stood
still for a fifth of a second. What lives long here lives on purpose, and nearly all of it goes without the collector
when it goes. So only young objects are looked at by themselves, once and few at a time; a pass over all of them waits
for a quiet second, and comes in any case before too much has gathered.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class CollectorRules:
    """When a pass over everything is due, and when it has been put off long enough."""

    young_passes: int = 120  # since the last pass over everything: up to so many times 3,000 objects have survived
    young_passes_most: int = 3_000  # so many do not wait for a quiet second: it may be garbage that fills the memory
    busy_share: float = 0.1  # of one CPU: below it the process counts as quiet
    quiet_s: float = 1.0  # and has been so for so long
    wait_s: float = 3_600.0


class Collector:
    """`start` when everything is built, then `look` some times a second. `on_pass(seconds, why)` hears of each pass
    over everything."""

    def __init__(
        self,
        on_pass: Callable[[float, Why], None] = lambda _seconds, _why: None,
        rules: CollectorRules | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        spent_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._on_pass = on_pass
        self._rules = rules or CollectorRules()
        self._monotonic_s = monotonic_s
        self._spent_s = spent_s
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
        self._looked_at_s = self._quiet_since_s = self._monotonic_s()
        self._spent_then_s = self._spent_s()

    def look(self) -> None:
        """Whether a pass over everything is due; if so, and this is the moment, it is made."""
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

    def _why(self, now_s: float) -> Why | Literal[""]:
        rules = self._rules
        young_passes = gc.get_count()[1]
        if young_passes < rules.young_passes:
            return ""
        if self._due_since_s is None:
            self._due_since_s = now_s
        if young_passes >= rules.young_passes_most:
            return "many"
        if now_s - self._quiet_since_s >= rules.quiet_s:
            return "quiet"
        return "waited" if now_s - self._due_since_s >= rules.wait_s else ""
