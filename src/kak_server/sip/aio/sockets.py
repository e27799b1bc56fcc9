"""Binding UDP and TCP to one port, with room for a burst of datagrams."""

import errno
import socket

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_BACKLOG = 256
_ATTEMPTS = 20


def bind_pair(host: str, port: int, *, tcp: bool) -> tuple[socket.socket, socket.socket | None]:
    """A bound UDP socket and, with `tcp`, a listening one at the same port (0: any port free for both).

    Raises OSError.
    """
    for attempt in range(_ATTEMPTS):
        udp = _bound(host, port, socket.SOCK_DGRAM)
        if not tcp:
            return udp, None
        try:
            listener = _bound(host, udp.getsockname()[1], socket.SOCK_STREAM)
            listener.listen(_BACKLOG)
        except OSError as problem:
            udp.close()
            if port == 0 and problem.errno == errno.EADDRINUSE and attempt < _ATTEMPTS - 1:
                continue  # free for UDP, taken for TCP: try another
            raise
        return udp, listener
    raise OSError(errno.EADDRINUSE, "no port is free for both UDP and TCP")


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def receive_buffer_bytes(udp: socket.socket) -> int:
    """What the system granted (net.core.rmem_max caps it; Linux reports twice the usable size)."""
    return udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
