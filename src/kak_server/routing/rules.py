"""New rules while calls are up: queues are replaced, contacts stay.

A queue's rules are known by the id of their content. A contact keeps the id of those it came in on, so that former
rules live as long as somebody follows them: as a retired `Queue` with lines and idle index of its own, which takes no
arrivals and leaves with its last contact. Cost: what changed, times the operators of the rooms concerned; all of them
where it is not only queues and people that change.
"""

from dataclasses import replace

from kak_server.model.ids import QueueId, RoomId
from kak_server.routing import lending, matching, offers, planning, queues, reserves, slots
from kak_server.routing.api import (
    ConfigChanged,
    Configured,
    ContactState,
    OperatorRules,
    QueueConfig,
    RoutingConfig,
)
from kak_server.routing.index import Index
from kak_server.routing.state import Contact, Operator, Queue, State, Turn, WaitKey, rules_id
from kak_server.routing.words_people import Capacity


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
    reserves.count(state)
    _match(turn, [key for queue in state.all_queues() for key in queue.waiting])
    _match_all(turn)
    lending.refresh(turn)


def on_changed(turn: Turn, event: ConfigChanged) -> None:
    """What a published version changes, and nothing else."""
    state = turn.state
    concerned = _own_rooms(state, event)
    _set_rest(state, event.config if event.config is not None else state.config, event.version)
    for name in event.removed:
        _retire(state, name)
    waiting: list[WaitKey] = []
    for config in event.queues:
        _install(turn, config)
        if event.apply == "all":
            _move_all(turn, config.queue)
            waiting += state.queues[config.queue].waiting
    if event.config is not None:
        waiting = [key for queue in state.all_queues() for key in queue.waiting]
    opened = reserves.recount(state, concerned) if event.config is None else reserves.count(state)
    people = [person for rules in event.operators if (person := _set_person(turn, rules)) is not None]
    for person in (*people, *opened):  # before those who wait by new rules: they may be able to serve an emergency now
        offers.match_operator(turn, person)
    _match(turn, waiting)
    if event.config is not None:
        _match_all(turn)
    lending.refresh(turn)


def _own_rooms(state: State, event: ConfigChanged) -> list[RoomId]:
    """Of the queues that change, by their present rules and by those to come."""
    present = [queue.config for name in event.removed if (queue := state.queues.get(name)) is not None]
    present += [queue.config for config in event.queues if (queue := state.queues.get(config.queue)) is not None]
    return [room for config in (*present, *event.queues) for room in config.rooms[:1]]


def _set_rest(state: State, config: RoutingConfig, version: int) -> None:
    """All but the queues, which live in `state.queues` alone."""
    shared = config.national.fair != state.config.national.fair
    renewed = config.national != state.config.national
    state.config = replace(config, queues=())
    state.version = version
    if renewed:
        _renew_needs(state, anew=shared)


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
        state.queues[name] = state.adopt(queue)
        return
    queue = state.queues[name] = state.adopt(Queue(config))
    planning.prepare(state, queue)


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
    for _, former in sorted(state.older.get(name, {}).items()):  # a restored core knows them in another order
        for contact_id in sorted(former.members):
            _move(turn, state.contacts[contact_id], former, state.queues[name])
        queues.drop_queue(state, former)


def _move(turn: Turn, contact: Contact, former: Queue, queue: Queue) -> None:
    """The place in line follows the new rules; what has happened to the contact stands."""
    waits = contact.key is not None
    if waits:
        queues.unstand(turn.state, contact)
    del former.members[contact.contact]
    queue.members[contact.contact] = None
    contact.rules = queue.rules
    contact.klass = queues.class_in(queue.config, contact.own_klass)
    if former.steps != queue.steps:
        queues.follow(turn, contact, queue)
    contact.need = planning.need_of(turn.state, contact, queue)
    if waits:
        queues.stand(turn.state, contact)
    turn.touch_contact(contact.contact)


def _renew_needs(state: State, *, anew: bool) -> None:
    """Rooms, neighbours or regions are others now, or how they share: all that was worked out of them is."""
    waiting = [contact for contact in state.contacts.values() if contact.key is not None]
    for contact in waiting:
        queues.unstand(state, contact)
    for queue in state.all_queues():
        queue.needs.clear()
    if anew:
        state.index = Index()
        for room in state.rooms.values():
            room.guards.clear()
        for operator in state.operators.values():
            operator.lanes = 0
            state.index.join_crew(operator)
        for queue in state.all_queues():
            planning.prepare(state, queue)
    for contact in state.contacts.values():
        contact.need = planning.need_of(state, contact, state.queue_of(contact))
    for contact in waiting:
        queues.stand(state, contact)


# --- people -----------------------------------------------------------------------------------------------------------


def _set_person(turn: Turn, rules: OperatorRules) -> Operator | None:
    """Name, skills and capacity of somebody who is signed in. The operator if other contacts may be offered now."""
    state = turn.state
    operator = state.operators.get(rules.operator)
    if operator is None:
        return None
    able = rules.capacity or capacity_of(operator)
    if operator.name == rules.name and operator.skills == rules.skills and able == capacity_of(operator):
        return None
    matching.unlist_idle(state, operator)
    matching.part(state, operator)
    operator.name, operator.skills = rules.name, dict(rules.skills)
    operator.chats_max, operator.chats_in_call = able.chats_max, able.chats_in_call
    operator.interruptible = able.interruptible
    matching.join(state, operator)
    offers.released(turn, operator)
    turn.touch_operator(operator.operator)
    if operator.contact is not None:
        turn.touch_contact(operator.contact)
    matching.list_idle(state, operator)
    return operator if operator.lanes else None


def capacity_of(operator: Operator) -> Capacity:
    """What a signed-in operator takes now."""
    return Capacity(operator.chats_max, operator.chats_in_call, operator.interruptible)


# --- indexes ----------------------------------------------------------------------------------------------------------


def rebuild_indexes(state: State) -> None:
    """Derive every index from contacts, operators and fresh queues (from a snapshot)."""
    state.positions = {operator.position: operator.operator for operator in state.operators.values()}
    state.by_room.clear()
    slots.rebuild(state)
    state.index = Index()
    for operator in state.operators.values():
        state.seat_in_room(operator)
        matching.join(state, operator)
    for queue in state.all_queues():
        planning.prepare(state, queue)
    for contact in state.contacts.values():
        queue = state.queue_of(contact)
        queue.members[contact.contact] = None
        contact.need = planning.need_of(state, contact, queue)
        if contact.state is ContactState.WAITING:
            queues.stand(state, contact, again=True)
    reserves.count(state)


def _match_all(turn: Turn) -> None:
    """Reserves or rooms' neighbours may be others: everybody who is idle looks again."""
    for name in sorted(turn.state.operators):  # not as they came: a restored core has them in another order
        offers.match_operator(turn, turn.state.operators[name])
