"""The callers of the call benchmark, in a process of their own: evenly spaced calls that talk a short time.

Prints one JSON list of what became of each call when the last is over.
"""

import argparse
import asyncio
import gc
import json
import time
from typing import Any

import uvloop

from kak_sim.callers.caller import Caller, CallFailedError
from kak_sim.callers.sound import steady

PATIENCE_S = 60.0


async def call(server: tuple[str, int], number: str, caller: str, talk_s: float) -> dict[str, Any]:
    """One call from INVITE to the end."""
    phone = Caller(server, number, caller, source=steady(440), keep_sound=False, linger_s=0.3)
    outcome = ""
    try:
        await phone.place()
        await phone.answered(PATIENCE_S)
        await asyncio.sleep(talk_s)
        await phone.hang_up(10)
    except (CallFailedError, TimeoutError) as problem:
        outcome = f"{type(problem).__name__} {problem}".strip()
        phone.close()
    return {
        "caller": caller,
        "invited_ns": phone.invited_ns,
        "rang_ns": phone.rang_ns,
        "answered_ns": phone.answered_ns,
        "heard": phone.rtp.received,
        "retransmissions": phone.sip.retransmissions,
        "outcome": outcome or (phone.ended.cause if phone.ended is not None else "?"),
    }


async def run(arguments: argparse.Namespace) -> None:
    """Calls at the rate for the time, then wait for the last."""
    host, _, port = arguments.server.rpartition(":")
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    tasks = []
    for number in range(int(arguments.rate * arguments.seconds)):
        await asyncio.sleep(max(0.0, begin_s + number / arguments.rate - loop.time()))
        name = f"+47{arguments.first + number}"
        called = arguments.numbers[number % len(arguments.numbers)]
        tasks.append(asyncio.create_task(call((host, int(port)), called, name, arguments.talk_ms / 1000)))
    sent_ns = time.time_ns()
    calls = await asyncio.gather(*tasks)
    print(json.dumps({"sent_ns": sent_ns, "calls": calls}), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="HOST:PORT")
    parser.add_argument("--numbers", nargs="+", default=["113"], help="called by turns")
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--talk-ms", type=int, required=True)
    parser.add_argument("--first", type=int, required=True, help="number of the first caller, 8 digits")
    gc.freeze()  # a collector's pause here would be measured as the server's
    gc.set_threshold(50_000)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
