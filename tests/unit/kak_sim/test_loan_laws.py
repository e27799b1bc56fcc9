"""The laws of loans notice who is let go for nothing: what happened is told as another event."""

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_sim import loan_laws
from tests.unit.routing.desk import Desk, queue


def lent() -> Desk:
    """Bob of Bergen helps Oslo."""
    desk = Desk(queue("113"), queue("113b", "bergen"))
    for who, room in (("ada", "oslo"), ("bob", "bergen"), ("cia", "bergen")):
        desk.sit(who, room)
    desk.borrow("l1", "oslo", "bergen")
    desk.lend("l1", "bob")
    return desk


def findings(desk: Desk, event: api.Event, told: api.Event) -> list[str]:
    """What the laws say of `event` where they hear `told`."""
    before, here = {loan.loan: loan for loan in desk.core.loans()}, set(desk.core.state.operators)
    desk.send(event)
    return list(loan_laws.broken(told, before, here, desk.core))


def test_the_end_of_a_loan_has_a_reason() -> None:
    desk = lent()
    over = api.LoanEnded(desk.now_ms, "l1", OperatorId("lead"))
    assert findings(desk, over, over) == []


def test_nobody_is_let_go_by_what_does_not_concern_the_loan() -> None:
    desk = lent()
    over = api.LoanEnded(desk.now_ms, "l1", OperatorId("lead"))
    other = api.LoanEnded(desk.now_ms, "l2", OperatorId("lead"))
    assert findings(desk, over, other) == ["bob is no more part of l1, and nothing has ended it"]


def test_whoever_goes_home_is_let_go_and_that_is_no_reason_for_others() -> None:
    desk = lent()
    home = api.OperatorSignedOut(desk.now_ms, OperatorId("bob"))
    assert findings(desk, home, home) == []
    desk = lent()
    over = api.LoanEnded(desk.now_ms, "l1", OperatorId("lead"))
    assert findings(desk, over, api.OperatorSignedOut(desk.now_ms, OperatorId("ada")))


def test_a_request_does_not_vanish() -> None:
    desk = Desk(queue("113"), queue("113b", "bergen"))
    desk.borrow("l1", "oslo", "bergen")
    over = api.LoanEnded(desk.now_ms, "l1", OperatorId("lead"))
    other = api.WrapUpDone(desk.now_ms, OperatorId("ada"))
    assert findings(desk, over, other) == ["nobody has answered whether l1 is granted, and it is gone"]
