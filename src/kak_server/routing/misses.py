"""Offers that ring out: after so many in a row the operator is taken for absent, and asked no more.

Never the last one in the room who could serve its own queues: a caller who rings in vain is better off than one whom
nobody may be asked for. A spoken no, an accept and anything the operator says begin the count anew.
"""

from kak_server.routing import staff
from kak_server.routing.api import Activity, MadeNotReady, MissesTolerated
from kak_server.routing.state import Operator, Turn
from kak_server.routing.words_people import MISSED


def present(operator: Operator) -> None:
    """The operator has given a sign of life."""
    operator.duty.misses_in_row = 0


def missed(turn: Turn, operator: Operator) -> bool:
    """An offer has rung out; the operator holds it no more, and stands in no index. True: they are taken for absent,
    and whoever waits for them alone is to be released once they are free."""
    operator.missed += 1
    duty = operator.duty
    duty.misses_in_row += 1
    most = turn.state.config.people.misses
    if not most or duty.misses_in_row < most or operator.activity is not Activity.AVAILABLE:
        return False
    if staff.is_last_ready(turn.state, operator):
        if duty.misses_in_row % most == 0:  # said again as often as it happens again
            turn.emit(MissesTolerated(operator.operator, operator.position, duty.misses_in_row))
        return False
    operator.activity, operator.reason, duty.note = Activity.BREAK, MISSED, ""
    duty.activity_since_ms = turn.now_ms
    turn.touch_operator(operator.operator)
    turn.emit(MadeNotReady(operator.operator, operator.position, duty.misses_in_row))
    return True
