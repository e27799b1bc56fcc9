"""Who waits where, and in which order.

Order within everything an operator serves: emergency class first, then a contact that lost its operator (head of its
class), then arrival minus the queue's credit for priority, then serial. All static keys: nobody is re-sorted while
waiting, and ageing cannot cross classes.
"""

from kak_server.model.ids import ContactId, QueueId
from kak_server.routing.api import ContactState, QueueConfig
from kak_server.routing.ordered import Ordered
from kak_server.routing.state import CLASS_RANK, Contact, Queue, State, Turn, WaitKey

WIDEN = "widen"


def wait_key(contact: Contact, config: QueueConfig) -> WaitKey:
    """The contact's place in every line it stands in."""
    credit_ms = config.priority * 1_000 if contact.priority_ms is None else contact.priority_ms
    order_ms = contact.order_ms - credit_ms
    return CLASS_RANK[contact.klass], 0 if contact.head else 1, order_ms, contact.serial, contact.contact


def join_queue(turn: Turn, contact: Contact, queue: Queue) -> None:
    """The contact belongs to `queue` from now on: the own-room clock starts. It does not wait yet."""
    queue.members[contact.contact] = None
    contact.queue = queue.config.queue
    contact.rules = queue.rules
    contact.klass = contact.own_klass or queue.config.klass
    contact.entered_at_ms = turn.now_ms
    start_own_room_clock(turn, contact, queue.config)


def start_own_room_clock(turn: Turn, contact: Contact, config: QueueConfig) -> None:
    """Narrow until the queue's `own_room_ms` have passed since it entered, with a timer for that."""
    widen_at_ms = contact.entered_at_ms + config.own_room_ms
    contact.wide = widen_at_ms <= turn.now_ms
    if contact.wide:
        turn.cancel_timer(WIDEN, contact.contact)
    else:
        turn.set_timer(WIDEN, contact.contact, widen_at_ms)


def quit_queue(turn: Turn, contact: Contact) -> None:
    """The contact belongs to its queue no more. A retired queue goes with its last contact."""
    turn.cancel_timer(WIDEN, contact.contact)
    queue = turn.state.queue_of(contact)
    del queue.members[contact.contact]
    if queue.retired and not queue.members:
        drop_queue(turn.state, queue)


def drop_queue(state: State, queue: Queue) -> None:
    """Forget a queue, or former rules of one, and that operators serve it."""
    state.forget(queue)
    for room in dict.fromkeys(queue.config.rooms):
        for operator in state.by_room.get(room, ()):
            state.serves[operator] = tuple(other for other in state.serves[operator] if other is not queue)


def line_of(contact: Contact, queue: Queue) -> Ordered[WaitKey]:
    """The line of the queue that the contact stands in while it waits."""
    return queue.wide if contact.wide else queue.narrow


def enter(turn: Turn, contact: Contact) -> None:
    """Put the contact into its queue's line."""
    contact.state = ContactState.WAITING
    contact.since_ms = turn.now_ms
    queue = turn.state.queue_of(contact)
    line_of(contact, queue).add(wait_key(contact, queue.config))
    turn.touch_contact(contact.contact)


def leave(turn: Turn, contact: Contact) -> None:
    """Take the waiting contact out of the line."""
    queue = turn.state.queue_of(contact)
    line_of(contact, queue).remove(wait_key(contact, queue.config))
    turn.touch_contact(contact.contact)


def widen(turn: Turn, contact: Contact) -> None:
    """The own-room time is over: from now on operators of all the queue's rooms are asked."""
    if contact.wide:
        return
    if contact.state is not ContactState.WAITING:
        contact.wide = True
        return
    leave(turn, contact)
    contact.wide = True
    queue = turn.state.queue_of(contact)
    queue.wide.add(wait_key(contact, queue.config))


def waiting_line(state: State, queue_id: QueueId) -> list[ContactId]:
    """All who wait in the queue by whatever rules, first first; empty for an unknown queue."""
    lines = (line for queue in state.versions_of(queue_id) for line in (queue.narrow, queue.wide))
    return [key[-1] for key in sorted(key for line in lines for key in line)]
