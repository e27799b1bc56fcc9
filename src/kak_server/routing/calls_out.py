"""A room's own queue of calls out, and what becomes of a contact that somebody talked with and nobody has any more.

Whoever was called out of a room is not in a queue that anybody has configured. The room is asked first; who is left
with nobody is not kept to it for ever, and not from those whom rooms keep for their emergencies.
"""

from kak_server.model.ids import QueueId, RoomId
from kak_server.routing import planning, queues
from kak_server.routing.api import QueueConfig, Reach, StartWaiting, Step
from kak_server.routing.state import Contact, Queue, Turn

PREFIX = "outgoing-"

NEIGHBOURS_AFTER_MS = 10_000
COUNTRY_AFTER_MS = 20_000

WIDENING = (
    Step(reach=Reach.OWN),
    Step(after_ms=NEIGHBOURS_AFTER_MS, reach=Reach.NEIGHBOURS, use_reserves=True),
    Step(after_ms=COUNTRY_AFTER_MS, reach=Reach.COUNTRY),
)
"""Who is asked for somebody called who is left with nobody, from then on: the room at once, and for so long nobody of
those it keeps for its emergencies."""


def queue_of_room(room: RoomId) -> QueueId:
    """The queue of a room's calls out that are about no other queue. It is there as long as such calls are."""
    return QueueId(PREFIX + room)


def room_of_queue(queue: QueueId) -> RoomId | None:
    """The room whose own calls out these are; None: it is another queue."""
    return RoomId(queue.removeprefix(PREFIX)) if queue.startswith(PREFIX) else None


def room_queue(turn: Turn, room: RoomId) -> Queue:
    """Made with its first contact and, like a queue that is retired, gone with its last. Contacts of former rules keep
    those until they wait."""
    state, name = turn.state, queue_of_room(room)
    config = QueueConfig(name, "Calls out", (room,), wrap_up_ms=state.config.outgoing_wrap_up_ms, workflow=WIDENING)
    queue = state.queues.get(name)
    if queue is not None and queue.config == config:
        return queue
    if queue is not None:
        state.older.setdefault(name, {})[queue.rules] = queue
    queue = state.queues[name] = state.adopt(Queue(config, retired=True))
    planning.prepare(state, queue)
    return queue


def comes_back(turn: Turn, contact: Contact, reason: str) -> None:
    """A contact that is nowhere just now waits again, though somebody has talked with it: head of its class, with the
    old arrival time. Of a call out the clock begins anew, and whoever had it last may take it back."""
    contact.head = True
    queue = turn.state.queue_of(contact)
    if contact.outgoing and contact.passed:
        contact.moves.transferred_by = contact.passed[-1]
    if contact.outgoing and queue.retired and contact.queue == queue_of_room(queue.config.rooms[0]):
        queues.quit_queue(turn, contact)
        queues.join_queue(turn, contact, room_queue(turn, queue.config.rooms[0]))
    turn.emit(StartWaiting(contact.contact, contact.queue, reason, announce=True))
