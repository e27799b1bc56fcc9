"""A phone's calls to the world outside, calls it passes on to there, parked calls it takes: all for its position."""

from kak_server.bridges.asking import By, RefusedError
from kak_server.bridges.calls import JOINED
from kak_server.bridges.context import PhoneInfo
from kak_server.bridges.line_media import DEVICES, secret_for
from kak_server.bridges.outgoing import Outgoing
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.phone_call import PhoneCall, our_leg
from kak_server.bridges.phones import Phones
from kak_server.bridges.transfers import Transfers
from kak_server.model.ids import CallId, ContactId
from kak_server.routing import api as routing
from kak_server.routing.views import OperatorView
from kak_server.sip.api import IncomingCall
from kak_server.sip.api_legs import TransferAsked
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, negotiate
from kak_server.sip.uri import number_of, parse_uri

# How a refusal of the house sounds to who dialled (RFC 3261 21.4)
_STATUS = {"no-route": 404, "forbidden-number": 403, "busy": 486, "no-room": 503}


class PhoneDialling:
    """The position's calls out: the same as from its console, with the phone's own call as the seat's sound."""

    def __init__(self, phones: Phones, outgoing: Outgoing, transfers: Transfers) -> None:
        self.phones = phones
        self.ctx = phones.ctx
        self._outgoing = outgoing
        self._transfers = transfers

    def call(self, event: IncomingCall, info: PhoneInfo) -> None:
        """The phone has dialled a number outside. It is answered at once, and hears how the call goes as a console
        would; without somebody signed in at it nobody would answer for the call."""
        seat = self.phones.seats.seats.get(info.position)
        if seat is None or seat.phone != info.device:
            self._refuse(event, 403, "sign in first")
            return
        port = self.ctx.ports.take() if info.position not in self.phones.active else None
        if port is None:
            self._refuse(event, 486, "busy")
            return
        try:
            media = self._media(event, port)
            contact = self._outgoing.dial(By(seat.operator, info.position), event.called, "")
        except SdpError as problem:
            self.ctx.ports.free(port)
            self._refuse(event, 488, str(problem))
            return
        except RefusedError as refusal:
            self.ctx.ports.free(port)
            self._refuse(event, _STATUS.get(refusal.code, 480), str(refusal))
            return
        view = self.ctx.core.contact(contact)
        self._talk(event, info, (contact, view.epoch if view is not None else 0), port, media)
        if view is None:
            self.phones.drop(info.position, "not dialled")

    def fetch(self, event: IncomingCall, info: PhoneInfo, slot: int) -> None:
        """The phone takes a call that is parked in its operator's room: that of a slot, 0: of the first that is taken.
        On loan the borrowing room's slots come first. Its own call becomes the seat's sound, as when it dials."""
        ctx, seat = self.ctx, self.phones.seats.seats.get(info.position)
        view = ctx.core.operator(seat.operator) if seat is not None and seat.phone == info.device else None
        if view is None:
            self._refuse(event, 403, "sign in first")
            return
        contact = self._parked(view, slot)
        port = ctx.ports.take() if contact is not None and info.position not in self.phones.active else None
        if contact is None or port is None:
            self._refuse(event, *((404, "nothing is parked there") if contact is None else (486, "busy")))
            return
        try:
            media = self._media(event, port)
        except SdpError as problem:
            ctx.ports.free(port)
            self._refuse(event, 488, str(problem))
            return
        ctx.route(routing.ParkedTaken(ctx.now_ms, view.operator, contact))
        ctx.settle()
        taken = ctx.core.contact(contact)
        if taken is None or taken.operator != view.operator or taken.state not in JOINED:
            ctx.ports.free(port)
            self._refuse(event, 480, ctx.refused[-1].code if ctx.refused else "not taken")
            return
        self._talk(event, info, (contact, taken.epoch), port, media)

    def _parked(self, operator: OperatorView, slot: int) -> ContactId | None:
        loan = operator.duty.loan
        for room in (operator.room,) if loan is None else (loan.room, operator.room):
            parked = self.ctx.core.state.slots.get(room, {})
            contact = parked.get(slot or min(parked, default=0))
            if contact is not None:
                return contact
        return None

    def _media(self, event: IncomingCall, port: int) -> Negotiated:
        """What the phone offers and we answer. Raises SdpError."""
        host = self.ctx.media_place(event)[0]
        secret = secret_for(self.ctx, DEVICES)
        return negotiate(event.offer_sdp, host, port, self.ctx.ids.bits(31), policy=DEVICES, secret=secret)

    def _talk(
        self, event: IncomingCall, info: PhoneInfo, of: tuple[ContactId, int], port: int, media: Negotiated
    ) -> None:
        """The phone's own call is answered and is the seat's sound; `of`: contact and epoch."""
        signalled = (media.peer_host, media.peer_port)
        talk = PhoneCall(info.position, info.device, *of, media.answer_sdp, talking=event.call, signalled=signalled)
        self.phones.take(talk, our_leg(self.ctx, info.position, port, media))
        self.ctx.emit(ToSip("answer", event.call, sdp=media.answer_sdp))

    def transfer(self, event: TransferAsked) -> None:
        """REFER: the caller goes on to a queue of ours or to a number outside, and the phone is hung up."""
        phones, ctx = self.phones, self.ctx
        active = phones.active.get(phones.by_call[event.call])
        seat = phones.seats.seats.get(active.position) if active is not None else None
        line = phones.calls.lines.get(active.contact) if active is not None and active.contact is not None else None
        if seat is None or line is None or event.replaces is not None or event.replaces_header:
            self._refuse_transfer(event.call, "only to a number")
            return
        view = ctx.core.contact(line.contact)
        if view is None or view.operator != seat.operator:
            self._refuse_transfer(event.call, "a colleague has the call")
            return
        before = len(ctx.refused)
        try:
            self._transfers.pass_on(By(seat.operator, seat.position), line, dialled(event.target))
        except RefusedError as refusal:
            self._refuse_transfer(event.call, str(refusal))
            return
        ctx.emit(ToSip("accept_transfer", event.call))
        ctx.emit(ToSip("report_transfer", event.call, status=200))
        ctx.settle()
        if len(ctx.refused) > before:
            ctx.emit(Note("phone_transfer_refused", "warning", {"device": seat.phone, "code": ctx.refused[-1].code}))

    def _refuse(self, event: IncomingCall, status: int, why: str) -> None:
        self.ctx.emit(ToSip("reject", event.call, status=status, reason=why))
        self.ctx.emit(Note("phone_call_refused", fields={"device": event.device, "reason": why}))

    def _refuse_transfer(self, call: CallId, why: str) -> None:
        self.ctx.emit(ToSip("reject_transfer", call, status=603, reason=why))


def dialled(target: str) -> str:
    """The number in what a phone refers to: a number, or a URI with one."""
    if ":" not in target:
        return target
    try:
        return number_of(parse_uri(target))
    except ValueError:
        return target
