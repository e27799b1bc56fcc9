"""A scripted callee for the tests: answers INVITEs of ours by hand and shares no code with the core."""

from dataclasses import dataclass, field, replace

from kak_server.model.ids import CallId
from kak_server.sip.api import Flow, SipSettings, TrunkSettings
from kak_server.sip.api_legs import Dial
from tests.unit.sip.uac import ANSWER, OFFER, PEER, Bench, Reply, make_core

SECOND = Flow("udp", "192.0.3.1", 5060)
OUTBOUND = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(
        TrunkSettings("carrier", ("192.0.2.0/24",), address="sip:192.0.2.10"),
        TrunkSettings("plain", ("192.0.3.1",), False, address="sip:192.0.3.1"),
        TrunkSettings("inbound-only", ("192.0.4.1",)),
    ),
    numbers=frozenset(("113",)),
)
CALL = CallId("out1")
DIAL = Dial(CALL, "+4722334455", OFFER, ("carrier", "plain"), caller="+4723000000")


@dataclass
class Callee:
    """One branch that an INVITE has reached."""

    invite: Reply
    tag: str = "callee"
    contact: str = "<sip:callee@192.0.2.10:5060>"
    extra: tuple[str, ...] = ()
    cseq: int = 0
    flow: Flow = field(default=PEER)

    def answer(self, status: int, reason: str = "OK", *, body: str = "", extra: tuple[str, ...] = ()) -> str:
        to = self.invite["to"] + (f";tag={self.tag}" if status > 100 and self.tag else "")
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {value}" for value in self.invite.all("via"))]
        lines += [f"From: {self.invite['from']}", f"To: {to}", f"Call-ID: {self.invite['call-id']}"]
        lines.append(f"CSeq: {self.invite['cseq']}")
        if 100 < status < 300 and self.contact:
            lines.append(f"Contact: {self.contact}")
        lines += [*self.extra, *extra]
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body

    def accept(self) -> str:
        return self.answer(200, body=ANSWER)

    def request(self, method: str, *, body: str = "", extra: tuple[str, ...] = ()) -> str:
        """A request of the callee's inside the dialog."""
        self.cseq += 1
        lines = [
            f"{method} sip:198.51.100.1:5060 SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{self.tag}{method}{self.cseq}",
            "Max-Forwards: 70",
            f"From: {self.invite['to']};tag={self.tag}",
            f"To: {self.invite['from']}",
            f"Call-ID: {self.invite['call-id']}",
            f"CSeq: {self.cseq} {method}",
            *([f"Contact: {self.contact}"] if method in ("INVITE", "UPDATE") else []),
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    @staticmethod
    def ok(request: Reply, status: int = 200) -> str:
        """An answer to a request that is not an INVITE."""
        lines = [f"SIP/2.0 {status} OK", *(f"Via: {value}" for value in request.all("via"))]
        lines += [f"{name}: {request[name.lower()]}" for name in ("From", "To", "Call-ID", "CSeq")]
        return "\r\n".join([*lines, "Content-Length: 0"]) + "\r\n\r\n"


def dialled(dial: Dial = DIAL, settings: SipSettings = OUTBOUND, **changes: object) -> tuple[Bench, Callee]:
    """A bench whose core has sent an INVITE, and the callee that has it."""
    bench = Bench(make_core(settings))
    assert bench.core.dial(replace(dial, **changes), bench.now_ms)  # type: ignore[arg-type]
    bench.drain()
    flow, invite = bench.sent[-1]
    return bench, Callee(invite, flow=flow)


def answered(dial: Dial = DIAL, settings: SipSettings = OUTBOUND, **changes: object) -> tuple[Bench, Callee]:
    """A call of ours that is up."""
    bench, callee = dialled(dial, settings, **changes)
    bench.receive(callee.accept(), callee.flow)
    return bench, callee
