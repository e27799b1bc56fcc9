"""Contacts on the way through their queue's workflow: steps fall due, and something happens.

A queue without workflow has the own-room clock of `queues.py` instead. Here every contact that waits or rings and has
steps left has one timer: for the next step, or for looking again at a condition that did not hold. `steps.py` says what
a step does.
"""

from kak_server.routing import offers, queues, steps
from kak_server.routing.api import ContactClass, ContactState, Strategy
from kak_server.routing.state import Contact, LastTalk, Operator, Turn

CALLERS_MAX = 50_000
"""Callers whose last operator is remembered; the oldest is forgotten first."""


def begin(turn: Turn, contact: Contact) -> None:
    """The contact has joined a queue and waits for nobody yet: what is due at once, then the line."""
    if steps.advance(turn, contact):
        steps.settle(turn, contact)
        offers.ask_or_wait(turn, contact)


def on_step(turn: Turn, contact: Contact) -> None:
    """The timer: something is due, or is to be looked at again. A contact that neither waits nor rings comes back to it
    when it waits again."""
    if not turn.state.queue_of(contact).config.workflow:
        return
    if contact.state is ContactState.OFFERED:
        steps.while_ringing(turn, contact)
    elif contact.state is ContactState.WAITING and steps.advance(turn, contact):
        changed = steps.settle(turn, contact)
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


def released(turn: Turn, operator: Operator) -> None:
    """The operator has left, can be asked no more, or changed room, skills or whom they serve: who waited for nobody
    else waits for all now."""
    waiting = turn.state.index.named.get(operator.operator)
    for key in list(waiting or ()):
        contact = turn.state.contacts[key[-1]]
        if contact.klass is not ContactClass.EMERGENCY:
            queues.move(turn.state, contact, contact.need, None)
            offers.match_contact(turn, contact)
