"""What is going on at a phone that serves a position: which of its contacts ring, which one talks, over which leg."""

from dataclasses import field, replace

from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.context import Context
from kak_server.bridges.line_media import with_session
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, PositionId
from kak_server.model.light import frozen
from kak_server.sip.sdp import Negotiated, offer


@frozen
class PhoneCall:
    """Journalled under `phone/<position>`. The phone's leg is the seat's: `Seat.rtp` holds it."""

    position: PositionId
    device: str
    contact: ContactId | None  # None: the phone has called us, and what becomes of it is not known yet
    epoch: int
    offer_sdp: str = field(repr=False)  # ours; the answer, where the phone called us
    ringing: tuple[CallId, ...] = ()
    talking: CallId | None = None
    refused: bool = False  # one of its contacts has said no
    signalled: tuple[str, int] = ("", 0)

    def key(self) -> str:
        """The journal's key."""
        return f"phone/{self.position}"

    def calls(self) -> tuple[CallId, ...]:
        """All its SIP calls."""
        return self.ringing if self.talking is None else (*self.ringing, self.talking)

    def without(self, call: CallId) -> "PhoneCall":
        """That call is over."""
        ringing = tuple(other for other in self.ringing if other != call)
        return replace(self, ringing=ringing, talking=None if self.talking == call else self.talking)


def our_leg(ctx: Context, position: PositionId, port: int, media: Negotiated) -> rpc.CreateRtp:
    """The seat's leg towards a phone."""
    return replace(
        with_session(ctx.new_rtp(seat_leg(position), port), media),
        peer_host=media.peer_host,
        peer_port=media.peer_port,
    )


def our_offer(ctx: Context, port: int) -> Negotiated:
    """What we offer a phone."""
    return offer(ctx.settings.media_host, port, ctx.ids.bits(31))


def pointed(leg: rpc.CreateRtp, media: Negotiated, before: tuple[str, int]) -> tuple[rpc.CreateRtp, rpc.ModifyRtp]:
    """The leg as the phone's description has it, and the order that takes the worker there. An address that was
    signalled `before` leaves what was learned behind it."""
    sends = media.peer_direction in ("sendrecv", "recvonly") and media.peer_host not in ("0.0.0.0", "::")
    moved = with_session(leg, media)
    if media.peer_host and (media.peer_host, media.peer_port) != before:
        moved = replace(moved, peer_host=media.peer_host, peer_port=media.peer_port, learned=False)
    return moved, rpc.modified(moved, media.peer_host, media.peer_port, send=sends)
