"""Deeds one after the other."""

import asyncio

from kak_server.media.worker.in_order import InOrder


async def test_a_deed_that_fails_holds_nobody_up() -> None:
    order = InOrder()
    done: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # it is told of in the log

    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError

    order.do(fails)
    order.do(lambda: done.append("after"))
    assert done == [], "in its turn"
    for _ in range(5):
        await asyncio.sleep(0)
    assert done == ["after"]
    order.do(lambda: done.append("later"))
    assert done == ["after", "later"], "at once: nothing is before it"
