"""Contacts on the way through their queue's workflow: steps fall due, and something happens.

A queue without workflow has the own-room clock of `queues.py` instead. Here every contact that waits and has steps left
has one timer: for the next step, or for looking again at a condition that did not hold.
"""

from kak_server.model.ids import OperatorId
from kak_server.routing import conditions, matching, offers, planning, queues
from kak_server.routing.api import (
    Activity,
    Announce,
    ContactClass,
    ContactState,
    OverflowOut,
    StartWaiting,
    Strategy,
)
from kak_server.routing.queues import STEP
from kak_server.routing.state import Contact, LastTalk, Operator, Queue, Turn
from kak_server.routing.words_workflow import Step

OVERFLOWS_MAX = 5
"""How often one contact goes on to another queue."""

CALLERS_MAX = 50_000
"""Callers whose last operator is remembered; the oldest is forgotten first."""


def begin(turn: Turn, contact: Contact) -> None:
    """The contact has joined a queue and waits for nobody yet: what is due at once, then the line."""
    queue = turn.state.queue_of(contact)
    if queue.config.workflow and not _go_on(turn, contact, queue):
        return
    _wait(turn, contact)


def _wait(turn: Turn, contact: Contact) -> None:
    """Offered at once where somebody is idle; otherwise it waits."""
    operator = matching.pick_operator(turn.state, contact)
    if operator is not None:
        offers.make_offer(turn, contact, operator)
    else:
        queues.enter(turn, contact)


def on_step(turn: Turn, contact: Contact) -> None:
    """The timer: something is due, or is to be looked at again. A contact that does not wait comes back to it when it
    waits again."""
    queue = turn.state.queue_of(contact)
    if contact.state is not ContactState.WAITING or not queue.config.workflow:
        return
    former = contact.need, contact.named, contact.fired
    queues.unstand(turn.state, contact)
    if not _go_on(turn, contact, queue):
        return
    queues.stand(turn.state, contact)
    if (contact.need, contact.named, contact.fired) != former:
        turn.touch_contact(contact.contact)
        offers.match_contact(turn, contact)


def _go_on(turn: Turn, contact: Contact, queue: Queue) -> bool:
    """Do what is due, and arm the timer for the rest. False: the contact waits here no more."""
    now_ms, recheck_ms = turn.now_ms, turn.state.config.national.recheck_ms
    next_ms: int | None = None
    for number, step in enumerate(queue.steps):
        if contact.fired >> number & 1:
            continue
        due_ms = contact.entered_at_ms + step.after_ms
        if due_ms <= now_ms:
            if step.when is None or conditions.holds(turn.state, contact, queue, step.when):
                contact.fired |= 1 << number
                if not _act(turn, contact, step):
                    return False
                continue
            due_ms = now_ms + recheck_ms
        next_ms = due_ms if next_ms is None else min(next_ms, due_ms)
    contact.wide = contact.fired == (1 << len(queue.steps)) - 1
    contact.need = planning.need_of(turn.state, contact, queue)
    contact.named = _name(turn, contact)
    if contact.named is not None:
        next_ms = now_ms + recheck_ms if next_ms is None else min(next_ms, now_ms + recheck_ms)
    if next_ms is not None:
        turn.set_timer(STEP, contact.contact, next_ms)
    return True


# --- what a step leads to ---------------------------------------------------------------------------------------------


def _act(turn: Turn, contact: Contact, step: Step) -> bool:
    """Play, or go elsewhere. False: it waits here no more."""
    if step.announce:
        place = queues.place_of(turn.state, contact) if step.tell_position else 0
        turn.emit(Announce(contact.contact, step.announce, place))
    if step.overflow_queue is not None:
        return not _to_queue(turn, contact, step)
    if step.overflow_number:
        _to_number(turn, contact, step.overflow_number)
        return False
    return True


def _to_queue(turn: Turn, contact: Contact, step: Step) -> bool:
    """On to another queue, with the old arrival time. Not to one that is gone, and not for ever."""
    target = None if step.overflow_queue is None else turn.state.queues.get(step.overflow_queue)
    if target is None or target.retired or contact.overflows >= OVERFLOWS_MAX:
        return False
    contact.overflows += 1
    queues.quit_queue(turn, contact)
    turn.emit(StartWaiting(contact.contact, target.config.queue, "overflow", announce=target.config.announce))
    queues.join_queue(turn, contact, target)
    turn.touch_contact(contact.contact)
    begin(turn, contact)
    return True


def _to_number(turn: Turn, contact: Contact, number: str) -> None:
    """Out of the house. Should nobody answer there, the contact comes back to the head of its class."""
    contact.state = ContactState.HANDED_OVER
    contact.since_ms = turn.now_ms
    turn.cancel_timer(STEP, contact.contact)
    turn.emit(OverflowOut(contact.contact, contact.queue, number))
    turn.touch_contact(contact.contact)


# --- one operator alone -----------------------------------------------------------------------------------------------


def _name(turn: Turn, contact: Contact) -> OperatorId | None:
    """The operator whom the contact's step asks for by name, as long as that operator is at work for it."""
    step = contact.need.step
    name = step.operator if contact.need.strategy is Strategy.NAMED else None
    if contact.need.strategy is Strategy.STICKY:
        last = turn.state.callers.get(contact.identity or contact.caller)
        if last is not None and turn.now_ms - last.at_ms <= step.sticky_within_ms:
            name = last.operator
    operator = None if name is None else turn.state.operators.get(name)
    if operator is None or operator.activity is not Activity.AVAILABLE or operator.duty.leaving:
        return None
    line = contact.need.line
    reached = operator.crew.mask_in(line.rooms.rooms, line.lane) & line.profile.bit
    return operator.operator if reached else None


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
    """The operator has left, or changed room or skills: who waited for nobody else waits for all now."""
    waiting = turn.state.index.named.get(operator.operator)
    for key in list(waiting or ()):
        contact = turn.state.contacts[key[-1]]
        if contact.klass is not ContactClass.EMERGENCY:
            queues.unstand(turn.state, contact)
            contact.named = None
            queues.stand(turn.state, contact)
            offers.match_contact(turn, contact)
