"""Hand-made traces for the tests: messages as a phone and a server would write them."""

from kak_server.model.ids import CallId, ContactId
from kak_server.sip.api import Flow
from kak_server.sip.trace import CallTrace, Traced
from kak_server.sip.trace_wire import Local

START_MS = 1_767_268_800_123  # 2026-01-01 12:00:00.123 UTC
PHONE = Flow("udp", "192.0.2.10", 5062)
PLACES = (Local("main", "udp", "198.51.100.1", 5060), Local("main", "tcp", "198.51.100.1", 5060))


def request(method: str, cseq: int = 1, body: bytes = b"", call_id: str = "a@b", caller: str = "+4791500001") -> bytes:
    lines = [
        f"{method} sip:113@198.51.100.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bK{method}{cseq}",
        f'From: "Kari" <sip:{caller}@192.0.2.10>;tag=1',
        "To: <sip:113@198.51.100.1>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(status: str, method: str, cseq: int = 1, body: bytes = b"", call_id: str = "a@b") -> bytes:
    return request(method, cseq, body, call_id).replace(
        f"{method} sip:113@198.51.100.1 SIP/2.0".encode(), f"SIP/2.0 {status}".encode(), 1
    )


def traced(after_ms: int, sent: bool, data: bytes, flow: Flow = PHONE) -> Traced:
    return Traced(START_MS + after_ms, sent, flow, data)


def call_trace(*messages: Traced, names: tuple[str, ...] = ("a@b",), left_out: int = 0) -> CallTrace:
    return CallTrace(messages, names, CallId("call-1"), ContactId("contact-1"), left_out)
