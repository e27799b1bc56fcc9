"""Commands of people's days: more time for paper work, a shift lead's word, a hand-over taken back."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges.asking import Args, By, RefusedError, flag, number, short, text
from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.routing import api as routing
from kak_server.routing.views import LoanView, OperatorView

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def _extend(house: "House", by: By, args: Args) -> None:
    house.ctx.route(routing.WrapUpExtended(house.ctx.now_ms, by.operator, number(args, "seconds") * 1_000))


def _force(house: "House", by: By, args: Args) -> None:
    view = led_operator(house, by, args)
    try:
        to = routing.ForcedTo(text(args, "to"))
    except ValueError:
        raise RefusedError("bad-request", "to: ready, not-ready or signed-out") from None
    if _is_unknown(house, view):
        raise RefusedError("not-allowed", "the configuration signs them out: they, or the position, are no more in it")
    reason, note = short(args, "reason"), short(args, "note")
    house.ctx.route(routing.OperatorForced(house.ctx.now_ms, view.operator, by.operator, to, reason, note))


def _is_unknown(house: "House", view: OperatorView) -> bool:
    """Whether somebody is only there until the call is over, since the configuration no longer knows them."""
    forced, settings = view.duty.forced, house.ctx.settings
    if forced is None or forced.by:
        return False
    known = any(info.position == view.position for info in settings.positions)
    return not known or view.operator not in settings.people


def _stays_on(house: "House", by: By, _: Args) -> None:
    house.ctx.route(routing.HandOverCancelled(house.ctx.now_ms, by.position, by.operator))


def _go_now(house: "House", by: By, _: Args) -> None:
    """The outgoing leaves at once: a call on hold is parked, and comes back to the incoming; the paper work is over."""
    view, core = house.ctx.core.operator(by.operator), house.ctx.core
    if view is None or core.hand_over(by.position) is None:
        raise RefusedError("unknown-position", "nobody is to take over here")
    contact = None if view.contact is None else core.contact(view.contact)
    if contact is not None and contact.state is routing.ContactState.HELD:
        house.ctx.route(routing.ContactParked(house.ctx.now_ms, by.operator, contact.contact))
    elif contact is not None and view.state is routing.OperatorState.BUSY:
        raise RefusedError("busy", "end the call, or put it on hold, first")
    house.ctx.settle()
    house.ctx.route(routing.WrapUpDone(house.ctx.now_ms, by.operator))


def led_operator(house: "House", by: By, args: Args) -> OperatorView:
    """A signed-in operator whose shift lead asks. Raises RefusedError."""
    view = house.ctx.core.operator(OperatorId(text(args, "operator")))
    if view is None:
        raise RefusedError("unknown-operator", "nobody of that name is signed in")
    rooms = (view.room,) if view.duty.loan is None else (view.room, view.duty.loan.room)
    if not house.staff.leads(by.operator, *rooms):
        raise RefusedError("not-lead", "you are not the shift lead there")
    return view


def _loan_ask(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    room, lender = RoomId(text(args, "room")), RoomId(text(args, "lender"))
    _needs_lead(house, by, room)
    if lender not in {info.room for info in house.ctx.settings.positions}:
        raise RefusedError("unknown-room", "there is no such control room")
    loan = house.ctx.ids.new("loan")
    named = tuple(OperatorId(name) for name in args.get("operators", ()))
    house.ctx.route(
        routing.LoanAsked(
            house.ctx.now_ms,
            loan,
            by.operator,
            room,
            lender,
            house.ctx.now_ms + number(args, "minutes") * 60_000,
            max(number(args, "count"), len(named)),
            named,
            tuple(QueueId(queue) for queue in args.get("queues", ())),
            dict(args.get("skills", {})),
            short(args, "note"),
        )
    )
    return {"loan": loan}


def _loan_agree(house: "House", by: By, args: Args) -> None:
    loan = _loan(house, args)
    _needs_lead(house, by, loan.lender)
    chosen = tuple(OperatorId(name) for name in args.get("operators", ()))
    house.ctx.route(routing.LoanAgreed(house.ctx.now_ms, loan.loan, by.operator, chosen, flag(args, "own_emergencies")))


def _loan_end(house: "House", by: By, args: Args) -> None:
    loan = _loan(house, args)
    _needs_lead(house, by, loan.room, loan.lender)
    operator = args.get("operator")
    one = None if operator is None else OperatorId(str(operator))
    house.ctx.route(routing.LoanEnded(house.ctx.now_ms, loan.loan, by.operator, one))


def _loan_answer(house: "House", by: By, args: Args) -> None:
    loan, yes = _loan(house, args), flag(args, "yes")
    house.ctx.route(routing.LoanAnswered(house.ctx.now_ms, loan.loan, by.operator, yes))


def _loan(house: "House", args: Args) -> LoanView:
    loan = house.ctx.core.loan(text(args, "loan"))
    if loan is None:
        raise RefusedError("unknown-loan", "there is no such loan")
    return loan


def _needs_lead(house: "House", by: By, *rooms: RoomId) -> None:
    if not house.staff.leads(by.operator, *rooms):
        raise RefusedError("not-lead", "you are not the shift lead there")


def _room_set(house: "House", by: By, args: Args) -> None:
    """Open, closed or evacuated: said by the room's shift leads, and by admins of every room."""
    room = RoomId(text(args, "room"))
    if room not in house.staff.rooms.names:
        raise RefusedError("unknown-room", "there is no such control room")
    if "admin" not in by.roles:
        _needs_lead(house, by, room)
    try:
        state = routing.RoomState(text(args, "state"))
    except ValueError:
        raise RefusedError("bad-request", "state: open, closed or evacuated") from None
    house.ctx.route(routing.RoomStateSet(house.ctx.now_ms, room, state, by.operator, short(args, "reason")))


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "wrapup.extend": _extend,
    "staff.force": _force,
    "handover.cancel": _stays_on,
    "handover.now": _go_now,
    "loan.ask": _loan_ask,
    "loan.agree": _loan_agree,
    "loan.answer": _loan_answer,
    "loan.end": _loan_end,
    "room.set": _room_set,
}
