"""One stream connection of the SIP shell, TCP or TLS, accepted or dialled."""

import asyncio
from typing import TYPE_CHECKING, cast

from kak_server.sip.aio.sockets import plain_host
from kak_server.sip.aio.tls import certificate_names
from kak_server.sip.api import Flow

if TYPE_CHECKING:
    from kak_server.sip.aio.streams import Streams

PING = b"\r\n\r\n"  # RFC 5626 3.5.1
PONG = b"\r\n"
Address = tuple[str, int, str]  # host, port, and for TLS the name its certificate must carry


class Connection(asyncio.Protocol):
    """Feeds the core what arrives, and knows how long the peer has been silent."""

    def __init__(self, streams: "Streams", dialled: Address | None, *, known: bool = True) -> None:
        self._streams = streams
        self._transport: asyncio.Transport | None = None
        self.dialled = dialled
        self.known = known  # from an address of a trunk, or dialled by us
        self.flow = Flow(streams.transport, "", 0, streams.listener)
        self.heard_s = 0.0
        self.unfinished_since_s = 0.0
        self._unfinished_message = 0
        self._pinged_s = 0.0  # 0: no ping is waiting for its answer
        self._ponger = False  # the peer has answered a ping before
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's stream transports are not asyncio.Transport by inheritance
        self._transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        host = plain_host(peer[0])
        names = self._names()
        problem = self._unproved(host, names)
        if problem:
            self._streams.server.count("sip_tls_refused", problem)
            transport.abort()
            return
        number = self._streams.add(self)
        self.heard_s = asyncio.get_running_loop().time()
        domain = self.dialled[2] if self.dialled is not None else ""
        self.flow = Flow(self._streams.transport, host, peer[1], self._streams.listener, number, domain)
        self._streams.server.stream_opened(self.flow, names)

    def _names(self) -> tuple[str, ...]:
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return certificate_names(tls.getpeercert()) if tls is not None else ()

    def _unproved(self, host: str, names: tuple[str, ...]) -> str:
        """Why a peer we have dialled is not whom we mean; "" when it is."""
        tls = self._streams.tls
        if self.dialled is None or tls is None or not tls.names_proved:
            return ""
        wanted = {(self.dialled[2] or host).lower(), *self._streams.server.certificate_names(host)}
        if wanted & set(names):
            return ""
        return f"{host}: the certificate is for {', '.join(names)[:200] or 'nobody'}, not for {sorted(wanted)[0]}"

    def data_received(self, data: bytes) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        if self._pinged_s:
            self._ponger = self._ponger or data == PONG
            self._pinged_s = 0.0
        if self.flow.connection and self._transport is not None and not self._transport.is_closing():
            self._streams.server.stream_data(data, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.flow.connection:
            self._streams.remove(self)
        if not self.gone.done():
            self.gone.set_result(None)

    def note_progress(self, unfinished_message: int, now_s: float) -> bool:
        """Remember since when the same message has been unfinished, as the sweeps see it; whether one is."""
        if unfinished_message != self._unfinished_message:
            self.unfinished_since_s = now_s
        self._unfinished_message = unfinished_message
        return unfinished_message > 0

    def keep_alive(self, now_s: float) -> bool:
        """Ping a silent peer; False when one that has answered pings before does not answer this one."""
        limits = self._streams.limits
        if self._pinged_s:
            # RFC 5626 4.4.1; of a peer that has never answered nothing is known: OPTIONS pings find out
            return not (self._ponger and now_s - self._pinged_s > limits.pong_s)
        if limits.keepalive_s and self.known and now_s - self.heard_s > limits.keepalive_s:
            self._pinged_s = now_s
            self.write(PING)
        return True

    def write(self, data: bytes) -> None:
        """Write, unless the peer has stopped reading."""
        if self._transport is None or self._transport.is_closing():
            self._streams.server.count("sip_undeliverable", f"connection to {self.flow.host} is closing")
        elif self._transport.get_write_buffer_size() > self._streams.limits.max_write_bytes:
            self._streams.server.count("sip_stream_closed", f"{self.flow.host}: does not read")
            self._transport.abort()
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close when everything is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
