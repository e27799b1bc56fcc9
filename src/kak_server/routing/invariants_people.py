"""What must hold of people's days after every step: who leaves, who takes over, how long paper work may be."""

from collections.abc import Container

from kak_server.routing.api import ForcedTo, OperatorState
from kak_server.routing.duty import HandOver, Loan
from kak_server.routing.lending import ASKED, LOAN
from kak_server.routing.shifts import HAND_OVER, at_work
from kak_server.routing.state import Operator, State
from kak_server.routing.words_people import LoanState


def violations(state: State) -> list[str]:
    """One sentence for each broken law; empty when all is well."""
    found: list[str] = []
    for operator in state.operators.values():
        found += _duty(state, operator)
    for row in state.people.hand_overs.values():
        found += _hand_over(state, row)
    for loan in state.people.loans.values():
        found += _loan(state, loan)
    lent = {name: loan.loan for loan in state.people.loans.values() for name in (*loan.lent, *loan.asked)}
    if lent != state.people.on_loan:
        found.append("the index of loans is not who is lent or asked")
    if len(state.people.handing) != 2 * len(state.people.hand_overs):
        found.append("the index of hand-overs is not who hands over")
    return found


def owners(state: State, kind: str) -> Container[str] | None:
    """The rows that timers of this kind belong to; None for those that are not about people's days."""
    if kind in (LOAN, ASKED):
        return state.people.loans
    return state.people.hand_overs if kind == HAND_OVER else None


def _duty(state: State, operator: Operator) -> list[str]:
    found, duty, name = [], operator.duty, operator.operator
    if duty.loan is not None and state.people.on_loan.get(name) != duty.loan.loan:
        found.append(f"{name} is on a loan that is not there")
    row = state.people.hand_overs.get(operator.position)
    forced_out = duty.forced is not None and duty.forced.to is ForcedTo.SIGNED_OUT
    if duty.leaving != (forced_out or (row is not None and row.outgoing == name)):
        found.append(f"{name} leaves without a cause, or has a cause and stays")
    papers = operator.wrap_up_until_ms is not None  # while asked by name they wait
    if papers != (operator.state is OperatorState.WRAP_UP) and not (papers and operator.state is OperatorState.OFFERED):
        found.append(f"{name} is {operator.state}, with paper work until {operator.wrap_up_until_ms}")
    if duty.leaving and not at_work(operator):
        found.append(f"{name} is free and should have left")
    return found


def _loan(state: State, loan: Loan) -> list[str]:
    found, where = [], f"loan {loan.loan}"
    for name in (*loan.lent, *loan.asked):
        operator = state.operators.get(name)
        if operator is None or operator.room != loan.lender:
            found.append(f"{where} is of {name}, who does not sit in {loan.lender}")
        elif (operator.duty.loan is not None) != (name in loan.lent):
            found.append(f"{where}: {name} is not where the loan says")
    if loan.state is not LoanState.ASKED and not (loan.lent or loan.asked):
        found.append(f"{where} is of nobody")
    if loan.state is not LoanState.ASKED and f"{LOAN}:{loan.loan}" not in state.timers:
        found.append(f"{where} is never given back")
    if (loan.state is LoanState.ASKED or loan.asked) and f"{ASKED}:{loan.loan}" not in state.timers:
        found.append(f"{where} waits for an answer for ever")
    return found


def _hand_over(state: State, row: HandOver) -> list[str]:
    found, where = [], f"the hand-over at {row.position}"
    if state.positions.get(row.position) != row.outgoing:
        found.append(f"{where} is from {row.outgoing}, who does not sit there")
    if row.incoming in state.operators:
        found.append(f"{where} is to {row.incoming}, who sits somewhere")
    if {state.people.handing.get(row.incoming), state.people.handing.get(row.outgoing)} != {row.position}:
        found.append(f"{where} is not found by its people")
    if f"{HAND_OVER}:{row.position}" not in state.timers:
        found.append(f"{where} has no end")
    return found
