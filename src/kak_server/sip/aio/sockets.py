"""Binding UDP and TCP to one port, with room for a burst of datagrams; addresses as sockets write them."""

import errno
import socket
import struct

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_BACKLOG = 256
_ATTEMPTS = 20
_MAPPED = "::ffff:"
_SO_MEMINFO = 55  # Linux, linux/sock_diag.h: what the receive queue takes stands first
_MEMORY = struct.Struct("I")


def bind_pair(
    host: str, port: int, *, tcp: bool, dual_stack: bool = False
) -> tuple[socket.socket, socket.socket | None]:
    """A bound UDP socket and, with `tcp`, a listening one at the same port (0: any port free for both).

    Raises OSError.
    """
    for attempt in range(_ATTEMPTS):
        udp = bound(host, port, socket.SOCK_DGRAM, dual_stack=dual_stack)
        if not tcp:
            return udp, None
        try:
            listener = listening(host, udp.getsockname()[1], dual_stack=dual_stack)
        except OSError as problem:
            udp.close()
            if port == 0 and problem.errno == errno.EADDRINUSE and attempt < _ATTEMPTS - 1:
                continue  # free for UDP, taken for TCP: try another
            raise
        return udp, listener
    raise OSError(errno.EADDRINUSE, "no port is free for both UDP and TCP")


def listening(host: str, port: int, *, dual_stack: bool = False) -> socket.socket:
    """A listening TCP socket. Raises OSError."""
    listener = bound(host, port, socket.SOCK_STREAM, dual_stack=dual_stack)
    try:
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def bound(host: str, port: int, kind: socket.SocketKind, *, dual_stack: bool = False) -> socket.socket:
    """A socket that does not block, bound to an address. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            # Said explicitly: the system's default differs, and an IPv4 listener may want the same port
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual_stack else 1)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def receive_buffer_bytes(udp: socket.socket) -> int:
    """What the system granted (net.core.rmem_max caps it; Linux reports twice the usable size)."""
    return udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def unread_bytes(udp: socket.socket) -> int:
    """Memory that datagrams nobody has read take up in the system; 0 where it does not say."""
    try:
        (unread,) = _MEMORY.unpack(udp.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMORY.size))
    except (OSError, struct.error):
        return 0
    return int(unread)


def plain_host(host: str) -> str:
    """A peer's address as the core knows it: an IPv4 peer of a dual-stack socket without its IPv6 clothes."""
    return host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host


def socket_host(host: str, family: int) -> str:
    """The reverse, for sending through a socket of `family`."""
    return f"{_MAPPED}{host}" if family == socket.AF_INET6 and ":" not in host else host
