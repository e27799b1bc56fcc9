"""A shift lead's word on somebody's state. It never cuts a call: what cannot be done at once waits for its end."""

from kak_server.routing import operators, paper_work, shifts
from kak_server.routing.api import Activity, Forced, ForcedTo, OperatorForced
from kak_server.routing.duty import ForcedState
from kak_server.routing.state import Turn


def on_forced(turn: Turn, event: OperatorForced) -> None:
    """Ready, not ready or home. Whoever is told stays able to answer back: their own next word counts again, but for
    a sign-out."""
    operator = turn.state.operators.get(event.operator)
    if operator is None:
        turn.refuse("unknown-operator", f"{event.operator} is not signed in", event.operator)
        return
    if not operators.reason_is_known(turn.state, event.reason):
        turn.refuse("unknown-reason", f"no reason {event.reason}", event.operator)
        return
    waits = event.to is ForcedTo.SIGNED_OUT and shifts.at_work(operator)
    turn.emit(Forced(operator.operator, operator.position, event.by, event.to, event.reason, event.note, waits))
    operator.duty.forced = ForcedState(event.to, event.by, turn.now_ms, event.reason, event.note, waits)
    turn.touch_operator(operator.operator)
    shifts.decide(turn, operator)  # also where a sign-out that waited is taken back
    if event.to is ForcedTo.SIGNED_OUT:
        return
    ready = event.to is ForcedTo.READY
    operators.set_activity(
        turn,
        operator,
        Activity.AVAILABLE if ready else Activity.BREAK,
        "" if ready else event.reason,
        "" if ready else event.note,
    )
    if ready:
        paper_work.end(turn, operator)
