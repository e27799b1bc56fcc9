"""Which operator for this contact, which contact for this operator.

The law that keeps this cheap: after every step no waiting contact has an operator who is idle and may serve it. So a
contact that begins to wait looks only at idle operators, an operator who becomes idle only at waiting contacts; the
step puts the contact first and the operator after it.
Cost: a contact looks at the idle operators of one queue (first of an ordered list, past those who let it pass); an
operator looks at the first of each line it serves. Nothing is scanned by queues times operators.
"""

from kak_server.routing.api import Activity, ContactState, OperatorState, QueueConfig
from kak_server.routing.state import Contact, IdleKey, Operator, Queue, State, WaitKey


def reaches_skills(operator: Operator, config: QueueConfig) -> bool:
    """Every required skill at its level or above."""
    return all(operator.skills.get(skill, 0) >= level for skill, level in config.skills.items())


def may_serve(operator: Operator, config: QueueConfig) -> bool:
    """Signed in in one of the queue's rooms, and skilled enough."""
    return operator.room in config.rooms and reaches_skills(operator, config)


def in_own_room(operator: Operator, config: QueueConfig) -> bool:
    """The queue's first room is its own."""
    return bool(config.rooms) and operator.room == config.rooms[0]


def idle_key(operator: Operator, config: QueueConfig) -> IdleKey:
    """Own room first, then longest idle, then the operator's id."""
    return 0 if in_own_room(operator, config) else 1, operator.idle_since_ms, operator.operator


def index_served_queues(state: State, operator: Operator) -> None:
    """Work out which queues the operator serves (at sign-in and when the rules change)."""
    state.serves[operator.operator] = tuple(queue for queue in state.all_queues() if may_serve(operator, queue.config))


def list_idle(state: State, operator: Operator) -> None:
    """If available, stand in the idle index of every queue served."""
    if operator.available and operator.operator not in state.listed:
        state.listed.add(operator.operator)
        for queue in state.serves[operator.operator]:
            queue.idle.add(idle_key(operator, queue.config))


def unlist_idle(state: State, operator: Operator) -> None:
    """Leave the idle indexes. To be done before anything an idle key is made of changes."""
    if operator.operator in state.listed:
        state.listed.remove(operator.operator)
        for queue in state.serves[operator.operator]:
            queue.idle.remove(idle_key(operator, queue.config))


def pick_operator(state: State, contact: Contact) -> Operator | None:
    """The idle operator to ask: one who has not let it pass, else the one whose pass is longest ago."""
    queue = state.queue_of(contact)
    again: Operator | None = None
    again_rank = len(contact.passed)
    for other_room, _, operator_id in queue.idle:
        if other_room and not contact.wide:
            break  # own room's operators stand first in the index
        if operator_id not in contact.passed:
            return state.operators[operator_id]
        rank = contact.passed.index(operator_id)
        if rank < again_rank:
            again, again_rank = state.operators[operator_id], rank
    return again


def pick_contact(state: State, operator: Operator) -> Contact | None:
    """The waiting contact that comes first of all the operator may serve."""
    best: WaitKey | None = None
    for queue in state.serves[operator.operator]:
        for key in _heads(queue, operator):
            if best is None or key < best:
                best = key
    return None if best is None else state.contacts[best[-1]]


def _heads(queue: Queue, operator: Operator) -> list[WaitKey]:
    lines = (queue.wide, queue.narrow) if in_own_room(operator, queue.config) else (queue.wide,)
    return [key for key in (line.first() for line in lines) if key is not None]


_NOT_NOW = {
    OperatorState.OFFERED: "has another offer",
    OperatorState.BUSY: "is in a call",
    OperatorState.WRAP_UP: "is finishing the last call",
    OperatorState.UNREACHABLE: "has no audio at the position",
}


def why_not(state: State, contact: Contact, operator: Operator) -> str | None:
    """Why this operator is not asked now, as the end of a sentence; None if it may be. For the explanations."""
    config = state.queue_of(contact).config
    if operator.room not in config.rooms:
        return f"sits in room {operator.room}, which does not serve {config.queue}"
    for skill, level in sorted(config.skills.items()):
        has = operator.skills.get(skill, 0)
        if has < level:
            return f"has skill {skill} at {has}, {level} is needed"
    if operator.state in _NOT_NOW and operator.contact != contact.contact:
        return _NOT_NOW[operator.state]
    if operator.activity is not Activity.AVAILABLE:
        return f"is not available ({operator.activity.value}{': ' + operator.reason if operator.reason else ''})"
    if not contact.wide and contact.state is ContactState.WAITING and not in_own_room(operator, config):
        return f"sits in room {operator.room}, and {config.rooms[0]} is asked alone at first"
    return None
