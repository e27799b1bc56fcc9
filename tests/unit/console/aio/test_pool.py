"""The pool for slow work is bounded, and gives errors and places back."""

import asyncio
import threading

import pytest

from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.pool import SlowPool


def fail() -> None:
    raise KeyError("x")


async def test_work_runs_in_a_thread_and_errors_come_back() -> None:
    pool = SlowPool("test", 1, 1)
    assert await pool.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(KeyError):
        await pool.run(fail)
    assert await pool.run(max, 1, 2) == 2
    pool.close()


async def test_more_than_fits_is_refused_and_places_come_back() -> None:
    pool = SlowPool("test", 1, 1)
    gate = threading.Event()
    held = [asyncio.create_task(pool.run(gate.wait, 5)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refused:
        await pool.run(gate.wait, 5)
    assert (refused.value.code, refused.value.status) == ("unavailable", 503)
    gate.set()
    assert await asyncio.gather(*held) == [True, True]
    assert await pool.run(max, 1, 2) == 2
    pool.close()
