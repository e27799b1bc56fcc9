"""After a restart: calls of ours. One that the SIP room does not know is over, and is never dialled again; one that was
answered while we were away is joined now."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kak_server.bridges import far_ends
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Note, SetTimer, ToSip
from kak_server.bridges.transfers import REFER_TIMEOUT_MS
from kak_server.model.ids import CallId
from kak_server.routing.api import ContactConnected, ContactGone
from kak_server.sip.api import CallView

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def resume_far_ends(house: "House", line: Line, sip_calls: Mapping[CallId, CallView]) -> None:
    """The far end of a call out and every party of this contact, as the SIP room has them."""
    held = sip_calls.get(line.call)
    view = house.ctx.core.contact(line.contact)
    if line.direction == "out" and line.answered and held is not None and held.incoming is not None:
        house.ctx.emit(ToSip("answer", line.call, sdp=line.answer_sdp))  # it has replaced the call we made
    if line.direction == "out" and not line.answered and held is not None:
        far_ends.dialled_before(house, held)
    elif view is not None and view.outgoing and line.answered and view.answered_at_ms is None:
        house.ctx.route(ContactConnected(house.ctx.now_ms, line.contact, view.epoch))  # noted, and not said
    for party in line.parties:
        held = sip_calls.get(party.call)
        if not party.live:
            continue
        if held is None:
            house.ctx.emit(Note("party_without_call", "warning", {"contact": line.contact, "party": party.id}))
            house.parties.ended(house.calls.lines[line.contact], party, "lost-in-restart")
        elif held.incoming is not None:
            house.ctx.emit(ToSip("answer", party.call, sdp=party.offer_sdp))  # likewise; a no-op if it was answered
        elif not party.talks:
            far_ends.dialled_before(house, held)
    line = house.calls.lines[line.contact]
    if line.referral is not None and line.referral.state != "failed":
        house.ctx.emit(SetTimer(f"refer/{line.contact}", house.ctx.now_ms + REFER_TIMEOUT_MS))
    if line.parties:
        last = max(line.parties, key=lambda party: party.since_ms)
        house.parties.judge(line, last, last.cause)  # we may have died before drawing the conclusion
    elif line.gone:
        house.ctx.route(ContactGone(house.ctx.now_ms, line.contact, line.gone))
