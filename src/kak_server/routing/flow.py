"""Contacts on the way through their queue's workflow: steps fall due, and something happens.

A queue without workflow has the own-room clock of `queues.py` instead. Here every contact that waits or rings and has
steps left has one timer: for the next step, or for looking again at a condition that did not hold. `steps.py` says what
a step does.
"""

from kak_server.routing import offers, steps
from kak_server.routing.api import ContactState, Strategy
from kak_server.routing.state import Contact, LastTalk, Turn

CALLERS_MAX = 50_000
"""Callers whose last operator is remembered; the oldest is forgotten first."""


def begin(turn: Turn, contact: Contact) -> None:
    """The contact has joined a queue and waits for nobody yet: what is due at once, then the line."""
    if steps.advance(turn, contact):
        steps.settle(turn, contact, turn.state.queue_of(contact))
        offers.ask_or_wait(turn, contact)


def on_step(turn: Turn, contact: Contact) -> None:
    """The timer: something is due, or is to be looked at again. A contact that neither waits nor rings comes back to it
    when it waits again."""
    if not turn.state.queue_of(contact).config.workflow:
        return
    if contact.state is ContactState.OFFERED:
        steps.while_ringing(turn, contact)
    elif contact.state is ContactState.WAITING and steps.advance(turn, contact):
        changed = steps.settle(turn, contact, turn.state.queue_of(contact))
        if contact.key is None:  # it has gone to another queue
            offers.ask_or_wait(turn, contact)
        elif changed:
            turn.touch_contact(contact.contact)
            offers.match_contact(turn, contact)


def talked(turn: Turn, contact: Contact) -> None:
    """A caller talks with an operator: remembered for the next time, where a queue asks for that."""
    caller = contact.identity or contact.caller
    queue = turn.state.queue_of(contact)
    if not caller or contact.operator is None or not any(step.strategy is Strategy.STICKY for step in queue.steps):
        return
    callers = turn.state.callers
    callers.pop(caller, None)
    callers[caller] = LastTalk(contact.operator, turn.now_ms)
    if len(callers) > CALLERS_MAX:
        del callers[next(iter(callers))]
