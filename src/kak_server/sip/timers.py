"""All timers of the room in one heap: arm, disarm, ask for what is due.

A disarmed or re-armed timer stays in the heap as a dead entry until it surfaces; when dead entries outnumber live ones
the heap is rebuilt, so its size is at most twice the number of live timers plus a constant.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")

_REBUILD_SLACK = 64


class Timers(Generic[K]):
    """Timers by key; arming a key again moves it. Times are UTC milliseconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, K]] = []
        self._live: dict[K, int] = {}  # key -> serial of its live heap entry
        self._serial = 0

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, key: K) -> bool:
        return key in self._live

    def arm(self, key: K, due_ms: int) -> None:
        """Make `key` due at `due_ms`, wherever it stood before."""
        self._serial += 1
        self._live[key] = self._serial
        heapq.heappush(self._heap, (due_ms, self._serial, key))
        if len(self._heap) > 2 * len(self._live) + _REBUILD_SLACK:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def disarm(self, key: K) -> None:
        """Forget `key`; harmless when it is not armed."""
        self._live.pop(key, None)

    def disarm_all(self, keys: Iterable[K]) -> None:
        """The same for several."""
        forget = self._live.pop
        for key in keys:
            forget(key, None)

    def next_due_ms(self) -> int | None:
        """When the earliest live timer is due, or None."""
        self._drop_dead()
        return self._heap[0][0] if self._heap else None

    def due(self, now_ms: int) -> Iterator[K]:
        """Take the timers due by `now_ms` one at a time, in order of time, then of arming.

        The caller may arm and disarm between two of them; one armed for the past comes in the same run.
        """
        while True:
            self._drop_dead()
            if not self._heap or self._heap[0][0] > now_ms:
                return
            _, _, key = heapq.heappop(self._heap)
            del self._live[key]
            yield key

    def _drop_dead(self) -> None:
        heap, live = self._heap, self._live
        while heap and live.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
