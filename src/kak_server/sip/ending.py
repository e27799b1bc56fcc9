"""How calls end, and whether they still live: our BYE, our in-dialog OPTIONS, and the clearing up (15, 12.2.1.2)."""

from collections.abc import Callable
from typing import Literal

from kak_server.sip import build
from kak_server.sip.api import CallEnded, ProbeAnswered
from kak_server.sip.call_record import to_record
from kak_server.sip.calls import CSEQ_RESERVE, Call, CallTable
from kak_server.sip.client_transactions import ClientEntry
from kak_server.sip.context import Context
from kak_server.sip.credentials import HEADERS, Credentials
from kak_server.sip.dialog import next_request
from kak_server.sip.parser import Response
from kak_server.sip.reason import cleared
from kak_server.sip.sending import Sending
from kak_server.sip.session import DIALOG_TIMERS
from kak_server.sip.transactions import ServerEntry, Transactions

Cause = Literal[
    "bye", "hangup", "gone", "no-ack", "rejected", "replaced", "busy", "no-answer", "refused", "unreachable"
]

OnAnswer = Callable[[Call, int, Response | None], None]

CALL_TIMERS = ("repeat-2xx", "no-ack", "repeat-1xx", "linger")
LEG_TIMERS = ("ring",)
PRACK_TIMERS = ("repeat", "give-up", "answer")
_TIMERS = tuple(
    (who, name)
    for who, names in (("call", CALL_TIMERS), ("dialog", DIALOG_TIMERS), ("leg", LEG_TIMERS), ("prack", PRACK_TIMERS))
    for name in names
)


class Ending:
    """Requests of ours inside dialogs, and the end of calls."""

    def __init__(self, context: Context, table: CallTable) -> None:
        self._context = context
        self._table = table
        self.transactions = Transactions(context, self._on_transaction, self._on_over)
        self.sending = Sending(context, self.transactions.clients)
        self.credentials = Credentials(context)

    def hang_up(self, call: Call, cause: Cause, reason: str = "", *, status: int = 0) -> None:
        """BYE, and the call is over for the house (15.1.1: the session ends when the BYE is sent).

        The record stays until the BYE has its answer, so that a restart in between sends it again.
        """
        self.bye(call, (cleared(reason),))
        self._context.emit(CallEnded(call.id, cause, reason, status))

    def bye(self, call: Call, headers: tuple[tuple[str, str], ...]) -> None:
        """End the dialog of a call that the house need not hear of."""
        self._table.end(call)
        call.awaiting = None
        call.invite = None
        self._stop_timers(call)
        self.ask(call, "BYE", self._on_bye_answer, headers, record=True)

    def hang_up_after_ack(self, call: Call, reason: str) -> None:
        """15: remember to hang up; the ACK, or the end of waiting for it, sends the BYE."""
        call.hangup_reason = reason
        self.keep(call)

    def keep(self, call: Call) -> None:
        """Journal the call as it is now."""
        self._context.put(call.key, to_record(call))

    def repeat_bye(self, call: Call) -> None:
        """After a restart: the BYE may or may not have reached the peer; a second one does no harm (481)."""
        self.ask(call, "BYE", self._on_bye_answer, record=True)

    def probe(self, call: Call) -> None:
        """Ask with an OPTIONS inside the dialog whether the peer still has it; one at a time."""
        if not call.probing:
            call.probing = True
            self.ask(call, "OPTIONS", self._on_probe_answer, (("Accept", build.ACCEPT),))

    def finish(self, call: Call, cause: Cause, reason: str = "", *, status: int = 0, q850: int = 0) -> None:
        """The call is over without a BYE of ours."""
        self.forget(call)
        self._context.emit(CallEnded(call.id, cause, reason, status, q850))

    def take_back(self, call: Call) -> None:
        """A call of ours that is not answered yet is over for the house; its INVITE waits for a final answer."""
        self._table.retire(call, "cancelling")
        self._stop_timers(call)
        self.keep(call)

    def refuse(self, call: Call, status: int, reason: str = "") -> None:
        """A final answer other than 2xx to the INVITE. The record stays until it has been acknowledged, so that a
        restart in between sends it again: a caller who has heard 180 asks no more, and would wait for ever."""
        if call.invite is None:
            return
        data = self.transactions.prepare(call.invite, status, reason=reason)
        self._table.retire(call, "refused")
        call.refusal, call.refusal_status = data, status
        self._stop_timers(call)
        self.keep(call)
        self.transactions.send_response(call.invite, status, data)

    def repeat_refusal(self, call: Call) -> None:
        """After a restart: send it again, and wait for its ACK anew."""
        if call.invite is not None:
            self.transactions.send_response(call.invite, call.refusal_status, call.refusal)

    def _on_over(self, entry: ServerEntry) -> None:
        call = self._table.get(entry.owner)
        if call is not None and call.state == "refused" and call.invite is entry:
            self.forget(call)

    def forget(self, call: Call) -> None:
        """Drop the call, its timers and its record; its transactions run out by themselves.

        A short call lingers until 64*T1 after its 200, in the journal too: a copy of its INVITE that is still on its
        way must not make a second call of it, whether or not the process has been restarted in between.
        """
        self._stop_timers(call)
        call.awaiting = call.invite = call.hangup_reason = None  # a late ACK finds nothing to wake
        left_ms = call.accepted_at_ms + self._context.times.give_up_ms - self._context.now_ms
        # Of a call of ours a second answer may come, over whatever transport
        may_be_late = call.leg is not None or call.dialog.flow.transport == "udp"
        if call.accepted_at_ms and left_ms > 0 and may_be_late and call.state != "over":
            self._table.retire(call, "over")
            if call.leg is None:
                call.incoming = call.incoming_json = call.dialog_json = (
                    None  # most of the memory, and nobody asks for it any more
                )
                call.local_sdp = ""
            self.keep(call)
            self.linger(call)
            return
        self._table.remove(call)
        self._context.delete(call.key)

    def linger(self, call: Call) -> None:
        """Arm the end of an "over" call."""
        left_ms = call.accepted_at_ms + self._context.times.give_up_ms - self._context.now_ms
        self._context.arm("call", call.id, "linger", max(0, left_ms))

    def _stop_timers(self, call: Call) -> None:
        self._context.timers.disarm_all([(who, call.id, name) for who, name in _TIMERS])
        if call.flying is not None:
            self.sending.end_later(call.flying.branch)
            call.flying = None
        if call.asked is not None:
            self.transactions.respond(call.asked, 487)  # 15.1.2: what is still open in the dialog
            call.asked = None

    def ask(
        self,
        call: Call,
        method: str,
        on_answer: OnAnswer,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        *,
        record: bool = False,
        challenges: int = 0,
    ) -> None:
        """A request of ours inside the dialog. `on_answer` hears of the final answer once, 408 without a response when
        none came, and nothing when the call has been forgotten meanwhile. `record` journals the call first; so it is
        done anyway when the reserve of CSeq numbers runs out. A challenge is answered (`challenges` were already)."""
        context = self._context
        branch = build.COOKIE + context.new_id("branch")
        call.dialog, outgoing = next_request(call.dialog, method, branch, context.settings, headers, body)
        self.number_used(call, record=record)

        def on_final(status: int, response: Response | None) -> None:
            still = self._table.get(call.id)
            if still is None:
                return
            if response is not None:
                uri = outgoing.start_uri
                proof = self.credentials.in_dialog(call.trunk, call.dialog, response, method, uri, challenges)
                if proof:
                    others = tuple(header for header in headers if header[0] not in HEADERS)
                    self.ask(
                        still, method, on_answer, (*others, *proof), body, record=record, challenges=challenges + 1
                    )
                    return
            on_answer(still, status, response)

        self.sending.send(outgoing, call.id, on_final)

    def number_used(self, call: Call, *, record: bool = False) -> None:
        """A CSeq number of ours was taken. The record promises that none above the reserve was used: it is renewed
        before one is."""
        if call.dialog.local_cseq > call.cseq_reserved:
            call.cseq_reserved = call.dialog.local_cseq + CSEQ_RESERVE
            record = True
        if record:
            self.keep(call)

    def _on_transaction(self, entry: ClientEntry, status: int) -> None:
        self.sending.final(entry, status)

    def _on_bye_answer(self, call: Call, _status: int, _response: Response | None) -> None:
        # Whatever the answer: 15.1.1, the session is over; 481 and 408 only say that the peer knew already
        self.forget(call)

    def _on_probe_answer(self, call: Call, status: int, _response: Response | None) -> None:
        call.probing = False
        self._context.count("sip_trunk_options", trunk=call.trunk, status=str(status))
        if call.state != "confirmed":
            return  # it has ended while we asked
        if status in (408, 481):
            # 12.2.1.2: the dialog is gone, or nobody is there: terminate it, which for an INVITE dialog is a BYE
            self.hang_up(call, "gone", f"in-dialog OPTIONS answered {status}")
            return
        self._context.emit(ProbeAnswered(call.id, status))
