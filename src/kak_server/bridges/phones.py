"""SIP phones that serve positions when browsers or PCs fail.

A phone's registration is the seat's sound being up. An offer rings at all its contacts; the first answer accepts it,
and that call's leg is the seat's. The routing core knows nothing of phones: an operator at one is an operator at a
position.
"""

from collections.abc import Callable
from dataclasses import replace

from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context, PhoneInfo
from kak_server.bridges.moved_media import moved_phone
from kak_server.bridges.outputs import Note, SetTimer, ToSip
from kak_server.bridges.phone_call import PhoneCall, our_leg, our_offer, pointed
from kak_server.bridges.phone_guests import asked, guest, there
from kak_server.bridges.seats import Seat, Seats
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, PositionId
from kak_server.routing import api as routing
from kak_server.sip import api as sip
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered, Dial, MediaAgreed
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, agreed, parse_answer

SILENT_AFTER_MS = 2_000  # a phone in the house that says nothing for so long is not there
REST_MS = 3_000
REFUSALS = ("busy", "refused", "rejected")
HUNG_UP = ("bye", "replaced")


class Phones:
    """All phones of the configuration, and what goes on at those that serve."""

    def __init__(self, ctx: Context, calls: Calls, seats: Seats) -> None:
        self.ctx = ctx
        self.calls = calls
        self.seats = seats
        self.by_device: dict[str, PhoneInfo] = {info.device: info for info in ctx.settings.phones}
        self.at: dict[PositionId, PhoneInfo] = {info.position: info for info in ctx.settings.phones}
        self.active: dict[PositionId, PhoneCall] = {}
        self.by_call: dict[CallId, PositionId] = {}
        self.reach: dict[str, tuple[str, ...]] = {}
        self.on_dropped: Callable[[PositionId], None] = lambda _position: None  # the phone's call is over
        self._resting: set[PositionId] = set()  # said no a moment ago
        self._silent: set[str] = set()  # did not answer an INVITE, and has not registered since
        self.changed: set[PositionId] = set()  # their consoles are to be told

    def serve(self, phones: tuple[PhoneInfo, ...]) -> None:
        """What is known of the people behind the phones changes; the phones themselves stay."""
        self.by_device = {info.device: info for info in phones}
        self.at = {info.position: info for info in phones}

    def serves(self, position: PositionId) -> bool:
        """Whether the seat's sound is a phone's."""
        seat = self.seats.seats.get(position)
        return seat is not None and bool(seat.phone)

    def reachable(self, device: str) -> bool:
        """Whether it is registered, and answered when it was last called."""
        return bool(self.reach.get(device)) and device not in self._silent

    # --- sitting --------------------------------------------------------------------------------------------------

    def switch(self, position: PositionId, on: bool) -> str:
        """ "My phone": the position's phone in place of the browser, or the browser again. "" or "no-phone", "busy"."""
        info, seat = self.at.get(position), self.seats.seats.get(position)
        if info is None or seat is None:
            return "no-phone"
        operator = self.ctx.core.operator(seat.operator)
        if operator is not None and operator.state is routing.OperatorState.BUSY:
            return "busy"
        if on != bool(seat.phone):
            self.drop(position, "switched")
            self.seats.serve(position, info.device if on else "")
            self.settle(position)
        return ""

    def sit(self, info: PhoneInfo) -> str:
        """The phone's operator sits down there and is available. "" or the refusal's code."""
        seat = self.seats.seats.get(info.position)
        if info.operator is None or seat is not None or self.ctx.core.operator(info.operator) is not None:
            return "taken"
        refused = self.seats.sit(info.operator, info.operator_name, info.position, info.skills)
        if refused:
            return refused
        self.seats.serve(info.position, info.device)
        self.ctx.route(routing.ActivitySet(self.ctx.now_ms, info.operator, routing.Activity.AVAILABLE))
        self.settle(info.position)
        self.ctx.emit(Note("phone_signed_in", fields={"device": info.device, "operator": info.operator}))
        return ""

    def settle(self, position: PositionId) -> None:
        """A phone seat's sound is up while somebody talks there, or could be rung. A call that was lost keeps it down
        until the operator has been parted from the caller: a seat without a leg must not count as one."""
        self.changed.add(position)
        seat = self.seats.seats.get(position)
        if seat is None or not seat.phone:
            return
        active = self.active.get(position)
        lost = active is not None and not active.calls()
        there = self.reachable(seat.phone) and position not in self._resting
        talks = active is not None and active.talking is not None
        self.seats.phone_media(position, talks or (there and not lost))

    # --- from the SIP room ----------------------------------------------------------------------------------------

    def contacts(self, event: DeviceContacts) -> None:
        """A phone has registered, refreshed or gone."""
        info = self.by_device.get(event.device)
        if info is None:
            return
        self.reach[event.device] = event.contacts
        self._silent.discard(event.device)
        if event.contacts and info.operator is not None and not info.pin:
            self.sit(info)
        self.settle(info.position)

    def answered(self, event: CallAnswered) -> None:
        """Somebody has picked up. Of several contacts the first has it; the others are hung up, however late."""
        active = self._of(event.call)
        if active is None or active.talking is not None:
            self._hang_up(event.call, "answered elsewhere")
            return
        try:
            media = parse_answer(active.offer_sdp, event.sdp)
        except SdpError as problem:
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", {"device": active.device, "reason": str(problem)}))
            self.ctx.emit(ToSip("hangup", event.call, reason="no common media"))
            self.ended(event.call, "refused")
            return
        for other in active.ringing:
            if other != event.call:
                self._hang_up(other, "answered elsewhere")
        active = replace(active, ringing=(), talking=event.call)
        self._keep(active)
        self._point(active, media)
        self.accept(active)

    def accept(self, active: PhoneCall) -> None:
        """Somebody has picked up: the offer or invitation is theirs, or the phone is hung up."""
        seat = self.seats.seats.get(active.position)
        view = self.ctx.core.contact(active.contact) if active.contact is not None else None
        if seat is not None and view is not None and asked(view, seat.operator, active.epoch):
            accepted = routing.OfferAccepted(self.ctx.now_ms, seat.operator, view.contact, active.epoch)
            self.ctx.route(accepted)
            self.ctx.settle()
            view = self.ctx.core.contact(view.contact)
        if seat is None or not there(view, seat.operator):
            self.drop(active.position, "offer gone")

    def ended(self, call: CallId, cause: str) -> None:
        """One of its calls is over. While it rang: no from a person is a rejection, silence means nobody is there. In
        the call: whoever hangs up ends it, whoever is lost has lost his sound."""
        active = self._of(call)
        if active is None:
            return
        talked = active.talking == call
        self.by_call.pop(call, None)
        active = replace(active.without(call), refused=active.refused or cause in REFUSALS)
        self._keep(active)
        if talked:
            self._talk_ended(active, cause)
        elif not active.calls():
            self._nobody(active, cause)

    def _talk_ended(self, active: PhoneCall, cause: str) -> None:
        seat = self.seats.seats.get(active.position)
        if cause in HUNG_UP and seat is not None and active.contact is not None:
            self.ctx.route(routing.HangUp(self.ctx.now_ms, seat.operator, active.contact))
            self.ctx.settle()
            self.drop(active.position, cause)  # if the routing core did not part them: there was nothing to part
            return
        self._silent.add(active.device)
        self.on_dropped(active.position)
        fields = {"device": active.device, "contact": active.contact, "cause": cause}
        self.ctx.emit(Note("phone_lost", "warning", fields))
        self.seats.phone_leg(active.position, None)
        self.settle(active.position)

    def _nobody(self, active: PhoneCall, cause: str) -> None:
        seat = self.seats.seats.get(active.position)
        if not active.refused:
            self._silent.add(active.device)
            self.ctx.emit(Note("phone_unreachable", "warning", {"device": active.device, "cause": cause}))
            self.settle(active.position)  # the routing core takes the offer back, as from a browser that has gone
            self.ctx.settle()
        self.drop(active.position, cause)
        if active.refused and seat is not None and active.contact is not None:
            self._reject(active.position, active.contact, active.epoch)

    def _reject(self, position: PositionId, contact: ContactId, epoch: int) -> None:
        """No, and nothing more for a moment: a phone that says it by itself, being busy or not to be disturbed, would
        be asked again and again where it is the only one."""
        seat = self.seats.seats[position]
        self.rest(position)
        self.ctx.route(routing.OfferRejected(self.ctx.now_ms, seat.operator, contact, epoch))
        self.settle(position)

    def rest(self, position: PositionId) -> None:
        """Nothing rings there for a moment."""
        self._resting.add(position)
        self.ctx.emit(SetTimer(f"phone/{position}", self.ctx.now_ms + REST_MS))

    def rested(self, position: PositionId) -> None:
        """The moment is over."""
        self._resting.discard(position)
        self.settle(position)

    def media_changed(self, event: sip.CallMediaChanged) -> None:
        """A re-INVITE of the phone: it holds, resumes, or wants its sound elsewhere (RFC 3264 8.4)."""
        active = self._of(event.call)
        if active is None or active.talking != event.call:
            return
        try:
            self._point(active, agreed(event.offer_sdp, event.answer_sdp))
        except SdpError as problem:
            fields = {"device": active.device, "reason": str(problem)}
            self.ctx.emit(Note("reinvite_sdp_unreadable", "warning", fields))
        seat = self.seats.seats.get(active.position)
        view = self.ctx.core.contact(active.contact) if active.contact is not None else None
        held = event.held_by in ("peer", "both")
        if seat is None or guest(view, seat.operator) is not None:
            return  # the caller is the holder's to put on hold
        if view is not None and held != (view.state is routing.ContactState.HELD):
            self.ctx.route(routing.HoldSet(self.ctx.now_ms, seat.operator, view.contact, held))

    def leg_lost(self, create: rpc.CreateRtp, *, elsewhere: bool) -> bool | None:
        """The leg of a phone that somebody talks at could not be made: the phone is offered another where that may
        help, or is lost to the call. False: the leg is to be ordered again; None: no phone talks there."""
        position = PositionId(create.leg.removeprefix("seat-"))
        active, seat = self.active.get(position), self.seats.seats.get(position)
        if seat is None or seat.rtp is None or active is None or active.talking is None:
            return None
        if seat.rtp.port != create.port:
            return True  # it has another already
        if not elsewhere:
            return False
        moved = moved_phone(self.ctx, seat.rtp, active)
        if moved is None:
            call = active.talking
            self.ctx.emit(ToSip("hangup", call, reason="no media"))
            self.ended(call, "no-media")
            return True
        self.seats.phone_leg(position, moved[0])
        self._keep(moved[1])
        self.ctx.emit(moved[2])
        return True

    def media_agreed(self, event: MediaAgreed) -> None:
        """It has taken an offer of ours; its sound may come from elsewhere now."""
        active = self._of(event.call)
        if active is None or active.talking != event.call:
            return
        try:
            self._point(active, parse_answer(event.offer_sdp, event.answer_sdp))
        except SdpError as problem:
            fields = {"device": active.device, "reason": str(problem)}
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", fields))

    # --- from the routing core ------------------------------------------------------------------------------------

    def offer(self, effect: routing.Offer) -> None:
        """Ring, where a phone serves."""
        if self.serves(effect.position) and effect.position not in self._resting:
            self.ring(effect.position, effect.contact, effect.epoch)

    def ring(self, position: PositionId, contact: ContactId, epoch: int) -> None:
        """INVITE to all contacts, one offer for all: whoever answers first talks over the seat's one leg."""
        ctx, seat = self.ctx, self.seats.seats[position]
        self.drop(position, "next call")
        reach = self.reach.get(seat.phone, ())
        port = ctx.ports.take() if reach else None
        if port is None:
            ctx.emit(Note("phone_not_rung", "error", {"device": seat.phone, "contacts": len(reach)}))
            self._reject(position, contact, epoch)
            return
        media = our_offer(ctx, port)
        calls = tuple(CallId(ctx.ids.new("call")) for _ in reach)
        self._keep(PhoneCall(position, seat.phone, contact, epoch, media.answer_sdp, calls))
        self.seats.phone_leg(position, our_leg(ctx, position, port, media))
        for call, where in zip(calls, reach, strict=True):
            ctx.emit(ToSip("dial", call, dial=self._order(seat, where, call, contact, media.answer_sdp)))

    def _order(self, seat: Seat, where: str, call: CallId, contact: ContactId, offer_sdp: str) -> Dial:
        view = self.ctx.core.contact(contact)
        row = guest(view, seat.operator)
        asks = self.ctx.core.operator(row.by) if row is not None else None
        device = seat.phone
        queue = self.calls.queues.get(view.queue) if view is not None else None
        number = view.caller if view is not None else ""
        return Dial(
            call,
            target=device,
            offer_sdp=offer_sdp,
            caller=number if number.removeprefix("+").isdigit() else "",
            display_name=asks.name if asks is not None else queue.name if queue is not None else "",
            attempt_timeout_ms=SILENT_AFTER_MS,
            emergency=queue is not None and queue.klass is routing.ContactClass.EMERGENCY,
            device=device,
            contact=where,
        )

    def withdrawn(self, effect: routing.WithdrawOffer) -> None:
        """Stop ringing; what has been answered goes on."""
        active = self.active.get(effect.position)
        if (
            active is not None
            and active.talking is None
            and (active.contact, active.epoch)
            == (
                effect.contact,
                effect.epoch,
            )
        ):
            self.drop(effect.position, effect.reason)

    def released(self, effect: routing.ReleaseOperator) -> None:
        """The operator and the caller are parted: the phone is hung up."""
        active = self.active.get(effect.position)
        if active is not None and active.contact == effect.contact:
            self.drop(effect.position, effect.cause)

    def parted(self, effect: routing.ParticipantLeft) -> None:
        """The operator is out of a colleague's call: likewise."""
        active = self.active.get(effect.position)
        if active is not None and active.contact == effect.contact and active.epoch > routing.INVITES:
            self.drop(effect.position, effect.cause)

    def promoted(self, effect: routing.HolderChanged) -> None:
        """Who took part by phone has the contact from here on."""
        active = self.active.get(effect.position)
        if active is not None and active.contact == effect.contact:
            self._keep(replace(active, epoch=effect.epoch))

    def take(self, talk: PhoneCall, leg: rpc.CreateRtp) -> None:
        """The phone has called us: its call is the seat's sound from now on."""
        self._keep(talk)
        self.seats.phone_leg(talk.position, leg)
        self.settle(talk.position)

    # --- keeping --------------------------------------------------------------------------------------------------

    def drop(self, position: PositionId, reason: str) -> None:
        """Nothing rings or talks there any more; harmless when nothing did."""
        active = self.active.pop(position, None)
        if active is None:
            return
        for call in active.calls():
            self._hang_up(call, reason)
        self.on_dropped(position)
        self.ctx.delete(active.key())
        self.seats.phone_leg(position, None)
        self.settle(position)

    def _hang_up(self, call: CallId, reason: str) -> None:
        self.by_call.pop(call, None)
        self.ctx.emit(ToSip("hangup", call, reason=reason))

    def _of(self, call: CallId) -> PhoneCall | None:
        position = self.by_call.get(call)
        return self.active.get(position) if position is not None else None

    def _keep(self, active: PhoneCall) -> None:
        self.active[active.position] = active
        self.changed.add(active.position)
        self.by_call.update(dict.fromkeys(active.calls(), active.position))
        self.ctx.put(active.key(), active)

    def _point(self, active: PhoneCall, media: Negotiated) -> None:
        """The seat's leg towards where the phone says it is."""
        seat = self.seats.seats.get(active.position)
        if seat is None or seat.rtp is None:
            return
        leg, modify = pointed(seat.rtp, media, active.signalled)
        self.seats.phone_leg(active.position, leg)  # first: what was signalled counts as done once it is noted
        self._keep(replace(active, signalled=(media.peer_host, media.peer_port)))
        self.ctx.media(modify)
