"""The whole SIP core behind UDP and TCP: messages of a trunk and of phones that may register, several to an input.

Invariant: nothing is raised. Calls that were begun are answered and hung up, then everybody is silent: when all timers
have run no call, dialog, transaction, timer, stream or record is left. Every message the core sent parses.
"""

from fuzz.targets.pieces import Growing, halves
from fuzz.targets.sip_message import GROWING as _MESSAGES
from kak_server.sip.api import DeleteRecord, Flow, Locate, Output, PutRecord, Send, SipSettings, Target, TrunkSettings
from kak_server.sip.api_devices import DeviceSettings, RegistrarSettings
from kak_server.sip.core import SipCore
from kak_server.sip.digest import stored
from kak_server.sip.parser import parse

MAX_BYTES = 65_536
GROWING: Growing = _MESSAGES
_ANSWER = (
    "v=0\r\no=- 77 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(TrunkSettings("carrier", ("192.0.2.0/24",)),),
    numbers=frozenset(("113", "user", "urn:service:sos")),
    registrar=RegistrarSettings(
        (DeviceSettings("phone", "user", stored("user", "kak-server", "x"), ("192.0.2.0/24",)),)
    ),
)
_TARGETS = (Target("tcp", "192.0.2.20", 5060, "example.com"), Target("udp", "192.0.2.21", 5060, "example.com"))
_FLOWS = (Flow("udp", "192.0.2.10", 5060), Flow("tcp", "192.0.2.10", 40_000, connection=1))


class _House:
    """The core with a clock, and its records kept."""

    def __init__(self) -> None:
        self._ids = self._located = 0
        self.core = SipCore(_SETTINGS, self._new_id)
        self.now_ms = 1_000_000
        self.records: set[str] = set()

    def _new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"

    def drain(self) -> None:
        outputs = self.core.drain()
        while outputs:
            for output in outputs:
                self._take(output)
            outputs = self.core.drain()

    def _take(self, output: Output) -> None:
        if isinstance(output, Send) and output.data.strip():
            parse(output.data, max_headers=10_000, stream=True)
        elif isinstance(output, PutRecord):
            self.records.add(output.key)
        elif isinstance(output, DeleteRecord):
            self.records.discard(output.key)
        elif isinstance(output, Locate):
            # by turns the name leads nowhere, or to two places
            self._located += 1
            self.core.located(output.key, _TARGETS if self._located % 2 else (), self.now_ms)

    def settle(self) -> None:
        for command in ("answer", "hangup"):
            for call in self.core.calls():
                if command == "answer":
                    self.core.answer(call, _ANSWER, self.now_ms)
                else:
                    self.core.hangup(call, self.now_ms)
                self.drain()
        until_ms = self.now_ms + 3_600_000
        while (due_ms := self.core.next_timer_at_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.core.timer(self.now_ms)
            self.drain()


def check(data: bytes) -> None:
    """See above."""
    for flow in _FLOWS:
        house = _House()
        for message in halves(data):
            house.now_ms += 10
            if flow.transport == "udp":
                house.core.datagram(message, flow, house.now_ms)
            else:
                house.core.stream_data(message, flow, house.now_ms)
            house.drain()
        house.settle()
        house.core.stream_closed(flow, house.now_ms)
        assert not any(house.core.census().values()), house.core.census()
        assert not house.records, house.records
