"""A call that takes another's place (RFC 3891): the same contact, the same leg on a new port, the recording goes on.

The SIP room has looked at who asks and ends the old call as soon as the new one is answered.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from kak_server.bridges.line import Line, Party
from kak_server.bridges.line_media import policy_in, secret_for, with_session
from kak_server.bridges.outputs import Note, ToSip
from kak_server.media import rpc
from kak_server.model.ids import LegId
from kak_server.routing.api import ContactConnected
from kak_server.sip.api import IncomingCall
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, negotiate

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def takes_place(house: "House", event: IncomingCall) -> bool:
    """Whether the call is to replace one of ours: then it has done so, or has been refused."""
    if event.replaces is None:
        return False
    found = house.parties.find(event.replaces)
    line = found[0] if found is not None else house.calls.line_of(event.replaces)
    if line is None:
        _refuse(house, event, 481, "the call that it replaces is over")
        return True
    made = _leg(house, event, found[1].leg.leg if found is not None else line.leg.leg)
    if made is None:
        return True
    leg, media = made
    old = found[1].leg if found is not None else line.leg
    if found is not None:
        _party(house, line, found[1], event, leg, media)
        if not found[1].talks:
            house.transfers.tell_asker(found[1], 200)  # who had us call it has waited for this
    else:
        _far_end(house, line, event, leg, media)
    house.calls.refresh(line.contact)
    house.ctx.ports.free(old.port)
    house.ctx.emit(ToSip("answer", event.call, sdp=media.answer_sdp))
    house.ctx.emit(Note("call_replaced", fields={"contact": line.contact, "old": event.replaces, "call": event.call}))
    house.redraw(line.contact)
    return True


def _leg(house: "House", event: IncomingCall, name: LegId) -> tuple[rpc.CreateRtp, Negotiated] | None:
    """The leg anew, on a port of its own: the old one is heard until the new one is there."""
    ctx = house.ctx
    port = ctx.ports.take()
    if port is None:
        _refuse(house, event, 503, "no room for the call")
        return None
    media_host, bind_host = ctx.media_place(event)
    policy = policy_in(ctx, event)
    try:
        media = negotiate(
            event.offer_sdp, media_host, port, ctx.ids.bits(31), policy=policy, secret=secret_for(ctx, policy)
        )
    except SdpError as problem:
        ctx.ports.free(port)
        _refuse(house, event, 488, str(problem))
        return None
    ctx.unsent.pop(name, None)  # what the worker was still to hear of the old leg's peer
    leg = with_session(ctx.new_rtp(name, port), media)
    return replace(leg, bind_host=bind_host, peer_host=media.peer_host, peer_port=media.peer_port), media


def _far_end(house: "House", line: Line, event: IncomingCall, leg: rpc.CreateRtp, media: Negotiated) -> None:
    ctx = house.ctx
    view = ctx.core.contact(line.contact)
    first = line.direction == "out" and not line.answered
    house.calls.by_call.pop(line.call, None)
    house.calls.by_call[event.call] = line.contact
    house.calls.keep(
        replace(
            line,
            call=event.call,
            trunk=event.trunk,
            leg=leg,
            answer_sdp=media.answer_sdp,
            late_offer=event.offer_sdp is None,
            signalled=(media.peer_host, media.peer_port),
            sends=True,
            answered=True,
            progress="answered",
            answered_at_ms=line.answered_at_ms or ctx.now_ms,
            operator_answered_at_ms=line.operator_answered_at_ms or (ctx.now_ms if first else 0),
        )
    )
    if first and view is not None:
        ctx.route(ContactConnected(ctx.now_ms, line.contact, view.epoch))


def _party(
    house: "House", line: Line, party: Party, event: IncomingCall, leg: rpc.CreateRtp, media: Negotiated
) -> None:
    ctx = house.ctx
    house.parties.by_call.pop(party.call, None)
    house.parties.by_call[event.call] = (line.contact, party.id)
    now = replace(
        party,
        call=event.call,
        trunk=event.trunk,
        leg=leg,
        offer_sdp=media.answer_sdp,
        signalled=(media.peer_host, media.peer_port),
        sends=True,
        state="answered",
        since_ms=party.since_ms if party.talks else ctx.now_ms,
        answered_at_ms=party.answered_at_ms or ctx.now_ms,
        asked_by=None,
    )
    house.calls.keep(line.with_party(now))


def _refuse(house: "House", event: IncomingCall, status: int, why: str) -> None:
    house.ctx.emit(ToSip("reject", event.call, status=status, reason=why))
    house.ctx.emit(Note("call_refused", "warning", {"status": status, "reason": why, "trunk": event.trunk}))
