"""Requests of the peer inside a dialog (RFC 3261 12.2.2, 14.2, 15.1.2; RFC 3311 UPDATE; RFC 6086 INFO)."""

from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import Admission, refusal_headers
from kak_server.sip.api import Flow
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.dialog import accepts_cseq
from kak_server.sip.dialogs import Dialogs
from kak_server.sip.early import EarlyDialogs
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError, SdpError
from kak_server.sip.inbound import Inbound
from kak_server.sip.parser import Request
from kak_server.sip.reason import MAX_TEXT, reason_of
from kak_server.sip.transactions import ServerEntry

_CAPABILITIES = (("Allow", build.ALLOW), ("Accept", build.ACCEPT))


class InDialog:
    """Whatever carries a To tag and is neither ACK nor CANCEL."""

    def __init__(
        self,
        context: Context,
        table: CallTable,
        admission: Admission,
        ending: Ending,
        dialogs: Dialogs,
        inbound: Inbound,
        early: EarlyDialogs,
    ) -> None:
        self._context = context
        self._table = table
        self._admission = admission
        self._ending = ending
        self._media_change = dialogs.media_change
        self._transfers = dialogs.transfers
        self._reliability = dialogs.reliability
        self._inbound = inbound
        self._early = early
        self._transactions = ending.transactions

    def request(self, request: Request, flow: Flow) -> None:
        """Find the dialog, check the order, and do what the method says."""
        call = self._table.of_dialog(request)
        if (
            call is None
            or call.state in ("refused", "cancelling", "over")
            or (call.state == "ending" and request.method != "BYE")
        ):
            self._context.answer_stateless(request, flow, 481)  # 12.2.2
            return
        if self._transactions.full:
            self._context.answer_stateless(request, flow, 503)
            return
        if request.method == "INVITE" and self._media_change.repeated(call, request, flow):
            return
        entry = self._transactions.serve(request, flow, owner=call.id, trunk=call.trunk)
        try:
            self._serve(call, entry, request, flow)
        except ParseError as problem:
            self._context.count("sip_malformed", detail=problem.problem, status=str(problem.status))
            self._transactions.respond(entry, problem.status, headers=refusal_headers(problem.status))
        except SdpError as problem:
            # 14.2: 488, and the session stays as it was
            self._context.count("sip_refused", detail=str(problem), status="488", call=call.id)
            self._transactions.respond(entry, 488)

    def _serve(self, call: Call, entry: ServerEntry, request: Request, flow: Flow) -> None:
        refusal = self._admission.within(request, secure=flow.transport == "tls")
        if refusal is not None:
            self._transactions.respond(entry, refusal.status, headers=refusal.headers)
            return
        if call.leg is not None and call.state == "pending":
            self._early.request(call, entry, request)
            return
        if not accepts_cseq(call.dialog, request.cseq.number):
            self._transactions.respond(entry, 500)  # 12.2.2: out of order
            return
        call.dialog = replace(call.dialog, remote_cseq=request.cseq.number, flow=flow)
        self._dispatch(call, entry, request)

    def _dispatch(self, call: Call, entry: ServerEntry, request: Request) -> None:
        method = request.method
        if method == "BYE":
            self._bye(call, entry, request)
        elif method == "INVITE":
            self._media_change.reinvite(call, entry, request)
        elif method == "UPDATE":
            self._media_change.update(call, entry, request)
        elif method == "PRACK":
            self._reliability.prack(call, entry, request)
        elif method == "OPTIONS":
            self._transactions.respond(entry, 200, headers=_CAPABILITIES)
        elif method == "REFER":
            self._transfers.asked(call, entry, request)
        elif method == "NOTIFY":
            self._transfers.notified(call, entry, request)
        elif "info-package" in request.fields:
            # RFC 6086 4.2.2: packages are used only when the receiver has said it takes them; we take none
            self._transactions.respond(entry, 469, headers=(("Recv-Info", ""),))
        else:
            self._transactions.respond(entry, 200)  # INFO of the old kind (RFC 6086 9.2): heard, not needed

    def _bye(self, call: Call, entry: ServerEntry, request: Request) -> None:
        self._transactions.respond(entry, 200)  # 15.1.2
        if call.state == "pending":
            self._inbound.terminate(call, request)  # in the early dialog: the INVITE still gets 487
        elif call.state != "ending":  # else both hung up at once: our own BYE clears up
            said = reason_of(request)
            text = said.text or (request.get("reason") or "")[:MAX_TEXT]
            self._ending.finish(call, "bye", text, q850=said.q850)
        request.forget()  # its transaction goes on for 64*T1, and has the answer
