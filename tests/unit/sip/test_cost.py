"""What a call costs, in Python function calls: the same on every machine, however busy, unlike time."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

from tests.unit.sip.uac import ANSWER, PEER, Bench, Caller

CALLS = 50
# INVITE, answer, ACK, BYE through the core. It was 254 when this was written; a change that needs more should know it.
MOST_FUNCTION_CALLS = 270


def test_a_call_takes_no_more_function_calls_than_it_did() -> None:
    bench = Bench()
    core = bench.core
    core.drain()
    callers = [Caller(call_id=f"{n}@x", tag=f"t{n}", branch=f"z9hG4bKcost{n}") for n in range(CALLS + 5)]
    counted = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        if event == "call" and "kak_server" in frame.f_code.co_filename:
            counted += 1

    def measured(work: Callable[[], object], number: int) -> None:
        sys.setprofile(count if number >= 5 else None)  # the first few fill what is remembered
        try:
            work()
        finally:
            sys.setprofile(None)

    for number, caller in enumerate(callers):
        invite = caller.invite().encode()
        measured(partial(core.datagram, invite, PEER, bench.now_ms), number)
        call = next(reversed(core.calls()))
        measured(partial(core.answer, call, ANSWER, bench.now_ms), number)
        caller.to_tag = bench.drain().sent[-1][1].to_tag
        for text in (caller.ack(), caller.later("BYE")):
            measured(partial(core.datagram, text.encode(), PEER, bench.now_ms), number)
            bench.drain()
    assert [reply.status for _, reply in bench.sent] == [200, 200] * len(callers)
    assert counted / CALLS <= MOST_FUNCTION_CALLS
