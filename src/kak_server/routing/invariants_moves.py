"""What must hold of participants and park slots, checked on the state alone."""

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing import lanes
from kak_server.routing.api import ContactState, OperatorState
from kak_server.routing.contacts import TALKING
from kak_server.routing.handing import HAND
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
        found += _handing(state, contact)
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
        if timer.kind == HAND and (row := state.contacts.get(ContactId(timer.subject))) and row.moves.handing is None:
            found.append(f"timer {key} belongs to no chat that is handed on")
    for operator in state.operators.values():
        asked = state.contacts.get(operator.chat_offer) if operator.chat_offer is not None else None
        if operator.chat_offer is not None and (asked is None or not _asks(asked, operator.operator)):
            found.append(f"{operator.operator} is asked for {operator.chat_offer}, which knows nothing of it")
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


def _asks(contact: Contact, operator: OperatorId) -> bool:
    """Whether a chat is on offer to this operator, by its queue or by its holder."""
    row = contact.moves.handing
    if row is not None and row.operator == operator:
        return True
    asked = (contact.operator, contact.standby, *contact.ringing)
    return contact.state in (ContactState.OFFERED, ContactState.CONNECTING) and operator in asked


def _handing(state: State, contact: Contact) -> list[str]:
    """Who hands a chat on has it, and the colleague is asked for it, and for a time."""
    row, name = contact.moves.handing, contact.contact
    if row is None:
        return []
    found = []
    colleague = state.operators.get(row.operator)
    if not lanes.is_light(contact) or contact.state not in TALKING:
        found.append(f"{name} ({contact.kind}) is {contact.state} and is handed on")
    if colleague is None or colleague.chat_offer != name or not colleague.media_up:
        found.append(f"{name} is handed on to {row.operator}, who is not asked for it")
    if row.operator == contact.operator:
        found.append(f"{name} is handed on to {row.operator}, who has it")
    timer = state.timers.get(f"{HAND}:{name}")
    if timer is None or timer.at_ms != row.expires_at_ms:
        found.append(f"{name} is handed on to {row.operator} for ever")
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
