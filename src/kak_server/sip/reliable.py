"""Reliable provisional answers of ours (RFC 3262 section 3): sent until the caller's PRACK, one at a time.

A 183 with early media goes so where the caller can (Supported: 100rel), anything above 100 where it insists (Require).
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.api import CallMediaChanged
from kak_server.sip.bodies import SDP
from kak_server.sip.calls import Call
from kak_server.sip.context import Context
from kak_server.sip.ending import Ending
from kak_server.sip.parser import Request
from kak_server.sip.provisional import Reliable, acknowledges, option_tags
from kak_server.sip.transactions import ServerEntry

TAG = "100rel"
# Section 3 wants a 2xx to wait for the PRACK of a description sent before. An emergency call is not kept waiting for
# ever by a caller that forgets it
ANSWER_WAITS_MS = 2_000

OnAnswer = Callable[[Call, str], object]
OnProvisional = Callable[[Call, int], object]
Negotiate = Callable[[Call, str], tuple[str, CallMediaChanged]]


class Reliability:
    """The reliable provisional answers of all calls. `answer` and `provisional` are what may go once one is
    acknowledged; `negotiate` answers an offer that a PRACK brings."""

    def __init__(self, context: Context, ending: Ending, negotiate: Negotiate) -> None:
        self._context = context
        self._ending = ending
        self._negotiate = negotiate
        self.answer: OnAnswer = lambda _call, _sdp: None
        self.provisional: OnProvisional = lambda _call, _status: None

    def next(self, call: Call, status: int, sdp: str) -> build.Headers | None:
        """The headers of a provisional answer that is about to leave: none when it needs no PRACK; None: another one
        waits for its PRACK, and this goes afterwards. The caller journals the call before it leaves."""
        if call.invite is None or not self._wanted(call.invite.request, status, sdp):
            return ()
        before = call.reliable
        if before is not None and not before.acknowledged:
            call.next_provisional = status
            return None
        number = before.rseq + 1 if before is not None else self._first_number()
        described = bool(sdp) or (before is not None and before.described)
        call.reliable = Reliable(number, status, described=described, answer_sdp=before.answer_sdp if before else "")
        return self.headers(call)

    def sent(self, call: Call, data: bytes) -> None:
        """The answer `next` gave headers for has left: repeat it until its PRACK comes."""
        call.prack_data = data
        call.prack_interval_ms = self._context.times.t1_ms
        self._context.arm("prack", call.id, "repeat", call.prack_interval_ms)
        self._context.arm("prack", call.id, "give-up", self._context.times.give_up_ms)

    def headers(self, call: Call) -> build.Headers:
        """Those of the newest reliable answer."""
        return (("Require", TAG), ("RSeq", str(call.reliable.rseq))) if call.reliable is not None else ()

    def holds(self, call: Call, sdp: str) -> bool:
        """Whether our 200 has to wait for a PRACK; it follows by itself."""
        reliable = call.reliable
        if reliable is None or reliable.acknowledged or not reliable.described:
            return False
        if call.held_answer is None:
            self._context.arm("prack", call.id, "answer", ANSWER_WAITS_MS)
        call.held_answer = sdp
        return True

    def on_timer(self, call: Call, name: str) -> None:
        """A repetition is due, or patience is at its end."""
        if call.state != "pending" or call.reliable is None or call.reliable.acknowledged:
            return
        if name == "answer":
            self._context.count("sip_no_prack", detail="answered without a PRACK", call=call.id)
            call.reliable = replace(call.reliable, acknowledged=True)  # nothing waits for it any more
            self._held(call)
        elif name == "give-up":
            # Section 3 would refuse the call now. The caller still has its INVITE: it is answered as any other
            self._context.disarm("prack", call.id, "repeat")
            self._context.count("sip_no_prack", detail="a provisional answer was never acknowledged", call=call.id)
        else:
            self._repeat(call)
            call.prack_interval_ms *= 2  # section 3: doubles, without a ceiling
            self._context.arm("prack", call.id, "repeat", call.prack_interval_ms)

    def prack(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """A PRACK of the caller's. Raises ParseError and SdpError."""
        respond = self._ending.transactions.respond
        reliable = call.reliable
        if reliable is None or reliable.acknowledged or not acknowledges(request, reliable.rseq, call.invite_cseq):
            respond(entry, 481)  # section 3
            return
        _, sdp = offer_of(request)
        late = call.incoming is not None and call.incoming.offer_sdp is None
        changed = None
        if sdp is not None and late and not reliable.answer_sdp:
            reliable = replace(reliable, answer_sdp=sdp)
        elif sdp is not None:
            call.local_sdp, changed = self._negotiate(call, sdp)  # section 5: an offer in a PRACK
        call.reliable = replace(reliable, acknowledged=True)
        for name in ("repeat", "give-up", "answer"):
            self._context.disarm("prack", call.id, name)
        self._ending.keep(call)
        body = call.local_sdp.encode() if changed is not None else b""
        respond(entry, 200, headers=(("Content-Type", SDP),) if body else (), body=body)
        if changed is not None:
            self._context.emit(changed)
        status, call.next_provisional = call.next_provisional, 0
        if call.held_answer is not None:
            self._held(call)
        elif status:
            self.provisional(call, status)

    def _held(self, call: Call) -> None:
        sdp, call.held_answer = call.held_answer, None
        if sdp is not None:
            self.answer(call, sdp)

    def _wanted(self, request: Request, status: int, sdp: str) -> bool:
        if status <= 100:
            return False
        return TAG in option_tags(request, "require") or (bool(sdp) and TAG in option_tags(request, "supported"))

    def _first_number(self) -> int:
        """Section 3: anywhere below 2**31, so that a stranger cannot guess what to acknowledge."""
        seed = hashlib.blake2s(self._context.new_id("tag").encode(), digest_size=4).digest()
        return 1 + int.from_bytes(seed, "big") // 4

    def _repeat(self, call: Call) -> None:
        if call.invite is not None:
            self._context.count("sip_retransmissions_out", trunk=call.trunk)
            self._context.send(call.prack_data, call.invite.target, call.invite.redial)
