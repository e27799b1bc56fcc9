"""A shift lead in a contact of somebody else: listening, whispering, taking it over. That they may is the shells' to
know, and to write down."""

from kak_server.routing import chat_moves, lanes, participants
from kak_server.routing.api import OperatorState
from kak_server.routing.api_moves import ContactTakenOver, SupervisorListens
from kak_server.routing.contacts import TALKING, pass_to
from kak_server.routing.offers import WRAP_UP
from kak_server.routing.outgoing import free_operator
from kak_server.routing.state import Contact, Operator, Turn
from kak_server.routing.words_moves import Part


def on_listens(turn: Turn, event: SupervisorListens) -> None:
    """In the contact at once; its holder may see it, its caller does not."""
    part = Part.WHISPER if event.whisper else Part.LISTEN
    contact = _talked_in(turn, event)
    if contact is None:
        return
    row = contact.moves.participants.get(event.operator)
    if row is not None and row.joined and row.part in (Part.LISTEN, Part.WHISPER):
        participants.change(turn, contact, turn.state.operators[event.operator], part)
        return
    operator = free_operator(turn, event.operator)
    if operator is None:
        return
    if len(contact.moves.participants) >= participants.MAX_PARTICIPANTS:
        turn.refuse("limit", "too many are in the call", event.operator, event.contact)
        return
    _enter(turn, contact, operator, part)


def on_taken_over(turn: Turn, event: ContactTakenOver) -> None:
    """The caller notices another voice and no gap: who takes over is in before the holder is out."""
    contact = _talked_in(turn, event, chats=True)
    if contact is None:
        return
    if lanes.is_light(contact):
        chat_moves.take_over(turn, event, contact)
        return
    if contact.operator == event.operator:
        turn.refuse("busy", "you have that call", event.operator, event.contact)
        return
    row = contact.moves.participants.get(event.operator)
    if row is None or not row.joined:
        operator = free_operator(turn, event.operator)
        if operator is None:
            return
        _enter(turn, contact, operator, Part.MEMBER)
    elif not turn.state.operators[event.operator].media_up:
        turn.refuse("no-media", "your sound is not connected", event.operator, event.contact)
        return
    pass_to(turn, contact, contact.moves.participants[event.operator], "taken-over")


def _enter(turn: Turn, contact: Contact, operator: Operator, part: Part) -> None:
    if operator.state is OperatorState.WRAP_UP:
        turn.cancel_timer(WRAP_UP, operator.operator)
        operator.busy_ms += turn.now_ms - operator.since_ms
    participants.join(turn, contact, operator, part, operator.operator)


def _talked_in(turn: Turn, event: SupervisorListens | ContactTakenOver, *, chats: bool = False) -> Contact | None:
    contact = turn.state.contacts.get(event.contact)
    if contact is None or contact.state not in TALKING or (lanes.is_light(contact) and not chats):
        turn.refuse("unknown-contact", "nobody talks in such a call", event.operator, event.contact)
        return None
    return contact
