"""Keyed timers on a real loop."""

import asyncio
import time

from kak_server.runtime.timers import GATHER_MS, TOGETHER_MOST, Timers


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


class Patient:
    """Timers of which those of "step:" are patient; what was fired together."""

    def __init__(self) -> None:
        self.together: list[tuple[str, ...]] = []
        self.alone: list[str] = []
        self.timers = Timers(now_ms, self.alone.append, lambda keys: self.together.append(tuple(keys)), ("step:",))


async def test_patient_ones_fire_together_and_never_early() -> None:
    bench, at_ms = Patient(), (now_ms() // GATHER_MS + 1) * GATHER_MS
    for number in range(10):
        bench.timers.set(f"step:{number}", at_ms + 1 + number)
    bench.timers.set("offer:1", at_ms + 1)
    assert len(bench.timers) == 11
    while not bench.together:
        assert now_ms() < at_ms + 5_000
        await asyncio.sleep(0.002)
    assert now_ms() >= at_ms + GATHER_MS - 2  # a loop's timer may fire a little early
    assert bench.together == [tuple(f"step:{number}" for number in range(10))]
    assert bench.alone == ["offer:1"]
    assert len(bench.timers) == 0


async def test_thousands_of_patient_ones_take_turns_with_others() -> None:
    bench, turns = Patient(), 0
    for number in range(1_000):
        bench.timers.set(f"step:{number}", now_ms())

    while sum(map(len, bench.together)) < 1_000:
        turns += 1
        assert turns < 100_000
        await asyncio.sleep(0)
    assert max(map(len, bench.together)) == TOGETHER_MOST
    assert turns >= 1_000 // TOGETHER_MOST  # the loop had its turn between them
    assert len({key for keys in bench.together for key in keys}) == 1_000


async def test_patient_ones_can_be_moved_cancelled_and_stopped() -> None:
    bench = Patient()
    bench.timers.set("step:moved", now_ms() + 60_000)
    bench.timers.set("step:moved", now_ms() + 5)
    bench.timers.set("step:gone", now_ms() + 5)
    bench.timers.cancel("step:gone")
    bench.timers.cancel("step:gone")
    await asyncio.sleep(0.15)
    assert bench.together == [("step:moved",)]
    bench.timers.set("step:late", now_ms() + 5)
    bench.timers.stop()
    assert len(bench.timers) == 0
    await asyncio.sleep(0.1)
    assert bench.together == [("step:moved",)]
