"""Offers of ours inside a dialog: re-INVITE, and whatever may cross it (RFC 3261 14.1, RFC 3264 8).

One at a time: a further order waits, and a newer one takes the place of one that waits. The offer is in the call's
record with the branch it went out on, so that after a restart the same transaction goes on: to the peer it is a copy.
"""

import hashlib
import re
from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.admission import offer_of
from kak_server.sip.api import CallMediaChanged
from kak_server.sip.api_legs import MediaAgreed, MediaRefused
from kak_server.sip.bodies import SDP
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.dialog import Outgoing, ack_of_2xx, contact_uri, next_request
from kak_server.sip.early_offers import EarlyOffers
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError, SdpError
from kak_server.sip.hold import direction_of, held_by, mirrored, within
from kak_server.sip.pacer import Pacer
from kak_server.sip.parser import Response
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.sdp import parse_answer
from kak_server.sip.session import Reoffer

MAX_TRIES = 6  # of one offer, when the peer has one of its own open each time
PATIENCE_MS = 60_000  # for an answer after a provisional one
_LOOK_AGAIN_MS = 1_000  # whether the call has been answered, or may be asked otherwise
_RETRY_AFTER_MAX_S = 10  # 14.2: what a peer may ask for
_ORIGIN = re.compile(r"(?m)^o=(\S+) (\d+) (\d+) ([^\r\n]*)")


class Reoffering:
    """The offers of all calls."""

    def __init__(self, context: Context, table: CallTable, ending: Ending, refreshing: Refreshing) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._refreshing = refreshing
        self._early = EarlyOffers(context, table, ending, refreshing)
        self._pacer = Pacer(context.settings.paced_offers_per_s)

    # --- orders -----------------------------------------------------------------------------------------------------

    def order(self, call: Call, sdp: str, *, paced: bool = False) -> bool:
        """Offer `sdp`, now or as soon as nothing is in the way; `paced` for one of many."""
        up = call.state in ("accepted", "confirmed") and call.hangup_reason is None
        if not up and self._early.dialog(call) is None:
            return False
        open_offer = call.session.reoffer
        if open_offer is not None and open_offer.cseq:
            call.session = replace(call.session, next_offer=sdp)
            self._ending.keep(call)
            return True
        call.session = replace(call.session, reoffer=Reoffer(sdp))
        slot_ms = self._pacer.slot(self._context.now_ms) if paced else self._context.now_ms
        if slot_ms > self._context.now_ms:
            self._ending.keep(call)
            self._context.arm("dialog", call.id, "reoffer", slot_ms - self._context.now_ms)
        else:
            self._context.disarm("dialog", call.id, "reoffer")
            self._go(call)
        return True

    def refresh(self, call: Call) -> bool:
        """A re-INVITE that changes nothing (RFC 4028 7.4)."""
        if call.session.reoffer is not None or call.state != "confirmed":
            return False
        call.session = replace(call.session, reoffer=Reoffer(call.local_sdp, refresh=True))
        self._go(call)
        return True

    def acknowledged(self, call: Call) -> None:
        """The ACK for a 2xx of ours is here: what waited for that may go."""
        offer = call.session.reoffer
        if offer is not None and not offer.cseq and ("dialog", call.id, "reoffer") not in self._context.timers:
            self._go(call)

    def resume(self, call: Call) -> None:
        """After a restart: what was on its way goes out again as the copy it is, and at once, for its answer may be
        here any moment; what waited waits its turn."""
        waiting = call.session.reoffer
        if waiting is None or call.state not in ("pending", "accepted", "confirmed"):
            return
        if waiting.update:
            # Nobody knows whether it was answered; the same offer again says nothing new, but brings the answer
            call.session = replace(call.session, reoffer=replace(waiting, cseq=0, update=False))
        elif waiting.cseq:
            call.session = replace(call.session, reoffer=replace(waiting, resumed=True))
            self._transmit(call)
            return
        after_ms = self._pacer.slot(self._context.now_ms) - self._context.now_ms
        self._context.arm("dialog", call.id, "reoffer", after_ms)

    # --- sending ----------------------------------------------------------------------------------------------------

    def _go(self, call: Call) -> None:
        offer = call.session.reoffer
        if offer is None:
            return
        early = self._early.dialog(call)
        if early is not None:
            sdp, cseq = next_version(offer.sdp, call.local_sdp), early.local_cseq + 1
            sent = replace(offer, sdp=sdp, cseq=cseq, update=True, tries=offer.tries + 1)
            call.session = replace(call.session, reoffer=sent)
            self._early.send(call, sdp, self._on_update_answer)
            return
        if call.state != "confirmed" or call.awaiting is not None:
            self._ending.keep(call)  # 14.1: not while an INVITE is in progress in the other direction
            if call.state == "pending":
                self._context.arm("dialog", call.id, "reoffer", _LOOK_AGAIN_MS)
            return
        sdp = offer.sdp if offer.refresh else next_version(offer.sdp, call.local_sdp)
        branch = build.COOKIE + self._context.new_id("branch")
        call.session = replace(
            call.session,
            reoffer=replace(offer, sdp=sdp, cseq=call.dialog.local_cseq + 1, branch=branch, tries=offer.tries + 1),
        )
        self._transmit(call)

    def _transmit(self, call: Call) -> None:
        """Send what the session says is on its way. The CSeq number is the offer's, whatever was sent since."""
        offer = call.session.reoffer
        assert offer is not None
        headers = (
            ("Allow", build.ALLOW),
            *self._refreshing.headers(call),
            *offer.proof,
            ("Content-Type", SDP),
        )
        before = replace(call.dialog, local_cseq=offer.cseq - 1)
        _, outgoing = next_request(before, "INVITE", offer.branch, self._context.settings, headers, offer.sdp.encode())
        call.dialog = replace(call.dialog, local_cseq=max(call.dialog.local_cseq, offer.cseq))
        self._ending.number_used(call, record=True)
        self._context.arm("dialog", call.id, "reoffer", self._context.times.give_up_ms + PATIENCE_MS)
        self._ending.sending.send(
            outgoing,
            call.id,
            lambda status, response: self._on_final(call, offer.cseq, status, response),
            on_response=lambda response: self._on_response(call, response),
            on_attempt=lambda attempt: self._on_attempt(call, attempt),
        )

    def _on_attempt(self, call: Call, outgoing: Outgoing) -> None:
        offer = call.session.reoffer
        call.flying = outgoing
        if offer is not None and offer.cseq == outgoing.cseq and offer.branch != outgoing.branch:
            call.session = replace(call.session, reoffer=replace(offer, branch=outgoing.branch))
            self._ending.keep(call)

    def on_timer(self, call: Call) -> None:
        """A slot, a back-off, or the end of patience with a peer that says "in a moment" for ever."""
        offer = call.session.reoffer
        if offer is None or not self._alive(call):
            return
        flying = call.flying
        if not offer.cseq:
            self._go(call)
        elif flying is not None and not offer.cancelled:
            call.session = replace(call.session, reoffer=replace(offer, cancelled=True))
            self._ending.keep(call)
            self._context.arm("dialog", call.id, "reoffer", self._context.times.give_up_ms)
            self._ending.transactions.clients.request(flying.within("CANCEL"), call.id)
        else:
            if flying is not None:
                self._ending.transactions.clients.abandon(flying.branch)  # 9.1: it has had 64*T1 for its 487
            self._refused(call, offer, 408)

    # --- answers ----------------------------------------------------------------------------------------------------

    def stray(self, response: Response) -> bool:
        """A 2xx to an INVITE of ours that no transaction knows: repeated after its time, or across a restart. It is
        acknowledged (13.2.2.4), or the peer would end the call."""
        if not 200 <= response.status < 300 or response.cseq.method != "INVITE":
            return False
        call = self._table.of_answer(response)
        if call is None or response.cseq.number > call.dialog.local_cseq:
            return False
        self._on_response(call, response)
        return True

    def _on_response(self, call: Call, response: Response) -> None:
        if response.status < 200:
            return
        offer = call.session.reoffer
        mine = offer is not None and offer.cseq == response.cseq.number and self._alive(call)
        if mine and "contact" in response.fields:
            try:  # 12.2.1.2: target refresh
                call.dialog = replace(call.dialog, target=contact_uri(response))
            except ParseError as problem:
                self._context.count("sip_malformed", detail=problem.problem, status="answer")
        branch = build.COOKIE + self._context.new_id("branch")
        proof = offer.proof if mine and offer is not None else ()
        ack = ack_of_2xx(call.dialog, response.cseq.number, branch, self._context.settings, proof=proof)
        self._ending.sending.send_once(ack)
        if mine and offer is not None:
            self._agreed(call, offer, response)

    def _agreed(self, call: Call, offer: Reoffer, response: Response) -> None:
        self._landed(call)
        self._refreshing.agreed(call, response)
        try:
            _, answer = offer_of(response)
            taken = parse_answer(offer.sdp, answer or "")
        except (ParseError, SdpError) as problem:
            # The peer has agreed to something nobody can read. An emergency call is not ended over that: the house
            # may offer again
            self._context.count("sip_malformed", detail=f"answer to our offer: {problem}", status="answer")
            self._after(call)
            self._context.emit(MediaRefused(call.id, 488))
            return
        assert answer is not None
        wanted = direction_of(offer.sdp) if not offer.refresh else call.session.wanted
        call.local_sdp = offer.sdp
        self._early.agreed(call, answer)
        call.session = replace(call.session, wanted=wanted, codec=taken.codec)
        self._after(call)
        peers = taken.peer_direction
        ours = within(mirrored(peers), direction_of(offer.sdp))
        if offer.refresh:
            self._context.emit(CallMediaChanged(call.id, answer, offer.sdp, ours, held_by(wanted, peers)))
        else:
            self._context.emit(MediaAgreed(call.id, offer.sdp, answer, ours))

    def _on_final(self, call: Call, cseq: int, status: int, response: Response | None) -> None:
        offer = call.session.reoffer
        if 200 <= status < 300 or offer is None or offer.cseq != cseq or not self._alive(call):
            return
        if response is None and offer.resumed:
            # The answer may have come, and gone, while nobody was here: a fresh request tells whether the call lives
            self._refused(call, offer, 408)
            self._ending.probe(call)
            return
        if status in (408, 481) and not offer.cancelled:
            self._landed(call)
            self._ending.hang_up(call, "gone", f"re-INVITE answered {status}")  # 12.2.1.2, 14.1
            return
        if response is not None and call.flying is not None and self._proved(call, offer, call.flying, response):
            return
        retry_ms = self._retry_ms(call, offer, status, response)
        if retry_ms is None or offer.tries >= MAX_TRIES or offer.cancelled:
            self._refused(call, offer, status, response)
            return
        self._again(call, offer, status, retry_ms)

    def _on_update_answer(self, call: Call, status: int, response: Response | None) -> None:
        """RFC 3311 5.1: an UPDATE that fails, fails alone: the INVITE goes on."""
        offer = call.session.reoffer
        if offer is None or not offer.update or not self._alive(call):
            return
        if response is not None and 200 <= status < 300:
            self._agreed(call, offer, response)
            return
        retry_ms = self._retry_ms(call, offer, status, response)
        if retry_ms is None or offer.tries >= MAX_TRIES:
            self._refused(call, offer, status, response)
        else:
            self._again(call, replace(offer, update=False), status, retry_ms)

    def _again(self, call: Call, offer: Reoffer, status: int, retry_ms: int) -> None:
        self._context.count("sip_reoffer_retried", status=str(status))
        call.flying = None
        call.session = replace(call.session, reoffer=replace(offer, cseq=0, branch=""))
        self._ending.keep(call)
        self._context.arm("dialog", call.id, "reoffer", retry_ms)

    def _proved(self, call: Call, offer: Reoffer, flying: Outgoing, response: Response) -> bool:
        """22.2: challenged: once more, with credentials."""
        proof = self._ending.credentials.in_dialog(
            call.trunk, call.dialog, response, "INVITE", flying.start_uri, offer.challenges
        )
        if proof:
            call.flying = None
            again = replace(offer, cseq=0, branch="", proof=proof, challenges=offer.challenges + 1)
            call.session = replace(call.session, reoffer=again)
            self._go(call)
        return bool(proof)

    def _retry_ms(self, call: Call, offer: Reoffer, status: int, response: Response | None) -> int | None:
        if status == 491:
            # 14.1: 2.1 to 4 s for the side that made the Call-ID, 0 to 2 s for the other, in steps of 10 ms
            seed = hashlib.blake2s(self._context.new_id("branch").encode(), digest_size=4).digest()
            dice = int.from_bytes(seed, "big")
            return 2_100 + 10 * (dice % 191) if call.leg is not None else 10 * (dice % 201)
        if status == 422 and self._refreshing.larger(call, response):
            return 0
        wait = (response.get("retry-after") or "").partition(";")[0].strip() if response is not None else ""
        if status == 500 and wait.isascii() and wait.isdigit() and len(wait) < 3 and int(wait) <= _RETRY_AFTER_MAX_S:
            return 1000 * int(wait)  # 14.2: it has not answered an earlier INVITE of ours yet
        return None

    def _refused(self, call: Call, offer: Reoffer, status: int, response: Response | None = None) -> None:
        self._landed(call)
        if offer.refresh:
            self._ending.keep(call)
            self._refreshing.failed(call, status, response)
        else:
            self._refreshing.resume(call)
            self._after(call)
            self._context.emit(MediaRefused(call.id, status))

    def _landed(self, call: Call) -> None:
        call.flying = None
        self._context.disarm("dialog", call.id, "reoffer")
        call.session = replace(call.session, reoffer=None)

    def _after(self, call: Call) -> None:
        """What was ordered meanwhile is next."""
        if call.session.next_offer:
            call.session = replace(call.session, reoffer=Reoffer(call.session.next_offer), next_offer="")
            self._context.arm("dialog", call.id, "reoffer", 0)
        self._ending.keep(call)

    def _alive(self, call: Call) -> bool:
        return call.state in ("pending", "accepted", "confirmed") and self._table.get(call.id) is call


def next_version(sdp: str, local_sdp: str) -> str:
    """RFC 3264 8: an offer that changes a session keeps its o= name and id, and counts its version up by one. The
    house does not know how far we have counted in answers, so it is done here."""
    ours, given = _ORIGIN.search(local_sdp), _ORIGIN.search(sdp)
    if ours is None or given is None:
        return sdp
    user, number, version, _ = ours.groups()
    return f"{sdp[: given.start()]}o={user} {number} {int(version) + 1} {given.group(4)}{sdp[given.end() :]}"
