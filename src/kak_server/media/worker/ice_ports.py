"""The UDP ports ICE may use, and the addresses browsers reach this machine at."""

import asyncio
import errno
from collections.abc import Callable
from typing import TypeVar

from kak_server.media.worker.ports import bind_udp

ProtocolT = TypeVar("ProtocolT", bound=asyncio.DatagramProtocol)


_WILDCARD = {False: "0.0.0.0", True: "::"}


class NoIcePortError(Exception):
    """Every port of the range is taken, or the address cannot be bound."""


class IcePorts:
    """Hands out ports of one range, going round, so that a port just freed is the last to be used again."""

    def __init__(self, first: int, last: int, addresses: tuple[str, ...]) -> None:
        self.addresses = addresses
        self._first = first
        self._count = last - first + 1
        self._next = 0

    async def bind(self, address: str, factory: Callable[[], ProtocolT]) -> ProtocolT:
        """A datagram endpoint on a free port. Raises NoIcePortError.

        An address that is not this machine's (a container's host, a NAT's outside) is bound on all interfaces; it is
        advertised as it was given.
        """
        loop = asyncio.get_running_loop()
        bind_to = address
        for _ in range(self._count + 1):
            port = self._first + self._next
            self._next = (self._next + 1) % self._count
            try:
                sock = bind_udp(bind_to, port)  # ours, not the loop's: that would look the address up in a thread
            except OSError as problem:
                if problem.errno == errno.EADDRNOTAVAIL and bind_to == address:
                    bind_to = _WILDCARD[":" in address]
                    continue
                if problem.errno == errno.EADDRINUSE:
                    continue
                raise NoIcePortError(f"{address}: {problem}") from problem
            _transport, protocol = await loop.create_datagram_endpoint(factory, sock=sock)
            return protocol
        raise NoIcePortError(f"{address}: all {self._count} ICE ports are taken")
