"""Keyed timers on a real loop."""

import asyncio
import time

from kak_server.runtime.timers import Timers


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


async def test_timers_fire_in_order_of_time_and_once() -> None:
    fired: list[str] = []
    timers = Timers(now_ms, fired.append)
    timers.set("late", now_ms() + 40)
    timers.set("early", now_ms() + 5)
    assert len(timers) == 2
    await asyncio.sleep(0.1)
    assert fired == ["early", "late"]
    assert len(timers) == 0


async def test_what_is_past_fires_at_once_but_never_within_set() -> None:
    fired: list[str] = []
    timers = Timers(now_ms, fired.append)
    timers.set("overdue", now_ms() - 5_000)
    assert fired == []
    await asyncio.sleep(0.01)
    assert fired == ["overdue"]


async def test_the_same_key_again_moves_it() -> None:
    fired: list[str] = []
    timers = Timers(now_ms, fired.append)
    timers.set("key", now_ms() + 5)
    timers.set("key", now_ms() + 60)
    assert len(timers) == 1
    await asyncio.sleep(0.03)
    assert fired == []
    await asyncio.sleep(0.06)
    assert fired == ["key"]


async def test_a_cancelled_timer_does_not_fire_and_unknown_keys_are_no_error() -> None:
    fired: list[str] = []
    timers = Timers(now_ms, fired.append)
    timers.set("key", now_ms() + 5)
    timers.cancel("key")
    timers.cancel("key")
    timers.cancel("never set")
    await asyncio.sleep(0.02)
    assert fired == []
    assert len(timers) == 0


async def test_a_key_may_be_set_again_from_its_own_firing() -> None:
    fired: list[str] = []

    def fire(key: str) -> None:
        fired.append(key)
        if len(fired) < 3:
            timers.set(key, now_ms() + 2)

    timers = Timers(now_ms, fire)
    timers.set("renew", now_ms())
    await asyncio.sleep(0.05)
    assert fired == ["renew"] * 3


async def test_stop_forgets_all() -> None:
    fired: list[str] = []
    timers = Timers(now_ms, fired.append)
    for n in range(100):
        timers.set(f"key{n}", now_ms() + 5)
    timers.stop()
    await asyncio.sleep(0.02)
    assert fired == []
    assert len(timers) == 0
