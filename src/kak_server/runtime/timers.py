"""Keyed one-shot timers on the event loop.

Most fire at their time, each by itself. Those of `patient` prefixes are the many that nobody waits for to the
millisecond, like the steps of the workflows of thousands: those of a twentieth of a second fire at its end, together
(docs/adr/0012).
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice

GATHER_MS = 50
TOGETHER_MOST = 16  # a few milliseconds' work; the others after whatever else has come


class Timers:
    """`fire(key)` is called on the loop when a key is due, `fire_all(keys)` for patient ones. The same key again moves
    it."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        fire: Callable[[str], None],
        fire_all: Callable[[Sequence[str]], None] = lambda _keys: None,
        patient: tuple[str, ...] = (),
    ) -> None:
        self._now_ms = now_ms
        self._fire = fire
        self._fire_all = fire_all
        self._patient = patient
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._slots: dict[int, tuple[asyncio.TimerHandle, dict[str, None]]] = {}
        self._slot_of: dict[str, int] = {}

    def set(self, key: str, at_ms: int) -> None:
        """Fire `key` at `at_ms` (UTC), or at once if that is past."""
        self.cancel(key)
        if not key.startswith(self._patient):
            self._handles[key] = self._call_at(at_ms, self._due, key)
            return
        number = -(-max(at_ms, self._now_ms()) // GATHER_MS)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = (self._call_at(number * GATHER_MS, self._slot_due, number), {})
        slot[1][key] = None
        self._slot_of[key] = number

    def cancel(self, key: str) -> None:
        """Forget `key`; an unknown one is no error."""
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.cancel()
            return
        number = self._slot_of.pop(key, None)
        if number is not None:
            handle, keys = self._slots[number]
            del keys[key]
            if not keys:
                handle.cancel()
                del self._slots[number]

    def stop(self) -> None:
        """Forget all."""
        for handle in (*self._handles.values(), *(handle for handle, _ in self._slots.values())):
            handle.cancel()
        for held in (self._handles, self._slots, self._slot_of):
            held.clear()

    def __len__(self) -> int:
        return len(self._handles) + len(self._slot_of)

    def _call_at(self, at_ms: int, call: Callable[..., None], about: str | int) -> asyncio.TimerHandle:
        delay_s = max(0, at_ms - self._now_ms()) / 1000
        return asyncio.get_running_loop().call_later(delay_s, call, about)

    def _due(self, key: str) -> None:
        self._handles.pop(key, None)
        self._fire(key)

    def _slot_due(self, number: int) -> None:
        _, keys = self._slots[number]
        first = tuple(islice(keys, TOGETHER_MOST))
        for key in first:
            del keys[key], self._slot_of[key]
        if keys:
            self._slots[number] = (self._call_at(0, self._slot_due, number), keys)
        else:
            del self._slots[number]
        self._fire_all(first)
