"""New rules while calls are up: queues are replaced, contacts stay.

A queue's rules are known by the id of their content. A contact keeps the id of those it came in on, so that former
rules live as long as somebody follows them: as a retired `Queue` with lines and idle index of its own, which takes no
arrivals and leaves with its last contact. Cost: what changed, times the operators of the rooms concerned.
"""

from dataclasses import replace

from kak_server.model.ids import QueueId
from kak_server.routing import matching, offers, queues
from kak_server.routing.api import (
    ConfigChanged,
    Configured,
    ContactState,
    OperatorRules,
    OperatorState,
    QueueConfig,
    RoutingConfig,
)
from kak_server.routing.state import Contact, Operator, Queue, State, Turn, WaitKey, rules_id


def on_configured(turn: Turn, event: Configured) -> None:
    """The whole of the rules: everybody follows them from here on, also those who came in on former ones.

    Contacts keep queue, arrival and epoch; offers under way stand; everybody who waits is matched anew. A queue that is
    gone but has contacts is retired.
    """
    state = turn.state
    wanted = {config.queue: config for config in event.config.queues}
    gone = [name for name, queue in state.queues.items() if not queue.retired and name not in wanted]
    _set_rest(state, event.config, event.version)
    for name in gone:
        _retire(state, name)
    for config in wanted.values():
        _install(turn, config)
        _move_all(turn, config.queue)
    waiting = [key for queue in state.all_queues() for line in (queue.narrow, queue.wide) for key in line]
    _match(turn, waiting)


def on_changed(turn: Turn, event: ConfigChanged) -> None:
    """What a published version changes, and nothing else."""
    state = turn.state
    _set_rest(state, event.config if event.config is not None else state.config, event.version)
    for name in event.removed:
        _retire(state, name)
    waiting: list[WaitKey] = []
    for config in event.queues:
        _install(turn, config)
        if event.apply == "all":
            _move_all(turn, config.queue)
            queue = state.queues[config.queue]
            waiting += [*queue.narrow, *queue.wide]
    people = [person for rules in event.operators if (person := _set_person(turn, rules)) is not None]
    _match(turn, waiting)
    for person in people:
        offers.match_operator(turn, person)


def _set_rest(state: State, config: RoutingConfig, version: int) -> None:
    """All but the queues, which live in `state.queues` alone."""
    state.config = replace(config, queues=())
    state.version = version


def _match(turn: Turn, waiting: list[WaitKey]) -> None:
    for key in sorted(waiting):
        contact = turn.state.contacts[key[-1]]
        if contact.state is ContactState.WAITING:
            offers.match_contact(turn, contact)


# --- queues -----------------------------------------------------------------------------------------------------------


def _install(turn: Turn, config: QueueConfig) -> None:
    """These are the queue's rules from now on. Those of before are kept for the contacts that follow them."""
    state, name, rules = turn.state, config.queue, rules_id(config)
    present = state.queues.get(name)
    if present is not None and present.rules == rules:
        present.retired = False
        return
    _retire(state, name)
    queue = _former(state, name, rules)
    if queue is not None:  # back to rules that somebody still follows: they are one again
        queue.retired = False
        state.queues[name] = queue
        return
    queue = state.queues[name] = Queue(config)
    for room in dict.fromkeys(config.rooms):
        for operator_id in state.by_room.get(room, ()):
            operator = state.operators[operator_id]
            if matching.may_serve(operator, config):
                state.serves[operator_id] += (queue,)
                if operator_id in state.listed:
                    queue.idle.add(matching.idle_key(operator, config))


def _retire(state: State, name: QueueId) -> None:
    """The queue's present rules take no arrivals any more."""
    queue = state.queues.get(name)
    if queue is None:
        return
    if not queue.members:
        queues.drop_queue(state, queue)
        return
    queue.retired = True
    del state.queues[name]
    state.older.setdefault(name, {})[queue.rules] = queue


def _former(state: State, name: QueueId, rules: str) -> Queue | None:
    """Take these rules from among the former ones, if somebody still follows them."""
    queue = state.older.get(name, {}).get(rules)
    if queue is not None:
        state.forget(queue)
    return queue


def _move_all(turn: Turn, name: QueueId) -> None:
    """All contacts of the queue follow its present rules; the former ones are gone with that."""
    state = turn.state
    for former in list(state.older.get(name, {}).values()):
        for contact_id in list(former.members):
            _move(turn, state.contacts[contact_id], former, state.queues[name])
        queues.drop_queue(state, former)


def _move(turn: Turn, contact: Contact, former: Queue, queue: Queue) -> None:
    """The place in line follows the new rules; what has happened to the contact stands."""
    waits = contact.state is ContactState.WAITING
    if waits:
        queues.line_of(contact, former).remove(queues.wait_key(contact, former.config))
    del former.members[contact.contact]
    queue.members[contact.contact] = None
    contact.rules = queue.rules
    contact.klass = contact.own_klass or queue.config.klass
    if not contact.wide:
        queues.start_own_room_clock(turn, contact, queue.config)
    if waits:
        queues.line_of(contact, queue).add(queues.wait_key(contact, queue.config))
    turn.touch_contact(contact.contact)


# --- people -----------------------------------------------------------------------------------------------------------


def _set_person(turn: Turn, rules: OperatorRules) -> Operator | None:
    """Name and skills of somebody who is signed in. The operator if other contacts may be offered now."""
    state = turn.state
    operator = state.operators.get(rules.operator)
    if operator is None or (operator.name == rules.name and operator.skills == rules.skills):
        return None
    matching.unlist_idle(state, operator)
    operator.name, operator.skills = rules.name, dict(rules.skills)
    matching.index_served_queues(state, operator)
    turn.touch_operator(operator.operator)
    if operator.contact is not None:
        turn.touch_contact(operator.contact)
    if operator.state is not OperatorState.IDLE:
        return None
    matching.list_idle(state, operator)
    return operator


# --- indexes ----------------------------------------------------------------------------------------------------------


def rebuild_indexes(state: State) -> None:
    """Derive every index from contacts, operators and fresh queues (from a snapshot)."""
    state.positions = {operator.position: operator.operator for operator in state.operators.values()}
    state.serves.clear()
    state.listed.clear()
    state.by_room.clear()
    for operator in state.operators.values():
        state.seat_in_room(operator)
        matching.index_served_queues(state, operator)
        matching.list_idle(state, operator)
    for contact in state.contacts.values():
        queue = state.queue_of(contact)
        queue.members[contact.contact] = None
        if contact.state is ContactState.WAITING:
            queues.line_of(contact, queue).add(queues.wait_key(contact, queue.config))
