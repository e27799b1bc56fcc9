"""The park slots of rooms: which contact is in which."""

from kak_server.routing.moves import Slot
from kak_server.routing.state import Contact, State, Turn

PARK = "park"


def put(turn: Turn, contact: Contact, slot: Slot) -> None:
    """The contact is in the slot, which is free, until its time is over."""
    contact.moves.slot = slot
    turn.state.slots.setdefault(slot.room, {})[slot.number] = contact.contact
    turn.set_timer(PARK, contact.contact, slot.recall_at_ms)


def unpark(turn: Turn, contact: Contact) -> None:
    """The slot is free; nothing if the contact has none."""
    slot, contact.moves.slot = contact.moves.slot, None
    if slot is None:
        return
    turn.cancel_timer(PARK, contact.contact)
    room = turn.state.slots[slot.room]
    del room[slot.number]
    if not room:
        del turn.state.slots[slot.room]
    turn.touch_contact(contact.contact)


def rebuild(state: State) -> None:
    """The index out of the contacts."""
    state.slots = {}
    for contact in state.contacts.values():
        if contact.moves.slot is not None:
            state.slots.setdefault(contact.moves.slot.room, {})[contact.moves.slot.number] = contact.contact
