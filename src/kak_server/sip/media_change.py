"""Offers of the peer inside a dialog: its re-INVITE and UPDATE, answered with the session we have (RFC 3261 14.2,
RFC 3264 8, RFC 3311). A hold of ours stays one, whatever the peer offers."""

from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.answering import Answering
from kak_server.sip.api import CallMediaChanged, Flow
from kak_server.sip.bodies import SDP
from kak_server.sip.call_record import to_record
from kak_server.sip.calls import Call
from kak_server.sip.context import Context
from kak_server.sip.dialog import contact_uri
from kak_server.sip.ending import Ending
from kak_server.sip.errors import SdpError
from kak_server.sip.hold import held_by, mirrored, within
from kak_server.sip.parser import Request
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.sdp import agreed, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp_codecs import Codec
from kak_server.sip.transactions import ServerEntry


class MediaChange:
    """re-INVITE and UPDATE of the peer. Both raise ParseError and SdpError; the session is as it was then."""

    def __init__(self, context: Context, ending: Ending, answering: Answering, refreshing: Refreshing) -> None:
        self._context = context
        self._transactions = ending.transactions
        self._answering = answering
        self._refreshing = refreshing

    def reinvite(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """14.2."""
        if call.state == "pending":
            # 14.2: a second INVITE before the final answer to the first
            self._transactions.respond(entry, 500, headers=_retry_after(request))
            return
        if call.awaiting is not None or _open(call):
            # 14.2: an answer of ours is not acknowledged yet, or an INVITE of ours is on its way
            self._transactions.respond(entry, 491)
            return
        if self._interval_refused(entry, request):
            return
        _, offer = offer_of(request)
        target = contact_uri(request) if "contact" in request.fields else call.dialog.target
        if offer is None:
            sdp = reoffer(call.local_sdp, call.session.wanted)
            changed = None
        else:
            sdp, changed = self.answer_offer(call, offer)
        call.dialog = replace(call.dialog, target=target)  # 12.2.2: target refresh
        self._answering.accept(call, entry, sdp, late_offer=offer is None, initial=False)
        if changed is not None:
            self._context.emit(changed)

    def repeated(self, call: Call, request: Request, flow: Flow) -> bool:
        """Whether a re-INVITE is a copy of one that an earlier process, or a transaction long over, has served. While
        our 2xx waits for its ACK that goes out again. Otherwise the copy was on its way for very long, and must not
        bring back an old session: 500, to which its sender has stopped listening."""
        number = request.cseq.number
        if number == 0 or number != call.dialog.remote_cseq:
            return False
        if call.awaiting is not None and call.awaiting.cseq == number:
            self._answering.repeat(call)
        else:
            self._context.answer_stateless(request, flow, 500)
        return True

    def update(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """RFC 3311 5.2."""
        _, offer = offer_of(request)
        if offer is not None and (call.awaiting is not None or _open(call)):
            self._transactions.respond(entry, 491)  # RFC 3311 5.2: an offer of ours may be open
            return
        if offer is not None and call.state == "pending" and not _settled(call):
            # RFC 3311 5.2: the offer of the INVITE has no answer yet
            self._transactions.respond(entry, 500, headers=_retry_after(request))
            return
        if self._interval_refused(entry, request):
            return
        target = contact_uri(request) if "contact" in request.fields else call.dialog.target
        changed = None
        sdp = ""
        if offer is not None:
            sdp, changed = self.answer_offer(call, offer)
            call.local_sdp = sdp
        headers = [
            ("Contact", self._context.contact(entry.request, entry.source)),
            ("Allow", build.ALLOW),
            *self._refreshing.accept(call, request),
        ]
        if sdp:
            headers.append(("Content-Type", SDP))
        call.dialog = replace(call.dialog, target=target)
        self._context.put(call.key, to_record(call))
        self._transactions.respond(entry, 200, headers=headers, body=sdp.encode())
        if changed is not None:
            self._context.emit(changed)

    def _interval_refused(self, entry: ServerEntry, request: Request) -> bool:
        refusal = self._refreshing.refusal(request)
        if refusal is not None:
            self._transactions.respond(entry, refusal.status, headers=refusal.headers)
        return refusal is not None

    def answer_offer(self, call: Call, offer: str) -> tuple[str, CallMediaChanged]:
        """RFC 3264 6.1: the mirror of what is offered, as far as our own hold leaves it."""
        wanted = call.session.wanted
        answered = renegotiate(offer, call.local_sdp, keep=codec_in_use(call), direction=wanted)
        peers, sdp = answered.peer_direction, answered.answer_sdp
        call.session = replace(call.session, codec=answered.codec)
        return sdp, CallMediaChanged(call.id, offer, sdp, within(mirrored(peers), wanted), held_by(wanted, peers))

    def answered_late(self, call: Call, answer_sdp: str) -> None:
        """The ACK of a re-INVITE without offer brought the answer to ours."""
        try:
            answered = parse_answer(call.local_sdp, answer_sdp)
        except SdpError as problem:
            # Our 2xx stands; there is nobody left to refuse it to, and the media we have may well go on
            self._context.count("sip_malformed", detail=f"answer in an ACK: {problem}", status="ack")
            return
        peers, wanted = answered.peer_direction, call.session.wanted
        ours = within(mirrored(peers), wanted)
        call.session = replace(call.session, codec=answered.codec)
        self._context.put(call.key, to_record(call))
        self._context.emit(CallMediaChanged(call.id, answer_sdp, call.local_sdp, ours, held_by(wanted, peers)))


def codec_in_use(call: Call) -> Codec | None:
    """The codec that both sides have agreed on, where our own description, being an offer, does not say it."""
    if call.session.codec is not None or call.leg is None or not call.leg.sdp:
        return call.session.codec
    try:
        return agreed(call.leg.sdp, call.local_sdp).codec
    except SdpError:
        return None


def _open(call: Call) -> bool:
    """Whether an offer of ours is on its way: not one that waits for its turn."""
    return call.session.reoffer is not None and call.session.reoffer.cseq > 0


def _settled(call: Call) -> bool:
    """Whether the offer of the INVITE has been answered before our 200: reliably, and acknowledged (RFC 3262)."""
    return call.reliable is not None and call.reliable.acknowledged and call.reliable.described


def _retry_after(request: Request) -> tuple[tuple[str, str], ...]:
    """14.2: a number of seconds from 0 to 10 that is not the same for everybody."""
    return (("Retry-After", str(request.cseq.number % 11)),)
