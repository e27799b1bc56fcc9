"""Commands one after the other, over the end of the connection they came by.

A command that takes a while holds the later ones up. Whoever attaches next is told how things stand when those of the
one before are done: a census in between would be of a state that is about to change.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from kak_server.media.worker.log import logger

EARLIER_MAX_S = 3.0
"""So long a new control process waits for what was ordered before it, at most: less than it waits for its welcome."""

Deed = Callable[[], Awaitable[None] | None]


class InOrder:
    """A queue of deeds; one that returns an awaitable is done when that is."""

    def __init__(self) -> None:
        self._waiting: deque[Deed] = deque()
        self._running: asyncio.Task[None] | None = None
        self.on_empty: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._waiting)

    def do(self, deed: Deed) -> None:
        """Now if nothing is before it, as is nearly always so; else in its turn."""
        if self._running is None and not self._waiting:
            self._begin(deed)
        else:
            self._waiting.append(deed)

    def do_within(self, deed: Deed, limit_s: float) -> None:
        """In its turn, but after that time in any case: what still waits before it is dropped."""
        self.do(deed)
        if self._waiting and self._waiting[-1] is deed:
            asyncio.get_running_loop().call_later(limit_s, self._now, deed)

    def drop(self) -> None:
        """Nothing of what waits is done any more."""
        self._waiting.clear()

    def _now(self, deed: Deed) -> None:
        if deed not in self._waiting:
            return
        dropped = 0
        while self._waiting[0] is not deed:
            self._waiting.popleft()
            dropped += 1
        logger().error("control.commands_dropped", dropped=dropped)
        self._running = None  # it ends by itself, and holds nobody up any more
        self._work()

    def _begin(self, deed: Deed) -> None:
        promise = deed()
        if promise is not None:
            self._running = asyncio.get_running_loop().create_task(self._finish(promise))

    async def _finish(self, promise: Awaitable[None]) -> None:
        try:
            await promise
        finally:  # a bug in one deed must not hold up all that come after it, in this connection and the next
            if self._running is asyncio.current_task():
                self._running = None
                self._work()

    def _work(self) -> None:
        while self._waiting and self._running is None:
            self._begin(self._waiting.popleft())
        if not self._waiting:
            self.on_empty()
