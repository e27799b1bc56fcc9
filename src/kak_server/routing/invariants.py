"""What must hold after every step, checked on the state alone. For tests and tools, not for the call path.

The auditor of the tests checks the stream of events and effects instead and shares nothing with this.
"""

from collections.abc import Container

from kak_server.routing import (
    invariants_flow,
    invariants_index,
    invariants_moves,
    invariants_people,
    lanes,
    matching,
    queues,
    ring_all,
)
from kak_server.routing.api import ContactState, OperatorState, QueueConfig
from kak_server.routing.contacts import JOINED, MEDIA
from kak_server.routing.offers import CONNECT, OFFER, WRAP_UP
from kak_server.routing.participants import INVITE
from kak_server.routing.state import Contact, Operator, State, rules_id

Known = dict[int, tuple[QueueConfig, str]]
"""Rules whose id was worked out before, by identity: whoever asks often keeps it between two checks."""


def violations(state: State, known: Known | None = None) -> list[str]:
    """One sentence for each broken law; empty when all is well."""
    found: list[str] = []
    for contact in state.contacts.values():
        found += _contact(state, contact)
    for operator in state.operators.values():
        found += _operator(state, operator)
    found += _indexes(state, {} if known is None else known)
    found += _people(state)
    found += invariants_people.violations(state)
    found += invariants_flow.violations(state)
    found += invariants_moves.violations(state)
    found += _timers(state)
    return found


def _knows(operator: Operator, contact: Contact) -> bool:
    """It rings there."""
    if lanes.is_light(contact):
        return operator.chat_offer == contact.contact
    return operator.state is OperatorState.OFFERED and operator.contact == contact.contact


def _contact(state: State, contact: Contact) -> list[str]:
    found = []
    name = contact.contact
    holder = None if contact.operator is None else state.operators.get(contact.operator)
    if contact.state is ContactState.ENDED:
        found.append(f"{name} has ended but is still here")
    if contact.state is ContactState.WAITING:
        if contact.operator is not None:
            found.append(f"{name} waits but has operator {contact.operator}")
        idle = matching.pick_operator(state, contact)
        if idle is not None:
            found.append(f"{name} waits although {idle.operator} is idle and may serve it")
    elif contact.state in (ContactState.HANDED_OVER, ContactState.PARKED):
        if contact.operator is not None:
            found.append(f"{name} was handed over but has operator {contact.operator}")
    elif holder is None or not _has(holder, contact):
        found.append(f"{name} is {contact.state} but its operator {contact.operator} does not have it")
    elif not lanes.is_light(contact) and (contact.state is ContactState.OFFERED) != (
        holder.state is OperatorState.OFFERED
    ):
        found.append(f"{name} is {contact.state} but {holder.operator} is {holder.state}")
    if contact.state is ContactState.OFFERED and f"{OFFER}:{name}" not in state.timers:
        found.append(f"{name} is offered without an expiry")
    if contact.state is ContactState.CONNECTING and f"{CONNECT}:{name}" not in state.timers:
        found.append(f"{name} is connecting without a time-out")
    found += _clock(state, contact)
    for other in (*contact.ringing, *([contact.standby] if contact.standby is not None else [])):
        ringing = state.operators.get(other)
        if ringing is None or not _knows(ringing, contact):
            found.append(f"{name} rings at {other}, who does not know")
        if contact.state not in (ContactState.OFFERED, ContactState.CONNECTING):
            found.append(f"{name} is {contact.state} and still rings at {other}")
    if f"{ring_all.STAGE}:{name}" in state.timers and contact.state is not ContactState.OFFERED:
        found.append(f"{name} is {contact.state} and would ring at more")
    return found


def _has(holder: Operator, contact: Contact) -> bool:
    if not lanes.is_light(contact):
        return holder.contact == contact.contact
    offered = contact.state is ContactState.OFFERED
    return holder.chat_offer == contact.contact if offered else contact.contact in holder.chats


def _clock(state: State, contact: Contact) -> list[str]:
    """Whoever has steps left has a timer; with a workflow, while it waits."""
    name, queue = contact.contact, state.queue_of(contact)
    if not queue.config.workflow:
        narrow = not contact.wide and f"{queues.WIDEN}:{name}" not in state.timers
        return [f"{name} is kept to its own room without a timer"] if narrow else []
    if contact.state is not ContactState.WAITING or (contact.wide and contact.named is None):
        return []
    return [] if f"{queues.STEP}:{name}" in state.timers else [f"{name} has steps left and no timer"]


def _operator(state: State, operator: Operator) -> list[str]:
    found = []
    name = operator.operator
    if state.positions.get(operator.position) != name:
        found.append(f"{name} does not sit at {operator.position}")
    contact = None if operator.contact is None else state.contacts.get(operator.contact)
    if operator.state in (OperatorState.OFFERED, OperatorState.BUSY):
        if contact is not None and name in contact.moves.participants:
            pass  # invariants_moves looks at those
        elif contact is None or name not in (contact.operator, contact.standby, *contact.ringing):
            found.append(f"{name} is {operator.state} with {operator.contact}, which is not with it")
        elif operator.state is OperatorState.BUSY and contact.state not in JOINED:
            found.append(f"{name} is busy with {contact.contact}, which is {contact.state}")
    elif operator.contact is not None:
        found.append(f"{name} is {operator.state} but has {operator.contact}")
    if operator.state is OperatorState.WRAP_UP and f"{WRAP_UP}:{name}" not in state.timers:
        found.append(f"{name} is in wrap-up without a timer")
    serves = operator.state is OperatorState.BUSY or operator.chats
    if serves and not operator.media_up and f"{MEDIA}:{name}" not in state.timers:
        found.append(f"{name} has no media in a call and no grace timer")
    if operator.state in (OperatorState.IDLE, OperatorState.OFFERED) and not operator.media_up:
        found.append(f"{name} is {operator.state} without media")
    return found


def _id_of(config: QueueConfig, known: Known) -> str:
    """Rules never change, they are replaced: the same object has the id it had."""
    found = known.get(id(config))
    if found is None:
        found = known[id(config)] = config, rules_id(config)
    return found[1]


def _indexes(state: State, known: Known) -> list[str]:
    found = []
    for queue in state.all_queues():
        queue_id = queue.config.queue
        members = [contact for contact in state.contacts.values() if state.queue_of(contact) is queue]
        if sorted(queue.members) != sorted(contact.contact for contact in members):
            found.append(f"{queue_id} counts {len(queue.members)} contacts, has {len(members)}")
        if queue.retired and not members:
            found.append(f"{queue_id} is retired and empty but still here")
        if queue.rules != _id_of(queue.config, known):
            found.append(f"{queue_id} is known by the id of other rules")
        waiting = sorted(
            queues.wait_key(contact, queue.config) for contact in members if contact.state is ContactState.WAITING
        )
        if list(queue.waiting) != waiting:
            found.append(f"{queue_id}: the line is not who waits")
    return found + invariants_index.violations(state)


def _people(state: State) -> list[str]:
    found = [
        f"{operator.operator} does not count to room {operator.room}"
        for operator in state.operators.values()
        if operator.operator not in state.by_room.get(operator.room, {})
    ]
    if sum(len(people) for people in state.by_room.values()) != len(state.operators):
        found.append("somebody counts to a room without being signed in")
    return found


def _timers(state: State) -> list[str]:
    found = []
    for key, timer in state.timers.items():
        owners: Container[str] = invariants_people.owners(state, timer.kind) or state.contacts
        if timer.kind in (WRAP_UP, MEDIA, INVITE):
            owners = state.operators
        if timer.subject not in owners:
            found.append(f"timer {key} belongs to nobody")
    return found
