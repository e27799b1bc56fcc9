"""What the media worker says, given to whoever it is about."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kak_server.bridges import far_ends, refused_legs, seats, turned_away
from kak_server.bridges.outputs import Dirty, Note, SetTimer
from kak_server.media import rpc
from kak_server.model.ids import ContactId, LegId, PositionId

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def take(house: "House", event: rpc.Event, *, late: bool = False) -> None:
    """One event, to its end. `late`: the census told what came of it."""
    if house.phone_desk.media_event(event):
        pass
    elif isinstance(event, rpc.LegMedia):
        _leg_media(house, event, late)
    elif isinstance(event, rpc.LegLearned):
        _learned(house, event)
    elif isinstance(event, rpc.LegSilent):
        (house.parties if event.leg.startswith("party-") else house.calls).silent(event.leg, event.silent_ms)
    elif isinstance(event, rpc.LegTalk):
        if event.leg.startswith("tg-"):
            house.groups.heard(event.leg, event.talking, event.level_dbov)
        else:
            house.patches.talk(event.leg, event.talking)
            house.redraw_some(house.callers.silence.talked(event))
    elif isinstance(event, rpc.LegActive):
        house.ctx.notices.heard(ContactId(event.leg.removeprefix("caller-")))
    elif isinstance(event, rpc.RecordClosed):
        house.ctx.tapings.proved_ms = house.ctx.now_ms
        house.ctx.tracks.closed(event)
        house.ctx.emit(Dirty("recent"))
    elif isinstance(event, rpc.RecordFailed):
        house.ctx.emit(Note("record_failed", "error", {"recording": event.recording, "reason": event.reason}))
        house.ctx.tapings.failed(event)
    elif isinstance(event, rpc.RecordBegun):
        house.ctx.tapings.begun(event)
    elif isinstance(event, rpc.PlayEnded):
        if (contact := house.calls.places.ended(event.play)) is not None:
            house.calls.refresh(contact)
    elif isinstance(event, rpc.UplinkClosed) and event.reason == "lease":
        house.ctx.emit(Note("uplink_lease_lapsed", "warning", {"leg": event.leg}))


def record_refused(house: "House", order: rpc.StartRecord, code: str, text: str, now_ms: int) -> None:
    """The worker would not begin a track: it is begun again like one that the disk did not take."""
    house.media_event(rpc.RecordFailed(order.recording, f"{code}: {text}", "refused", now_ms, 0), now_ms)


def leg_refused(house: "House", create: rpc.CreateRtp, code: str) -> None:
    """The worker's word on one order."""
    ctx, leg = house.ctx, create.leg
    if leg.startswith(turned_away.LEG):
        house.callers.turned.leg_lost(leg, code)
        return
    elsewhere = ctx.refused_legs.may_move(leg, code)
    kind, _, rest = leg.partition("-")
    if kind == "seat":
        owner, done = f"seat/{rest}", house.phone_desk.phones.leg_lost(create, elsewhere=elsewhere)
        if done is None:
            house.seats.no_sound(create)
            return
    elif kind == "party":
        found = house.parties.of_leg(leg)
        owner = f"contact/{found[0].contact}" if found is not None else ""
        done = far_ends.leg_lost(house, create, code, elsewhere=elsewhere)
    elif kind == "tg":
        owner, done = f"group/{rest}", house.groups.leg_lost(create, elsewhere=elsewhere)
    elif kind == "caller":
        owner, done = f"contact/{rest}", house.calls.port_lost(create, code, elsewhere=elsewhere)
        house.redraw(ContactId(rest))
    else:
        owner, done = f"{kind}/{rest}", False
    ctx.notices.no_sound()
    ctx.emit(SetTimer(f"notice/{refused_legs.NOTICE}", ctx.now_ms + refused_legs.SAID_FOR_MS))
    if done:
        ctx.settle()  # its plan is carried out
        _stays_quiet(house, leg)
    else:
        ctx.refused_legs.later(owner, leg)


def _tried_again(house: "House", leg: str) -> None:
    """A leg that could not be made is ordered once more."""
    house.ctx.refused_legs.due(leg)
    if leg.startswith("seat-"):
        house.seats.ordered_again(leg)
    _stays_quiet(house, LegId(leg))


def _stays_quiet(house: "House", leg: LegId) -> None:
    """A leg made anew sends; a peer that wants nothing from us must not get anything by that."""
    kind, _, rest = leg.partition("-")
    found = house.parties.of_leg(leg) if kind == "party" else None
    line = found[0] if found is not None else house.calls.lines.get(ContactId(rest))
    end = found[1] if found is not None else line
    if line is None or end is None or end.sends or leg not in house.ctx.desk.plans[f"contact/{line.contact}"].legs:
        return
    where = ("", 0) if end.leg.learned else end.signalled  # what was learned stands
    house.ctx.media(rpc.modified(end.leg, *where, send=False))


def _none_came(house: "House") -> None:
    """After a restart there is no worker, or none that answers: cards and consoles must not say that all is well."""
    if house.ctx.tapings.none_came():
        house.ctx.notices.media_lost()
        house.ctx.emit(Note("media_worker_missing", "error"))


def worker_timers(house: "House") -> Mapping[str, Callable[[str], None]]:
    """The attempts at tracks and legs that failed, the wait for a worker, and who is told what comes of a track: the
    contact's plan, and its card."""

    def changed(contact: ContactId) -> None:
        house.calls.refresh(contact)
        house.redraw(contact)

    house.ctx.tapings.on_change = changed
    return {
        "taping": house.ctx.tapings.due,
        seats.TIMER: house.seats.made,
        "worker": lambda _rest: _none_came(house),
        refused_legs.TIMER: lambda leg: _tried_again(house, leg),
    }


def _leg_media(house: "House", event: rpc.LegMedia, late: bool) -> None:
    kind = event.leg.partition("-")[0]
    if kind == "seat":
        if not late:  # the leg that it was said of may have been replaced by one without sound
            house.seats.media_event(event.leg, event.state)
        if event.state != "up":
            _let_go(house, PositionId(event.leg.removeprefix("seat-")))
    elif kind == "video" and not late:
        contact = house.videos.media_event(event.leg, event.state)
        if contact is not None:
            house.redraw(contact)


def _let_go(house: "House", position: PositionId) -> None:
    """Whoever held a key there for the caller holds it no more: the page may be gone."""
    operator = house.ctx.core.operator_at(position)
    view = house.ctx.core.operator(operator) if operator is not None else None
    line = house.calls.lines.get(view.contact) if view is not None and view.contact is not None else None
    if line is not None and line.patch is not None:
        house.patches.hand_up(line, line.patch)


def _learned(house: "House", event: rpc.LegLearned) -> None:
    kind = event.leg.partition("-")[0]
    owner = {"seat": house.seats.learned, "tg": house.groups.learned, "party": house.parties.learned}.get(
        kind, house.calls.learned
    )
    owner(event.leg, event.host, event.port)
