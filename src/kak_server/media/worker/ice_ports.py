"""The UDP ports ICE may use, and the addresses browsers reach this machine at."""

import asyncio
import errno
from collections.abc import Callable
from typing import TypeVar

ProtocolT = TypeVar("ProtocolT", bound=asyncio.DatagramProtocol)


class NoIcePortError(Exception):
    """Every port of the range is taken, or none of the addresses is this machine's."""


class IcePorts:
    """Hands out ports of one range, going round, so that a port just freed is the last to be used again."""

    def __init__(self, first: int, last: int, addresses: tuple[str, ...]) -> None:
        self.addresses = addresses
        self._first = first
        self._count = last - first + 1
        self._next = 0

    async def bind(self, address: str, factory: Callable[[], ProtocolT]) -> ProtocolT:
        """A datagram endpoint on a free port. Raises NoIcePortError."""
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            port = self._first + self._next
            self._next = (self._next + 1) % self._count
            try:
                _transport, protocol = await loop.create_datagram_endpoint(factory, local_addr=(address, port))
            except OSError as problem:
                if problem.errno == errno.EADDRINUSE:
                    continue
                raise NoIcePortError(f"{address}: {problem}") from problem
            return protocol
        raise NoIcePortError(f"{address}: all {self._count} ICE ports are taken")
