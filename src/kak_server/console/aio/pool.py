"""A bounded thread pool for slow work (argon2, file reads): nothing slow runs on the loop, nothing queues for ever."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from kak_server.console.aio.errors import ApiError

P = ParamSpec("P")
T = TypeVar("T")


class SlowPool:
    """`threads` at work and at most `waiting_max` waiting; more is refused with `unavailable`."""

    def __init__(self, name: str, threads: int, waiting_max: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"kak-{name}")
        self._places = threads + waiting_max
        self._taken = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it in a thread. Raises ApiError when the pool is full, and whatever the work raises."""
        if self._taken >= self._places:
            raise ApiError("unavailable", "Too much to do just now; try again.", {"Retry-After": "1"})
        self._taken += 1
        try:
            future = self._executor.submit(work, *args, **kwargs)
            return await asyncio.wrap_future(future)
        finally:
            self._taken -= 1

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
