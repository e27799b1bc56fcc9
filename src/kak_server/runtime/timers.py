"""Keyed one-shot timers on the event loop."""

import asyncio
from collections.abc import Callable


class Timers:
    """`fire(key)` is called on the loop when a key is due. The same key again moves it."""

    def __init__(self, now_ms: Callable[[], int], fire: Callable[[str], None]) -> None:
        self._now_ms = now_ms
        self._fire = fire
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def set(self, key: str, at_ms: int) -> None:
        """Fire `key` at `at_ms` (UTC), or at once if that is past."""
        self.cancel(key)
        delay_s = max(0, at_ms - self._now_ms()) / 1000
        self._handles[key] = asyncio.get_running_loop().call_later(delay_s, self._due, key)

    def cancel(self, key: str) -> None:
        """Forget `key`; an unknown one is no error."""
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.cancel()

    def stop(self) -> None:
        """Forget all."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def __len__(self) -> int:
        return len(self._handles)

    def _due(self, key: str) -> None:
        self._handles.pop(key, None)
        self._fire(key)
