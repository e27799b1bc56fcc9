"""What must hold of participants and park slots, checked on the state alone."""

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.routing.contacts import TALKING
from kak_server.routing.participants import INVITE, MAX_PARTICIPANTS
from kak_server.routing.slots import PARK
from kak_server.routing.state import Contact, State
from kak_server.routing.words_moves import Part


def violations(state: State) -> list[str]:
    """One sentence for each broken law."""
    found: list[str] = []
    seen: dict[OperatorId, ContactId] = {}
    slots: dict[RoomId, dict[int, ContactId]] = {}
    for contact in state.contacts.values():
        found += _participants(state, contact, seen)
        slot = contact.moves.slot
        if (slot is not None) != (contact.state is ContactState.PARKED):
            found.append(f"{contact.contact} is {contact.state} with slot {slot}")
        if slot is not None:
            if slot.number in slots.setdefault(slot.room, {}):
                found.append(f"two contacts are in slot {slot.number} of {slot.room}")
            slots[slot.room][slot.number] = contact.contact
            if f"{PARK}:{contact.contact}" not in state.timers:
                found.append(f"{contact.contact} is parked for ever")
            if contact.operator is not None:
                found.append(f"{contact.contact} is parked but has operator {contact.operator}")
    if slots != state.slots:
        found.append("the index of park slots is not where contacts are parked")
    for key, timer in state.timers.items():
        if timer.kind == INVITE and OperatorId(timer.subject) not in seen:
            found.append(f"timer {key} belongs to no invitation")
    return found


def _participants(state: State, contact: Contact, seen: dict[OperatorId, ContactId]) -> list[str]:
    found = []
    moves, name = contact.moves, contact.contact
    if moves.participants and contact.state not in TALKING:
        found.append(f"{name} is {contact.state} and has participants")
    if len(moves.participants) > MAX_PARTICIPANTS:
        found.append(f"{name} has {len(moves.participants)} participants")
    if len([row for row in moves.participants.values() if row.part is Part.CONSULT]) > 1:
        found.append(f"{name}: two are consulted")
    if moves.consulting and (contact.state is not ContactState.HELD or not moves.joined(Part.CONSULT)):
        found.append(f"{name} is said to be consulted about and is not")
    found += _search(contact)
    for who, row in moves.participants.items():
        operator = state.operators.get(who)
        wanted = OperatorState.BUSY if row.joined else OperatorState.OFFERED
        if operator is None or operator.contact != name or operator.state is not wanted:
            found.append(f"{who} takes part in {name} and does not know")
        if who in seen or who == contact.operator:
            found.append(f"{who} takes part twice")
        seen[who] = name
        if not row.joined and f"{INVITE}:{who}" not in state.timers:
            found.append(f"{who} is invited for ever")
    return found


def _search(contact: Contact) -> list[str]:
    """As long as somebody is sought, one rings: the last who was asked, not after the time that there is."""
    search, name = contact.moves.search, contact.contact
    if search is None:
        return []
    found = []
    rings = [row for row in contact.moves.participants.values() if row.part is Part.CONSULT and not row.joined]
    if [row.operator for row in rings] != search.asked[-1:]:
        found.append(f"{name}: {search.asked} were asked, and {[row.operator for row in rings]} ring")
    if any(row.expires_at_ms is not None and row.expires_at_ms > search.until_ms for row in rings):
        found.append(f"{name}: somebody rings after {search.until_ms}, when the search is over")
    if len(set(search.asked)) != len(search.asked):
        found.append(f"{name}: of {search.asked} somebody was asked twice")
    if (search.queue is None) == (search.room is None):
        found.append(f"{name}: somebody is sought in {search.queue} and {search.room}")
    return found
