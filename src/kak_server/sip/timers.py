"""All timers of the room: arm, disarm, ask for what is due.

Timers of one millisecond stand together in the order of their arming, and a heap knows the milliseconds. A timer that
is disarmed or moved leaves its place at once; a millisecond nobody waits for any more stays in the heap until it
surfaces, or until such outnumber the others: then the heap is made anew, of plain numbers, so that even with a hundred
thousand timers nobody has to wait for it.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")

_REBUILD_SLACK = 64


class Timers(Generic[K]):
    """Timers by key; arming a key again moves it. Times are UTC milliseconds."""

    def __init__(self) -> None:
        self._heap: list[int] = []  # milliseconds; each of `_places` at least once
        self._places: dict[int, dict[K, None]] = {}
        self._due_ms: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._due_ms)

    def __contains__(self, key: K) -> bool:
        return key in self._due_ms

    def arm(self, key: K, due_ms: int) -> None:
        """Make `key` due at `due_ms`, wherever it stood before."""
        if key in self._due_ms:
            self.disarm(key)
        self._due_ms[key] = due_ms
        place = self._places.get(due_ms)
        if place is not None:
            place[key] = None
            return
        self._places[due_ms] = {key: None}
        heapq.heappush(self._heap, due_ms)
        if len(self._heap) > 2 * len(self._places) + _REBUILD_SLACK:
            self._heap = sorted(self._places)  # sorted is a heap

    def disarm(self, key: K) -> None:
        """Forget `key`; harmless when it is not armed."""
        due_ms = self._due_ms.pop(key, None)
        if due_ms is not None:
            place = self._places[due_ms]
            del place[key]
            if not place:
                del self._places[due_ms]

    def disarm_all(self, keys: Iterable[K]) -> None:
        """The same for several."""
        armed = self._due_ms
        for key in keys:
            if key in armed:
                self.disarm(key)

    def next_due_ms(self) -> int | None:
        """When the earliest timer is due, or None."""
        heap, places = self._heap, self._places
        while heap and heap[0] not in places:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def due(self, now_ms: int) -> Iterator[K]:
        """Take the timers due by `now_ms` one at a time, in order of time, then of arming.

        The caller may arm and disarm between two of them; one armed for the past comes in the same run.
        """
        while True:
            due_ms = self.next_due_ms()
            if due_ms is None or due_ms > now_ms:
                return
            key = next(iter(self._places[due_ms]))
            self.disarm(key)
            yield key
