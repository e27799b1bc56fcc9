"""Named deadlines of a sans-IO machine, behind the one timer its shell arms."""

import heapq
from collections.abc import Hashable


class Timers:
    """At most one deadline a key. Setting a key again moves it; the heap forgets moved entries when they surface."""

    def __init__(self) -> None:
        self._at_ms: dict[Hashable, int] = {}
        self._heap: list[tuple[int, int, Hashable]] = []
        self._order = 0  # keys need no order of their own

    def set(self, key: Hashable, at_ms: int) -> None:
        """Arm or move the deadline of `key`."""
        if self._at_ms.get(key) == at_ms:
            return
        self._at_ms[key] = at_ms
        self._order += 1
        heapq.heappush(self._heap, (at_ms, self._order, key))
        if len(self._heap) > 64 + 4 * len(self._at_ms):  # mostly moved entries: rebuild, so that it stays bounded
            self._heap = [(at, order, key) for order, (key, at) in enumerate(self._at_ms.items())]
            self._order = len(self._heap)
            heapq.heapify(self._heap)

    def cancel(self, key: Hashable) -> None:
        """Disarm; no error if it was not armed."""
        self._at_ms.pop(key, None)

    def clear(self) -> None:
        """Disarm all."""
        self._at_ms.clear()
        self._heap.clear()

    def next_at_ms(self) -> int | None:
        """The earliest deadline."""
        while self._heap and self._at_ms.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_ms: int) -> Hashable | None:
        """The key of one deadline that has passed, disarmed; None when there is none."""
        at_ms = self.next_at_ms()
        if at_ms is None or at_ms > now_ms:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._at_ms[key]
        return key
