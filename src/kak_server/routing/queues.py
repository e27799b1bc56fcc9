"""Who waits where, and in which order.

Order within everything an operator serves: emergency class first, then a contact that lost its operator (head of its
class), then arrival minus the credit for priority, then serial. All static keys: nobody is re-sorted while waiting, and
ageing cannot cross classes. While it waits a contact stands in two orders: its queue's, which people look at, and the
line of its need, which operators are offered from.
"""

from heapq import merge
from itertools import islice

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import conditions, planning
from kak_server.routing.api import ContactClass, ContactState, QueueConfig
from kak_server.routing.needs import Need
from kak_server.routing.ordered import Ordered
from kak_server.routing.state import CLASS_RANK, Contact, Queue, State, Turn, WaitKey

WIDEN = "widen"  # the clock of a queue without workflow: the own room's time is over
STEP = "step"  # the clock of a workflow


def wait_key(contact: Contact, config: QueueConfig) -> WaitKey:
    """The contact's place in every line it stands in."""
    credit_ms = config.priority * 1_000 if contact.priority_ms is None else contact.priority_ms
    order_ms = contact.order_ms - credit_ms
    return CLASS_RANK[contact.klass], 0 if contact.head else 1, order_ms, contact.serial, contact.contact


def class_in(config: QueueConfig, own: ContactClass | None) -> ContactClass:
    """A contact's class in this queue: its own, if it has one; whoever comes to an emergency queue is an emergency."""
    return config.klass if own is None or config.klass is ContactClass.EMERGENCY else own


def join_queue(turn: Turn, contact: Contact, queue: Queue) -> None:
    """The contact belongs to `queue` from now on, and its clock starts. It does not wait yet."""
    queue.members[contact.contact] = None
    contact.queue = queue.config.queue
    contact.rules = queue.rules
    contact.klass = class_in(queue.config, contact.own_klass)
    contact.entered_at_ms = turn.now_ms
    contact.fired = 0
    contact.named = None
    start_clock(turn, contact, queue)


def start_clock(turn: Turn, contact: Contact, queue: Queue) -> None:
    """Do the steps that are due and only say who is asked; a timer for the others. What they play, and where else they
    lead, comes when the contact waits."""
    if not queue.config.workflow:
        _start_own_room_clock(turn, contact, queue)
        return
    for number, step in enumerate(queue.steps):
        acts = step.announce or step.overflow_queue is not None or step.overflow_number
        late = contact.entered_at_ms + step.after_ms > turn.now_ms
        if not acts and not late and (step.when is None or conditions.holds(turn.state, contact, queue, step.when)):
            contact.fired |= 1 << number
    contact.wide = contact.fired == (1 << len(queue.steps)) - 1
    contact.need = planning.need_of(turn.state, contact, queue)


def follow(turn: Turn, contact: Contact, queue: Queue) -> None:
    """Other rules hold for a contact that is here already: the steps whose time has passed are done, but for those that
    lead elsewhere: it is still here, and goes there next. Who was asked by former rules everywhere is asked so still,
    where neither has a workflow."""
    if contact.wide and not queue.config.workflow and f"{STEP}:{contact.contact}" not in turn.state.timers:
        contact.fired = (1 << len(queue.steps)) - 1
        return
    if not queue.config.workflow:
        turn.cancel_timer(STEP, contact.contact)
        _start_own_room_clock(turn, contact, queue)
        return
    turn.cancel_timer(WIDEN, contact.contact)
    contact.fired, contact.named = 0, None
    for number, step in enumerate(queue.steps):
        leads_away = step.overflow_queue is not None or step.overflow_number
        if contact.entered_at_ms + step.after_ms <= turn.now_ms and step.when is None and not leads_away:
            contact.fired |= 1 << number
    contact.wide = contact.fired == (1 << len(queue.steps)) - 1
    if contact.state in (ContactState.WAITING, ContactState.OFFERED) and not contact.wide:
        turn.set_timer(STEP, contact.contact, turn.now_ms)
    else:
        turn.cancel_timer(STEP, contact.contact)


def _start_own_room_clock(turn: Turn, contact: Contact, queue: Queue) -> None:
    widen_at_ms = contact.entered_at_ms + queue.config.own_room_ms
    contact.wide = widen_at_ms <= turn.now_ms
    contact.fired = (1 << len(queue.steps)) - 1 if contact.wide else 1
    if contact.wide:
        turn.cancel_timer(WIDEN, contact.contact)
    else:
        turn.set_timer(WIDEN, contact.contact, widen_at_ms)
    contact.need = planning.need_of(turn.state, contact, queue)


def quit_queue(turn: Turn, contact: Contact) -> None:
    """The contact belongs to its queue no more. A retired queue goes with its last contact."""
    turn.cancel_timer(WIDEN, contact.contact)
    queue = turn.state.queue_of(contact)
    if queue.config.workflow:
        turn.cancel_timer(STEP, contact.contact)
    del queue.members[contact.contact]
    if queue.retired and not queue.members:
        drop_queue(turn.state, queue)
        turn.emptied.append(queue.config.queue)


def drop_queue(state: State, queue: Queue) -> None:
    """Forget a queue, or former rules of one."""
    state.forget(queue)


def line_of(state: State, contact: Contact) -> Ordered[WaitKey] | None:
    """Where a contact waits for one operator alone; None: in the line of its need."""
    if contact.named is None or contact.klass is ContactClass.EMERGENCY:
        return None
    named = state.index.named
    found = named.get(contact.named)
    if found is None:
        found = named[contact.named] = Ordered()
    return found


def enter(turn: Turn, contact: Contact) -> None:
    """Put the contact into its queue's line."""
    contact.state = ContactState.WAITING
    contact.since_ms = turn.now_ms
    queue = turn.state.queue_of(contact)
    contact.need = planning.need_of(turn.state, contact, queue)  # rooms may have closed since
    _stand(turn.state, contact, queue)
    steps_left = queue.config.workflow and (not contact.wide or contact.named is not None)
    if steps_left and f"{STEP}:{contact.contact}" not in turn.state.timers:
        turn.set_timer(STEP, contact.contact, turn.now_ms)
    turn.touch_contact(contact.contact)


def leave(turn: Turn, contact: Contact) -> None:
    """Take the waiting contact out of the line, if it stands there."""
    if contact.key is not None:
        unstand(turn.state, contact)
    turn.touch_contact(contact.contact)


def stand(state: State, contact: Contact, *, again: bool = False) -> None:
    """Into both orders. `again`: an index is made anew, and nothing has happened."""
    _stand(state, contact, state.queue_of(contact), again=again)


def _stand(state: State, contact: Contact, queue: Queue, *, again: bool = False) -> None:
    key = contact.key = wait_key(contact, queue.config)
    queue.waiting.add(key)
    _line_up(state, contact, key, again=again)


def unstand(state: State, contact: Contact) -> None:
    """Out of both. To be done before class, priority or queue of a waiting contact change."""
    key, contact.key = contact.key, None
    assert key is not None
    state.queue_of(contact).waiting.remove(key)
    _step_out(state, contact, key)


def move(state: State, contact: Contact, need: Need, named: OperatorId | None) -> None:
    """The contact needs something else now, or waits for one operator alone, or does no more. It keeps its place."""
    key = contact.key
    if key is not None:
        _step_out(state, contact, key)
    contact.need, contact.named = need, named
    if key is not None:
        _line_up(state, contact, key)


def _line_up(state: State, contact: Contact, key: WaitKey, *, again: bool = False) -> None:
    if contact.named is not None and (alone := line_of(state, contact)) is not None:
        alone.add(key)
        return
    line = contact.need.line
    if line.sharing is not None and not again:  # a room that needed no help has not saved it up
        line.sharing.helped = max(line.sharing.helped, state.help_clock)
    line.add(key)


def _step_out(state: State, contact: Contact, key: WaitKey) -> None:
    if contact.named is not None and (alone := line_of(state, contact)) is not None:
        alone.remove(key)
        if not alone:
            del state.index.named[contact.named]
        return
    contact.need.line.remove(key)


def widen(turn: Turn, contact: Contact) -> None:
    """The own-room time is over: from now on operators of all the queue's rooms are asked."""
    if contact.wide:
        return
    queue = turn.state.queue_of(contact)
    contact.wide = True
    contact.fired = (1 << len(queue.steps)) - 1
    move(turn.state, contact, planning.need_of(turn.state, contact, queue), contact.named)
    if contact.key is not None:
        turn.touch_contact(contact.contact)


def waiting_line(state: State, queue_id: QueueId) -> list[ContactId]:
    """All who wait in the queue by whatever rules, first first; empty for an unknown queue."""
    return [key[-1] for key in merge(*(queue.waiting for queue in state.versions_of(queue_id)))]


def first_waiting(state: State, queue_id: QueueId, count: int) -> list[ContactId]:
    """So many of them, however long the line is."""
    versions = state.versions_of(queue_id)
    keys = versions[0].waiting if len(versions) == 1 else merge(*(queue.waiting for queue in versions))
    return [key[-1] for key in islice(keys, count)]


def place_of(state: State, contact: Contact) -> int:
    """The contact's place among those who wait in its queue, from 1; where it does not wait: where it would."""
    key = wait_key(contact, state.queue_of(contact).config)
    return 1 + sum(queue.waiting.rank(key) for queue in state.versions_of(contact.queue))
