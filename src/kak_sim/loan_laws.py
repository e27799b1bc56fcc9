"""Loans of people last: whoever was asked or lent is let go for a reason that people can name, and for none else.

Judged by what was known of the loans before the step, its event, and who is here after it.
"""

from collections.abc import Iterator, Mapping, Set

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import LoanView


def broken(event: api.Event, before: Mapping[str, LoanView], here: Set[OperatorId], core: RoutingCore) -> Iterator[str]:
    """What the step, which was not refused, broke. `before`: the loans as they were; `here`: who was signed in."""
    for loan in before.values():
        agreed = event.operators if isinstance(event, api.LoanAgreed) and event.loan == loan.loan else ()
        after = core.loan(loan.loan)
        still = () if after is None else (*after.asked, *after.lent)
        for name in (*loan.asked, *loan.lent, *agreed):
            if name not in still and not _may_go(event, loan, name, here, core):
                yield f"{name} is no more part of {loan.loan}, and nothing has ended it"
        if after is None and loan.state is loan.state.ASKED and not agreed and not _ended(event, loan):
            yield f"nobody has answered whether {loan.loan} is granted, and it is gone"


def _ended(event: api.Event, loan: LoanView) -> bool:
    """By a lead's word for all of it, or by the clock."""
    if isinstance(event, api.LoanEnded):
        return event.loan == loan.loan and event.operator is None
    return isinstance(event, api.TimerFired) and event.key in (f"loan:{loan.loan}", f"loan-asked:{loan.loan}")


def _may_go(event: api.Event, loan: LoanView, name: OperatorId, here: Set[OperatorId], core: RoutingCore) -> bool:
    """The loan's time is up; a lead's word, or their own no; nobody heard whether they come; they went home or to
    another room; or too few have stayed at home."""
    if isinstance(event, api.LoanEnded) and event.loan == loan.loan:
        return event.operator in (None, name)
    if isinstance(event, api.LoanAnswered) and (event.loan, event.operator) == (loan.loan, name):
        return not event.yes
    if isinstance(event, api.TimerFired) and event.key == f"loan:{loan.loan}":
        return True
    if isinstance(event, api.TimerFired) and event.key == f"loan-asked:{loan.loan}":
        return name in loan.asked
    now = core.operator(name)
    if now is None or now.room != loan.lender:
        return True
    somebody_left = any(core.operator(person) is None for person in here)
    return name in loan.lent and somebody_left and _too_few(loan.lender, core)


def _too_few(room: RoomId, core: RoutingCore) -> bool:
    """With those who just came back no more than the room must keep."""
    state = core.state
    reserve = next((row.reserve for row in state.config.national.rooms if row.room == room), 0)
    keep = max(core.people_config.minimum_staff.get(room, 0), reserve)
    return sum(row.room == room and row.duty.loan is None for row in state.operators.values()) <= keep
