"""Offers of ours before the call is answered: UPDATE in the early dialog (RFC 3311 5.1), once the first offer has its
answer for certain, and only to a peer whose Allow names it."""

from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.bodies import SDP
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.dialog import Dialog, next_request
from kak_server.sip.ending import Ending, OnAnswer
from kak_server.sip.leg import Early
from kak_server.sip.parser import Response
from kak_server.sip.refreshing import Refreshing


class EarlyOffers:
    """UPDATEs with an offer, in both roles."""

    def __init__(self, context: Context, table: CallTable, ending: Ending, refreshing: Refreshing) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._refreshing = refreshing

    def dialog(self, call: Call) -> Dialog | None:
        """The early dialog an UPDATE may go out in; None: it must wait for the answer to the INVITE."""
        if call.state != "pending":
            return None
        if call.leg is not None:
            early = _newest(call)
            return early.dialog if early is not None and call.session.peer_updates else None
        if call.invite is not None:
            self._refreshing.note_peer(call, call.invite.request)
        reliable = call.reliable
        settled = reliable is not None and reliable.acknowledged and reliable.described
        return call.dialog if settled and call.session.peer_updates else None

    def send(self, call: Call, sdp: str, on_answer: OnAnswer) -> None:
        """Send it; `on_answer` hears of the final answer, unless the call has been forgotten. Journalled first."""
        headers = (("Allow", build.ALLOW), ("Supported", build.SUPPORTED), ("Content-Type", SDP))
        early = _newest(call) if call.leg is not None else None
        if call.leg is None or early is None:
            self._ending.ask(call, "UPDATE", on_answer, headers, sdp.encode(), record=True)
            return
        branch = build.COOKIE + self._context.new_id("branch")
        dialog, outgoing = next_request(early.dialog, "UPDATE", branch, self._context.settings, headers, sdp.encode())
        self._keep(call, replace(early, dialog=dialog))

        def on_final(status: int, response: Response | None) -> None:
            still = self._table.get(call.id)
            if still is not None:
                on_answer(still, status, response)

        self._ending.sending.send(outgoing, call.id, on_final)

    def agreed(self, call: Call, answer_sdp: str) -> None:
        """The peer's description in the early dialog is another now."""
        early = _newest(call) if call.leg is not None else None
        if call.leg is not None and early is not None and call.state == "pending":
            call.leg = replace(call.leg, sdp=answer_sdp)
            self._keep(call, replace(early, sdp=answer_sdp))

    def _keep(self, call: Call, early: Early) -> None:
        if call.leg is not None:
            tag = early.dialog.remote_tag
            others = tuple(early if one.dialog.remote_tag == tag else one for one in call.leg.early)
            call.leg = replace(call.leg, early=others)
        self._ending.keep(call)


def _newest(call: Call) -> Early | None:
    """The early dialog of ours that is listened to, when our offer has its answer in it."""
    leg = call.leg
    return next((one for one in reversed(leg.early) if one.settled), None) if leg is not None else None
