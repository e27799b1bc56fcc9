"""A chat on its way to a colleague by name: offered there, and with its holder until the colleague says yes.

The colleague gets an ordinary Offer with `purpose` "hand-on"; its epoch is one of invitations (`INVITES` and more), so
that the holder's stays what it is. Like any chat's offer it takes nobody whole, and leaves a call or paper work alone.
"""

from kak_server.routing import matching
from kak_server.routing.api import Offer, OperatorState, WithdrawOffer
from kak_server.routing.api_moves import INVITES
from kak_server.routing.moves import Handing
from kak_server.routing.state import Contact, Operator, State, Turn

HAND = "hand"
PURPOSE = "hand-on"


def room_for_chats(operator: Operator) -> int:
    """How many more chats the operator takes, as they are just now."""
    busy = operator.state is OperatorState.BUSY
    most = min(operator.chats_max, operator.chats_in_call) if busy else operator.chats_max
    return most - len(operator.chats)


def can_be_asked(state: State, operator: Operator) -> bool:
    """Idle or in a call, with sound, asked for nothing else, and not told to leave the room; on a break too. Whether
    there is room for a chat is not looked at here."""
    there = operator.state in (OperatorState.IDLE, OperatorState.BUSY) and operator.media_up
    return there and operator.chat_offer is None and matching.may_be_named(state, operator)


def begin(turn: Turn, contact: Contact, colleague: Operator) -> None:
    """Ask the colleague, as long as anybody is asked of the chat's queue."""
    assert contact.operator is not None
    moves = contact.moves
    moves.numbers += 1
    expires_at_ms = turn.now_ms + turn.state.queue_of(contact).config.offer_timeout_ms
    moves.handing = Handing(colleague.operator, moves.numbers, turn.now_ms, expires_at_ms)
    matching.unlist_idle(turn.state, colleague)
    colleague.chat_offer = contact.contact
    turn.emit(
        Offer(
            contact.contact,
            colleague.operator,
            colleague.position,
            INVITES + moves.numbers,
            expires_at_ms,
            purpose=PURPOSE,
            invited_by=contact.operator,
        )
    )
    turn.set_timer(HAND, contact.contact, expires_at_ms)
    turn.touch_contact(contact.contact)
    turn.touch_operator(colleague.operator)


def rings_at(contact: Contact, operator: Operator) -> bool:
    """The chat is with somebody who hands it on to this operator."""
    row = contact.moves.handing
    return row is not None and row.operator == operator.operator


def withdraw(turn: Turn, contact: Contact, reason: str) -> Operator | None:
    """Ask the colleague no more; None: nobody was. What either does next is the caller's to decide."""
    row = contact.moves.handing
    if row is None:
        return None
    contact.moves.handing = None
    colleague = turn.state.operators[row.operator]
    colleague.chat_offer = None
    turn.cancel_timer(HAND, contact.contact)
    turn.emit(
        WithdrawOffer(contact.contact, row.operator, colleague.position, INVITES + row.number, reason),
    )
    turn.touch_contact(contact.contact)
    turn.touch_operator(row.operator)
    return colleague
