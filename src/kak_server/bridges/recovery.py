"""After a restart of control, or of a worker: desired minus actual.

Nothing that was logged is done again. The journal gives the routing state and the records; what follows for SIP and the
worker is worked out from them, and every command that comes of it is idempotent.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import far_ends, phone_recovery, recovery_out
from kak_server.bridges.line import Line
from kak_server.bridges.moved_media import readdressed
from kak_server.bridges.outputs import Note, SetTimer, ToSip
from kak_server.bridges.phone_call import PhoneCall
from kak_server.bridges.seats import Seat
from kak_server.bridges.taping import Taping
from kak_server.bridges.tracks import Track
from kak_server.media import rpc
from kak_server.model.codec import from_json
from kak_server.model.ids import CallId, ContactId, Gssi, PositionId
from kak_server.model.light import frozen
from kak_server.routing import api as routing
from kak_server.routing.views import ContactView
from kak_server.sip.api import CallView
from kak_server.sip.api_devices import DeviceContacts

if TYPE_CHECKING:
    from kak_server.bridges.house import House


@frozen
class Boot:
    """Journalled under `worker`: the worker we were last attached to, and how many there have been."""

    boot: str
    incarnation: int


def restore(house: "House", records: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill the house from the journal's map. Commands nothing; `resume` does, once the rooms are up."""
    boot = records.get("worker")
    if boot is not None:
        last = from_json(Boot, boot)
        house.ctx.incarnation, house.last_boot = last.incarnation, last.boot
    for key, value in records.items():
        kind, _, rest = key.partition("/")
        if kind == "line":
            line = from_json(Line, value)
            house.calls.lines[line.contact] = line
            if not line.gone:
                house.calls.by_call[line.call] = line.contact
            for leg in line.legs():
                house.ctx.ports.claim(leg.port)
            house.parties.restore(line)
            house.videos.restore(line)
        elif kind == "seat":
            house.seats.restore(from_json(Seat, value))
        elif kind == "group" and (group := house.groups.groups.get(Gssi(int(rest)))) is not None:
            group.leg = from_json(rpc.CreateRtp, value)
            house.ctx.ports.claim(group.leg.port)
        elif kind == "monitor" and (group := house.groups.groups.get(Gssi(int(rest)))) is not None:
            group.monitors = {PositionId(position) for position in value["positions"]}
        elif kind == "track":
            house.ctx.tracks.restore(from_json(Track, value))
        elif kind == "taping":
            house.ctx.tapings.restore(from_json(Taping, value))
        elif kind == "abandoned":
            house.abandoned.restore(value)
        elif kind == "phone":
            phone_recovery.restore(house.phone_desk.phones, from_json(PhoneCall, value))
        elif house.callers.restore(kind, value) or house.brought.restore(kind, value):
            pass
        elif kind == "view":
            house.videos.restore_viewer(PositionId(rest), ContactId(value["contact"]))
    house.callers.restored()
    house.brought.restored()


def resume(
    house: "House",
    sip_calls: Mapping[CallId, CallView],
    now_ms: int,
    devices: Iterable[DeviceContacts] = (),
    *,
    history_lost: bool = False,
) -> None:
    """The rooms are up: timers are armed again, contacts without a call and calls without a contact are closed, what
    was under way is made sure of. `devices`: where phones of ours can be reached. `history_lost`: the core may not know
    of callers who are up; they come to their queue again."""
    house.at(now_ms)
    ctx = house.ctx
    for key, at_ms in ctx.core.timers().items():
        ctx.emit(SetTimer(f"routing/{key}", at_ms))
    house.seats.resume()
    ctx.tapings.resume(house.calls.lines)
    house.brought.resume()
    house.chat_silence.resume()
    _resume_lines(house, sip_calls, history_lost)
    ctx.settle()
    phone_recovery.resume(house.phone_desk.phones, sip_calls, devices)
    house.patches.resume()
    house.videos.resume()
    house.views_out.resume()
    house.callers.resume()
    house.colleagues.resume()
    house.staff.resume()
    house.workflows.recover()
    house.abandoned.resume({line.callback_of for line in house.calls.lines.values() if line.callback_of is not None})
    for group in house.groups.groups.values():
        for position in group.monitors - house.seats.seats.keys():
            house.groups.monitor(group, position, False)
        house.groups.replan(group)
    ctx.settle()


def _resume_lines(house: "House", sip_calls: Mapping[CallId, CallView], history_lost: bool) -> None:
    ctx = house.ctx
    contacts = {view.contact: view for view in ctx.core.contacts() if view.contact not in house.brought.contacts}
    ours = house.calls.by_call.keys() | house.parties.by_call.keys() | house.phone_desk.phones.by_call.keys()
    unknown = {call: held for call, held in sip_calls.items() if call not in ours}
    for line in list(house.calls.lines.values()):
        held, view = sip_calls.get(line.call), contacts.pop(line.contact, None)
        arriving = held is not None and held.incoming is not None and held.state == "pending"
        if view is None and arriving and not line.answered:
            house.calls.arrive(line)  # we died between noting the line and queueing it
        elif view is None and history_lost and held is not None and line.direction == "in" and not line.gone:
            house.calls.arrive(line)
            ctx.emit(Note("caller_queued_again", "error", {"contact": line.contact}))
        elif view is None:
            house.end(line.contact, "ended-in-restart")
        elif held is None and not (line.gone or house.parties.stay_without(line, "lost-in-restart")):
            ctx.route(routing.ContactGone(ctx.now_ms, line.contact, "lost-in-restart"))
            ctx.emit(Note("contact_without_call", "error", {"contact": line.contact}))
        else:
            recovery_out.resume_far_ends(house, house.calls.lines[line.contact], sip_calls)
            _resume_line(house, house.calls.lines[line.contact], view)
            if held is not None and view.state is not routing.ContactState.HELD:
                far_ends.hold(house, line.contact, False, told=held.local_sdp)
    for contact in contacts:
        ctx.route(routing.ContactGone(ctx.now_ms, contact, "lost-in-restart"))
        ctx.emit(Note("contact_without_call", "error", {"contact": contact}))
    for call, held in unknown.items():
        if held.state == "pending" and held.incoming is not None:
            house.sip_event(held.incoming, ctx.now_ms)  # we died between hearing of it and noting it
        else:
            ctx.emit(ToSip("hangup", call, reason="unknown after restart"))
            ctx.emit(Note("call_without_contact", "error", {"call": call}))


def _resume_line(house: "House", line: Line, view: ContactView) -> None:
    """What the contact's state asks of its call: rung, answered, joined. All of it may have been done before."""
    ctx = house.ctx
    dialling = view.outgoing and view.answered_at_ms is None
    joining = view.state is routing.ContactState.CONNECTING and not dialling
    if joining and view.operator is not None and view.position is not None:
        house.calls.refresh(line.contact)
        house.connect(routing.Connect(line.contact, view.operator, view.position, view.epoch))
        line = house.calls.lines[line.contact]
    elif view.state in (routing.ContactState.WAITING, routing.ContactState.OFFERED):
        house.calls.resume_waiting(line, view)
        line = house.calls.lines[line.contact]
    elif line.last_position != str(view.position) and view.position is not None:
        house.calls.moved(line.contact, view.position)
    if line.answered and line.direction == "in" and not line.gone:
        ctx.emit(ToSip("answer", line.call, sdp=line.answer_sdp))  # a no-op if it was answered
    if line.contact in house.calls.lines:  # what its state asked for has not ended it
        moved, orders = readdressed(ctx, house.calls.lines[line.contact])
        house.calls.keep(moved)
        for order in orders:
            ctx.emit(order)
    house.colleagues.resumed(line.contact, view)
    house.calls.refresh(line.contact)


def worker_attached(house: "House", census: rpc.Census, boot: str) -> None:
    """Reconcile. A worker with another boot id is a new process: what the old one recorded is salvaged, tracks go on in
    new files, browsers are asked for new PeerConnections."""
    ctx = house.ctx
    known = house.last_boot
    new_boot = bool(known) and known != boot
    ctx.worker_attached = False  # plans stated now are part of the census' reconciliation, not commands of their own
    if new_boot:
        ctx.tracks.salvage(ctx.tapings.known_until_ms)
        ctx.incarnation += 1
    ctx.tapings.attaching(census, new_boot)
    ctx.refused_legs.attaching()
    ctx.notices.media_back(new_boot and bool(house.calls.lines or house.seats.seats))
    if known != boot:
        house.last_boot = boot
        ctx.put("worker", Boot(boot, ctx.incarnation))
    house.callers.silence.attached(census)
    for line in list(house.calls.lines.values()):
        house.calls.refresh(line.contact)
    house.calls.settle_plans()
    ctx.worker_attached = True
    for command in ctx.desk.reconcile(census):
        ctx.media(command)
    ctx.tapings.attached(census)
    legs = {str(leg.leg): leg for leg in census.legs}
    _redirect(house, legs)
    house.groups.worker_attached(census.uplinks, new_boot)
    house.seats.worker_attached(legs, new_boot)
    for contact in house.videos.worker_attached(legs):
        house.redraw(contact)
    ctx.emit(Note("media_worker_attached", fields={"boot": boot, "new": new_boot, "legs": len(census.legs)}))


def _redirect(house: "House", legs: Mapping[str, rpc.LegCensus]) -> None:
    """What a plan does not hold of a leg: changes the worker was away for, and peers that want nothing from us."""
    unsent, house.ctx.unsent = house.ctx.unsent, {}
    desired = house.ctx.desk.desired().legs
    for modify in unsent.values():
        if modify.leg in desired and modify.leg in legs:
            house.ctx.media(modify)
    for line in house.calls.lines.values():
        ends = [(line.leg, line.signalled, line.sends)] if not line.gone else []
        ends += [(party.leg, party.signalled, party.sends) for party in line.parties if party.live]
        for leg, signalled, sends in ends:
            held = legs.get(leg.leg)
            told = held is not None and leg.leg in unsent
            if not told and (held.sends if held is not None and not _is_stale(held, leg) else True) != sends:
                where = ("", 0) if leg.learned else signalled  # what was learned stands
                house.ctx.media(rpc.modified(leg, *where, send=sends))


def _is_stale(held: rpc.LegCensus, leg: rpc.CreateRtp) -> bool:
    """Whether reconciling has given the leg another session, and with it leave to send."""
    return held.session not in ("", rpc.session_mark(leg))
