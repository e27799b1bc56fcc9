"""The asyncio shell of the SIP core: a UDP socket, TCP connections, one timer. Feed, drain, carry out, re-arm."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kak_server.model.codec import Json
from kak_server.model.ids import CallId
from kak_server.sip.aio.sockets import bind_pair, receive_buffer_bytes
from kak_server.sip.aio.streams import StreamLimits, Streams
from kak_server.sip.api import (
    Close,
    Count,
    DeleteRecord,
    Emit,
    Flow,
    IncomingCall,
    Output,
    PutRecord,
    Send,
    SipEvent,
)
from kak_server.sip.core import SipCore

MAX_UDP_BACKLOG_BYTES = 4 * 1024 * 1024  # unsent datagrams; more are dropped: UDP peers ask again


@dataclass(frozen=True, slots=True)
class House:
    """Where the core's outputs go. All are called on the loop and return at once."""

    on_event: Callable[[SipEvent], None]
    put_record: Callable[[str, Mapping[str, Json]], None]
    delete_record: Callable[[str], None]
    count: Callable[[Count], None]


class SipServer:
    """One listener of one core, on UDP and TCP at the same port.

    `clock` gives UTC milliseconds. Outputs leave in order: a record has been handed to `put_record`, and that has
    returned, before the datagram behind it is sent. `on_event` may call the commands; what they put out follows
    after the outputs already waiting.
    """

    def __init__(
        self,
        core: SipCore,
        *,
        clock: Callable[[], int],
        on_event: Callable[[SipEvent], None],
        put_record: Callable[[str, Mapping[str, Json]], None],
        delete_record: Callable[[str], None],
        count: Callable[[Count], None],
        limits: StreamLimits | None = None,
    ) -> None:
        self._core = core
        self._clock = clock
        self._house = House(on_event, put_record, delete_record, count)
        self._streams = Streams(self, limits or StreamLimits())
        self._udp: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms: int | None = None
        self._flushing = False
        self._stopped = asyncio.Event()
        self.port = 0

    async def start(self, host: str, port: int, *, tcp: bool = True) -> None:
        """Listen on UDP, and on TCP at the same port (0: any free one). Raises OSError when it cannot."""
        loop = asyncio.get_running_loop()
        udp, listener = bind_pair(host, port, tcp=tcp)
        self.port = udp.getsockname()[1]
        granted = receive_buffer_bytes(udp)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _UdpProtocol(self), sock=udp)
        if listener is not None:
            await self._streams.listen(listener)
        self._house.count(Count("sip_listening", {"port": str(self.port)}, f"UDP receive buffer {granted} bytes"))
        self.flush()

    async def stop(self) -> None:
        """Close everything. Calls are left as they are: their records bring them back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._streams.close()
        if self._udp is not None:
            self._udp.close()
            await self._stopped.wait()
            self._udp = None

    # --- what comes in ----------------------------------------------------------------------------------------------

    def datagram(self, data: bytes, address: tuple[str, int]) -> None:
        """A datagram arrived."""
        self._core.datagram(data, Flow("udp", address[0], address[1]), self._clock())
        self.flush()

    def stream_data(self, data: bytes, flow: Flow) -> None:
        """Bytes arrived on a connection."""
        self._core.stream_data(data, flow, self._clock())
        self.flush()

    def stream_closed(self, flow: Flow) -> None:
        """A connection has gone."""
        self._core.stream_closed(flow, self._clock())
        self.flush()

    def unfinished_message(self, flow: Flow) -> int:
        """Which message on the connection is begun and not whole, 0 for none."""
        return self._core.unfinished_message(flow)

    def count(self, name: str, detail: str = "") -> None:
        """Something of the shell's own to count."""
        self._house.count(Count(name, {}, detail))

    def udp_closed(self, problem: Exception | None) -> None:
        """The UDP socket has gone."""
        if problem is not None:
            self.count("sip_socket_lost", str(problem))
        self._stopped.set()

    # --- commands ---------------------------------------------------------------------------------------------------

    def ring(self, call: CallId) -> bool:
        """As `SipCore.ring`."""
        return self.command(lambda core, now_ms: core.ring(call, now_ms))

    def progress(self, call: CallId, sdp: str) -> bool:
        """As `SipCore.progress`."""
        return self.command(lambda core, now_ms: core.progress(call, sdp, now_ms))

    def answer(self, call: CallId, sdp: str) -> bool:
        """As `SipCore.answer`."""
        return self.command(lambda core, now_ms: core.answer(call, sdp, now_ms))

    def reject(self, call: CallId, status: int, reason: str = "") -> bool:
        """As `SipCore.reject`."""
        return self.command(lambda core, now_ms: core.reject(call, status, now_ms, reason))

    def hangup(self, call: CallId, reason: str = "") -> bool:
        """As `SipCore.hangup`."""
        return self.command(lambda core, now_ms: core.hangup(call, now_ms, reason))

    def probe(self, call: CallId) -> bool:
        """As `SipCore.probe`."""
        return self.command(lambda core, now_ms: core.probe(call, now_ms))

    def restore(self, records: Mapping[str, Mapping[str, Json]]) -> None:
        """As `SipCore.restore`; after `start`, so that what goes out again has a socket to leave by."""
        self._core.restore(records, self._clock())
        for view in self._core.calls().values():
            self._trace_call(view.incoming)
        self.flush()

    def command(self, run: Callable[[SipCore, int], bool]) -> bool:
        """Run a command on the core and carry out what comes of it."""
        done = run(self._core, self._clock())
        self.flush()
        return done

    # --- what goes out ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Carry out what the core has put out. Called again from inside (on_event ran a command) it leaves the work
        to the loop already running, which keeps the order."""
        if self._flushing:
            return
        self._flushing = True
        try:
            while outputs := self._core.drain():
                for output in outputs:
                    self._carry_out(output)
        finally:
            self._flushing = False
        self._rearm()

    def _carry_out(self, output: Output) -> None:
        if isinstance(output, Send):
            self._core.trace.record(self._clock(), True, output.flow, output.data)
            self._send(output.flow, output.data)
        elif isinstance(output, PutRecord):
            self._house.put_record(output.key, output.value)
        elif isinstance(output, DeleteRecord):
            self._house.delete_record(output.key)
        elif isinstance(output, Emit):
            self._emit(output.event)
        elif isinstance(output, Close):
            self._streams.close_connection(output.flow)
        else:
            self._house.count(output)

    def _trace_call(self, incoming: IncomingCall) -> None:
        self._core.trace.bind(incoming.sip_call_id, incoming.call, incoming.caller.number, self._clock())

    def _emit(self, event: SipEvent) -> None:
        if isinstance(event, IncomingCall):
            self._trace_call(event)
        try:
            self._house.on_event(event)
        except Exception as problem:  # noqa: BLE001  a fault of the house in one call must not stop the others' answers
            context = {"message": f"on_event failed for {type(event).__name__}", "exception": problem}
            asyncio.get_running_loop().call_exception_handler(context)

    def _send(self, flow: Flow, data: bytes) -> None:
        if flow.transport == "tcp":
            self._streams.send(flow, data)
        elif self._udp is None or self._udp.is_closing():
            self.count("sip_undeliverable", "the UDP socket is closed")
        # asyncio's and uvloop's datagram transports both have it; the type stubs do not
        elif self._udp.get_write_buffer_size() > MAX_UDP_BACKLOG_BYTES:  # type: ignore[attr-defined]
            self.count("sip_undeliverable", "the UDP socket does not take more")
        else:
            try:
                self._udp.sendto(data, (flow.host, flow.port))
            except (OSError, ValueError) as problem:  # no route, or an address of the other family
                self.count("sip_undeliverable", f"{flow.host}:{flow.port}: {problem}")

    def _rearm(self) -> None:
        due_ms = self._core.next_timer_at_ms()
        if due_ms == self._timer_at_ms and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at_ms = due_ms
        if due_ms is not None:
            delay_s = max(0, due_ms - self._clock()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._core.timer(self._clock())
        self.flush()


class _UdpProtocol(asyncio.DatagramProtocol):
    def __init__(self, server: SipServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        self._server.count("sip_undeliverable", str(exc))  # ICMP says the peer's port is closed

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.udp_closed(exc)
