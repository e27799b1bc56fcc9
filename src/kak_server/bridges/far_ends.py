"""What the SIP room says of calls of ours, and of calls with several ends, given to whoever they belong to."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kak_server.bridges.line import Line, Party
from kak_server.bridges.line_media import described
from kak_server.bridges.moved_media import holds
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.reasons import cause_of
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId
from kak_server.sip import api as sip
from kak_server.sip import api_legs as legs
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import reoffer

if TYPE_CHECKING:
    from kak_server.bridges.house import House

Dialled = legs.CallProgress | legs.CallAnswered


def take(house: "House", event: sip.SipEvent) -> bool:
    """Whether the event was ours to handle: one of a party, of a call out, of a transfer or of a re-INVITE of ours."""
    match event:
        case legs.CallProgress() | legs.CallAnswered():
            _dialled(house, event)
        case sip.CallEnded():
            _ended(house, event)
        case sip.CallMediaChanged():
            return _media_changed(house, event)
        case legs.TransferAsked():
            _redraw(house, house.transfers.asked(event))
        case legs.TransferReport():
            _redraw(house, house.transfers.reported(event))
        case legs.MediaRefused():
            house.ctx.emit(Note("reoffer_refused", "warning", {"call": event.call, "status": event.status}))
        case legs.MediaAgreed():
            house.calls.media_agreed(event)
            # the answer may bring another address, codec or key
            changed = sip.CallMediaChanged(event.call, event.answer_sdp, event.offer_sdp)
            if not _media_changed(house, changed):
                house.calls.media_changed(changed)
        case _:
            return False
    return True


def dialled_before(house: "House", view: sip.CallView) -> None:
    """After a restart: what became of a call of ours while we were away."""
    if view.state == "confirmed":
        _dialled(house, legs.CallAnswered(view.call, view.peer_sdp, view.trunk, view.answered_by))
    elif view.peer_sdp:
        _dialled(house, legs.CallProgress(view.call, 183, view.peer_sdp, view.trunk))


def hold(house: "House", contact: ContactId, on: bool, *, told: str = "") -> None:
    """Peers of some trunks are told that they are on hold, and that they no longer are; all hear music meanwhile.
    `told`: our description as the peer has it, where a restart may have kept it from the newest one."""
    line = house.calls.lines.get(contact)
    if line is None or line.trunk not in house.ctx.settings.hold_trunks or line.gone or not line.answered:
        return
    if holds(told or line.answer_sdp) == on:
        return  # it has been told
    offer = reoffer(line.answer_sdp, "sendonly" if on else "sendrecv")
    house.calls.keep(replace(line, answer_sdp=offer))
    house.ctx.emit(ToSip("reoffer", line.call, sdp=offer, reason="hold" if on else "resume"))


def leg_lost(house: "House", create: rpc.CreateRtp, code: str, *, elsewhere: bool) -> bool:
    """A party's leg could not be made: where that ends the party, whoever asked us to call it hears so. False: the leg
    is to be ordered again."""
    found = house.parties.of_leg(create.leg)
    if found is None:
        return True
    line, party = found
    done = house.parties.leg_lost(create.leg, create.port, code, elsewhere=elsewhere)
    if party.call not in house.parties.by_call:
        house.transfers.tell_failure(party, "unreachable")
    _party_redraw(house, line.contact)
    return done


def _dialled(house: "House", event: Dialled) -> None:
    if (found := house.parties.find(event.call)) is not None:
        line, party = found
        if isinstance(event, legs.CallProgress):
            house.parties.progress(line, party, event.status, event.sdp)
            house.transfers.tell_asker(party, event.status)
        else:
            house.parties.answered(line, party, event.sdp, event.trunk)
            _tell_outcome(house, line, party)
        _party_redraw(house, line.contact)
    elif (line_out := house.outgoing.find(event.call)) is not None:
        if isinstance(event, legs.CallProgress):
            house.outgoing.progress(line_out, event.status, event.sdp)
        else:
            house.outgoing.answered(line_out, event.sdp, event.trunk)
        house.redraw(line_out.contact)
    else:
        house.ctx.emit(Note("dialled_call_unknown", "warning", {"call": event.call}))


def _tell_outcome(house: "House", line: Line, party: Party) -> None:
    """Whoever asked us to call hears that it is done, or that the session came to nothing."""
    now = house.calls.lines.get(line.contact)
    after = now.party(party.id) if now is not None else None
    if after is not None and after.talks:
        house.transfers.tell_asker(party, 200)
    else:
        house.transfers.tell_failure(party, "refused")


def _ended(house: "House", event: sip.CallEnded) -> None:
    if (found := house.parties.find(event.call)) is not None:
        line, party = found
        cause = cause_of(event)
        house.transfers.tell_failure(party, cause)
        house.parties.ended(line, party, cause)
        _party_redraw(house, line.contact)
        return
    line_of = _line(house, event.call)
    if line_of is None:
        return
    if house.parties.stay_without(line_of, event.cause):
        house.patches.remove(line_of.contact, "caller-gone")
        house.redraw(line_of.contact)
    else:
        house.calls.ended(event.call, cause_of(event) if line_of.direction == "out" else event.cause)


def _media_changed(house: "House", event: sip.CallMediaChanged) -> bool:
    found = house.parties.find(event.call)
    if found is None:
        return False
    line, party = found
    try:
        media = described(event, party.offer_sdp)
    except SdpError as problem:
        fields = {"contact": line.contact, "party": party.id, "reason": str(problem)}
        house.ctx.emit(Note("reinvite_sdp_unreadable", "warning", fields))
        return True
    house.parties.media_changed(line, party, media)
    return True


def _line(house: "House", call: CallId) -> Line | None:
    contact = house.calls.by_call.get(call)
    return house.calls.lines.get(contact) if contact is not None else None


def _party_redraw(house: "House", contact: ContactId) -> None:
    house.redraw(contact)
    house.views_out.party_changed(contact)


def _redraw(house: "House", contact: ContactId | None) -> None:
    if contact is not None:
        _party_redraw(house, contact)
