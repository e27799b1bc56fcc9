"""Simulated telephones that are called by simulated telephones, over real sockets, with real sound."""

import asyncio

from kak_sim.callees.exchange import Exchange
from kak_sim.callers.caller import Caller, CallFailedError
from kak_sim.callers.sound import steady


async def test_two_telephones_hear_each_other_and_one_hangs_up() -> None:
    exchange = Exchange(("127.0.0.1", 0))
    await exchange.start()
    caller = Caller(exchange.listen, "110", source=steady(1_000), linger_s=0.2)
    try:
        await caller.place()
        await caller.answered(5.0)
        assert caller.answered_ns is not None
        await asyncio.sleep(1.0)
        assert caller.heard.tone_present(500, caller.answered_ns + 200_000_000, 500)
        callee = exchange.with_number("110")
        assert callee is not None
        assert callee.answered_ns is not None
        assert callee.heard.tone_present(1_000, callee.answered_ns + 200_000_000, 500)
        assert exchange.hang_up(callee.name)
        assert (await caller.over(5.0)).cause == "bye"
    finally:
        caller.close()
        await exchange.stop()


async def test_busy_early_media_and_nobody() -> None:
    exchange = Exchange(("127.0.0.1", 0))
    await exchange.start()
    callers = [
        Caller(exchange.listen, number, linger_s=0.2) for number in ("+4722000002", "+4722000004", "+4722000003")
    ]
    busy, early, never = callers
    try:
        for caller in callers:
            await caller.place()
        ended = await busy.over(5.0)
        assert (ended.cause, ended.status) == ("refused", 486)
        try:
            await never.answered(1.0)
        except TimeoutError:
            await never.hang_up(5.0)
        assert never.ended is not None
        assert never.ended.cause == "cancelled"
        await early.answered(5.0)
    except CallFailedError as problem:
        raise AssertionError(str(problem)) from problem
    finally:
        for caller in callers:
            caller.close()
        await exchange.stop()
