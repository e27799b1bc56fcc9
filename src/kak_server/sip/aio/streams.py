"""Stream connections of one listener over one transport: accepted ones, and those we open (RFC 3261 18)."""

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from kak_server.sip.aio.connection import Address, Connection
from kak_server.sip.aio.sockets import plain_host
from kak_server.sip.aio.tls import TlsContexts
from kak_server.sip.api import Flow, Transport
from kak_server.sip.listening import StreamLimits

ACCEPT_PAUSE_S = 0.1  # after a failed accept (no file descriptors left), so that the loop does other things
SHUTDOWN_S = 2.0  # for a peer's part of the end of TLS


class Server(Protocol):
    """What connections need of the shell."""

    def stream_opened(self, flow: Flow, certificate: tuple[str, ...]) -> None: ...
    def stream_data(self, data: bytes, flow: Flow) -> None: ...
    def stream_closed(self, flow: Flow) -> None: ...
    def unreachable(self, flow: Flow) -> None: ...
    def unfinished_message(self, flow: Flow) -> int: ...
    def known_peer(self, host: str) -> bool: ...
    def certificate_names(self, host: str) -> tuple[str, ...]: ...
    def count(self, name: str, detail: str = "") -> None: ...


class Streams:
    """All connections of one listener over TCP or over TLS, by number. Numbers come from `numbers`, which all
    listeners of a server share."""

    def __init__(
        self,
        server: Server,
        limits: StreamLimits,
        *,
        transport: Transport = "tcp",
        listener: str = "main",
        tls: TlsContexts | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.server = server
        self.limits = limits
        self.transport = transport
        self.listener = listener
        self.tls = tls
        self._numbers = numbers or itertools.count(1)
        self._connections: dict[int, Connection] = {}
        self._dialled: dict[Address, Connection] = {}
        self._queued: dict[Address, list[bytes]] = {}
        self._taken: Counter[str] = Counter()  # accepted sockets by address, handshakes included
        self._strangers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._listening: socket.socket | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def listen(self, listening: socket.socket) -> None:
        """Accept connections on a listening socket."""
        self._listening = listening
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listening))

    async def close(self) -> None:
        """Stop accepting and close every connection."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
        while self._connections or self._tasks:
            for connection in list(self._connections.values()):
                connection.abort()
            await asyncio.gather(*(connection.gone for connection in self._connections.values()))
            tasks = list(self._tasks)  # handshakes and dials; those of the connections are ending by themselves
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # From Python 3.12 on, gathering what is over already does not yield; what takes a task from the set would
            # never have its turn.
            self._tasks.difference_update(tasks)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    # --- taking -----------------------------------------------------------------------------------------------------

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as problem:
                self.server.count("sip_accept_failed", str(problem))
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            host = plain_host(address[0])
            known = self.server.known_peer(host)
            refusal = self._refusal(host, known=known)
            if refusal:
                self.server.count("sip_stream_closed", f"{host}: {refusal}")
                accepted.close()
                continue
            self._taken[host] += 1
            self._strangers += not known
            self._spawn(self._take(accepted, host, known=known))

    def _refusal(self, host: str, *, known: bool) -> str:
        """Why there is no room for one more. Strangers can only fill their own part of the room, and one peer its."""
        limits = self.limits
        if self._taken.total() + len(self._dialled) >= limits.max_connections:
            return "too many connections"
        if not known and self._strangers >= limits.max_strangers:
            return "too many connections of strangers"
        return "too many connections of this peer" if self._taken[host] >= limits.max_per_address else ""

    async def _take(self, accepted: socket.socket, host: str, *, known: bool) -> None:
        """One accepted socket from the handshake to its end. Each has its slot as long as it lives."""
        loop = asyncio.get_running_loop()
        connection = Connection(self, None, known=known)
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is None:
                await loop.connect_accepted_socket(lambda: connection, accepted)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection,
                    accepted,
                    ssl=self.tls.server,
                    ssl_handshake_timeout=self.limits.handshake_s,
                    ssl_shutdown_timeout=SHUTDOWN_S,
                )
            await asyncio.shield(connection.gone)
        except OSError as problem:  # a handshake that failed, or took too long
            self.server.count("sip_tls_failed", f"{host}: {problem or 'timed out'}")
            accepted.close()
        finally:
            self._taken[host] -= 1
            if not self._taken[host]:
                del self._taken[host]
            self._strangers -= not known

    def add(self, connection: Connection) -> int:
        """A connection is up: its number."""
        number = next(self._numbers)
        self._connections[number] = connection
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)
        return number

    def remove(self, connection: Connection) -> None:
        """A connection has gone."""
        del self._connections[connection.flow.connection]
        if connection.dialled is not None and self._dialled.get(connection.dialled) is connection:
            del self._dialled[connection.dialled]
        self.server.stream_closed(connection.flow)

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, flow: Flow, data: bytes) -> None:
        """Write to the flow's connection; number 0 means one we have opened, or open now, to its address."""
        connection = self._connections.get(flow.connection)
        if connection is None and not flow.connection:
            address = (flow.host, flow.port, flow.domain)
            connection = self._dialled.get(address)
            if connection is None:
                self._dial(address, data)
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

    def _dial(self, address: Address, data: bytes) -> None:
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
        self._spawn(self._connect(address))

    async def _connect(self, address: Address) -> None:
        loop = asyncio.get_running_loop()
        host, port, domain = address
        context, name = (None, None) if self.tls is None else (self.tls.client, domain or host)
        try:
            async with asyncio.timeout(self.limits.connect_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, address), host, port, ssl=context, server_hostname=name
                )
        except OSError as problem:  # TimeoutError and ssl.SSLError are such
            self._queued.pop(address, None)
            self.server.count("sip_undeliverable", f"{host}:{port}: {problem or 'timed out'}")
            self.server.unreachable(Flow(self.transport, host, port, self.listener, 0, domain))
            return
        waiting = self._queued.pop(address, [])
        if not connection.flow.connection:  # its certificate was for somebody else
            self.server.unreachable(Flow(self.transport, host, port, self.listener, 0, domain))
            return
        self._dialled[address] = connection
        for data in waiting:
            connection.write(data)

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sweep(self) -> None:
        """Close what is idle, stuck in the middle of a message, or does not answer pings any more."""
        self._sweeper = None
        now_s = asyncio.get_running_loop().time()
        for connection in list(self._connections.values()):
            reason = self._overdue(connection, now_s)
            if reason:
                self.server.count("sip_stream_closed", f"{connection.flow.host}: {reason}")
                connection.abort()
        if self._connections:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)

    def _overdue(self, connection: Connection, now_s: float) -> str:
        limits = self.limits
        unfinished = connection.note_progress(self.server.unfinished_message(connection.flow), now_s)
        if now_s - connection.heard_s > (limits.idle_s if connection.known else limits.stranger_idle_s):
            return "idle"
        if unfinished and now_s - connection.unfinished_since_s > limits.unfinished_s:
            return "a message was not finished"
        return "" if connection.keep_alive(now_s) else "no answer to a keep-alive"
