"""Media of ours that has to move while a call is up: its worker died and the port it had is somebody else's by now, or
we came back with another address.

The peer was told of the old place, so it is told of the new one: a re-INVITE, paced by the SIP room since many calls
move at once. A peer that has a change of its own on the way (491) is asked again there; one that knows the dialog no
more (481) ends the call.
"""

import re
from dataclasses import replace

from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Party
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.phone_call import PhoneCall
from kak_server.media import rpc
from kak_server.sip.sdp import reoffer
from kak_server.sip.sdp_text import Direction

WHY = "media moved"
_HOLDING = re.compile(r"(?m)^a=sendonly\r?$")
_CONNECTION = re.compile(r"(?m)^c=IN (?P<family>IP[46]) (?P<host>[^\s/]+)")


def moved_line(ctx: Context, line: Line) -> tuple[Line, ToSip] | None:
    """The line with another port, and the order to be given once that is kept; None when there is no port left."""
    found = _moved(ctx, line.leg, line.answer_sdp)
    if found is None:
        return None
    leg, offer = found
    return replace(line, leg=leg, answer_sdp=offer), ToSip("reoffer", line.call, sdp=offer, reason=WHY, paced=True)


def moved_party(ctx: Context, party: Party) -> tuple[Party, ToSip] | None:
    """The same for somebody who was called into the contact."""
    found = _moved(ctx, party.leg, party.offer_sdp)
    if found is None:
        return None
    leg, offer = found
    return replace(party, leg=leg, offer_sdp=offer), ToSip("reoffer", party.call, sdp=offer, reason=WHY, paced=True)


def moved_phone(ctx: Context, leg: rpc.CreateRtp, active: PhoneCall) -> tuple[rpc.CreateRtp, PhoneCall, ToSip] | None:
    """The same for a phone of ours that somebody talks at: its leg is the seat's."""
    found = _moved(ctx, leg, active.offer_sdp) if active.talking is not None else None
    if found is None or active.talking is None:
        return None
    moved, offer = found
    order = ToSip("reoffer", active.talking, sdp=offer, reason=WHY, paced=True)
    return moved, replace(active, offer_sdp=offer), order


def readdressed(ctx: Context, line: Line) -> tuple[Line, list[ToSip]]:
    """The line whose calls that are up all send to our present address (RFC 3264 8.3.1), and the orders to be given
    once it is kept."""
    orders: list[ToSip] = []
    if line.answered and not line.gone and (found := _readdressed(ctx, line.leg, line.answer_sdp)) is not None:
        line = replace(line, leg=found[0], answer_sdp=found[1])
        orders.append(ToSip("reoffer", line.call, sdp=line.answer_sdp, reason=WHY, paced=True))
    for party in line.company():
        if (found := _readdressed(ctx, party.leg, party.offer_sdp)) is not None:
            line = line.with_party(replace(party, leg=found[0], offer_sdp=found[1]))
            orders.append(ToSip("reoffer", party.call, sdp=found[1], reason=WHY, paced=True))
    return line, orders


def _readdressed(ctx: Context, leg: rpc.CreateRtp, local_sdp: str) -> tuple[rpc.CreateRtp, str] | None:
    told = _CONNECTION.search(local_sdp)
    if told is None:
        return None
    settings, ipv6 = ctx.settings, told["family"] == "IP6"
    host, bind = (settings.media_host, settings.bind_host)
    if ipv6 and ":" not in host:
        host, bind = settings.media_host_v6, settings.bind_host_v6
    if host in ("", told["host"]) or (":" in host) != ipv6:
        return None
    sdp = _CONNECTION.sub(f"c=IN {told['family']} {host}", local_sdp)
    ctx.emit(Note("media_moved", "warning", {"leg": leg.leg, "host": host}))
    return replace(leg, bind_host=bind), reoffer(sdp, _direction(sdp))


def holds(sdp: str) -> bool:
    """Whether a description of ours puts the peer on hold."""
    return _HOLDING.search(sdp) is not None


def _direction(sdp: str) -> Direction:
    """A peer that we hold stays held; one that holds us is asked anew (RFC 3264 8.4)."""
    return "sendonly" if holds(sdp) else "sendrecv"


def _moved(ctx: Context, leg: rpc.CreateRtp, local_sdp: str) -> tuple[rpc.CreateRtp, str] | None:
    port = ctx.ports.instead_of(leg.port)
    if port is None:
        return None
    sdp = local_sdp.replace(f"m=audio {leg.port} ", f"m=audio {port} ", 1)
    ctx.emit(Note("media_moved", "warning", {"leg": leg.leg, "port": port}))
    return replace(leg, port=port), reoffer(sdp, _direction(sdp))
