"""TCP connections of the SIP shell: accepted ones, and those we open because the old one has gone (RFC 3261 18)."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Protocol, cast

from kak_server.sip.api import Flow


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds on connections."""

    max_connections: int = 1000
    idle_s: float = 900.0  # nothing received for so long: closed
    unfinished_s: float = 30.0  # a message begun and not finished in this time: closed
    max_write_bytes: int = 1024 * 1024  # unsent bytes of one peer that does not read: closed
    max_queued_messages: int = 64  # waiting for one outgoing connection
    connect_timeout_s: float = 5.0
    sweep_s: float = 5.0


class Server(Protocol):
    """What connections need of the shell."""

    def stream_data(self, data: bytes, flow: Flow) -> None: ...
    def stream_closed(self, flow: Flow) -> None: ...
    def unfinished_message(self, flow: Flow) -> int: ...
    def count(self, name: str, detail: str = "") -> None: ...


class Streams:
    """All connections of one listener, by number."""

    def __init__(self, server: Server, limits: StreamLimits) -> None:
        self.server = server
        self.limits = limits
        self._connections: dict[int, Connection] = {}
        self._dialled: dict[tuple[str, int], Connection] = {}
        self._queued: dict[tuple[str, int], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._connections)

    async def listen(self, listener: socket.socket) -> None:
        """Accept connections on a listening socket."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self, None), sock=listener)

    async def close(self) -> None:
        """Stop accepting and close every connection."""
        if self._listener is not None:
            self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        closing = [connection.gone for connection in self._connections.values()]
        for connection in list(self._connections.values()):
            connection.abort()
        await asyncio.gather(*closing)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def send(self, flow: Flow, data: bytes) -> None:
        """Write to the flow's connection; number 0 means one we have opened, or open now, to its address."""
        connection = self._connections.get(flow.connection)
        if connection is None and not flow.connection:
            connection = self._dialled.get((flow.host, flow.port))
            if connection is None:
                self._dial((flow.host, flow.port), data)
                return
        if connection is None:
            self.server.count("sip_undeliverable", f"connection to {flow.host} has gone")
        else:
            connection.write(data)

    def close_connection(self, flow: Flow) -> None:
        """Close after what is already written."""
        connection = self._connections.get(flow.connection)
        if connection is not None:
            connection.close()

    def add(self, connection: "Connection") -> int:
        """A connection is up: its number, or 0 when there are too many."""
        if len(self._connections) >= self.limits.max_connections:
            return 0
        self._last_number += 1
        self._connections[self._last_number] = connection
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)
        return self._last_number

    def remove(self, connection: "Connection") -> None:
        """A connection has gone."""
        del self._connections[connection.flow.connection]
        if connection.dialled is not None:
            self._dialled.pop(connection.dialled, None)
        self.server.stream_closed(connection.flow)

    def _dial(self, address: tuple[str, int], data: bytes) -> None:
        queue = self._queued.get(address)
        if queue is not None:
            if len(queue) < self.limits.max_queued_messages:
                queue.append(data)
            else:
                self.server.count("sip_undeliverable", f"too much waits for a connection to {address[0]}")
            return
        if len(self._queued) + len(self._connections) >= self.limits.max_connections:
            self.server.count("sip_undeliverable", f"no connection free for {address[0]}")
            return
        self._queued[address] = [data]
        task = asyncio.get_running_loop().create_task(self._connect(address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limits.connect_timeout_s):
                _, connection = await loop.create_connection(lambda: Connection(self, address), *address)
        except OSError as problem:  # TimeoutError is one
            self.server.count("sip_undeliverable", f"{address[0]}:{address[1]}: {problem or 'timed out'}")
            return
        finally:
            waiting = self._queued.pop(address, [])
        if connection.flow.connection:
            self._dialled[address] = connection
            for data in waiting:
                connection.write(data)

    def _sweep(self) -> None:
        """Close what is idle or stuck in the middle of a message."""
        self._sweeper = None
        now_s = asyncio.get_running_loop().time()
        for connection in list(self._connections.values()):
            unfinished = connection.note_progress(self.server.unfinished_message(connection.flow), now_s)
            if now_s - connection.heard_s > self.limits.idle_s:
                self.server.count("sip_stream_closed", f"{connection.flow.host}: idle")
                connection.abort()
            elif unfinished and now_s - connection.unfinished_since_s > self.limits.unfinished_s:
                self.server.count("sip_stream_closed", f"{connection.flow.host}: a message was not finished")
                connection.abort()
        if self._connections:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)


class Connection(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, streams: Streams, dialled: tuple[str, int] | None) -> None:
        self._streams = streams
        self._transport: asyncio.Transport | None = None
        self.dialled = dialled
        self.flow = Flow("tcp", "", 0)
        self.heard_s = 0.0
        self.unfinished_since_s = 0.0
        self._unfinished_message = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's stream transports are not asyncio.Transport by inheritance
        self._transport = transport = cast(asyncio.Transport, transport)
        number = self._streams.add(self)
        peer = transport.get_extra_info("peername") or ("", 0)
        if not number:
            self._streams.server.count("sip_stream_closed", f"{peer[0]}: too many connections")
            transport.abort()
            return
        self.heard_s = asyncio.get_running_loop().time()
        self.flow = Flow("tcp", peer[0], peer[1], connection=number)

    def data_received(self, data: bytes) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        if self._transport is not None and not self._transport.is_closing():
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
