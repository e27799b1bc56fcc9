"""Phones after a restart of control: the journal's word against what calls and registrations the SIP room has."""

from collections.abc import Iterable, Mapping

from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.phone_call import PhoneCall
from kak_server.bridges.phone_guests import asked, epoch_of, guest, rings_or_talks
from kak_server.bridges.phones import Phones
from kak_server.model.ids import CallId
from kak_server.routing.api import ContactState
from kak_server.sip.api import CallView
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered


def restore(phones: Phones, active: PhoneCall) -> None:
    """From the journal; nothing is commanded. The leg comes with the seat's record."""
    phones.active[active.position] = active
    phones.by_call.update(dict.fromkeys(active.calls(), active.position))


def resume(phones: Phones, calls: Mapping[CallId, CallView], devices: Iterable[DeviceContacts]) -> None:
    """The rooms are up. Calls that are gone count as ended; one that was answered in the moment we died is taken up;
    an offer nobody had rung for yet rings now."""
    ctx = phones.ctx
    for device in devices:
        phones.reach[device.device] = device.contacts
    for active in list(phones.active.values()):
        if active.talking is None and active.ringing and not any(call in calls for call in active.ringing):
            phones.drop(active.position, "lost in restart")  # we died before it rang, or it said something meanwhile
            continue
        for call in active.calls():
            held = calls.get(call)
            if held is None:
                phones.ended(call, "gone")
            elif held.incoming is not None and held.state == "pending":
                ctx.emit(ToSip("answer", call, sdp=active.offer_sdp))  # we died before the phone heard of it
            elif held.dial is not None and held.state == "confirmed" and active.talking is None and held.peer_sdp:
                phones.answered(CallAnswered(call, held.peer_sdp))
        ctx.settle()
        _match(phones, active)
        _take_up(phones, phones.active.get(active.position))
    for seat in list(phones.seats.seats.values()):
        if not seat.phone:
            continue
        going = phones.active.get(seat.position)
        if going is None or not going.calls():
            phones.seats.phone_leg(
                seat.position, None
            )  # we died between noting the end of the call and that of its leg
        if seat.media == "down":
            phones.rest(
                seat.position
            )  # it had said no, or nothing: whichever it was, it is tried again, but not at once
        phones.settle(seat.position)
        ctx.settle()
        operator = ctx.core.operator(seat.operator)
        view = ctx.core.contact(operator.contact) if operator is not None and operator.contact is not None else None
        offered = view is not None and view.state is ContactState.OFFERED
        row = guest(view, seat.operator)
        invited = row is not None and not row.joined
        heard = view is not None and view.contact in phones.calls.lines  # an alarm is a card, and rings there
        if view is not None and heard and (offered or invited) and seat.position not in phones.active:
            phones.ring(seat.position, view.contact, view.epoch if row is None else epoch_of(row))
            ctx.emit(Note("phone_rung_again", fields={"device": seat.phone, "contact": view.contact}))


def _match(phones: Phones, before: PhoneCall) -> None:
    """A phone that rings or talks for nobody is hung up."""
    active = phones.active.get(before.position)
    seat = phones.seats.seats.get(before.position)
    if active is None:
        return
    view = phones.ctx.core.contact(active.contact) if active.contact is not None else None
    if seat is None or not rings_or_talks(view, seat.operator, active.epoch):
        phones.drop(before.position, "ended in restart")


def _take_up(phones: Phones, active: PhoneCall | None) -> None:
    """One that was picked up as we died, and whose operator is still being asked by the core."""
    seat = phones.seats.seats.get(active.position) if active is not None else None
    if active is None or seat is None or active.talking is None or active.contact is None:
        return
    view = phones.ctx.core.contact(active.contact)
    if view is not None and asked(view, seat.operator, active.epoch):
        phones.accept(active)
