"""What the steps of a workflow do to a contact, and when: due, held back while it rings, caught up with afterwards.

A step is taken at its time, also while the contact is on offer. What rings is let ring to its end: a step that changes
who is asked counts from the next offer on, and a step that leads elsewhere waits until the present offer is over, with
all that come after it. No further offer is made before what is due has been done.

Nothing here makes an offer: `flow.py` and `offers.py` do, after this.
"""

from kak_server.model.ids import OperatorId
from kak_server.routing import conditions, matching, planning, queues, staff
from kak_server.routing.api import Announce, ContactClass, ContactState, OverflowOut, StartWaiting, Strategy
from kak_server.routing.needs import Need
from kak_server.routing.queues import STEP
from kak_server.routing.state import Contact, Operator, Queue, Turn
from kak_server.routing.words_workflow import Step

OVERFLOWS_MAX = 5
"""How often one contact goes on to another queue."""


def advance(turn: Turn, contact: Contact, *, stays: bool = False) -> bool:
    """Do what is due, in order, in this queue and in those it leads to, and arm the timer for the rest. `stays`: the
    contact does not go elsewhere now. False: it has left the queues."""
    for _ in range(OVERFLOWS_MAX + 1):
        queue, overflows = turn.state.queue_of(contact), contact.overflows
        if queue.config.workflow and not _take_due(turn, contact, queue, stays=stays):
            return False
        if contact.overflows == overflows:
            break
    return True


def catch_up(turn: Turn, contact: Contact, *, stays: bool) -> bool:
    """The contact is back from an offer or a conversation and stands nowhere: what is due comes before anybody else is
    asked. False: it has left the queues. O(1) if nothing is due."""
    queue = turn.state.queue_of(contact)
    if not queue.config.workflow:
        return True
    if not contact.wide:
        timer = turn.state.timers.get(f"{STEP}:{contact.contact}")
        nothing_due = timer is not None and timer.at_ms > turn.now_ms
        if not nothing_due:
            if not advance(turn, contact, stays=stays):
                return False
            queue = turn.state.queue_of(contact)  # perhaps another
    settle(turn, contact, queue)
    return True


def while_ringing(turn: Turn, contact: Contact) -> None:
    """The timer, for a contact on offer: who is asked next, and what the caller hears, is by the steps that are due."""
    fired = contact.fired
    advance(turn, contact, stays=True)
    if contact.fired != fired:
        contact.need = planning.need_of(turn.state, contact, turn.state.queue_of(contact))
        turn.touch_contact(contact.contact)


def settle(turn: Turn, contact: Contact, queue: Queue) -> bool:
    """What the steps of its queue that are done come to. True: the contact waits for others than before."""
    state = turn.state
    if not queue.config.workflow:
        return False
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


def _take_due(turn: Turn, contact: Contact, queue: Queue, *, stays: bool) -> bool:
    """False: it has left the queues. Where it has gone to another queue the rest of this one's steps are no matter."""
    now_ms, fired, entered_ms = turn.now_ms, contact.fired, contact.entered_at_ms
    next_ms: int | None = None
    for number, step in enumerate(queue.steps):
        if fired >> number & 1:
            continue
        due_ms = entered_ms + step.after_ms
        if due_ms <= now_ms:
            if step.when is None or conditions.holds(turn.state, contact, queue, step.when):
                if stays and leads_away(turn, contact, step):
                    turn.cancel_timer(STEP, contact.contact)  # whatever comes then looks at it again
                    return True
                contact.fired |= 1 << number
                _say(turn, contact, step)
                if leads_away(turn, contact, step):
                    return _lead_away(turn, contact, step)
                continue
            due_ms = now_ms + turn.state.config.national.recheck_ms
        if next_ms is None or due_ms < next_ms:
            next_ms = due_ms
    if next_ms is None:
        contact.wide = True
    else:
        turn.set_timer(STEP, contact.contact, next_ms)
    return True


# --- what a step leads to ---------------------------------------------------------------------------------------------


def _say(turn: Turn, contact: Contact, step: Step) -> None:
    if step.announce:
        place = queues.place_of(turn.state, contact) if step.tell_position else 0
        turn.emit(Announce(contact.contact, step.announce, place))


def leads_away(turn: Turn, contact: Contact, step: Step) -> bool:
    """The contact would wait here no more. Not to a queue that is gone, not on to another for ever, and not to a number
    where nobody heard the caller before."""
    if step.overflow_queue is None:
        return bool(step.overflow_number) and step.overflow_number not in contact.deaf
    target = turn.state.queues.get(step.overflow_queue)
    return target is not None and not target.retired and contact.overflows < OVERFLOWS_MAX


def _lead_away(turn: Turn, contact: Contact, step: Step) -> bool:
    if step.overflow_queue is not None:
        _to_queue(turn, contact, turn.state.queues[step.overflow_queue])
        return True
    _to_number(turn, contact, step.overflow_number)
    return False


def _to_queue(turn: Turn, contact: Contact, target: Queue) -> None:
    """On to another queue, with the old arrival time. It stands in no line after this."""
    contact.overflows += 1
    queues.leave(turn, contact)
    queues.quit_queue(turn, contact)
    turn.emit(StartWaiting(contact.contact, target.config.queue, "overflow", announce=target.config.announce))
    queues.join_queue(turn, contact, target)
    turn.touch_contact(contact.contact)


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
    """The operator whom the contact's step asks for by name, as long as that operator can be asked once the work at
    hand is done, and has not let this contact pass or lost it before."""
    step = need.step
    name = step.operator
    if need.strategy is Strategy.STICKY:
        last = turn.state.callers.get(contact.identity or contact.caller)
        fresh = last is not None and turn.now_ms - last.at_ms <= step.sticky_within_ms
        name = last.operator if last is not None and fresh else None
    operator = None if name is None else turn.state.operators.get(name)
    if operator is None or operator.operator in contact.passed or not staff.is_there(turn.state, operator):
        return None
    line = need.line
    if contact.klass is not ContactClass.EMERGENCY and _kept_from(turn, operator, line.lane):
        return None
    reached = operator.crew.mask_in(line.rooms.rooms, line.lane) & line.profile.bit
    return operator.operator if reached else None


def _kept_from(turn: Turn, operator: Operator, lane: int) -> bool:
    """Free for it, and kept for the room's own emergencies: that may last, and nobody else would be asked meanwhile."""
    return bool(operator.lanes and not operator.lanes & lane and matching.lanes_of(turn.state, operator) & lane)
