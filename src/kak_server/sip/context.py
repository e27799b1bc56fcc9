"""What every part of the core shares: settings, time, the outputs so far, the timers, which connections are open."""

import hashlib
from collections.abc import Callable, Mapping

from kak_server.model.codec import Json
from kak_server.sip import build
from kak_server.sip.api import (
    Count,
    DeleteRecord,
    Emit,
    Flow,
    Output,
    PutRecord,
    Send,
    SipEvent,
    SipSettings,
    Transport,
)
from kak_server.sip.dialog import uses_sips
from kak_server.sip.framing import StreamFramer
from kak_server.sip.machine import Times
from kak_server.sip.parser import Request
from kak_server.sip.resolver import DEFAULT_PORT
from kak_server.sip.timers import Timers

# Timers that end what is over: a little later does no harm, and one waking does for all of that quarter of a second.
TIDYING = frozenset({"D", "I", "J", "K", "L", "M", "linger"})
TOGETHER_MS = 250

TimerKey = tuple[str, str, str]  # who ("server", "client", "call"), its key, the timer's name


class Context:
    """One core's common ground; the parts write their outputs here, in order."""

    def __init__(self, settings: SipSettings, new_id: Callable[[str], str]) -> None:
        self.settings = settings
        self.new_id = new_id
        self.times = Times(settings.t1_ms, settings.t2_ms, settings.t4_ms)
        self.now_ms = 0
        self.out: list[Output] = []
        self.timers: Timers[TimerKey] = Timers()
        self.streams: dict[tuple[str, int], StreamFramer] = {}
        self.certificates: dict[tuple[str, int], tuple[str, ...]] = {}  # names of TLS peers, by connection
        self._tag_secret = new_id("tag")
        self._contacts: dict[tuple[Transport, str], str] = {}

    def arm(self, who: str, key: str, name: str, after_ms: int) -> None:
        """Arm a timer `after_ms` from now; one that only tidies up fires on a quarter of a second, with its likes."""
        due_ms = self.now_ms + after_ms
        if name in TIDYING:
            due_ms += -due_ms % TOGETHER_MS
        self.timers.arm((who, key, name), due_ms)

    def disarm(self, who: str, key: str, name: str) -> None:
        """Stop a timer; harmless when it is not armed."""
        self.timers.disarm((who, key, name))

    def send(self, data: bytes, flow: Flow, redial: Flow | None = None) -> None:
        """Send over `flow`; when its connection has gone, over a new one to `redial` (18.2.2)."""
        if flow.transport != "udp" and not self.alive(flow):
            if redial is not None:
                flow = redial
            elif flow.connection:
                self.count("sip_undeliverable", detail=f"connection to {flow.host} has gone")
                return
        self.out.append(Send(flow, data))

    def alive(self, flow: Flow) -> bool:
        """Whether the flow is a connection that is still there."""
        return (flow.listener, flow.connection) in self.streams

    def contact(self, request: Request, source: Flow) -> str:
        """The Contact of our answer to a request that makes or refreshes a dialog (12.1.1). Raises ParseError."""
        if source.transport == "tls":
            secure = uses_sips(request)
            return build.contact(self.settings, source.transport, source.listener, secure=secure)
        key = source.transport, source.listener
        if key not in self._contacts:
            self._contacts[key] = build.contact(self.settings, source.transport, source.listener)
        return self._contacts[key]

    def emit(self, event: SipEvent) -> None:
        """Tell the house."""
        self.out.append(Emit(event))

    def put(self, key: str, value: Mapping[str, Json]) -> None:
        """Journal a record before whatever is put out next."""
        self.out.append(PutRecord(key, value))

    def delete(self, key: str) -> None:
        """Drop a record."""
        self.out.append(DeleteRecord(key))

    def count(self, name: str, detail: str = "", ms: int | None = None, **labels: str) -> None:
        """A metric; with `detail` a log line too."""
        self.out.append(Count(name, labels, detail, ms))

    def answer_stateless(
        self,
        request: Request,
        flow: Flow,
        status: int,
        headers: build.Headers = (),
        reason: str = "",
        at_most_bytes: int | None = None,
    ) -> bool:
        """Answer without a transaction (8.2.7): the same request always gets the same To tag. Not when the answer
        were longer than `at_most_bytes`: then False."""
        seed = f"{self._tag_secret}|{request.get('call-id')}|{request.get('from')}|{request.get('via')}"
        tag = hashlib.blake2s(seed.encode("utf-8", "replace"), digest_size=8).hexdigest()
        data = build.response(request, status, flow, to_tag=tag, headers=headers, reason=reason)
        if at_most_bytes is not None and len(data) > at_most_bytes:
            return False
        target, redial = response_route(request, flow)
        self.count("sip_responses", status=str(status))
        self.send(data, target, redial)
        return True


def response_route(request: Request, source: Flow) -> tuple[Flow, Flow | None]:
    """Where responses go (18.2.2, RFC 3581): source address, rport or the Via's port; on a stream its connection,
    or a new one to the Via's port once that has closed. maddr is not believed: it would aim our answers at others."""
    via = request.via
    port = via.port or DEFAULT_PORT[source.transport]
    if source.transport != "udp":
        return source, Flow(source.transport, source.host, port, source.listener)
    if "rport" in via.params or (port == source.port and not source.connection):
        return source, None
    return Flow("udp", source.host, port, source.listener), None
