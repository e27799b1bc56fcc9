"""Reading all RTP sockets at the tick: one epoll for every leg instead of a loop wake-up for every packet.

Audio moves at ticks only, so a packet loses nothing by waiting in the kernel for the next one.
"""

import select
import socket
from collections.abc import Callable
from typing import Any, Protocol

PASSES_MAX = 32  # datagrams read from one socket in one tick; a flood's rest stays in the kernel's bounded buffer
DATAGRAM_BYTES = 2_048
RECEIVE_BUFFER_BYTES = 262_144


class Poller(Protocol):
    """UDP sockets and who reads them."""

    def add(
        self, sock: socket.socket, on_datagram: Callable[[bytes, tuple[str, int]], None], intake: Any = None, /
    ) -> None:
        """Read `sock` (non-blocking) from the next `drain` on; what `intake` takes its reader does not see."""

    def remove(self, sock: socket.socket, /) -> None:
        """To be called before the socket is closed. Idempotent."""

    def drain(self, now_ms: float, /) -> None:
        """Hand every waiting datagram to its reader."""

    def close(self) -> None:
        """Release the epoll descriptor."""


class SocketPoller:
    """The reference."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, tuple[socket.socket, Callable[[bytes, tuple[str, int]], None]]] = {}

    def add(
        self, sock: socket.socket, on_datagram: Callable[[bytes, tuple[str, int]], None], _intake: Any = None, /
    ) -> None:
        """Read `sock` (non-blocking) from the next `drain` on."""
        self._readers[sock.fileno()] = (sock, on_datagram)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def remove(self, sock: socket.socket, /) -> None:
        """To be called before the socket is closed. Idempotent."""
        if sock.fileno() in self._readers:
            del self._readers[sock.fileno()]
            self._epoll.unregister(sock.fileno())

    def drain(self, _now_ms: float, /) -> None:
        """Hand every waiting datagram to its reader."""
        if not self._readers:
            return
        for _ in range(PASSES_MAX):
            ready = self._epoll.poll(0, len(self._readers))
            if not ready:
                return
            for descriptor, _event in ready:
                sock, on_datagram = self._readers[descriptor]
                try:
                    data, address = sock.recvfrom(DATAGRAM_BYTES)
                except (BlockingIOError, ConnectionError):
                    continue  # an ICMP error of an earlier send: the peer's port is shut, which leg.silent will tell
                on_datagram(data, address)

    def close(self) -> None:
        """Release the epoll descriptor."""
        self._readers.clear()
        self._epoll.close()


def bind_udp(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket. Raises OSError (EADDRINUSE, EADDRNOTAVAIL)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
