"""The asyncio shell of the SIP core: a UDP socket, TCP connections, one timer. Feed, drain, carry out, re-arm."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence

from kak_server.model.codec import Json
from kak_server.model.ids import CallId
from kak_server.sip.aio.dns import Locator
from kak_server.sip.aio.listener import Listener
from kak_server.sip.aio.outlet import AtOnce, House, Outlet, Ways, Writing, report
from kak_server.sip.api import Count, Flow, Locate, SipEvent, Transport
from kak_server.sip.api_legs import Dial
from kak_server.sip.core import SipCore
from kak_server.sip.listening import ListenSpec, StreamLimits

MAX_SEARCHES = 200  # of the DNS at once; beyond it a request goes where its peer's came from
TOGETHER = 16  # datagrams of one waking whose answers leave together: a few milliseconds' work
RENEWAL_S = 30.0  # between looks at the certificates' files


class SipServer:
    """The listeners of one core, on UDP, TCP and TLS.

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
        locator: Locator | None = None,
        writing: Writing | None = None,
    ) -> None:
        self._core = core
        self._clock = clock
        self._house = House(on_event, put_record, delete_record, count)
        self._outlet = Outlet(core, self._house, writing or AtOnce(), Ways(self._send, self._close, self._locate))
        self._inbox: list[tuple[bytes, Flow]] = []
        self._limits = limits or StreamLimits()
        self._locator = locator
        self._listeners: dict[str, Listener] = {}
        self._numbers = itertools.count(1)
        self._searches: set[asyncio.Task[None]] = set()
        self._renewal: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0

    async def start(self, host: str, port: int, *, tcp: bool = True) -> None:
        """Listen on UDP, and on TCP at the same port (0: any free one). Raises OSError when it cannot."""
        transports: tuple[Transport, ...] = ("udp", "tcp") if tcp else ("udp",)
        await self.listen((ListenSpec(host=host, port=port, transports=transports, limits=self._limits),))

    async def listen(self, specs: Sequence[ListenSpec]) -> None:
        """Listen on several addresses. Raises OSError when one is taken, or its certificates cannot be used."""
        for spec in specs:
            listener = self._listeners[spec.name] = Listener(self, spec, self._numbers)
            granted = await listener.start()
            labels = {"port": str(listener.port)}
            if listener.secure is not None:
                labels["tls_port"] = str(listener.tls_port)
            self._house.count(Count("sip_listening", labels, granted or spec.name))
        if any(listener.tls is not None for listener in self._listeners.values()):
            self._renewal = asyncio.get_running_loop().call_later(RENEWAL_S, self._renew)
        self._core.start(self._clock())
        self.flush()

    @property
    def port(self) -> int:
        """The first listener's UDP and TCP port; 0 before the start."""
        return next((listener.port for listener in self._listeners.values()), 0)

    def tls_port(self, name: str = "main") -> int:
        """A listener's TLS port; 0 when it has none."""
        listener = self._listeners.get(name)
        return listener.tls_port if listener is not None and listener.secure is not None else 0

    @property
    def waiting_bytes(self) -> int:
        """What has arrived on UDP and is not read, as the system counts it: the longest of the listeners' queues."""
        return max((listener.waiting_bytes for listener in self._listeners.values()), default=0)

    def renew_certificates(self) -> None:
        """Read all certificates again; connections that are up keep theirs, broken files change nothing."""
        for listener in self._listeners.values():
            listener.renew_tls(force=True)

    def _renew(self) -> None:
        """Now and then: whether the files of a certificate have changed."""
        for listener in self._listeners.values():
            listener.renew_tls(force=False)
        self._renewal = asyncio.get_running_loop().call_later(RENEWAL_S, self._renew)

    async def stop(self) -> None:
        """Close everything. Calls are left as they are: their records bring them back."""
        for handle in (self._timer, self._renewal):
            if handle is not None:
                handle.cancel()
        self._timer = self._renewal = None
        searches = list(self._searches)
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        for listener in self._listeners.values():
            await listener.stop()

    # --- what comes in ----------------------------------------------------------------------------------------------

    def datagram(self, data: bytes, flow: Flow) -> None:
        """A datagram arrived. Those of one waking are taken in together, as soon as the last has been read."""
        self._inbox.append((data, flow))
        if len(self._inbox) == 1:
            asyncio.get_running_loop().call_soon(self.take_in)

    def take_in(self) -> None:
        """Take in the datagrams that have arrived, and carry out what comes of them."""
        inbox, self._inbox = self._inbox, []
        for begin in range(0, len(inbox), TOGETHER):
            now_ms = self._clock()
            self._outlet.open()
            try:
                for data, flow in inbox[begin : begin + TOGETHER]:
                    self._take(data, flow, now_ms)
            finally:
                self._outlet.close(now_ms)
        self._rearm()

    def _take(self, data: bytes, flow: Flow, now_ms: int) -> None:
        try:
            self._core.datagram(data, flow, now_ms)
        except Exception as problem:  # noqa: BLE001  a bug that one datagram finds must not cost the others
            report(f"a datagram from {flow.host} failed", problem)
        self._outlet.drain()

    def stream_opened(self, flow: Flow, certificate: tuple[str, ...]) -> None:
        """A connection is up; `certificate` are the names its peer has proved."""
        self._core.stream_opened(flow, certificate)

    def stream_data(self, data: bytes, flow: Flow) -> None:
        """Bytes arrived on a connection."""
        self._core.stream_data(data, flow, self._clock())
        self.flush()

    def stream_closed(self, flow: Flow) -> None:
        """A connection has gone."""
        self._core.stream_closed(flow, self._clock())
        self.flush()

    def unreachable(self, flow: Flow) -> None:
        """No connection to an address, or no route."""
        self._core.unreachable(flow, self._clock())
        self.flush()

    def unfinished_message(self, flow: Flow) -> int:
        """Which message on the connection is begun and not whole, 0 for none."""
        return self._core.unfinished_message(flow)

    def known_peer(self, host: str) -> bool:
        """Whether an address is one of a trunk's."""
        return self._core.known_peer(host)

    def certificate_names(self, host: str) -> tuple[str, ...]:
        """What a peer's certificate may be called besides its name."""
        return self._core.certificate_names(host)

    def count(self, name: str, detail: str = "") -> None:
        """Something of the shell's own to count."""
        self._house.count(Count(name, {}, detail))

    # --- commands ---------------------------------------------------------------------------------------------------

    def dial(self, dial: Dial) -> bool:
        """As `SipCore.dial`."""
        return self.command(lambda core, now_ms: core.dial(dial, now_ms))

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

    def reoffer(self, call: CallId, sdp: str, *, paced: bool = False) -> bool:
        """As `SipCore.reoffer`."""
        return self.command(lambda core, now_ms: core.reoffer(call, sdp, now_ms, paced=paced))

    def refer(self, call: CallId, target: str, replaces: CallId | None = None) -> bool:
        """As `SipCore.refer`."""
        return self.command(lambda core, now_ms: core.refer(call, target, now_ms, replaces))

    def accept_transfer(self, call: CallId) -> bool:
        """As `SipCore.accept_transfer`."""
        return self.command(lambda core, now_ms: core.accept_transfer(call, now_ms))

    def reject_transfer(self, call: CallId, status: int, reason: str = "") -> bool:
        """As `SipCore.reject_transfer`."""
        return self.command(lambda core, now_ms: core.reject_transfer(call, status, now_ms, reason))

    def report_transfer(self, call: CallId, status: int) -> bool:
        """As `SipCore.report_transfer`."""
        return self.command(lambda core, now_ms: core.report_transfer(call, status, now_ms))

    def restore(self, records: Mapping[str, Mapping[str, Json]]) -> None:
        """As `SipCore.restore`; after `start`, so that what goes out again has a socket to leave by."""
        self._core.restore(records, self._clock())
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
        if self._outlet.busy:
            return
        self._outlet.open()
        self._outlet.close(self._core.now_ms)
        self._rearm()

    def _locate(self, output: Locate) -> None:
        if len(self._searches) >= MAX_SEARCHES:
            self.count("sip_not_located", f"{output.want.host[:120]}: too many searches at once")
            self._core.located(output.key, (), self._clock())
            return
        search = asyncio.get_running_loop().create_task(self._search(output))
        self._searches.add(search)
        search.add_done_callback(self._searches.discard)

    async def _search(self, output: Locate) -> None:
        if self._locator is None:
            self._locator = Locator()
        targets = await self._locator.locate(output.want, output.key)
        self._core.located(output.key, targets, self._clock())
        self.flush()

    def _listener(self, name: str) -> Listener | None:
        """By name; the first for one that is no longer configured (a flow out of the journal)."""
        return self._listeners.get(name) or next(iter(self._listeners.values()), None)

    def _send(self, flow: Flow, data: bytes) -> None:
        listener = self._listener(flow.listener)
        if listener is None:
            self.count("sip_undeliverable", "nothing listens")
        else:
            listener.send(flow, data)

    def _close(self, flow: Flow) -> None:
        listener = self._listener(flow.listener)
        if listener is not None:
            listener.close_connection(flow)

    def _rearm(self) -> None:
        due_ms = self._core.next_timer_at_ms()
        if due_ms is None:
            return
        if self._timer is not None:
            if due_ms >= self._timer_at_ms:
                return  # what it was armed for is answered: to fire in vain once is cheaper than a new one each time
            self._timer.cancel()
        self._timer_at_ms = due_ms
        delay_s = max(0, due_ms - self._clock()) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.on_timer)

    def on_timer(self) -> None:
        """Something is due."""
        self._timer = None
        self._core.timer(self._clock())
        self.flush()
