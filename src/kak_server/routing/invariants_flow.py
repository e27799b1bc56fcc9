"""What must hold of the steps that contacts go through, checked on the state alone."""

from kak_server.routing.api import ContactState
from kak_server.routing.queues import STEP, WIDEN
from kak_server.routing.state import Contact, Queue, State


def violations(state: State) -> list[str]:
    """One sentence for each broken law."""
    found: list[str] = []
    for contact in state.contacts.values():
        queue = state.queue_of(contact)
        found += _steps(contact, queue, state.now_ms)
        found += _outside(contact)
        if contact.state is ContactState.WAITING:
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


def _clock(state: State, contact: Contact, queue: Queue) -> list[str]:
    """What is left to do has a timer, in time."""
    left = [step for number, step in enumerate(queue.steps) if not contact.fired >> number & 1]
    timer = state.timers.get(f"{STEP if queue.config.workflow else WIDEN}:{contact.contact}")
    if timer is None:
        return [] if contact.wide else [f"{contact.contact} waits for a step that never comes"]
    if not left:
        return []
    times = [contact.entered_at_ms + step.after_ms for step in left]
    latest_ms = min(times)
    if queue.config.workflow:  # what is due and did not hold is looked at again
        again_ms = state.now_ms + state.config.national.recheck_ms
        latest_ms = min(due_ms if due_ms > state.now_ms else again_ms for due_ms in times)
    if timer.at_ms > latest_ms:
        return [f"{contact.contact} looks at its next step at {timer.at_ms}, not by {latest_ms}"]
    return []
