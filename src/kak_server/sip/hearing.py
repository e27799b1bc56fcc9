"""What the other side says to an INVITE of ours: early dialogs, early media, the answer, and answers too many
(RFC 3261 12.1.2, 13.2.2)."""

from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.api_legs import CallAnswered, CallProgress
from kak_server.sip.calls import CSEQ_RESERVE, Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.credentials import HEADERS
from kak_server.sip.dialog import Dialog, ack_of_2xx, from_answer, next_request
from kak_server.sip.early import EarlyDialogs
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.identity import asserted_identity
from kak_server.sip.leg import MAX_EARLY, Attempt, Early, Leg
from kak_server.sip.parser import Response
from kak_server.sip.provisional import number_of_reliable
from kak_server.sip.reason import answered_elsewhere, cleared
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.uri import number_of, parse_uri

_MAX_NAME = 200


class Hearing:
    """Provisional answers and 2xx of calls of ours."""

    def __init__(self, context: Context, table: CallTable, ending: Ending, refreshing: Refreshing) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._refreshing = refreshing
        self.early = EarlyDialogs(context, ending)

    def progress(self, call: Call, leg: Leg, attempt: Attempt, response: Response) -> None:
        """A provisional answer to the INVITE that is being tried."""
        first, told = not leg.heard, (leg.heard, leg.sdp)
        # Whatever else is in it, and can be read or not: it may be cancelled now (9.1)
        call.leg = leg = replace(leg, heard=response.status)
        if response.status == 100:
            if first:
                self._ending.keep(call)  # a restart must not repeat an INVITE that was heard, and may cancel it
            return
        self._refreshing.note_peer(call, response)
        number, tag = number_of_reliable(response), response.to.tag
        if number and not self._in_turn(call, leg, tag, number):
            return
        sdp = self._description(response)
        early = self._early(call, leg, attempt, response, sdp, number)
        call.leg = replace(leg, early=early, sdp=sdp or leg.sdp)
        news = told != (call.leg.heard, call.leg.sdp)  # else said again, as a peer does every minute (13.3.1.1)
        if number:
            self.early.acknowledge(call, tag)
        elif news:
            self._ending.keep(call)
        if news:
            self._context.emit(CallProgress(call.id, response.status, call.leg.sdp or None, leg.trunk))

    def _in_turn(self, call: Call, leg: Leg, tag: str, number: int) -> bool:
        """RFC 3262 section 4: the first sets the count, then each has its turn; what is acknowledged may come again."""
        early = leg.early_of(tag)
        if early is None or not early.rseq:
            return bool(tag)
        if number == early.rseq and (tag, number) not in call.pracked:
            self.early.acknowledge(call, tag)  # of an earlier life, whose PRACK may never have left
        return number == early.rseq + 1

    def accepted(self, call: Call, leg: Leg, attempt: Attempt, response: Response) -> bool:
        """A 2xx; True when it is the one that makes the call."""
        tag = response.to.tag
        dialog = self._dialog(leg, attempt, response)
        if call.state == "pending":
            return self._answered(call, leg, dialog, attempt, response)
        if call.state == "cancelling":
            # 9.1, 15: it crossed our CANCEL: the call is up on their side, so it is acknowledged and ended
            self._table.move(call, dialog)
            self._acknowledge(dialog, attempt, response)
            self._ending.bye(call, (cleared(),))
        elif tag == call.dialog.remote_tag:
            self._acknowledge(call.dialog, attempt, response)  # 13.2.2.4: each copy of the 2xx gets the ACK again
        else:
            self._end_second(call, leg, dialog, attempt, response)
        return False

    def _answered(self, call: Call, leg: Leg, dialog: Dialog, attempt: Attempt, response: Response) -> bool:
        early = leg.early_of(dialog.remote_tag)
        sdp = self._description(response) or (early.sdp if early is not None else "")
        call.state = "confirmed"
        call.accepted_at_ms = self._context.now_ms
        call.invite_cseq = response.cseq.number
        call.cseq_reserved = dialog.local_cseq + CSEQ_RESERVE
        self._table.move(call, dialog)
        self._ending.sending.forget(call.id)  # the next way may still be looked up: nobody else is to be called
        answered_by = self._answerer(leg, dialog, response)
        call.leg = replace(leg, sdp=sdp, answered_by=answered_by, early=())
        self._table.recount(call)
        self._refreshing.agreed(call, response)
        self._ending.keep(call)
        self._acknowledge(dialog, attempt, response)
        if sdp:
            self._context.emit(CallAnswered(call.id, sdp, leg.trunk, answered_by))
        else:
            # 13.2.1: the answer to our offer must be in it; without one nobody can talk
            self._ending.hang_up(call, "refused", "answered without a session description", status=response.status)
        return True

    def _end_second(self, call: Call, leg: Leg, dialog: Dialog, attempt: Attempt, response: Response) -> None:
        """13.2.2.4: an answer of another branch, or of a place given up: acknowledged, and ended at once."""
        self._acknowledge(dialog, attempt, response)
        if dialog.remote_tag in leg.ended:
            return
        self._context.count("sip_second_answer", trunk=leg.trunk)
        if len(leg.ended) < MAX_EARLY:
            call.leg = replace(leg, ended=(*leg.ended, dialog.remote_tag))
        branch = build.COOKIE + self._context.new_id("branch")
        _, outgoing = next_request(dialog, "BYE", branch, self._context.settings, (answered_elsewhere(),))
        self._ending.sending.send(outgoing, call.id, lambda _status, _response: None)

    def _acknowledge(self, dialog: Dialog, attempt: Attempt, response: Response) -> None:
        proof = tuple(header for header in attempt.after if header[0] in HEADERS)
        branch = build.COOKIE + self._context.new_id("branch")
        ack = ack_of_2xx(dialog, response.cseq.number, branch, self._context.settings, proof=proof)
        self._ending.sending.send_once(ack)

    def _dialog(self, leg: Leg, attempt: Attempt, response: Response) -> Dialog:
        """12.1.2; what an early dialog has counted goes on (13.2.2.4: the route set is that of the 2xx)."""
        dialog = from_answer(attempt.outgoing(self._context.settings, leg.dial.offer_sdp), response)
        dialog = replace(dialog, by_flow=bool(leg.dial.device))
        early = leg.early_of(dialog.remote_tag)
        if early is None:
            return dialog
        return replace(dialog, local_cseq=early.dialog.local_cseq, remote_cseq=early.dialog.remote_cseq)

    def _early(
        self, call: Call, leg: Leg, attempt: Attempt, response: Response, sdp: str, number: int
    ) -> tuple[Early, ...]:
        tag = response.to.tag
        if not tag or (leg.early_of(tag) is None and len(leg.early) >= MAX_EARLY):
            return leg.early
        dialog = self._dialog(leg, attempt, response)
        before = leg.early_of(tag) or Early(dialog)
        self._table.alias(call, dialog)
        others = tuple(one for one in leg.early if one is not before)
        settled = before.settled or bool(sdp and number)
        return (*others, Early(dialog, sdp or before.sdp, number or before.rseq, settled))

    def _description(self, response: Response) -> str:
        try:
            return offer_of(response)[1] or ""
        except ParseError as problem:
            self._context.count(
                "sip_malformed", detail=f"body of a {response.status}: {problem.problem}", status="body"
            )
            return ""

    def _answerer(self, leg: Leg, dialog: Dialog, response: Response) -> str:
        trunk = next((one for one in self._context.settings.trunks if one.name == leg.trunk), None)
        if trunk is None or trunk.trusted_identity:
            asserted = asserted_identity(response)
            if asserted is not None:
                return number_of(asserted.uri)[:_MAX_NAME]
        uri = parse_uri(dialog.target)
        number = number_of(uri)
        return (number if number.lstrip("+").isdigit() else str(uri))[:_MAX_NAME]
