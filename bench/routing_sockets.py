"""The consoles of the routing benchmark: so many operators signed in, seated and subscribed, in a process of their own.

Prints {"open": n} when all listen; on SIGTERM {"messages": n, "seconds": s} of what came since, and ends. Messages are
counted, not read: what a browser does with them is not measured here.
"""

import argparse
import asyncio
import json
import signal
import time

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from kak_sim.robots.client import ApiRefusedError, PositionClient

AT_ONCE = 16


class Listener:
    """One console."""

    def __init__(self, url: str, username: str) -> None:
        self.client = PositionClient(url, username, "lab", verify=False)  # no store of certificates a console
        self.username = username
        self.messages = 0
        self.socket: ClientConnection | None = None
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> bool:
        """Sign in, sit down, subscribe. False: the server would not."""
        try:
            await self.client.sign_in()
            epoch = await self.client.sit_down(self.username)
            url = self.client.base_url.replace("http", "ws", 1) + f"/api/v1/events?seat_epoch={epoch}&batch=1"
            cookie = "; ".join(f"{name}={value}" for name, value in self.client._http.cookies.items())
            self.socket = await connect(
                url,
                additional_headers={"Cookie": cookie},
                max_size=1 << 23,
                compression=None,
                ping_interval=None,
                proxy=None,
            )
        except (ApiRefusedError, ConnectionClosed, OSError, TimeoutError) as problem:
            print(json.dumps({"refused": f"{self.username}: {problem!r}"}), flush=True)
            return False
        self.task = asyncio.create_task(self._read(self.socket))
        return True

    async def _read(self, socket: ClientConnection) -> None:
        number = 0
        try:
            async for text in socket:
                self.messages += 1
                if b'"ping"' in (text if isinstance(text, bytes) else text[-200:].encode()):
                    number += 1
                    await socket.send(json.dumps({"type": "pong"}))
        except ConnectionClosed:
            return


async def run(arguments: argparse.Namespace) -> None:
    """All of them until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listeners = [Listener(arguments.url, name) for name in arguments.names.read().split()]
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(listener: Listener) -> bool:
        async with gate:
            return await listener.open()

    opened = sum(await asyncio.gather(*(one(listener) for listener in listeners)))
    before = sum(listener.messages for listener in listeners)
    began = time.monotonic()
    print(json.dumps({"open": opened}), flush=True)
    await stop.wait()
    alive = sum(listener.task is not None and not listener.task.done() for listener in listeners)
    messages = sum(listener.messages for listener in listeners) - before
    print(json.dumps({"messages": messages, "seconds": time.monotonic() - began, "alive": alive}), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument(
        "--names", type=argparse.FileType(), required=True, help="file of user names, each its own seat"
    )
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
