"""Paper work after a call: its end, and more time for it."""

from kak_server.routing import offers
from kak_server.routing.api import OperatorState, WrapUpDone, WrapUpExtended
from kak_server.routing.state import Operator, Turn


def on_done(turn: Turn, event: WrapUpDone) -> None:
    """Said by the operator; twice is once."""
    operator = turn.state.operators.get(event.operator)
    if operator is None:
        turn.refuse("unknown-operator", f"{event.operator} is not signed in", event.operator)
        return
    end(turn, operator)


def end(turn: Turn, operator: Operator) -> None:
    """By the operator or by the timer: free again. The idle time counts from the end of the call."""
    if operator.state is OperatorState.OFFERED:  # by name, in the middle of it
        operator.wrap_up_until_ms = None
    if operator.state is OperatorState.WRAP_UP:
        turn.cancel_timer(offers.WRAP_UP, operator.operator)
        operator.wrap_up_until_ms = None
        offers.free(turn, operator)


def on_extended(turn: Turn, event: WrapUpExtended) -> None:
    """More time, within what one wrap-up may be extended by and how often."""
    operator = turn.state.operators.get(event.operator)
    if operator is None:
        turn.refuse("unknown-operator", f"{event.operator} is not signed in", event.operator)
        return
    if operator.state is not OperatorState.WRAP_UP or operator.wrap_up_until_ms is None:
        turn.refuse("not-in-wrap-up", "there is no paper work to extend", event.operator)
        return
    duty, settings = operator.duty, turn.state.config.people
    by_ms = min(event.by_ms, settings.wrap_up_extension_ms - duty.extended_ms)
    if by_ms <= 0 or duty.extensions >= settings.wrap_up_extensions:
        turn.refuse("limit", "the paper work cannot be extended any more", event.operator)
        return
    duty.extensions += 1
    duty.extended_ms += by_ms
    operator.wrap_up_until_ms += by_ms
    turn.set_timer(offers.WRAP_UP, operator.operator, operator.wrap_up_until_ms)
    turn.touch_operator(operator.operator)
