"""Offers that ring out: after so many in a row the operator is taken for absent, and asked no more.

Never the last one in the room who could serve its own queues: a caller who rings in vain is better off than one whom
nobody may be asked for. A spoken no, an accept and anything the operator says begin the count anew.

Only a ring at somebody who was free all the while tells of absence. A chat rings beside a call or an alarm too, at
somebody whom a citizen keeps busy, and who lets the chat ring out by doing the work at hand. It is enough that there
was such work at any time since the chat began to ring: whoever hangs up in its last second had no time to answer. Open
chats are no such work: they stay open where their operator has left, and calls and emergencies go on ringing there.
"""

from kak_server.routing import staff
from kak_server.routing.api import Activity, MadeNotReady, MissesTolerated, OperatorState
from kak_server.routing.state import Operator, Turn
from kak_server.routing.words_people import MISSED


def present(operator: Operator) -> None:
    """The operator has given a sign of life."""
    operator.duty.misses_in_row = 0


def missed(turn: Turn, operator: Operator, since_ms: int) -> bool:
    """An offer that rings since `since_ms` has rung out; the operator holds it no more, and stands in no index. True:
    they are taken for absent, and whoever waits for them alone is to be released once they are free.

    Nobody took it in time, so it is one of the operator's missed offers in any case; whether it counts towards absence
    is another question."""
    operator.missed += 1
    if _beside_work(operator, since_ms):
        return False
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


def _beside_work(operator: Operator, since_ms: int) -> bool:
    """Some of the time since then the operator was in a contact that takes them whole, or not ready yet."""
    if operator.state is OperatorState.OFFERED:  # it was such a contact that rang: only somebody free is asked for one
        return False
    return operator.state is OperatorState.BUSY or operator.idle_since_ms > since_ms
