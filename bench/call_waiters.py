"""Thousands who call and wait, in one process: telephones that speak SIP only, on a few sockets, for the benchmark with
a disaster's queue.

Prints {"waiting": n, "failed": m} when all ring; whoever is answered talks a while and hangs up; on SIGTERM one JSON
list of those whose call was answered or is over, and ends.
"""

import argparse
import asyncio
import gc
import json
import re
import secrets
import signal
import socket
import time
from typing import Any

import uvloop

from kak_sim.callers.uac import Answered, Ended, Ringing, Uac
from kak_sim.callers.wire import Line

SOCKETS = 16
BUFFER_BYTES = 8 << 20
CALL_ID = re.compile(rb"^Call-ID:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
TICK_S = 0.05


class Waiter:
    """One who calls."""

    def __init__(self, uac: Uac, caller: str, queue: str, transport: asyncio.DatagramTransport) -> None:
        self.uac = uac
        self.caller = caller
        self.queue = queue
        self.transport = transport
        self.invited_ns = self.rang_ns = self.answered_ns = 0
        self.outcome = ""

    def row(self) -> dict[str, Any]:
        """What became of it."""
        return {
            "caller": self.caller,
            "queue": self.queue,
            "invited_ns": self.invited_ns,
            "rang_ns": self.rang_ns,
            "answered_ns": self.answered_ns,
            "outcome": self.outcome,
        }


class Crowd(asyncio.DatagramProtocol):
    """All of them."""

    def __init__(self, server: tuple[str, int], talk_s: float, patience_s: float) -> None:
        self.server = server
        self.talk_s = talk_s
        self.patience_s = patience_s  # until one who is not answered gives up; 0: never
        self.by_call: dict[bytes, Waiter] = {}
        self.busy: dict[Waiter, None] = {}  # have something to send again
        self.there = self.failed = 0  # heard that it rings or were answered; were refused or heard nothing
        self._sockets: list[asyncio.DatagramTransport] = []
        self._sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # where the sound of all of them goes, unheard
        self._sound.bind(("127.0.0.1", 0))

    async def open(self) -> None:
        """The sockets, each for a part of the crowd."""
        loop = asyncio.get_running_loop()
        for _ in range(SOCKETS):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)
            self._sockets.append(transport)
        loop.call_later(TICK_S, self._tick)

    def call(self, number: str, caller: str) -> None:
        """One more."""
        transport = self._sockets[len(self.by_call) % SOCKETS]
        port = transport.get_extra_info("sockname")[1]
        line = Line(number, caller, *self.server, "127.0.0.1", port)
        uac = Uac(line, self._sound.getsockname()[1], lambda: secrets.token_hex(6))
        waiter = Waiter(uac, caller, number, transport)
        self.by_call[uac.call_id.encode()] = waiter
        waiter.invited_ns = time.time_ns()
        uac.start(_now_ms())
        self._flush(waiter)
        if self.patience_s:
            asyncio.get_running_loop().call_later(self.patience_s, self._hang_up, waiter)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """To whom it is for."""
        found = CALL_ID.search(data)
        waiter = self.by_call.get(found[1].strip()) if found is not None else None
        if waiter is not None:
            waiter.uac.receive(data, _now_ms())
            self._flush(waiter)

    def _flush(self, waiter: Waiter) -> None:
        datagrams, events = waiter.uac.drain()
        for datagram in datagrams:
            waiter.transport.sendto(datagram, self.server)
        for event in events:
            if isinstance(event, Ringing) and not waiter.rang_ns:
                waiter.rang_ns = time.time_ns()
                self.there += 1
            elif isinstance(event, Answered):
                waiter.answered_ns = time.time_ns()
                self.there += not waiter.rang_ns
                asyncio.get_running_loop().call_later(self.talk_s, self._hang_up, waiter)
            elif isinstance(event, Ended):
                waiter.outcome = f"{event.cause} {event.status}".strip()
                self.failed += event.cause not in ("hung-up", "cancelled")
        if waiter.uac.next_timer_at_ms() is not None:
            self.busy[waiter] = None
        else:
            self.busy.pop(waiter, None)

    def _hang_up(self, waiter: Waiter) -> None:
        """BYE, or CANCEL of one who still rings; harmless when it is over."""
        waiter.uac.hang_up(_now_ms())
        self._flush(waiter)

    def _tick(self) -> None:
        now_ms = _now_ms()
        for waiter in [one for one in self.busy if (one.uac.next_timer_at_ms() or now_ms) <= now_ms]:
            waiter.uac.timer(now_ms)
            self._flush(waiter)
        asyncio.get_running_loop().call_later(TICK_S, self._tick)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


async def run(arguments: argparse.Namespace) -> None:
    """Call, wait, and be served until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    host, _, port = arguments.server.rpartition(":")
    numbers = arguments.numbers.read().split()
    crowd = Crowd((host, int(port)), arguments.talk_ms / 1000, arguments.give_up_ms / 1000)
    await crowd.open()
    begin_s = loop.time()
    for number in range(arguments.count):
        await asyncio.sleep(max(0.0, begin_s + number / arguments.rate - loop.time()))
        crowd.call(numbers[number % len(numbers)], f"+47{arguments.first + number}")
    deadline_s = loop.time() + arguments.patience_s
    while crowd.there + crowd.failed < arguments.count and loop.time() < deadline_s:  # noqa: ASYNC110 - once a run
        await asyncio.sleep(0.1)
    gc.collect()
    gc.freeze()
    print(json.dumps({"waiting": crowd.there, "failed": crowd.failed, "seconds": loop.time() - begin_s}), flush=True)
    await stop.wait()
    rows = [waiter.row() for waiter in crowd.by_call.values() if waiter.answered_ns or waiter.outcome]
    print(json.dumps(rows), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="HOST:PORT")
    parser.add_argument("--numbers", type=argparse.FileType(), required=True, help="file of numbers, called by turns")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    parser.add_argument("--talk-ms", type=int, required=True)
    parser.add_argument("--give-up-ms", type=int, default=0, help="who is not answered by then hangs up; 0: nobody")
    parser.add_argument("--first", type=int, required=True, help="number of the first caller, 8 digits")
    parser.add_argument("--patience-s", type=float, default=60.0)
    gc.set_threshold(50_000)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
