"""After a restart of control, or of a worker: desired minus actual.

Nothing that was logged is done again. The journal gives the routing state and the records; what follows for SIP and the
worker is worked out from them, and every command that comes of it is idempotent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kak_server.bridges.contact_plan import contact_of_recording
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Note, SalvageTrack, SetTimer, TellAll, ToSip
from kak_server.bridges.seats import Seat
from kak_server.media import rpc
from kak_server.model.codec import from_json
from kak_server.model.ids import CallId, Gssi, PositionId
from kak_server.routing import api as routing
from kak_server.sip.api import CallView

if TYPE_CHECKING:
    from kak_server.bridges.house import House


@dataclass(frozen=True, slots=True)
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
            house.calls.by_call[line.call] = line.contact
            house.ctx.ports.claim(line.leg.port)
            house.videos.restore(line)
        elif kind == "seat":
            house.seats.restore(from_json(Seat, value))
        elif kind == "group" and (group := house.groups.groups.get(Gssi(int(rest)))) is not None:
            group.leg = from_json(rpc.CreateRtp, value)
            house.ctx.ports.claim(group.leg.port)
        elif kind == "monitor" and (group := house.groups.groups.get(Gssi(int(rest)))) is not None:
            group.monitors = {PositionId(position) for position in value["positions"]}


def resume(house: "House", sip_calls: Mapping[CallId, CallView], now_ms: int) -> None:
    """The rooms are up: timers are armed again, contacts without a call and calls without a contact are closed, what
    was under way is made sure of."""
    house.at(now_ms)
    ctx = house.ctx
    for key, at_ms in ctx.core.timers().items():
        ctx.emit(SetTimer(f"routing/{key}", at_ms))
    contacts = {view.contact: view for view in ctx.core.contacts()}
    for contact in contacts:
        line = house.calls.lines.get(contact)
        if line is None or line.call not in sip_calls:
            ctx.route(routing.ContactGone(ctx.now_ms, contact, "lost-in-restart"))
            ctx.emit(Note("contact_without_call", "error", {"contact": contact}))
    for line in list(house.calls.lines.values()):
        if line.contact not in contacts:
            house.calls.end(line.contact, "ended-in-restart")
            continue
        if line.answered:
            ctx.emit(ToSip("answer", line.call, sdp=line.answer_sdp))  # a no-op if it was answered
        house.calls.refresh(line.contact)
    for call, held in sip_calls.items():
        if call in house.calls.by_call:
            continue
        if held.state == "pending":
            house.calls.incoming(held.incoming)  # we died between hearing of it and queueing it
        else:
            ctx.emit(ToSip("hangup", call, reason="unknown after restart"))
            ctx.emit(Note("call_without_contact", "error", {"call": call}))
    for view in contacts.values():
        if view.state is routing.ContactState.CONNECTING:
            ctx.route(routing.ContactConnected(ctx.now_ms, view.contact, view.epoch))
    for group in house.groups.groups.values():
        house.groups.replan(group)
    ctx.settle()


def worker_attached(house: "House", census: rpc.Census, boot: str) -> None:
    """Reconcile. A worker with another boot id is a new process: what the old one recorded is salvaged, tracks go on in
    new files, browsers are asked for new PeerConnections."""
    ctx = house.ctx
    known = house.last_boot
    new_boot = bool(known) and known != boot
    ctx.worker_attached = False  # plans stated now are part of the census' reconciliation, not commands of their own
    if new_boot:
        _salvage(house)
        ctx.incarnation += 1
        if house.calls.lines or house.seats.seats:
            ctx.emit(TellAll("notice", _restarted_notice(boot, ctx.now_ms)))
        for group in house.groups.groups.values():
            group.open = False
    if known != boot:
        house.last_boot = boot
        ctx.put("worker", Boot(boot, ctx.incarnation))
    for line in list(house.calls.lines.values()):
        house.calls.refresh(line.contact)
    ctx.worker_attached = True
    for command in ctx.desk.reconcile(census):
        ctx.media(command)
    house.seats.worker_attached({str(leg.leg): leg for leg in census.legs}, new_boot)
    ctx.emit(Note("media_worker_attached", fields={"boot": boot, "new": new_boot, "legs": len(census.legs)}))


def _salvage(house: "House") -> None:
    """Every track the dead worker was writing: its file ends where the worker did."""
    started = {name: at for line in house.calls.lines.values() for name, at in line.recorded_from}
    for name, record in house.ctx.desk.desired().recordings.items():
        contact = contact_of_recording(name)
        house.ctx.emit(SalvageTrack(contact, record, started.get(str(name), 0), house.ctx.now_ms))


def _restarted_notice(boot: str, now_ms: int) -> dict[str, Any]:
    return {
        "id": f"worker-{boot}",
        "level": "warning",
        "code": "media-restarted",
        "text_nb": "Medietjenesten startet på nytt. Samtalene kobles opp igjen.",
        "text_en": "The media service restarted. Calls are being joined again.",
        "at_ms": now_ms,
    }
