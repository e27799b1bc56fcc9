"""2xx answers to INVITEs and their ACKs: repeated until acknowledged, the call ended when never (13.3.1.4, 14.2)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.api import CallConfirmed, Flow
from kak_server.sip.bodies import SDP
from kak_server.sip.call_record import to_record
from kak_server.sip.calls import Awaiting, Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.hold import wanted_in
from kak_server.sip.location import answer_headers
from kak_server.sip.parser import Request
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.transactions import ServerEntry


class Answering:
    """The 2xx side of INVITE."""

    def __init__(self, context: Context, table: CallTable, ending: Ending, refreshing: Refreshing) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._refreshing = refreshing
        self.on_acknowledged: Callable[[Call], None] = lambda _call: None  # nothing of ours is open any more
        self.on_late_answer: Callable[[Call, str], None] = lambda _call, _sdp: None

    def accept(
        self,
        call: Call,
        entry: ServerEntry,
        sdp: str,
        *,
        late_offer: bool,
        initial: bool,
        described: bool = True,
    ) -> None:
        """Send 200 with `sdp` (without it when not `described`: the peer has it already); the record first, so that
        a restart goes on repeating it."""
        context, transactions = self._context, self._ending.transactions
        data = transactions.prepare(
            entry,
            200,
            headers=(
                ("Contact", context.contact(entry.request, entry.source)),
                ("Allow", build.ALLOW),
                ("Accept", build.ACCEPT),
                ("Server", context.settings.server_name),
                *(answer_headers(call.incoming) if initial else ()),
                *self._refreshing.accept(call, entry.request),
                *((("Content-Type", SDP),) if described else ()),
            ),
            body=sdp.encode() if described else b"",
        )
        call.local_sdp = sdp
        call.awaiting = Awaiting(
            data, entry.request.cseq.number, entry.target, entry.redial, late_offer, initial, context.times.t1_ms
        )
        if initial:
            call.accepted_at_ms = context.now_ms
            theirs = call.incoming.offer_sdp if call.incoming is not None else None
            if (wanted := wanted_in(sdp, theirs)) != "sendrecv":
                call.session = replace(call.session, wanted=wanted)
        context.put(call.key, to_record(call))
        transactions.send_response(entry, 200, data)
        self._arm(call, call.awaiting)

    def resume(self, call: Call) -> None:
        """After a restart: repeat the 200 now and go on as if it had just been sent."""
        if call.awaiting is not None:
            call.awaiting.interval_ms = self._context.times.t1_ms
            self.repeat(call)
            self._arm(call, call.awaiting)

    def _arm(self, call: Call, awaiting: Awaiting) -> None:
        # 13.3.1.4: repeated on every transport, since a proxy may change it on the way
        self._context.arm("call", call.id, "repeat-2xx", awaiting.interval_ms)
        self._context.arm("call", call.id, "no-ack", self._context.times.give_up_ms)

    def repeat(self, call: Call) -> None:
        """Send the unacknowledged 2xx again."""
        if call.awaiting is not None:
            self._context.count("sip_retransmissions_out", trunk=call.trunk)
            self._context.send(call.awaiting.data, call.awaiting.target, call.awaiting.redial)

    def on_repeat_timer(self, call: Call) -> None:
        """13.3.1.4: the interval doubles up to T2."""
        if call.awaiting is not None:
            self.repeat(call)
            call.awaiting.interval_ms = min(2 * call.awaiting.interval_ms, self._context.times.t2_ms)
            self._context.arm("call", call.id, "repeat-2xx", call.awaiting.interval_ms)

    def on_no_ack_timer(self, call: Call) -> None:
        """13.3.1.4 and 14.2: 64*T1 without an ACK: the dialog is confirmed, but the session ends with a BYE."""
        if call.hangup_reason is not None:
            self._hang_up(call)
        else:
            self._context.count("sip_no_ack", detail="our 200 was never acknowledged", call=call.id)
            self._ending.hang_up(call, "no-ack")

    def _hang_up(self, call: Call) -> None:
        cause: Literal["replaced", "hangup"] = "replaced" if call.session.replaced else "hangup"
        self._ending.hang_up(call, cause, call.hangup_reason or "")

    def ack(self, request: Request, flow: Flow) -> None:
        """An ACK outside the INVITE transactions: it acknowledges a 2xx (dialog and CSeq, 13.2.2.4)."""
        call = self._table.of_dialog(request)
        if call is None:
            self._context.count("sip_stray_ack")
            return
        awaiting = call.awaiting
        if awaiting is None or awaiting.cseq != request.cseq.number:
            return  # repeated: the answer to a repeated 200
        self._context.disarm("call", call.id, "repeat-2xx")
        self._context.disarm("call", call.id, "no-ack")
        call.awaiting = None
        if awaiting.initial:
            call.state = "confirmed"
            if call.invite is not None:
                call.invite.request.forget()  # its transaction goes on to take copies in (RFC 6026 7.1)
            call.invite = None
            took_ms = self._context.now_ms - call.accepted_at_ms
            self._context.count("sip_trunk_ack", ms=took_ms, trunk=call.trunk)
        if call.hangup_reason is not None:
            self._ending.hang_up(
                call, "replaced" if call.session.replaced else "hangup", call.hangup_reason
            )  # 15: now it may be sent
            return
        answer_sdp = self._answer_in(request) if awaiting.late_offer else None
        self._context.put(call.key, to_record(call))
        if awaiting.initial:
            if answer_sdp is None and call.reliable is not None:
                answer_sdp = call.reliable.answer_sdp or None  # it came with a PRACK
            self._context.emit(CallConfirmed(call.id, answer_sdp))
        elif answer_sdp is not None:
            self.on_late_answer(call, answer_sdp)
        self.on_acknowledged(call)

    def _answer_in(self, request: Request) -> str | None:
        try:
            return offer_of(request)[1]
        except ParseError as problem:
            self._context.count("sip_malformed", detail=f"body of an ACK: {problem.problem}", status="ack")
            return None
