"""Commands of people's days: more time for paper work, a shift lead's word, a hand-over taken back."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges.asking import Args, By, RefusedError, number, short, text
from kak_server.model.ids import OperatorId
from kak_server.routing import api as routing
from kak_server.routing.views import OperatorView

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
    reason, note = short(args, "reason"), short(args, "note")
    house.ctx.route(routing.OperatorForced(house.ctx.now_ms, view.operator, by.operator, to, reason, note))


def _stays_on(house: "House", by: By, _: Args) -> None:
    house.ctx.route(routing.HandOverCancelled(house.ctx.now_ms, by.position, by.operator))


def led_operator(house: "House", by: By, args: Args) -> OperatorView:
    """A signed-in operator whose shift lead asks. Raises RefusedError."""
    view = house.ctx.core.operator(OperatorId(text(args, "operator")))
    if view is None:
        raise RefusedError("unknown-operator", "nobody of that name is signed in")
    rooms = (view.room,) if view.duty.loan is None else (view.room, view.duty.loan.room)
    if not house.staff.leads(by.operator, *rooms):
        raise RefusedError("not-lead", "you are not the shift lead there")
    return view


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "wrapup.extend": _extend,
    "staff.force": _force,
    "handover.cancel": _stays_on,
}
