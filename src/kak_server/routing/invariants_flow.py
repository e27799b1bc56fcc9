"""What must hold of the steps that contacts go through, checked on the state alone."""

from kak_server.routing import staff
from kak_server.routing.api import ContactClass, ContactState
from kak_server.routing.contacts import TALKING
from kak_server.routing.queues import STEP, WIDEN
from kak_server.routing.state import Contact, Queue, State
from kak_server.routing.words_workflow import Step


def violations(state: State) -> list[str]:
    """One sentence for each broken law."""
    found: list[str] = []
    for contact in state.contacts.values():
        queue = state.queue_of(contact)
        found += _steps(contact, queue, state.now_ms)
        found += _outside(contact)
        found += _rang_out(contact)
        if contact.state is ContactState.WAITING and contact.klass is not ContactClass.EMERGENCY:
            found += _alone(state, contact)
        if contact.state is ContactState.WAITING or (contact.state is ContactState.OFFERED and queue.config.workflow):
            found += _clock(state, contact, queue)
    return found


def _steps(contact: Contact, queue: Queue, now_ms: int) -> list[str]:
    """No step is done before its time, and who is `wide` has done them all."""
    found, name = [], contact.contact
    everything = (1 << len(queue.steps)) - 1
    if contact.fired & ~everything:
        found.append(f"{name} has done steps that {queue.config.queue} does not have")
    if contact.wide and contact.fired != everything:
        found.append(f"{name} is said to have done all of {len(queue.steps)} steps, and has not")
    for number, step in enumerate(queue.steps):
        early = contact.entered_at_ms + step.after_ms > now_ms
        if queue.config.workflow and contact.fired >> number & 1 and early:
            found.append(f"{name} has done step {number} before its time")
    return found


def _outside(contact: Contact) -> list[str]:
    """A number is with the caller only while no operator is; one that hung up at once is not called again."""
    found = []
    if contact.outside and contact.state is not ContactState.HANDED_OVER:
        found.append(f"{contact.contact} is {contact.state} and with {contact.outside} outside")
    if contact.outside in contact.deaf or len(set(contact.deaf)) < len(contact.deaf):
        found.append(f"{contact.contact} is called {contact.outside or contact.deaf} for again")
    return found


def _rang_out(contact: Contact) -> list[str]:
    """Where it rang out is remembered of those who wait for somebody to talk with, and somebody let it pass there."""
    if contact.rang_out_in is None:
        return []
    found = []
    if contact.state in TALKING:
        found.append(f"{contact.contact} is {contact.state} and still shuns {contact.rang_out_in}")
    if not contact.passed:
        found.append(f"{contact.contact} rang out in {contact.rang_out_in}, and nobody let it pass")
    return found


def _alone(state: State, contact: Contact) -> list[str]:
    """Nobody waits for one operator alone who can not be asked, or has said no to it."""
    name, found = contact.named, []
    operator = None if name is None else state.operators.get(name)
    if name is not None and (operator is None or not staff.is_there(state, operator)):
        found.append(f"{contact.contact} waits for {name} alone, who cannot be asked")
    if name is not None and name in contact.passed:
        found.append(f"{contact.contact} waits for {name} alone, who let it pass")
    return found


def _clock(state: State, contact: Contact, queue: Queue) -> list[str]:
    """What is left to do has a timer, in time: also while the contact rings, but for a step that would lead elsewhere.
    That one, and all after it, are looked at when the offer is over."""
    left = [step for number, step in enumerate(queue.steps) if not contact.fired >> number & 1]
    ringing = contact.state is ContactState.OFFERED
    if ringing and any(_leads_away(step) and contact.entered_at_ms + step.after_ms <= state.now_ms for step in left):
        return []
    timer = state.timers.get(f"{STEP if queue.config.workflow else WIDEN}:{contact.contact}")
    if timer is None:
        if ringing:
            return [f"{contact.contact} rings, and {len(left)} steps never come"] if left else []
        return [] if contact.wide else [f"{contact.contact} waits for a step that never comes"]
    if not left:
        return []
    latest_ms = min(contact.entered_at_ms + step.after_ms for step in left)
    if queue.config.workflow:
        latest_ms = min(_latest_ms(state, contact, step) for step in left)
    if timer.at_ms > latest_ms:
        return [f"{contact.contact} looks at its next step at {timer.at_ms}, not by {latest_ms}"]
    return []


def _leads_away(step: Step) -> bool:
    return step.overflow_queue is not None or bool(step.overflow_number)


def _latest_ms(state: State, contact: Contact, step: Step) -> int:
    """What is due and has no condition is done at once; what did not hold is looked at again."""
    due_ms = contact.entered_at_ms + step.after_ms
    if due_ms > state.now_ms:
        return due_ms
    return state.now_ms if step.when is None else state.now_ms + state.config.national.recheck_ms
