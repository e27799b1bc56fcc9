"""Numbered events, kept until control has acknowledged them, in a ring that never grows beyond its bound."""

from collections import deque
from collections.abc import Callable

from kak_server.media import rpc

Numbered = tuple[int, int, rpc.Event]  # n, at_ms, event


class EventRing:
    """Events from 1 since the worker's boot. A full ring drops the oldest and counts it."""

    def __init__(self, size: int = rpc.EVENT_RING) -> None:
        self._events: deque[Numbered] = deque(maxlen=size)
        self._last = 0
        self._acknowledged = 0
        self.listener: Callable[[Numbered], None] | None = None

    @property
    def next_number(self) -> int:
        """The number the next event will have."""
        return self._last + 1

    def append(self, event: rpc.Event, at_ms: int) -> None:
        """Number an event, keep it and tell the attached control."""
        self._last += 1
        numbered = (self._last, at_ms, event)
        self._events.append(numbered)
        if self.listener is not None:
            self.listener(numbered)

    def acknowledge(self, n: int) -> None:
        """Control has dealt with all events up to `n`; numbers never seen are ignored."""
        self._acknowledged = max(self._acknowledged, min(n, self._last))
        while self._events and self._events[0][0] <= self._acknowledged:
            self._events.popleft()

    def pending(self) -> tuple[int, int, list[Numbered]]:
        """(number of the first event still to come, events lost unacknowledged, the unacknowledged events)."""
        first = self._events[0][0] if self._events else self._last + 1
        return first, first - 1 - self._acknowledged, list(self._events)
