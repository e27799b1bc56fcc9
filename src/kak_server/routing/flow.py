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
from kak_server.routing.needs import Need
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
    if queue.config.workflow:
        if not _go_on(turn, contact, queue):
            return
        _settle(turn, contact, queue)
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
    if _go_on(turn, contact, queue) and _settle(turn, contact, queue):
        turn.touch_contact(contact.contact)
        offers.match_contact(turn, contact)


def _go_on(turn: Turn, contact: Contact, queue: Queue) -> bool:
    """Do what is due, and arm the timer for the rest. False: the contact waits here no more."""
    now_ms, fired, entered_ms = turn.now_ms, contact.fired, contact.entered_at_ms
    next_ms: int | None = None
    for number, step in enumerate(queue.steps):
        if fired >> number & 1:
            continue
        due_ms = entered_ms + step.after_ms
        if due_ms <= now_ms:
            if step.when is None or conditions.holds(turn.state, contact, queue, step.when):
                contact.fired |= 1 << number
                if not _act(turn, contact, step):
                    return False
                continue
            due_ms = now_ms + turn.state.config.national.recheck_ms
        if next_ms is None or due_ms < next_ms:
            next_ms = due_ms
    if next_ms is None:
        contact.wide = True
    else:
        turn.set_timer(STEP, contact.contact, next_ms)
    return True


def _settle(turn: Turn, contact: Contact, queue: Queue) -> bool:
    """What the steps that are done come to. True: the contact waits for others than before."""
    state = turn.state
    need = planning.need_of(state, contact, queue)
    named = None
    if need.strategy is Strategy.NAMED or need.strategy is Strategy.STICKY:
        named = _name(turn, contact, need)
    changed = (need is not contact.need and need != contact.need) or named != contact.named
    if changed:
        queues.move(state, contact, need, named)
    if named is not None:
        again_ms = turn.now_ms + state.config.national.recheck_ms
        timer = state.timers.get(f"{STEP}:{contact.contact}")
        if timer is None or timer.at_ms > again_ms:
            turn.set_timer(STEP, contact.contact, again_ms)
    return changed


# --- what a step leads to ---------------------------------------------------------------------------------------------


def _act(turn: Turn, contact: Contact, step: Step) -> bool:
    """Play, or go elsewhere. False: it waits here no more."""
    if step.announce:
        place = queues.place_of(turn.state, contact) if step.tell_position else 0
        turn.emit(Announce(contact.contact, step.announce, place))
    if step.overflow_queue is not None:
        return not _to_queue(turn, contact, step)
    if step.overflow_number and step.overflow_number not in contact.deaf:
        _to_number(turn, contact, step.overflow_number)
        return False
    return True


def _to_queue(turn: Turn, contact: Contact, step: Step) -> bool:
    """On to another queue, with the old arrival time. Not to one that is gone, and not for ever."""
    target = None if step.overflow_queue is None else turn.state.queues.get(step.overflow_queue)
    if target is None or target.retired or contact.overflows >= OVERFLOWS_MAX:
        return False
    contact.overflows += 1
    queues.leave(turn, contact)
    queues.quit_queue(turn, contact)
    turn.emit(StartWaiting(contact.contact, target.config.queue, "overflow", announce=target.config.announce))
    queues.join_queue(turn, contact, target)
    turn.touch_contact(contact.contact)
    begin(turn, contact)
    return True


def _to_number(turn: Turn, contact: Contact, number: str) -> None:
    """Out of the house. Should nobody hear the caller there, the contact comes back to the head of its class."""
    queues.leave(turn, contact)
    contact.outside = number
    contact.state = ContactState.HANDED_OVER
    contact.since_ms = turn.now_ms
    turn.cancel_timer(STEP, contact.contact)
    turn.emit(OverflowOut(contact.contact, contact.queue, number))
    turn.touch_contact(contact.contact)


# --- one operator alone -----------------------------------------------------------------------------------------------


def _name(turn: Turn, contact: Contact, need: Need) -> OperatorId | None:
    """The operator whom the contact's step asks for by name, as long as that operator is at work for it."""
    step = need.step
    name = step.operator
    if need.strategy is Strategy.STICKY:
        last = turn.state.callers.get(contact.identity or contact.caller)
        fresh = last is not None and turn.now_ms - last.at_ms <= step.sticky_within_ms
        name = last.operator if last is not None and fresh else None
    operator = None if name is None else turn.state.operators.get(name)
    if operator is None or operator.activity is not Activity.AVAILABLE or operator.duty.leaving:
        return None
    line = need.line
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
            queues.move(turn.state, contact, contact.need, None)
            offers.match_contact(turn, contact)
