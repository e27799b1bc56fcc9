"""Work for many consoles, done a little at a time: a list for the whole country must not own the loop.

Between two slices the loop takes whatever else is there, a call's own messages first of all.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter, thread_time

BUDGET_S = 0.002
"""What a slice may take of one turn of the loop."""
STREAMS_MIN, STREAMS_FIRST, STREAMS_MAX = 4, 16, 64


class Sliced:
    """Pieces of work, as many a turn of the loop as fit into the budget. One lot at a time."""

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self._pieces: Iterator[None] = iter(())
        self._done: Callable[[float], None] = lambda _spent_s: None
        self._spent_s = 0.0

    def run(self, pieces: Iterator[None], done: Callable[[float], None]) -> None:
        """The first slice now, the others in the next turns; then `done` with the CPU time they took together. A piece
        that fails is the end of its lot, which is done all the same; the fault is the loop's to report."""
        self._pieces, self._done, self._spent_s = pieces, done, 0.0
        self._slice()

    def _slice(self) -> None:
        began_s, began_cpu_s = perf_counter(), thread_time()
        more = False
        try:
            for _ in self._pieces:
                if perf_counter() - began_s >= self._budget_s:
                    more = True
                    break
        finally:
            self._spent_s += thread_time() - began_cpu_s
            if more:
                asyncio.get_running_loop().call_soon(self._slice)
            else:
                self._done(self._spent_s)


class Breaths:
    """How many streams may be woken before the loop gets a turn: what a turn then takes decides how many the next time.

    A woken stream sends in the turn after, so the cost of a slice is known one turn later.
    """

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self.streams = STREAMS_FIRST  # of the next slice
        self._count = 0

    async def after_one(self) -> None:
        """One stream was woken; gives the loop a turn when it is time."""
        self._count += 1
        if self._count < self.streams:
            return
        self._count = 0
        began_s = perf_counter()
        await asyncio.sleep(0)
        took_s = perf_counter() - began_s
        if took_s > self._budget_s:
            self.streams = max(STREAMS_MIN, self.streams // 2)
        elif self.streams < STREAMS_MAX:
            self.streams += 1
