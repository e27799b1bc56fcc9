"""A scripted caller for the tests: writes SIP by hand, shares no code with the core, and reads what comes back."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from kak_server.sip.api import (
    Close,
    Count,
    DeleteRecord,
    Emit,
    Flow,
    Locate,
    Output,
    PutRecord,
    Send,
    SipEvent,
    SipSettings,
    TrunkSettings,
)
from kak_server.sip.core import SipCore

OFFER = (
    "v=0\r\no=caller 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
ANSWER = (
    "v=0\r\no=- 77 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
PEER = Flow("udp", "192.0.2.10", 5060)
STRANGER = Flow("udp", "203.0.113.66", 5060)
SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(TrunkSettings("carrier", ("192.0.2.0/24", "2001:db8::/32")), TrunkSettings("plain", ("192.0.3.1",), False)),
    numbers=frozenset(("113", "116117", "urn:service:sos", "urn:service:sos.ambulance")),
)


def ids() -> "itertools.count[int]":
    return itertools.count(1)


def make_core(settings: SipSettings = SETTINGS, prefix: str = "") -> SipCore:
    counter = itertools.count(1)
    return SipCore(settings, lambda kind: f"{prefix}{kind}{next(counter)}")


@dataclass
class Reply:
    """One message of ours, taken apart the simplest way."""

    start: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def of(cls, data: bytes) -> "Reply":
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # as the request was
        head, _, body = text.partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = [line.split(": ", 1) if ": " in line else [line.rstrip(":"), ""] for line in lines]
        reply = cls(start, [(name.lower(), value) for name, value in pairs], body)
        assert reply["content-length"] == str(len(body.encode()))
        return reply

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.start.split()[0]

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    @property
    def to_tag(self) -> str:
        return self["to"].partition(";tag=")[2]


@dataclass
class Bench:
    """A core with its outputs sorted: what it sent, said, journalled."""

    core: SipCore = field(default_factory=make_core)
    now_ms: int = 1_000_000
    sent: list[tuple[Flow, Reply]] = field(default_factory=list)
    events: list[SipEvent] = field(default_factory=list)
    records: dict[str, Mapping[str, object]] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    closed: list[Flow] = field(default_factory=list)
    locates: list[Locate] = field(default_factory=list)

    def drain(self) -> "Bench":
        while outputs := self.core.drain():
            self._sort(outputs)
        return self

    def _sort(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                reply = Reply.of(output.data) if output.data.strip() else Reply("CRLF", [], "")
                self.sent.append((output.flow, reply))
                self.order.append(f"send {reply.status or reply.method}")
            elif isinstance(output, Emit):
                self.events.append(output.event)
                self.order.append(f"emit {type(output.event).__name__}")
            elif isinstance(output, PutRecord):
                self.records[output.key] = output.value
                self.order.append("put")
            elif isinstance(output, DeleteRecord):
                del self.records[output.key]
                self.order.append("delete")
            elif isinstance(output, Close):
                self.closed.append(output.flow)
                self.order.append("close")
            elif isinstance(output, Locate):
                self.locates.append(output)
                self.order.append("locate")
            else:
                self.counts.append(output)

    def receive(self, text: str | bytes, flow: Flow = PEER) -> list[Reply]:
        """Give the core a message; the answers it made."""
        before = len(self.sent)
        data = text if isinstance(text, bytes) else text.encode()
        if flow.transport == "udp":
            self.core.datagram(data, flow, self.now_ms)
        else:
            self.core.stream_data(data, flow, self.now_ms)
        self.drain()
        return [reply for _, reply in self.sent[before:]]

    def advance(self, milliseconds: int) -> list[Reply]:
        """Let time pass, timer by timer."""
        before, until_ms = len(self.sent), self.now_ms + milliseconds
        while (due_ms := self.core.next_timer_at_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.core.timer(self.now_ms)
            self.drain()
        self.now_ms = until_ms
        return [reply for _, reply in self.sent[before:]]

    def event(self, kind: type) -> SipEvent:
        """The one event of a kind."""
        found = [event for event in self.events if isinstance(event, kind)]
        assert len(found) == 1, f"{kind.__name__}: {found}"
        return found[0]


@dataclass
class Caller:
    """One caller's dialog, from his side."""

    call_id: str = "c1@192.0.2.10"
    tag: str = "caller"
    uri: str = "sip:113@198.51.100.1"
    to: str = "<sip:113@198.51.100.1>"
    branch: str = "z9hG4bKinv1"
    transport: str = "UDP"
    to_tag: str = ""
    cseq: int = 1
    contact: str = "<sip:caller@192.0.2.10:5060>"

    def request(
        self,
        method: str,
        *,
        body: str = "",
        cseq: int | None = None,
        branch: str | None = None,
        extra: tuple[str, ...] = (),
        uri: str | None = None,
        to_tag: str | None = None,
        content_type: str = "application/sdp",
    ) -> str:
        tag = self.to_tag if to_tag is None else to_tag
        number = self.cseq if cseq is None else cseq
        lines = [
            f"{method} {uri or self.uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport} 192.0.2.10:5060;branch={branch or self.branch}",
            "Max-Forwards: 70",
            f'From: "Kari Nordmann" <sip:+4722000001@192.0.2.10>;tag={self.tag}',
            f"To: {self.to}{f';tag={tag}' if tag else ''}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
        ]
        if method in ("INVITE", "UPDATE"):
            lines.append(f"Contact: {self.contact}")
        lines += extra
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def invite(self, **options: object) -> str:
        options.setdefault("body", OFFER)
        return self.request("INVITE", **options)  # type: ignore[arg-type]

    def ack(self, **options: object) -> str:
        options.setdefault("branch", f"{self.branch}-ack{self.cseq}")
        return self.request("ACK", **options)  # type: ignore[arg-type]

    def later(self, method: str, **options: object) -> str:
        """The next request in the dialog, on a branch of its own."""
        self.cseq += 1
        options.setdefault("branch", f"{self.branch}-{method}{self.cseq}")
        return self.request(method, **options)  # type: ignore[arg-type]

    def respond(
        self, request: Reply, status: int, reason: str = "OK", *, extra: tuple[str, ...] = (), body: str = ""
    ) -> str:
        """An answer to a request of the core's."""
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {value}" for value in request.all("via"))]
        lines += [f"{name}: {request[name.lower()]}" for name in ("From", "To", "Call-ID", "CSeq")]
        lines += extra
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body.encode())}"]) + "\r\n\r\n" + body


def established(bench: Bench, caller: Caller | None = None) -> Caller:
    """Take a call to the confirmed state."""
    caller = caller or Caller()
    flow = PEER if caller.transport == "UDP" else Flow("tcp", "192.0.2.10", 50000, connection=1)
    bench.receive(caller.invite(), flow)
    call = next(iter(reversed(bench.core.calls())))
    assert bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    bench.receive(caller.ack(), flow)
    return caller
