"""A contact's way from arrival to its end. Legal in every state: the caller leaves."""

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import calls_out, flow, handing, lanes, matching, offers, participants, queues, ring_all, slots
from kak_server.routing.api import (
    ConnectFailed,
    ContactArrived,
    ContactClass,
    ContactConnected,
    ContactGone,
    ContactState,
    EndContact,
    HangUp,
    HoldSet,
    OperatorState,
    ReleaseOperator,
    StartWaiting,
    TransferToQueue,
)
from kak_server.routing.moves import Participant
from kak_server.routing.state import Contact, Operator, Turn
from kak_server.routing.words_moves import TALKS, Part

MEDIA = "media"

JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)
LOST = ("media-lost", "connect-failed")
Freed = tuple[Operator, int | None]
"""Somebody who was in a contact, and how much paper work they have (ms); None: who was only asked for a chat."""

TALKING = (ContactState.CONNECTED, ContactState.HELD)


def on_arrived(turn: Turn, event: ContactArrived) -> None:
    """A new contact waits, or is offered at once."""
    queue = turn.state.queues.get(event.queue)
    if event.contact in turn.state.contacts:
        turn.refuse("duplicate", "that contact is here already", contact=event.contact)
        return
    if queue is None or queue.retired:
        turn.refuse("unknown-queue", f"no queue {event.queue}", contact=event.contact)
        return
    klass = queues.class_in(queue.config, event.klass)
    full = len(turn.state.contacts) >= turn.state.config.max_contacts
    if full and klass is not ContactClass.EMERGENCY:
        turn.refuse("limit", "too many contacts", contact=event.contact)
        return
    contact = Contact(
        contact=event.contact,
        queue=event.queue,
        klass=klass,
        caller=event.caller,
        attributes=dict(event.attributes),
        arrived_at_ms=turn.now_ms,
        entered_at_ms=turn.now_ms,
        serial=turn.state.next_serial,
        since_ms=turn.now_ms,
        first_arrived_at_ms=min(event.first_arrived_at_ms, turn.now_ms),
        kind=event.kind,
        own_klass=event.klass,
        priority_ms=event.priority_ms,
        skills=dict(event.skills),
        preferred=dict(event.preferred),
        area=event.area,
        language=event.language,
        identity=event.identity,
    )
    turn.state.next_serial += 1
    turn.state.contacts[contact.contact] = contact
    turn.emit(StartWaiting(contact.contact, event.queue, "arrived", queue.config.announce))
    queues.join_queue(turn, contact, queue)
    turn.touch_contact(contact.contact)
    flow.begin(turn, contact)


def on_gone(turn: Turn, event: ContactGone) -> None:
    """The caller left."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None:
        return  # BYE and our own hang-up crossed: ordinary
    if contact.state is ContactState.WAITING:
        queues.leave(turn, contact)
        end(turn, contact, event.cause)
    elif contact.state is ContactState.OFFERED:
        asked = offers.end_all(turn, contact, "caller-gone")
        end(turn, contact, event.cause)
        for operator in asked:
            offers.free(turn, operator, light=lanes.is_light(contact))
    elif contact.state in (ContactState.HANDED_OVER, ContactState.PARKED):
        end(turn, contact, event.cause)
    else:
        close(turn, contact, "caller-gone", event.cause)


def end(turn: Turn, contact: Contact, cause: str) -> None:
    """The contact leaves the state; only the records know it from here on."""
    participants.end_all(turn, contact, "ended", start_wrap_up)
    asked = handing.withdraw(turn, contact, "caller-gone")
    if asked is not None:
        offers.free(turn, asked, light=True)
    slots.unpark(turn, contact)
    turn.cancel_timer(offers.CONNECT, contact.contact)
    ring_all.release(turn, contact)
    queues.quit_queue(turn, contact)
    contact.state = ContactState.ENDED
    contact.since_ms = turn.now_ms
    contact.cause = cause
    del turn.state.contacts[contact.contact]
    turn.state.ended[contact.contact] = contact
    turn.emit(EndContact(contact.contact, cause))
    turn.touch_contact(contact.contact)


def part(turn: Turn, contact: Contact, cause: str) -> Operator:
    """Take the operator off a joined contact. The caller of this decides what each does next."""
    assert contact.state in JOINED
    assert contact.operator is not None
    operator = turn.state.operators[contact.operator]
    turn.emit(ReleaseOperator(contact.contact, operator.operator, operator.position, cause))
    turn.cancel_timer(offers.CONNECT, contact.contact)
    contact.operator = None
    if lanes.is_light(contact):
        matching.unlist_idle(turn.state, operator)
        operator.chats.remove(contact.contact)
    else:
        if not operator.chats and operator.chat_offer is None:
            turn.cancel_timer(MEDIA, operator.operator)
        operator.contact = None
        operator.idle_since_ms = turn.now_ms
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
    return operator


def close(turn: Turn, contact: Contact, release_cause: str, end_cause: str) -> None:
    """A joined contact ends; the operator has paper work if there was a conversation."""
    wrap_up_ms = turn.state.queue_of(contact).config.wrap_up_ms if contact.state in TALKING else 0
    operator = part(turn, contact, release_cause)
    end(turn, contact, end_cause)
    after(turn, contact, operator, wrap_up_ms)


def after(turn: Turn, contact: Contact, operator: Operator, wrap_up_ms: int) -> None:
    """The operator was parted from the contact: paper work, if it was a whole one; a chat leaves room for another."""
    if lanes.is_light(contact):
        offers.free(turn, operator, light=True)
    else:
        start_wrap_up(turn, operator, wrap_up_ms)


def start_wrap_up(turn: Turn, operator: Operator, wrap_up_ms: int) -> None:
    """Paper work for so long, with a timer; none: the operator is free at once."""
    if wrap_up_ms <= 0:
        offers.free(turn, operator)
        return
    matching.unlist_idle(turn.state, operator)
    operator.busy_ms += turn.now_ms - operator.since_ms
    operator.state = OperatorState.WRAP_UP
    operator.since_ms = turn.now_ms
    operator.wrap_up_until_ms = turn.now_ms + wrap_up_ms
    operator.duty.extensions = operator.duty.extended_ms = 0
    turn.set_timer(offers.WRAP_UP, operator.operator, operator.wrap_up_until_ms)


def requeue(turn: Turn, contact: Contact, cause: str) -> None:
    """The contact lost its operator through no fault of the caller: it waits at the head of its class and hears an
    announcement (it was answered or is about to be); the operator who lost it is asked last. Somebody we call who has
    not answered yet never will hear of it."""
    if contact.outgoing and contact.answered_at_ms is None:
        close(turn, contact, cause, cause)
        return
    contact.moves.back_to = None
    colleague = heir(turn, contact)
    if colleague is not None:
        pass_to(turn, contact, colleague, cause)
        return
    others = leave_alone(turn, contact)
    operator = part(turn, contact, cause)
    contact.remember_pass(operator.operator)
    if not ring_all.take_over(turn, contact):
        calls_out.comes_back(turn, contact, "requeued")
        offers.come_back(turn, contact)
    offers.free(turn, operator, light=lanes.is_light(contact))
    let_go(turn, others)


def heir(turn: Turn, contact: Contact) -> Participant | None:
    """Who has the contact when its holder goes: one with sound before one without, one who talks with the caller before
    one who was only consulted."""
    if not contact.moves.participants:
        return None
    people = turn.state.operators
    rows = contact.moves.joined(*TALKS)
    return min(
        rows, key=lambda row: (not people[row.operator].media_up, row.part is not Part.MEMBER, row.number), default=None
    )


def pass_to(turn: Turn, contact: Contact, colleague: Participant, cause: str) -> None:
    """Somebody who takes part has it from here on; who had it is free, after the paper work if they were not lost."""
    wrap_up_ms = 0 if cause in LOST else turn.state.queue_of(contact).config.wrap_up_ms
    operator = part(turn, contact, cause)
    contact.remember_pass(operator.operator)
    participants.promote(turn, contact, colleague, operator.operator)
    flow.talked(turn, contact)
    start_wrap_up(turn, operator, wrap_up_ms)


def leave_alone(turn: Turn, contact: Contact) -> list[Freed]:
    """The contact goes elsewhere: invitations are taken back, who listened in is out. These people are asked for others
    (`let_go`) only when the contact is where it goes: it may come before all that they would be asked for."""
    asked = handing.withdraw(turn, contact, "dropped")
    freed: list[Freed] = [] if asked is None else [(asked, None)]
    if contact.moves.participants:
        participants.end_all(
            turn, contact, "over", lambda _, operator, wrap_up_ms: freed.append((operator, wrap_up_ms))
        )
    return freed


def let_go(turn: Turn, freed: list[Freed]) -> None:
    """Those who were in a contact do their paper work, or are free."""
    for operator, wrap_up_ms in freed:
        if wrap_up_ms is None:
            offers.free(turn, operator, light=True)
        else:
            start_wrap_up(turn, operator, wrap_up_ms)


def on_connected(turn: Turn, event: ContactConnected) -> None:
    """Both legs are joined."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None or contact.epoch != event.epoch or contact.state not in JOINED:
        turn.refuse("offer-gone", "that connection is gone", contact=event.contact)
        return
    if contact.state is not ContactState.CONNECTING:
        return  # said twice
    contact.state = ContactState.CONNECTED
    contact.since_ms = turn.now_ms
    contact.connected_at_ms = turn.now_ms
    if contact.answered_at_ms is None:
        contact.answered_at_ms = turn.now_ms
    contact.moves.back_to = contact.moves.transferred_by = contact.rang_out_in = None
    turn.cancel_timer(offers.CONNECT, contact.contact)
    turn.touch_contact(contact.contact)
    assert contact.operator is not None
    turn.touch_operator(contact.operator)
    flow.talked(turn, contact)
    ring_all.release(turn, contact)


def on_connect_failed(turn: Turn, event: ConnectFailed) -> None:
    """The join failed, or broke later on our side."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None or contact.epoch != event.epoch or contact.state not in JOINED:
        turn.refuse("offer-gone", "that connection is gone", contact=event.contact)
        return
    requeue(turn, contact, "connect-failed")


def on_connect_timeout(turn: Turn, contact: Contact) -> None:
    """Neither joined nor failed within `connect_timeout_ms`; of a call out: nobody answered within its time."""
    if contact.state is not ContactState.CONNECTING:
        return
    if contact.outgoing and contact.answered_at_ms is None:
        close(turn, contact, "caller-gone", "no-answer")
    else:
        requeue(turn, contact, "connect-failed")


def on_widen(turn: Turn, contact: Contact) -> None:
    """Own-room time is over. A queue with a workflow has a clock of its own."""
    if turn.state.queue_of(contact).config.workflow:
        return
    queues.widen(turn, contact)
    if contact.state is ContactState.WAITING:
        offers.match_contact(turn, contact)


def held_by(turn: Turn, operator: OperatorId, contact_id: ContactId) -> Contact | None:
    """The contact if this operator is joined to it; otherwise refuse."""
    contact = turn.state.contacts.get(contact_id)
    if contact is None:
        turn.refuse("unknown-contact", f"no contact {contact_id}", operator, contact_id)
        return None
    if contact.operator != operator or contact.state not in JOINED:
        turn.refuse("not-yours", "that contact is not with you", operator, contact_id)
        return None
    return contact


def on_hang_up(turn: Turn, event: HangUp) -> None:
    """The operator ends the call; where colleagues are in it they go on with the caller."""
    if participants.quits(turn, event.operator, event.contact, start_wrap_up):
        return
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    colleague = heir(turn, contact)
    if colleague is not None:
        pass_to(turn, contact, colleague, "handed-on")
    else:
        close(turn, contact, "hangup", "operator-hangup")


def on_hold(turn: Turn, event: HoldSet) -> None:
    """Hold or resume; saying it twice changes nothing."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    if contact.state is ContactState.CONNECTING:
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
        return
    wanted = ContactState.HELD if event.on else ContactState.CONNECTED
    if contact.state is wanted:
        return
    contact.moves.consulting = event.on and bool(contact.moves.joined(Part.CONSULT))
    participants.hold(turn, contact, event.on)


def on_transfer(turn: Turn, event: TransferToQueue) -> None:
    """Blind transfer. The new queue's class, credit, skills and own-room time apply; the arrival time stays."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    target = turn.state.queues.get(event.queue)
    if target is None or target.retired:
        turn.refuse("unknown-queue", f"no queue {event.queue}", event.operator, event.contact)
        return
    if contact.state is ContactState.CONNECTING:
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
        return
    if heir(turn, contact) is not None:
        turn.refuse("others-there", "a colleague is in the call: leave it to them", event.operator, event.contact)
        return
    wrap_up_ms = turn.state.queue_of(contact).config.wrap_up_ms
    others = leave_alone(turn, contact)
    operator = part(turn, contact, "transfer")
    contact.moves.transferred_by = event.operator
    contact.passed = [operator.operator]
    contact.head = False
    queues.quit_queue(turn, contact)
    turn.emit(StartWaiting(contact.contact, event.queue, "transferred", announce=True))
    queues.join_queue(turn, contact, target)
    flow.begin(turn, contact)
    after(turn, contact, operator, wrap_up_ms)
    let_go(turn, others)
