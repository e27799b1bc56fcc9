"""One listener of the SIP shell: its UDP socket, its TCP and its TLS connections."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Protocol

from kak_server.sip.aio.sockets import bind_pair, listening, plain_host, receive_buffer_bytes, socket_host, unread_bytes
from kak_server.sip.aio.streams import Server as StreamServer
from kak_server.sip.aio.streams import Streams
from kak_server.sip.aio.tls import TlsContexts
from kak_server.sip.api import Flow
from kak_server.sip.listening import ListenSpec

MAX_UDP_BACKLOG_BYTES = 4 * 1024 * 1024  # unsent datagrams; more are dropped: UDP peers ask again
MAX_REMEMBERED_PEERS = 4_096


class Server(StreamServer, Protocol):
    """What a listener needs of the shell."""

    def datagram(self, data: bytes, flow: Flow) -> None: ...


class Listener:
    """Sockets of one ListenSpec. `port` and `tls_port` are known after `start`."""

    def __init__(self, server: Server, spec: ListenSpec, numbers: Iterator[int]) -> None:
        self.server = server
        self.spec = spec
        self.port = spec.port
        self.tls_port = spec.tls_port
        self.tls: TlsContexts | None = None
        self.tcp = Streams(server, spec.limits, listener=spec.name, numbers=numbers)
        self.secure: Streams | None = None
        self._numbers = numbers
        self._udp: asyncio.DatagramTransport | None = None
        self._socket: socket.socket | None = None
        self._family = socket.AF_INET
        self._udp_gone = asyncio.Event()
        self._flows: dict[tuple[str, int], Flow] = {}  # a few peers send most datagrams

    async def start(self) -> str:
        """Listen; what was granted, for the log. Raises OSError when an address is taken or a certificate unusable."""
        spec = self.spec
        granted = ""
        if spec.tls is not None and "tls" in spec.transports:
            self.tls = TlsContexts(spec.tls, self.server.count)
        if "udp" in spec.transports:
            tcp = "tcp" in spec.transports
            udp, listener = bind_pair(spec.host, spec.port, tcp=tcp, dual_stack=spec.dual_stack)
            self.port, self._family = udp.getsockname()[1], udp.family
            self._socket = udp
            granted = f"UDP receive buffer {receive_buffer_bytes(udp)} bytes"
            loop = asyncio.get_running_loop()
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _UdpProtocol(self), sock=udp)
            if listener is not None:
                self.tcp.listen(listener)
        elif "tcp" in spec.transports:
            listener = listening(spec.host, spec.port, dual_stack=spec.dual_stack)
            self.port = listener.getsockname()[1]
            self.tcp.listen(listener)
        if self.tls is not None:
            listener = listening(spec.host, spec.tls_port, dual_stack=spec.dual_stack)
            self.tls_port = listener.getsockname()[1]
            self.secure = Streams(
                self.server, spec.limits, transport="tls", listener=spec.name, tls=self.tls, numbers=self._numbers
            )
            self.secure.listen(listener)
        return granted

    async def stop(self) -> None:
        """Close everything."""
        await self.tcp.close()
        if self.secure is not None:
            await self.secure.close()
        if self._udp is not None:
            self._udp.close()
            await self._udp_gone.wait()
            self._udp = self._socket = None

    @property
    def waiting_bytes(self) -> int:
        """What has arrived on UDP and is not read, as the system counts it; 0 where it does not say."""
        return 0 if self._socket is None else unread_bytes(self._socket)

    def send(self, flow: Flow, data: bytes) -> None:
        """Put it on the wire, or count why not."""
        if flow.transport == "tcp":
            self.tcp.send(flow, data)
        elif flow.transport == "tls":
            if self.secure is None:
                self.server.count("sip_undeliverable", f"{flow.host}: no TLS on listener {self.spec.name}")
                self.server.unreachable(flow)
            else:
                self.secure.send(flow, data)
        elif self._udp is None or self._udp.is_closing():
            self.server.count("sip_undeliverable", "the UDP socket is closed")
        # asyncio's and uvloop's datagram transports both have it; the type stubs do not
        elif self._udp.get_write_buffer_size() > MAX_UDP_BACKLOG_BYTES:  # type: ignore[attr-defined]
            self.server.count("sip_undeliverable", "the UDP socket does not take more")
        else:
            self._send_datagram(flow, data, self._udp)

    def _send_datagram(self, flow: Flow, data: bytes, udp: asyncio.DatagramTransport) -> None:
        try:
            udp.sendto(data, (socket_host(flow.host, self._family), flow.port))
        except (OSError, ValueError) as problem:  # no route, or an address of the other family
            self.server.count("sip_undeliverable", f"{flow.host}:{flow.port}: {problem}")
            self.server.unreachable(flow)

    def close_connection(self, flow: Flow) -> None:
        """Close after what is already written."""
        streams = self.secure if flow.transport == "tls" else self.tcp
        if streams is not None:
            streams.close_connection(flow)

    def renew_tls(self, *, force: bool) -> bool:
        """As `TlsContexts.renew`."""
        return self.tls is not None and self.tls.renew(force=force)

    def datagram(self, data: bytes, host: str, port: int) -> None:
        """A datagram arrived."""
        flow = self._flows.get((host, port))
        if flow is None:
            if len(self._flows) >= MAX_REMEMBERED_PEERS:
                self._flows.clear()  # strangers with many addresses must not grow it for ever
            flow = self._flows[host, port] = Flow("udp", plain_host(host), port, self.spec.name)
        self.server.datagram(data, flow)

    def udp_closed(self, problem: Exception | None) -> None:
        """The UDP socket has gone."""
        if problem is not None:
            self.server.count("sip_socket_lost", str(problem))
        self._udp_gone.set()


class _UdpProtocol(asyncio.DatagramProtocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._listener.datagram(data, addr[0], addr[1])

    def error_received(self, exc: Exception) -> None:
        self._listener.server.count("sip_undeliverable", str(exc))  # ICMP says the peer's port is closed

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.udp_closed(exc)
