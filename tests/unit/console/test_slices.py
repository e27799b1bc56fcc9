"""A lot of work gives the loop a turn every so often, does each piece once and in order, and is always done."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from kak_server.console.aio.slices import STREAMS_FIRST, STREAMS_MAX, STREAMS_MIN, Breaths, Sliced


async def test_slow_pieces_leave_the_loop_a_turn_after_each() -> None:
    seen: list[str] = []
    done = asyncio.Event()

    def pieces() -> Iterator[None]:
        for number in range(4):
            seen.append(str(number))
            time.sleep(0.003)
            yield

    def other() -> None:
        seen.append("other")
        if not done.is_set():
            asyncio.get_running_loop().call_soon(other)

    Sliced(budget_s=0.002).run(pieces(), lambda _: done.set())
    asyncio.get_running_loop().call_soon(other)
    await asyncio.wait_for(done.wait(), 10)
    assert [one for one in seen if one != "other"] == ["0", "1", "2", "3"]
    assert "other" in seen[1:-1]
    assert seen.index("other") < seen.index("3")


async def test_quick_pieces_are_done_in_one_turn() -> None:
    spent: list[float] = []
    Sliced(budget_s=60.0).run(iter([None] * 1_000), spent.append)
    assert len(spent) == 1


async def test_a_piece_that_fails_ends_its_lot_and_the_next_lot_is_done() -> None:
    ended: list[float] = []

    def failing() -> Iterator[None]:
        yield
        raise ValueError("a list that cannot be built")

    sliced = Sliced(budget_s=60.0)
    with pytest.raises(ValueError, match="cannot be built"):
        sliced.run(failing(), ended.append)
    sliced.run(iter([None]), ended.append)
    assert len(ended) == 2


@pytest.mark.parametrize(("turn_s", "streams"), [(0.004, STREAMS_MIN), (0.0, STREAMS_MAX)])
async def test_turns_that_take_long_make_slices_smaller_and_short_ones_larger(turn_s: float, streams: int) -> None:
    breaths = Breaths(budget_s=0.002 if turn_s else 60.0)

    def busy() -> None:
        time.sleep(turn_s)

    for _ in range(STREAMS_FIRST + 64 * STREAMS_MAX):
        if turn_s:
            asyncio.get_running_loop().call_soon(busy)
        await breaths.after_one()
        if breaths.streams == streams:
            return
    raise AssertionError(f"still {breaths.streams} streams a slice")
