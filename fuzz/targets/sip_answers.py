"""What callees and trunks say to a call of ours: answers and requests, several to an input.

A piece that begins with I answers our newest INVITE, with A our newest request; what a response copies (Via, From,
Call-ID, CSeq, and To where the piece has none) is put in, so that mutations reach the machines behind. One that begins
with R is a request of the called side, whose dialog is put in likewise. Anything else comes as it is.

Invariant: nothing is raised, in a process that lives on as in one that is killed in the middle. The house hears of one
end and of nothing after it; when all timers have run no call, dialog, transaction, timer or record is left. Every
message the core sent parses.
"""

import json

from fuzz.targets.pieces import Growing, halves, repeated
from kak_server.model.ids import CallId
from kak_server.sip.api import (
    CallEnded,
    DeleteRecord,
    Emit,
    Flow,
    Locate,
    Output,
    PutRecord,
    Send,
    SipEvent,
    SipSettings,
    Target,
    TrunkSettings,
)
from kak_server.sip.api_legs import Dial
from kak_server.sip.core import SipCore
from kak_server.sip.parser import Request, parse

MAX_BYTES = 16_384
MAX_PIECES = 40
GROWING: Growing = {
    "record-route": repeated(
        b"Record-Route: <sip:192.0.2.10;lr>\r\n", b"ISIP/2.0 200 OK\r\nTo: <sip:x>;tag=y\r\n", b"\r\n"
    ),
    "contacts": repeated(b"<sip:a@192.0.2.10>,", b"ISIP/2.0 302 Moved\r\nContact: ", b"<sip:b@192.0.2.10>\r\n\r\n"),
    "reasons": repeated(b"SIP;cause=200,", b"ISIP/2.0 486 Busy\r\nReason: ", b"Q.850;cause=17\r\n\r\n"),
    "challenges": repeated(b"WWW-Authenticate: Digest realm=a, nonce=b\r\n", b"ISIP/2.0 401 No\r\n", b"\r\n"),
    "forks": repeated(b"ISIP/2.0 200 OK\r\nTo: <sip:x>;tag=y\r\nContact: <sip:a@192.0.2.10>\r\n\r\n\x00|\x00"),
}
_OFFER = (
    "v=0\r\no=- 77 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(
        TrunkSettings(
            "carrier",
            ("192.0.2.0/24",),
            address="sip:192.0.2.10",
            username="kak",
            password="secret",
            redirects="any",
        ),
        TrunkSettings("other", ("192.0.3.0/24",), address="sip:sbc.example.com"),
    ),
    numbers=frozenset(("113",)),
)
_CALL = CallId("out")
_DIAL = Dial(_CALL, "+4722334455", _OFFER, ("carrier", "other"), caller="+4723000000")
_PEER = Flow("udp", "192.0.2.10", 5060)


class _House:
    """The core with a clock, its records and what it said."""

    def __init__(self) -> None:
        self._ids = 0
        self.core = SipCore(_SETTINGS, self._new_id)
        self.now_ms = 1_000_000
        self.records: dict[str, object] = {}
        self.events: list[SipEvent] = []
        self.asked: list[Request] = []

    def _new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"

    def drain(self) -> None:
        while outputs := self.core.drain():
            for output in outputs:
                self._take(output)

    def _take(self, output: Output) -> None:
        if isinstance(output, Send) and output.data.strip():
            message = parse(output.data, max_headers=10_000, stream=True)
            if isinstance(message, Request):
                self.asked.append(message)
        elif isinstance(output, PutRecord):
            self.records[output.key] = json.loads(json.dumps(output.value))
        elif isinstance(output, DeleteRecord):
            self.records.pop(output.key, None)
        elif isinstance(output, Locate):
            self.core.located(output.key, (Target("udp", "192.0.3.1", 5060, "sbc.example.com"),), self.now_ms)
        elif isinstance(output, Emit):
            self.events.append(output.event)

    def reborn(self) -> None:
        self.core = SipCore(_SETTINGS, self._new_id)
        self.core.restore(self.records, self.now_ms)  # type: ignore[arg-type]
        self.drain()

    def hear(self, piece: bytes) -> None:
        kind, rest = piece[:1], piece[1:]
        invites = [request for request in self.asked if request.method == "INVITE"]
        if kind == b"I" and invites:
            piece = _answer(invites[-1], rest)
        elif kind == b"A" and self.asked:
            piece = _answer(self.asked[-1], rest)
        elif kind == b"R" and invites:
            piece = _request(invites[-1], rest)
        self.now_ms += 400
        self.core.datagram(piece, _PEER, self.now_ms)
        self.drain()

    def settle(self) -> None:
        until_ms = self.now_ms + 3_600_000
        self.core.hangup(_CALL, self.now_ms)
        self.drain()
        while (due_ms := self.core.next_timer_at_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.core.timer(self.now_ms)
            self.drain()


def _answer(request: Request, rest: bytes) -> bytes:
    line, _, tail = rest.partition(b"\r\n")
    copied = [f"{name}: {request.get(name.lower())}" for name in ("Via", "From", "Call-ID", "CSeq")]
    if not tail.startswith(b"To:") and b"\r\nTo:" not in tail:
        copied.append(f"To: {request.get('to')};tag=callee")
    return b"\r\n".join((line, *(header.encode() for header in copied), tail))


def _request(invite: Request, rest: bytes) -> bytes:
    method, _, tail = rest.partition(b"\r\n")
    copied = [
        "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK" + str(hash(rest)),
        f"From: {invite.get('to')};tag=callee",
        f"To: {invite.get('from')}",
        f"Call-ID: {invite.get('call-id')}",
    ]
    start = method + b" sip:198.51.100.1 SIP/2.0"
    return b"\r\n".join((start, *(header.encode() for header in copied), tail))


def check(data: bytes) -> None:
    """See above."""
    pieces = halves(data)[:MAX_PIECES]
    for kill_after in (None, len(pieces) // 2):
        house = _House()
        house.core.dial(_DIAL, house.now_ms)
        house.drain()
        for number, piece in enumerate(pieces):
            house.hear(piece)
            if number == kill_after:
                house.reborn()
        house.settle()
        ends = [event for event in house.events if isinstance(event, CallEnded)]
        assert len(ends) == 1, ends
        assert house.events[-1] is ends[0], house.events
        assert not any(house.core.census().values()), house.core.census()
        assert not house.records, house.records
