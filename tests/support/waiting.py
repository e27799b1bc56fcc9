"""Waiting for what will be so soon, with a limit."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(ask: Callable[[], Any], timeout_s: float = 10.0, *, what: str = "") -> Any:
    """Ask (a function or a coroutine function) again and again until the answer is truthy, and give it. Raises
    AssertionError with the last answer."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        answer = ask()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s{': ' + what if what else ''}; last {value!r}"
        await asyncio.sleep(0.05)
