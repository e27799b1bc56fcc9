"""New rules while calls are up: queues are replaced, contacts stay."""

from kak_server.routing import matching, offers, queues
from kak_server.routing.api import Configured, ContactState
from kak_server.routing.state import Queue, State, Turn


def on_configured(turn: Turn, event: Configured) -> None:
    """Contacts keep queue, arrival and epoch; offers under way stand; everybody who waits is matched anew.

    A queue that is gone but has contacts is retired: it takes no arrivals and leaves with its last contact.
    """
    state = turn.state
    state.config = event.config
    old = state.queues
    state.queues = {config.queue: Queue(config) for config in event.config.queues}
    for contact in state.contacts.values():
        if contact.queue not in state.queues:
            state.queues[contact.queue] = Queue(old[contact.queue].config, retired=True)
        contact.klass = state.queues[contact.queue].config.klass
        if not contact.wide:
            queues.start_own_room_clock(turn, contact, state.queues[contact.queue].config)
    rebuild_indexes(state)
    waiting = [key for queue in state.queues.values() for line in (queue.narrow, queue.wide) for key in line]
    for key in sorted(waiting):
        offers.match_contact(turn, state.contacts[key[-1]])


def rebuild_indexes(state: State) -> None:
    """Derive every index from contacts, operators and fresh queues (after new rules, or from a snapshot)."""
    state.positions = {operator.position: operator.operator for operator in state.operators.values()}
    state.serves.clear()
    state.listed.clear()
    for operator in state.operators.values():
        matching.index_served_queues(state, operator)
        matching.list_idle(state, operator)
    for contact in state.contacts.values():
        queue = state.queues[contact.queue]
        queue.members += 1
        if contact.state is ContactState.WAITING:
            (queue.wide if contact.wide else queue.narrow).add(queues.wait_key(contact, queue.config))
