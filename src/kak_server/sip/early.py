"""Dialogs of ours before the answer: PRACK for reliable provisional answers (RFC 3262 section 4), and what the called
side may ask in them (RFC 3311)."""

from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.api_legs import CallProgress
from kak_server.sip.bodies import SDP
from kak_server.sip.calls import Call
from kak_server.sip.context import Context
from kak_server.sip.dialog import accepts_cseq, contact_uri, next_request
from kak_server.sip.ending import Ending
from kak_server.sip.leg import Early, Leg
from kak_server.sip.parser import Request, Response
from kak_server.sip.provisional import rack
from kak_server.sip.sdp import renegotiate
from kak_server.sip.transactions import ServerEntry


class EarlyDialogs:
    """The early dialogs of calls of ours."""

    def __init__(self, context: Context, ending: Ending) -> None:
        self._context = context
        self._ending = ending

    def acknowledge(self, call: Call, tag: str, proof: build.Headers = (), challenges: int = 0) -> None:
        """PRACK the newest reliable answer of a branch; journalled first, since it uses up a CSeq number."""
        leg = call.leg
        early = leg.early_of(tag) if leg is not None else None
        if leg is None or early is None:
            return
        branch = build.COOKIE + self._context.new_id("branch")
        headers = (rack(early.rseq, leg.cseq), *proof)
        dialog, outgoing = next_request(early.dialog, "PRACK", branch, self._context.settings, headers)
        call.leg = _with(leg, replace(early, dialog=dialog))
        call.pracked = call.pracked | {(tag, early.rseq)}
        self._ending.keep(call)

        def on_final(status: int, response: Response | None) -> None:
            if response is not None and call.state == "pending":
                again = self._ending.credentials.in_dialog(
                    call.trunk, dialog, response, "PRACK", outgoing.start_uri, challenges
                )
                if again:
                    self.acknowledge(call, tag, again, challenges + 1)
                    return
            if not 200 <= status < 300:
                self._context.count("sip_prack_refused", detail=f"{status} to our PRACK", call=call.id)

        self._ending.sending.send(outgoing, call.id, on_final)

    def request(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """A request of the called side in an early dialog. Raises ParseError and SdpError."""
        leg, respond = call.leg, self._ending.transactions.respond
        early = leg.early_of(request.sender.tag) if leg is not None else None
        if leg is None or early is None or request.method not in ("UPDATE", "INFO", "OPTIONS"):
            respond(entry, 481)  # 15: the called side does not end an early dialog with BYE
            return
        if not accepts_cseq(early.dialog, request.cseq.number):
            respond(entry, 500)
            return
        early = replace(early, dialog=replace(early.dialog, remote_cseq=request.cseq.number, flow=entry.source))
        if request.method != "UPDATE":
            call.leg = _with(leg, early)
            respond(entry, 200)
            return
        self._update(call, leg, early, entry, request)

    def _update(self, call: Call, leg: Leg, early: Early, entry: ServerEntry, request: Request) -> None:
        respond = self._ending.transactions.respond
        _, offer = offer_of(request)
        ours = call.session.reoffer
        if offer is not None and (not early.settled or (ours is not None and ours.cseq)):
            respond(entry, 491)  # RFC 3311 5.2: an offer of ours has no answer for certain yet
            return
        if "contact" in request.fields:
            early = replace(early, dialog=replace(early.dialog, target=contact_uri(request)))
        headers = [
            ("Contact", self._context.contact(request, entry.source)),
            ("Allow", build.ALLOW),
        ]
        body = b""
        if offer is not None:
            call.local_sdp = renegotiate(offer, call.local_sdp).answer_sdp
            body = call.local_sdp.encode()
            headers.append(("Content-Type", SDP))
            early = replace(early, sdp=offer)
            leg = replace(leg, sdp=offer)
        call.leg = _with(leg, early)
        self._ending.keep(call)
        respond(entry, 200, headers=headers, body=body)
        if offer is not None:
            self._context.emit(CallProgress(call.id, leg.heard, offer, leg.trunk))


def _with(leg: Leg, early: Early) -> Leg:
    tag = early.dialog.remote_tag
    return replace(leg, early=tuple(early if one.dialog.remote_tag == tag else one for one in leg.early))
