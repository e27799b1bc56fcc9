"""Calls out, and calls that go on without an operator.

A call out is its operator's from the start: nothing is matched, nobody is offered it. It belongs to a queue all the
same, either the one it is about or its room's own queue of calls out, so that a colleague gets it when the operator's
audio is lost in mid-call.
"""

from collections.abc import Iterable

from kak_server.model.ids import OperatorId
from kak_server.routing import calls_out, lanes, matching, offers, queues
from kak_server.routing.api import (
    Connect,
    ContactDialed,
    ContactHandedOver,
    ContactPulledBack,
    ContactState,
    DialOut,
    HandoverFailed,
    OperatorState,
)
from kak_server.routing.calls_out import queue_of_room as queue_of_room
from kak_server.routing.contacts import TALKING, after, heir, held_by, leave_alone, let_go, part, pass_to
from kak_server.routing.state import Contact, Operator, Turn


def on_dialed(turn: Turn, event: ContactDialed) -> None:
    """The operator has the contact at once, connecting, with a time-out."""
    operator = free_operator(turn, event.operator)
    if operator is None:
        return
    if event.contact in turn.state.contacts:
        turn.refuse("duplicate", "that contact is here already", event.operator, event.contact)
        return
    if len(turn.state.contacts) >= turn.state.config.max_contacts:
        turn.refuse("limit", "too many contacts", event.operator, event.contact)
        return
    queue = turn.state.queues.get(event.queue) if event.queue else calls_out.room_queue(turn, operator.room)
    if queue is None:
        turn.refuse("unknown-queue", f"no queue {event.queue}", event.operator, event.contact)
        return
    contact = Contact(
        contact=event.contact,
        queue=queue.config.queue,
        klass=queue.config.klass,
        caller=event.number,
        attributes=dict(event.attributes),
        arrived_at_ms=turn.now_ms,
        entered_at_ms=turn.now_ms,
        serial=turn.state.next_serial,
        since_ms=turn.now_ms,
        outgoing=True,
    )
    turn.state.next_serial += 1
    turn.state.contacts[contact.contact] = contact
    queues.join_queue(turn, contact, queue)
    join_contact(turn, contact, operator)
    turn.emit(DialOut(contact.contact, contact.queue, operator.operator, operator.position, contact.epoch))
    turn.set_timer(offers.CONNECT, contact.contact, turn.now_ms + turn.state.config.dial_timeout_ms)
    offers.match_operator(turn, operator)


def on_handed_over(turn: Turn, event: ContactHandedOver) -> None:
    """The operator is free for the paper work; the contact stays, without a timer, as long as people talk."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    if contact.state not in TALKING or lanes.is_light(contact):
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
        return
    colleague = heir(turn, contact)
    if colleague is not None:
        pass_to(turn, contact, colleague, "handed-on")
        return
    wrap_up_ms = turn.state.queue_of(contact).config.wrap_up_ms
    others = leave_alone(turn, contact)
    operator = part(turn, contact, "handed-over")
    contact.remember_pass(operator.operator)
    contact.state = ContactState.HANDED_OVER
    contact.since_ms = turn.now_ms
    after(turn, contact, operator, wrap_up_ms)
    let_go(turn, others)


def on_handover_failed(turn: Turn, event: HandoverFailed) -> None:
    """Nobody else is there: the caller is not left alone. Head of the class, with the old arrival time."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None or contact.state is not ContactState.HANDED_OVER:
        return  # pulled back or over meanwhile: ordinary
    if event.unheard and contact.outside:
        contact.deaf.append(contact.outside)
    contact.outside = ""
    calls_out.comes_back(turn, contact, "requeued")
    offers.come_back(turn, contact)


def on_pulled_back(turn: Turn, event: ContactPulledBack) -> None:
    """An operator joins again, as if an offer had been accepted. Who passed it on blindly may take it back as long as
    nobody has answered."""
    contact = turn.state.contacts.get(event.contact)
    unanswered = (ContactState.WAITING, ContactState.OFFERED)
    if contact is not None and contact.state in unanswered and contact.moves.transferred_by == event.operator:
        _take_back(turn, contact, event.operator)
        return
    if contact is None or contact.state is not ContactState.HANDED_OVER:
        turn.refuse("unknown-contact", "no such call goes on without an operator", event.operator, event.contact)
        return
    operator = _free_for(turn, contact, event.operator)
    if operator is None:
        return
    config = turn.state.queue_of(contact).config
    if operator.operator not in contact.passed and not matching.may_serve(operator, config):
        turn.refuse("not-yours", "that call is of a queue you do not serve", event.operator, event.contact)
        return
    _fetch(turn, contact, operator)


def _fetch(turn: Turn, contact: Contact, operator: Operator, asked: Iterable[Operator] = ()) -> None:
    """The contact, which is with nobody, is joined to this operator; the others who were asked for it are free. A chat
    leaves a call or paper work as it is."""
    contact.outside = ""
    light = lanes.is_light(contact)
    if light:
        contact.epoch += 1
        turn.touch_contact(contact.contact)
        turn.touch_operator(operator.operator)
        offers.take(turn, contact, operator)
    else:
        join_contact(turn, contact, operator)
        turn.emit(Connect(contact.contact, operator.operator, operator.position, contact.epoch))
        turn.set_timer(offers.CONNECT, contact.contact, turn.now_ms + turn.state.config.connect_timeout_ms)
    for other in asked:
        if other is not operator:
            offers.free(turn, other, light=light)
    offers.match_operator(turn, operator)


def _take_back(turn: Turn, contact: Contact, operator_id: OperatorId) -> None:
    operator = turn.state.operators.get(operator_id)
    ringing_here = (
        operator is not None and operator.media_up and contact.contact in (operator.contact, operator.chat_offer)
    )
    if not ringing_here and _free_for(turn, contact, operator_id) is None:
        return
    others = []
    if contact.state is ContactState.WAITING:
        queues.leave(turn, contact)
    else:
        others = offers.end_all(turn, contact, "pulled-back")
    operator = turn.state.operators[operator_id]
    contact.moves.back_to = contact.moves.transferred_by = None
    _fetch(turn, contact, operator, others)


def _free_for(turn: Turn, contact: Contact, operator_id: OperatorId) -> Operator | None:
    """The operator if they can take the contact now; a chat goes beside a call as far as they take any. Otherwise
    refuse."""
    operator = turn.state.operators.get(operator_id)
    if operator is None or not lanes.is_light(contact):
        return free_operator(turn, operator_id)
    busy = operator.state is OperatorState.BUSY
    most = min(operator.chats_max, operator.chats_in_call) if busy else operator.chats_max
    if operator.state is OperatorState.OFFERED or operator.chat_offer is not None:
        turn.refuse("busy", "you have an offer", operator_id, contact.contact)
    elif not operator.media_up:
        turn.refuse("no-media", "your sound is not connected", operator_id, contact.contact)
    elif len(operator.chats) >= most:
        turn.refuse("busy", f"you have {len(operator.chats)} chats, and take {most} at most", operator_id)
    else:
        return operator
    return None


def free_operator(turn: Turn, operator_id: OperatorId) -> Operator | None:
    """The operator if nothing keeps them from talking now; paper work and breaks do not. Otherwise refuse."""
    operator = turn.state.operators.get(operator_id)
    if operator is None:
        turn.refuse("unknown-operator", f"{operator_id} is not signed in", operator_id)
    elif operator.state in (OperatorState.OFFERED, OperatorState.BUSY):
        turn.refuse("busy", "you have a call or an offer", operator_id)
    elif not operator.media_up:
        turn.refuse("no-media", "your sound is not connected", operator_id)
    else:
        return operator
    return None


def join_contact(turn: Turn, contact: Contact, operator: Operator) -> None:
    """The contact, which is with nobody, is this operator's, and the legs are to be joined."""
    matching.unlist_idle(turn.state, operator)
    turn.cancel_timer(offers.WRAP_UP, operator.operator)
    contact.state = ContactState.CONNECTING
    contact.since_ms = turn.now_ms
    contact.epoch += 1
    contact.operator = operator.operator
    operator.wrap_up_until_ms = None
    operator.busy_ms += turn.now_ms - operator.since_ms if operator.state is OperatorState.WRAP_UP else 0
    operator.state = OperatorState.BUSY
    operator.since_ms = turn.now_ms
    operator.contact = contact.contact
    matching.list_idle(turn.state, operator)
    offers.chats_give_way(turn, operator)
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
