"""Loans of people between rooms: asked, agreed, lent, and given back by themselves.

Nobody is lent who would leave the lender with fewer ready people than its minimum or its reserve; when its own people
go home so that fewer than that are on, those who were lent last come back at once. A call that somebody on loan has is
never cut: only whom they are asked for next changes.
"""

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing import matching, offers, staff
from kak_server.routing.api import LoanAgreed, LoanAnswered, LoanAsked, LoanChanged, LoanEnded
from kak_server.routing.api_loans import LoanCause, LoanChange
from kak_server.routing.duty import Loan, LoanTerms
from kak_server.routing.state import Operator, State, Turn
from kak_server.routing.words_people import LoanState

LOAN = "loan"
ASKED = "loan-asked"
COUNT_MAX = 50

# --- asked and answered -----------------------------------------------------------------------------------------------


def on_asked(turn: Turn, event: LoanAsked) -> None:
    """A room asks."""
    problem = _problem(turn, event)
    if problem is not None:
        turn.refuse(problem[0], problem[1], event.by)
        return
    loan = Loan(
        loan=event.loan,
        room=event.room,
        lender=event.lender,
        asked_by=event.by,
        since_ms=turn.now_ms,
        until_ms=event.until_ms,
        count=event.count,
        named=event.named,
        queues=event.queues,
        skills=dict(event.skills),
        note=event.note,
    )
    turn.state.people.loans[loan.loan] = loan
    turn.set_timer(ASKED, loan.loan, min(event.until_ms, turn.now_ms + turn.state.config.people.loan_asked_ms))
    _tell(turn, loan, "asked", by=event.by)


def _problem(turn: Turn, event: LoanAsked) -> tuple[str, str] | None:
    state, settings = turn.state, turn.state.config.people
    if event.loan in state.people.loans:
        return "duplicate", "that loan has been asked for already"
    if event.room == event.lender:
        return "same-room", "a room does not lend to itself"
    if not turn.now_ms < event.until_ms <= turn.now_ms + settings.loan_ms:
        return "bad-time", "that is too long, or over already"
    if not max(1, len(event.named)) <= event.count <= COUNT_MAX:
        return "bad-count", "so many people cannot be asked for"
    for name in event.queues:
        queue = state.queues.get(name)
        if queue is None or queue.retired or event.room not in queue.config.rooms:
            return "unknown-queue", f"{event.room} does not serve {name}"
    if len(state.people.loans) >= settings.max_loans:
        return "limit", "too many loans at once"
    return None


def on_agreed(turn: Turn, event: LoanAgreed) -> None:
    """The lender says who."""
    loan = _known(turn, event.loan, event.by)
    if loan is None:
        return
    if loan.state is not LoanState.ASKED:
        turn.refuse("not-asked", "that has been answered already", event.by)
        return
    chosen = dict.fromkeys(event.operators)
    if not 1 <= len(chosen) <= loan.count:
        turn.refuse("bad-count", f"{loan.count} were asked for", event.by)
        return
    for name in chosen:
        operator = turn.state.operators.get(name)
        taken = name in turn.state.people.on_loan
        if operator is None or operator.room != loan.lender or taken or operator.duty.leaving:
            turn.refuse("unknown-operator", f"{name} is not there to be lent", event.by)
            return
        if any(operator.skills.get(skill, 0) < level for skill, level in loan.skills.items()):
            turn.refuse("not-skilled", f"{operator.name} has not the skills that were asked for", event.by)
            return
    if not can_spare(turn.state, loan.lender, tuple(chosen)):
        turn.refuse("minimum-staff", "too few ready people would stay", event.by)
        return
    _agree(turn, loan, event, tuple(chosen))


def _agree(turn: Turn, loan: Loan, event: LoanAgreed, chosen: tuple[OperatorId, ...]) -> None:
    people = turn.state.people
    loan.agreed_by, loan.own_emergencies = event.by, event.own_emergencies
    _tell(turn, loan, "agreed", by=event.by)
    turn.set_timer(LOAN, loan.loan, loan.until_ms)
    loan.state = LoanState.AGREED
    loan.asked = list(chosen)
    for name in chosen:
        people.on_loan[name] = loan.loan
        turn.touch_operator(name)
    if turn.state.config.people.loan_consent:
        until_ms = min(loan.until_ms, turn.now_ms + turn.state.config.people.loan_asked_ms)
        turn.set_timer(ASKED, loan.loan, until_ms)
        return
    for name in chosen:
        _lend(turn, loan, turn.state.operators[name])


def on_answered(turn: Turn, event: LoanAnswered) -> None:
    """Somebody says whether they go."""
    loan = _known(turn, event.loan, event.operator)
    if loan is None:
        return
    if event.operator not in loan.asked:
        turn.refuse("not-asked", "you were not asked", event.operator)
    elif not event.yes:
        _tell(turn, loan, "refused", event.operator, by=event.operator)
        _let_go(turn, loan, event.operator, "")
    elif not can_spare(turn.state, loan.lender, (event.operator,)):
        turn.refuse("minimum-staff", "too few ready people would stay now", event.operator)
    else:
        _lend(turn, loan, turn.state.operators[event.operator])


# --- there and back ---------------------------------------------------------------------------------------------------


def can_spare(state: State, room: RoomId, going: tuple[OperatorId, ...]) -> bool:
    """Whether so many ready people stay in the room as it must keep."""
    stay = [person for person in _own(state, room) if person.operator not in going and staff.is_ready(person)]
    return len(stay) >= must_keep(state, room)


def must_keep(state: State, room: RoomId) -> int:
    """So many ready people a loan leaves behind: the room's minimum, or its reserve for emergencies if that is more."""
    row = state.rooms.get(room)
    return max(state.config.people.minimum_staff.get(room, 0), 0 if row is None else row.reserve)


def _own(state: State, room: RoomId) -> list[Operator]:
    """Who sits there and is not lent."""
    return [person for person in staff.in_room(state, room) if person.duty.loan is None]


def _lend(turn: Turn, loan: Loan, operator: Operator) -> None:
    loan.asked.remove(operator.operator)
    loan.lent.append(operator.operator)
    loan.state = LoanState.RUNNING
    if not loan.asked:
        turn.cancel_timer(ASKED, loan.loan)
    turn.state.people.on_loan[operator.operator] = loan.loan
    _tell(turn, loan, "lent", operator.operator, by=loan.agreed_by)
    _serve(turn, operator, LoanTerms(loan.loan, loan.room, loan.queues, loan.own_emergencies, loan.until_ms))


def _serve(turn: Turn, operator: Operator, terms: LoanTerms | None) -> None:
    """Whom the operator is asked for from now on. An offer under way stands, and a call in any case."""
    matching.unlist_idle(turn.state, operator)
    matching.part(turn.state, operator)
    operator.duty.loan = terms
    matching.join(turn.state, operator)
    offers.released(turn, operator)
    matching.list_idle(turn.state, operator)
    offers.match_operator(turn, operator)
    turn.touch_operator(operator.operator)


def on_ended(turn: Turn, event: LoanEnded) -> None:
    """A shift lead ends it, for one or for all."""
    loan = _known(turn, event.loan, event.by)
    if loan is None:
        return
    if event.operator is None:
        _close(turn, loan, "over", "lead", event.by)
    elif event.operator in (*loan.lent, *loan.asked):
        _let_go(turn, loan, event.operator, "lead", event.by)
    else:
        turn.refuse("unknown-operator", "not part of this loan", event.by)


def on_over(turn: Turn, loan_id: str) -> None:
    """The time is up."""
    _close(turn, turn.state.people.loans[loan_id], "over", "time")


def on_lapsed(turn: Turn, loan_id: str) -> None:
    """Nobody answered in time; whoever has gone stays."""
    loan = turn.state.people.loans[loan_id]
    if not loan.lent:
        _close(turn, loan, "lapsed", "time")
        return
    for name in list(loan.asked):
        _let_go(turn, loan, name, "time")


def refresh(turn: Turn) -> None:
    """The queues' rules are others: what people are lent for may be too."""
    for name in list(turn.state.people.on_loan):
        operator = turn.state.operators[name]
        if operator.duty.loan is not None and operator.duty.loan.queues:
            _serve(turn, operator, operator.duty.loan)


def settle(turn: Turn) -> None:
    """At the end of each step: whoever has signed out or moved to another room is lent no more, and a room whose people
    have gone home gets its own back. Looks only at those the step touched."""
    state, people = turn.state, turn.state.people
    gone = False
    for name in turn.touched_operators():
        operator = state.operators.get(name)
        gone = gone or operator is None
        loan_id = people.on_loan.get(name)
        loan = None if loan_id is None else people.loans[loan_id]
        if loan is not None and (operator is None or operator.room != loan.lender):
            _let_go(turn, loan, name, "signed-out" if operator is None else "moved")
    if gone:
        _recall(turn)
    if turn.emptied:
        _serve_less(turn)


def _serve_less(turn: Turn) -> None:
    """Former rules of queues went with their last contact: nobody is lent for what these asked for."""
    for name in list(turn.state.people.on_loan):
        operator = turn.state.operators[name]
        terms = operator.duty.loan
        if terms is not None and any(queue in turn.emptied for queue in terms.queues):
            _serve(turn, operator, terms)


def _recall(turn: Turn) -> None:
    """Somebody went home: no lender is left with too few of its own on."""
    running = [loan for loan in turn.state.people.loans.values() if loan.lent]
    for loan in sorted(running, key=lambda loan: (loan.since_ms, loan.loan), reverse=True):
        while loan.lent and len(_own(turn.state, loan.lender)) < must_keep(turn.state, loan.lender):
            _let_go(turn, loan, loan.lent[-1], "staffing")


def _let_go(turn: Turn, loan: Loan, name: OperatorId, cause: LoanCause, by: OperatorId | None = None) -> None:
    """One is back, or does not go after all; the last one ends it."""
    was_lent = name in loan.lent
    (loan.lent if was_lent else loan.asked).remove(name)
    del turn.state.people.on_loan[name]
    operator = turn.state.operators.get(name)
    turn.touch_operator(name)
    if was_lent:
        _tell(turn, loan, "returned", name, by=by, cause=cause)
    if operator is not None and was_lent:
        _serve(turn, operator, None)
    if not loan.lent and not loan.asked:
        _close(turn, loan, "over", cause, by)
    elif not loan.asked:
        turn.cancel_timer(ASKED, loan.loan)


def _close(turn: Turn, loan: Loan, change: LoanChange, cause: LoanCause, by: OperatorId | None = None) -> None:
    turn.state.people.loans.pop(loan.loan, None)
    turn.cancel_timer(ASKED, loan.loan)
    turn.cancel_timer(LOAN, loan.loan)
    back, waiting = loan.lent, loan.asked
    loan.lent, loan.asked = [], []
    for name in (*back, *waiting):
        del turn.state.people.on_loan[name]
        turn.touch_operator(name)
    for name in back:
        _tell(turn, loan, "returned", name, by=by, cause=cause)
        _serve(turn, turn.state.operators[name], None)
    _tell(turn, loan, change, by=by, cause=cause)


def _tell(
    turn: Turn,
    loan: Loan,
    change: LoanChange,
    operator: OperatorId | None = None,
    by: OperatorId | None = None,
    cause: LoanCause = "",
) -> None:
    turn.emit(LoanChanged(loan.loan, loan.room, loan.lender, change, operator, by, cause))


def _known(turn: Turn, loan_id: str, by: OperatorId) -> Loan | None:
    loan = turn.state.people.loans.get(loan_id)
    if loan is None:
        turn.refuse("unknown-loan", "there is no such loan", by)
    return loan
