"""The operator's commands about callers: silent calls, and numbers with a flag."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges.asking import Args, By, RefusedError, flag, number, own_line, text
from kak_server.bridges.flags import MAX_HOURS, Mode

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def supervisor(by: By) -> None:
    """Only who leads a shift may. Raises RefusedError."""
    if "supervisor" not in by.roles:
        raise RefusedError("not-allowed", "that is for supervisors")


def _silent(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    house.callers.silence.mark(line, flag(args, "on"), by.operator)
    house.redraw(line.contact)


def _as_callers_have_it(house: "House", args: Args) -> str:
    return as_calls_bring_it(house, text(args, "number"))


def as_calls_bring_it(house: "House", typed: str) -> str:
    """A number as the calls from it have it, however somebody typed it; what is none stays as it is."""
    return house.ctx.settings.outbound.trunks_for(typed).number or typed


def audit_subject(house: "House", args: Args) -> str:
    """Whom an audited command is about: all that was done about one caller stands under one number."""
    return str(args.get("contact") or "") or as_calls_bring_it(house, str(args.get("number") or ""))


def _flag(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    """A warning is anybody's to give; to block is a supervisor's."""
    mode, hours = text(args, "mode"), number(args, "hours")
    if mode == "blocked":
        supervisor(by)
    elif mode != "flagged":
        raise RefusedError("bad-request", "mode: flagged or blocked")
    if not 1 <= hours <= MAX_HOURS:
        raise RefusedError("bad-request", f"hours: 1 to {MAX_HOURS}")
    called = _as_callers_have_it(house, args)
    before = house.callers.flags.of(called)
    if before is not None and before.mode == "blocked":
        supervisor(by)
    kind: Mode = "blocked" if mode == "blocked" else "flagged"
    made = house.callers.flags.put(called, kind, text(args, "reason"), hours, by.operator)
    _redraw(house, called)
    return {"number": made.number, "until_ms": made.until_ms}


def _unflag(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    """What stood on the list is told: it stands nowhere else from now on."""
    called = _as_callers_have_it(house, args)
    before = house.callers.flags.of(called)
    if before is not None and before.mode == "blocked":
        supervisor(by)
    house.callers.flags.drop(called)
    _redraw(house, called)
    was = {"mode": before.mode, "reason": before.reason, "by": before.by} if before is not None else {}
    return {"number": called, **was}


def _redraw(house: "House", called: str) -> None:
    """Cards of calls that are up with that number: a command of people, so a look at all lines will do."""
    for line in house.calls.lines.values():
        if line.caller.number == called:
            house.redraw(line.contact)


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "contact.silent": _silent,
    "number.flag": _flag,
    "number.unflag": _unflag,
}

AUDITED = frozenset({"number.flag", "number.unflag", "contact.silent"})
