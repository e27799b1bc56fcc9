"""A call that is up, and whatever its peer says then: requests in the dialog, and answers to ours.

The house answers at once, offers another session, asks for a transfer and agrees to those asked for. Invariant: nothing
is raised; then everybody is silent and we hang up, and when all timers have run the house has heard of the end, and
nothing is left in the core or in the journal.
"""

from fuzz.targets.pieces import Growing, halves
from fuzz.targets.sip_message import GROWING as _MESSAGES
from kak_server.sip.api import (
    CallEnded,
    DeleteRecord,
    Emit,
    Flow,
    IncomingCall,
    Locate,
    Output,
    PutRecord,
    Send,
    SipSettings,
    TrunkSettings,
)
from kak_server.sip.api_legs import TransferAsked
from kak_server.sip.core import SipCore
from kak_server.sip.parser import parse

MAX_BYTES = 65_536
GROWING: Growing = _MESSAGES
_SDP = (
    "v=0\r\no=- 77 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_OFFER = _SDP.format(host="192.0.2.10", port=40_000)
_ANSWER = _SDP.format(host="198.51.100.1", port=30_000)
_MOVED = _SDP.format(host="198.51.100.1", port=30_002)
_SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(TrunkSettings("carrier", ("192.0.2.0/24",)),),
    numbers=frozenset(("113",)),
)
_FLOW = Flow("udp", "192.0.2.10", 5060)
_BEGIN = (
    "{method} sip:113@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{method}\r\n"
    "From: <sip:caller@192.0.2.10>;tag=caller\r\nTo: <sip:113@198.51.100.1>{to}\r\nCall-ID: c1\r\n"
    "CSeq: 1 {method}\r\nContact: <sip:caller@192.0.2.10>\r\nAllow: UPDATE\r\nSupported: timer\r\n"
    "Session-Expires: 1800;refresher=uas\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
)


class _House:
    """The core with a clock, its records kept, and people who agree to everything."""

    def __init__(self) -> None:
        self._ids = 0
        self.core = SipCore(_SETTINGS, self._new_id)
        self.now_ms = 1_000_000
        self.records: set[str] = set()
        self.ended = 0

    def _new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"

    def receive(self, data: bytes) -> None:
        self.now_ms += 10
        self.core.datagram(data, _FLOW, self.now_ms)
        self.drain()

    def drain(self) -> None:
        while outputs := self.core.drain():
            for output in outputs:
                self._take(output)

    def _take(self, output: Output) -> None:
        if isinstance(output, Send) and output.data.strip():
            parse(output.data, max_headers=10_000, stream=True)
        elif isinstance(output, PutRecord):
            self.records.add(output.key)
        elif isinstance(output, DeleteRecord):
            self.records.discard(output.key)
        elif isinstance(output, Locate):
            self.core.located(output.key, (), self.now_ms)
        elif isinstance(output, Emit):
            if isinstance(output.event, IncomingCall):
                self.core.answer(output.event.call, _ANSWER, self.now_ms)
            elif isinstance(output.event, TransferAsked):
                self.core.accept_transfer(output.event.call, self.now_ms)
                self.core.report_transfer(output.event.call, 200, self.now_ms)
            elif isinstance(output.event, CallEnded):
                self.ended += 1

    def pass_time(self, milliseconds: int) -> None:
        until_ms = self.now_ms + milliseconds
        while (due_ms := self.core.next_timer_at_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.core.timer(self.now_ms)
            self.drain()


def _established() -> _House:
    house = _House()
    for method, to, body in (("INVITE", "", _OFFER), ("ACK", ";tag=tag2", "")):
        house.receive(_BEGIN.format(method=method, to=to, body=body, length=len(body)).encode())
    (call,) = house.core.calls()
    assert house.core.calls()[call].state == "confirmed"
    return house


def check(data: bytes) -> None:
    """See above."""
    for busy in (False, True):
        house = _established()
        (call,) = house.core.calls()
        if busy:
            house.core.reoffer(call, _MOVED, house.now_ms)
            house.core.refer(call, "110", house.now_ms)
            house.drain()
        for message in halves(data):
            house.receive(message)
        calls = len(house.core.calls())
        house.pass_time(2_000)
        for held in house.core.calls():
            house.core.hangup(held, house.now_ms)
            house.drain()
        house.pass_time(3_600_000)
        assert house.ended >= 1
        assert calls <= len(halves(data)) + 1
        assert not any(house.core.census().values()), house.core.census()
        assert not house.records, house.records
