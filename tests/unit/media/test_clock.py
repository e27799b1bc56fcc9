"""The tick's schedule: no drift, bounded catching up, a failing tick is not the last."""

import asyncio
import time

import pytest

from kak_server.media.worker.clock import CATCH_UP_TICKS, TickClock


async def test_ticks_keep_to_the_schedule() -> None:
    moments: list[float] = []
    clock = TickClock(lambda: moments.append(time.monotonic()), lambda ticks: None)
    begin = time.monotonic()
    clock.start()
    await asyncio.sleep(0.5)
    clock.stop()
    assert clock.skipped == 0 or clock.late_max_ms > 100  # a loaded machine may skip, and then says so
    assert clock.time.index == clock.ticks + clock.skipped
    assert abs(clock.time.index - (moments[-1] - begin) / 0.02) < 1.5
    count = clock.ticks
    await asyncio.sleep(0.05)
    assert clock.ticks == count


async def test_a_short_stall_is_made_good_a_long_one_is_skipped() -> None:
    skips: list[int] = []
    clock = TickClock(lambda: None, skips.append)
    begin = time.monotonic()
    clock.start()
    await asyncio.sleep(0.05)
    time.sleep(0.02 * (CATCH_UP_TICKS + 10))  # noqa: ASYNC251  the stall is the point
    await asyncio.sleep(0.05)
    clock.stop()
    assert sum(skips) == clock.skipped >= CATCH_UP_TICKS
    assert clock.time.index == clock.ticks + clock.skipped
    assert abs(clock.time.index - (time.monotonic() - begin) / 0.02) < 2.5


async def test_the_time_of_a_tick_is_its_own() -> None:
    clock = TickClock(lambda: None, lambda ticks: None)
    clock.touch()
    assert abs(clock.time.wall_ms - time.time() * 1000) < 100
    assert abs(clock.time.mono_ms - time.monotonic() * 1000) < 100


async def test_a_failing_tick_is_not_the_last() -> None:
    def fail() -> None:
        raise ValueError("broken")

    clock = TickClock(fail, lambda ticks: None)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    clock.start()
    await asyncio.sleep(0.2)
    clock.stop()
    loop.set_exception_handler(None)
    assert clock.ticks > 2


@pytest.mark.parametrize("ticks", [1])
async def test_stopping_twice_is_fine(ticks: int) -> None:
    clock = TickClock(lambda: None, lambda _: None)
    clock.stop()
    clock.start()
    clock.stop()
    clock.stop()
    assert clock.ticks < ticks
