"""Parked contacts: in a slot of a room, for anybody there to take, until they come back. And contacts that
are offered to one operator by name, with a way back.

The caller was answered before, and hears announcements meanwhile. However it comes back, it stands at the head of its
class with its old arrival time.
"""

from kak_server.model.ids import RoomId
from kak_server.routing import calls_out, chat_moves, lanes, matching, offers, slots
from kak_server.routing.api import Connect, ContactState, QueueConfig
from kak_server.routing.api_moves import ContactParked, Parked, ParkedTaken, TransferToOperator
from kak_server.routing.consult import can_be_asked
from kak_server.routing.contacts import TALKING, heir, held_by, leave_alone, let_go, part, start_wrap_up
from kak_server.routing.moves import Slot
from kak_server.routing.outgoing import free_operator, join_contact
from kak_server.routing.state import Contact, Operator, Turn
from kak_server.routing.words_moves import ParkRules


def on_parked(turn: Turn, event: ContactParked) -> None:
    """The lowest slot that is free in the room that looks after it."""
    contact = _to_move(turn, event)
    if contact is None:
        return
    room = _room_for(turn.state.operators[event.operator], turn.state.queue_of(contact).config)
    rules = turn.state.config.parking.get(room, ParkRules())
    taken = turn.state.slots.get(room, {})
    number = next((number for number in range(1, rules.slots + 1) if number not in taken), None)
    if number is None:
        turn.refuse("limit", "every slot of the room is taken", event.operator, event.contact)
        return
    wrap_up_ms = turn.state.queue_of(contact).config.wrap_up_ms
    others = leave_alone(turn, contact)
    operator = part(turn, contact, "parked")
    contact.remember_pass(operator.operator)
    contact.state = ContactState.PARKED
    contact.since_ms = turn.now_ms
    slot = Slot(room, number, event.operator, turn.now_ms + rules.recall_ms)
    turn.emit(Parked(contact.contact, room, number, event.operator, slot.recall_at_ms))
    slots.put(turn, contact, slot)
    start_wrap_up(turn, operator, wrap_up_ms)
    let_go(turn, others)


def _room_for(operator: Operator, config: QueueConfig) -> RoomId:
    """The room whose people the operator works with: on loan the borrowing one, but for a contact that is the own
    room's and not the borrowing one's."""
    own_alone = operator.room in config.rooms and operator.serves_room not in config.rooms
    return operator.room if own_alone else operator.serves_room


def on_taken(turn: Turn, event: ParkedTaken) -> None:
    """The first who asks has it."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None or contact.moves.slot is None:
        turn.refuse("offer-gone", "that call is parked no more", event.operator, event.contact)
        return
    operator = free_operator(turn, event.operator)
    if operator is None:
        return
    config, slot = turn.state.queue_of(contact).config, contact.moves.slot
    at_hand = slot.room in (operator.room, operator.serves_room) or operator.operator == slot.by
    if not at_hand and not matching.may_serve(operator, config):
        turn.refuse("not-yours", "that call is parked in another room", event.operator, event.contact)
        return
    slots.unpark(turn, contact)
    join_contact(turn, contact, operator)
    turn.emit(Connect(contact.contact, operator.operator, operator.position, contact.epoch))
    turn.set_timer(offers.CONNECT, contact.contact, turn.now_ms + turn.state.config.connect_timeout_ms)
    offers.match_operator(turn, operator)


def on_recall(turn: Turn, contact: Contact) -> None:
    """Nobody has taken it: who parked it is asked first, then those of the queue."""
    if contact.moves.slot is not None and not _recall(turn, contact, contact.moves.slot):
        wait(turn, contact)


def vacate(turn: Turn, room: RoomId) -> list[Contact]:
    """Nobody is there to take what is parked in the room: all of it is recalled. Those that are to wait now."""
    parked = [turn.state.contacts[contact] for _, contact in sorted(turn.state.slots.get(room, {}).items())]
    return [
        contact
        for contact in parked
        if contact.moves.slot is not None and not _recall(turn, contact, contact.moves.slot)
    ]


def wait(turn: Turn, contact: Contact) -> None:
    """Those of the queue are asked."""
    offers.come_back(turn, contact)


def _recall(turn: Turn, contact: Contact, slot: Slot) -> bool:
    """Out of the slot. True: it rings at whoever parked it."""
    slots.unpark(turn, contact)
    calls_out.comes_back(turn, contact, "recalled")
    return offers.offer_by_name(turn, contact, slot.by)


def on_transfer(turn: Turn, event: TransferToOperator) -> None:
    """To one colleague, who must be free now."""
    here = turn.state.contacts.get(event.contact)
    if here is not None and lanes.is_light(here):
        chat_moves.hand_on(turn, event)
        return
    contact = _to_move(turn, event)
    if contact is None:
        return
    target = turn.state.operators.get(event.target)
    if target is None:
        turn.refuse("unknown-operator", f"{event.target} is not signed in", event.operator, event.contact)
        return
    if not can_be_asked(turn.state, target) or event.target == event.operator:
        turn.refuse("busy", f"{target.name} is not free", event.operator, event.contact)
        return
    wrap_up_ms = turn.state.queue_of(contact).config.wrap_up_ms
    others = leave_alone(turn, contact)
    operator = part(turn, contact, "transfer")
    contact.remember_pass(operator.operator)
    calls_out.comes_back(turn, contact, "handed-to")
    contact.moves.transferred_by = event.operator
    offers.offer_by_name(turn, contact, event.target)
    contact.moves.back_to = event.operator if event.back else None
    start_wrap_up(turn, operator, wrap_up_ms)
    let_go(turn, others)


def _to_move(turn: Turn, event: ContactParked | TransferToOperator) -> Contact | None:
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return None
    if contact.state not in TALKING or lanes.is_light(contact):
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
        return None
    if heir(turn, contact) is not None:
        turn.refuse("others-there", "a colleague is in the call: leave it to them", event.operator, event.contact)
        return None
    return contact
