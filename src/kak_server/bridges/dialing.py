"""A call of ours, from a number to the order to dial: the way out, a port, an offer. And from an answer to a leg that
sends there."""

from dataclasses import field, replace

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.context import Context, QueueInfo
from kak_server.bridges.line import Line, Party
from kak_server.bridges.line_media import policy_out, secret_for, with_session
from kak_server.media import rpc
from kak_server.model.ids import CallId, LegId, QueueId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactClass
from kak_server.routing.outgoing import queue_of_room
from kak_server.sip.api_legs import Dial, TransferAsked
from kak_server.sip.outbound import Way
from kak_server.sip.sdp import Negotiated, offer

FRONT_DOOR = "front door"  # the name of the route to ourselves


@frozen
class Placed:
    """A call about to be dialled: its id, its leg (the port is ours), its offer."""

    call: CallId
    leg: rpc.CreateRtp
    offer_sdp: str = field(repr=False)


def way_out(ctx: Context, number: str, ours: QueueInfo | None) -> Way:
    """The trunks a number is reached by. A number of our own queue (`ours`) is called at our own front door, where that
    is open: then another control room is called like anybody else, and its call is routed like any other. Raises
    RefusedError: "no-route" (none leads there), "forbidden-number"."""
    way = ctx.settings.outbound.trunks_for(number)
    if ours is not None and ctx.settings.front_door:
        return replace(way, trunks=(), route=FRONT_DOOR, emergency=ours.klass is ContactClass.EMERGENCY)
    if not way.route or not way.number:
        raise RefusedError("no-route", f"no trunk leads to {number}")
    if not way.trunks:
        raise RefusedError("forbidden-number", f"{number} must not be called from here")
    return way


def kept_for_emergencies(ctx: Context, way: Way) -> int:
    """Lines that a call this way must leave free."""
    return 0 if way.emergency else ctx.settings.reserve_lines


def place(ctx: Context, leg: LegId, way: Way) -> Placed:
    """A port and an offer for the trunks of the way. The last ports are for emergency calls, out as well as in. Raises
    RefusedError: "no-room" when there is none, or the server is stopping."""
    kept = min(kept_for_emergencies(ctx, way), (ctx.ports.left() + ctx.ports.in_use) // 10)
    port = ctx.ports.take() if not ctx.draining and ctx.ports.left() > kept else None
    if port is None:
        raise RefusedError("no-room", "no room for another call")
    policy = policy_out(ctx, way.trunks)
    made = offer(ctx.settings.media_host, port, ctx.ids.bits(31), policy=policy, secret=secret_for(ctx, policy))
    return Placed(CallId(ctx.ids.new("call")), with_session(ctx.new_rtp(leg, port), made), made.answer_sdp)


def order(
    ctx: Context, way: Way, call: CallId, offer_sdp: str, queue: QueueId, asked: TransferAsked | None = None
) -> Dial:
    """What the SIP room is told. We call from the number of the route, or else of the queue the call is about.
    `asked`: the REFER that is the reason."""
    return Dial(
        call=call,
        target=f"sip:{way.number}@{ctx.settings.front_door}" if way.route == FRONT_DOOR else way.number,
        offer_sdp=offer_sdp,
        trunks=way.trunks,
        caller=way.caller or _number_of(ctx, queue),
        emergency=way.emergency,
        referred_by=asked.referred_by if asked is not None else "",
        replaces_header=asked.replaces_header if asked is not None else "",
    )


def _number_of(ctx: Context, queue: QueueId) -> str:
    """The first telephone number of a queue; of a room's calls out that of the first queue which is its own."""
    queues = ctx.settings.queues
    own = next((info for info in queues if info.rooms and queue_of_room(info.rooms[0]) == queue), None)
    info = next((info for info in queues if info.queue == queue), own)
    numbers = info.numbers if info is not None else ()
    return next((number for number in numbers if number.removeprefix("+").isdigit()), "")


def pointed(leg: rpc.CreateRtp, media: Negotiated) -> tuple[rpc.CreateRtp, rpc.ModifyRtp]:
    """The leg as the peer's description has it, and the order that takes the worker there."""
    sends = media.peer_direction in ("sendrecv", "recvonly") and media.peer_host not in ("0.0.0.0", "::")
    moved = with_session(leg, media)
    if media.peer_host and (media.peer_host, media.peer_port) != (leg.peer_host, leg.peer_port):
        moved = replace(moved, peer_host=media.peer_host, peer_port=media.peer_port, learned=False)
    return moved, rpc.modified(moved, media.peer_host, media.peer_port, send=sends)


def is_news(before: Line | Party, now: Line | Party) -> bool:
    """Whether the worker must hear of a description: the same again, from a far end that repeats itself or from the SIP
    room's memory after a restart, changes nothing. What control did not live to say the next census makes up for."""
    return (before.leg, before.signalled, before.sends) != (now.leg, now.signalled, now.sends)
