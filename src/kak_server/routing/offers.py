"""The offer: a reservation of one operator for one contact, with an epoch and an expiry.

One offer at a time per contact and per operator. It ends by accept, reject, expiry, or because caller, activity, media
or seat went away; whatever is late carries an old epoch and is refused.
"""

from kak_server.routing import matching, misses, queues
from kak_server.routing.api import (
    Connect,
    ContactState,
    Offer,
    OfferAccepted,
    OfferRejected,
    OperatorState,
    WithdrawOffer,
)
from kak_server.routing.state import Contact, Operator, Turn

OFFER = "offer"
CONNECT = "connect"


def match_contact(turn: Turn, contact: Contact) -> None:
    """Offer a waiting contact to the best idle operator, if there is one."""
    operator = matching.pick_operator(turn.state, contact)
    if operator is not None:
        make_offer(turn, contact, operator)


def match_operator(turn: Turn, operator: Operator) -> None:
    """Offer an available operator the first of the waiting contacts, if there is one."""
    if not operator.available:
        return
    contact = matching.pick_contact(turn.state, operator)
    if contact is not None:
        make_offer(turn, contact, operator)


def make_offer(turn: Turn, contact: Contact, operator: Operator) -> None:
    """Reserve: from here until the offer ends nobody else can have either of the two."""
    queues.leave(turn, contact)
    matching.unlist_idle(turn.state, operator)
    expires_at_ms = turn.now_ms + turn.state.queue_of(contact).config.offer_timeout_ms
    contact.state = ContactState.OFFERED
    contact.since_ms = turn.now_ms
    contact.epoch += 1
    contact.operator = operator.operator
    contact.offer_expires_at_ms = expires_at_ms
    operator.state = OperatorState.OFFERED
    operator.since_ms = turn.now_ms
    operator.contact = contact.contact
    turn.emit(Offer(contact.contact, operator.operator, operator.position, contact.epoch, expires_at_ms))
    turn.set_timer(OFFER, contact.contact, expires_at_ms)
    turn.touch_operator(operator.operator)


def end_offer(turn: Turn, contact: Contact, reason: str) -> Operator:
    """Stop ringing; contact and operator are parted. The caller of this decides what each does next."""
    assert contact.state is ContactState.OFFERED
    assert contact.operator is not None
    operator = turn.state.operators[contact.operator]
    turn.emit(WithdrawOffer(contact.contact, operator.operator, operator.position, contact.epoch, reason))
    turn.cancel_timer(OFFER, contact.contact)
    contact.operator = None
    contact.offer_expires_at_ms = None
    operator.contact = None
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
    return operator


def rest(turn: Turn, operator: Operator) -> None:
    """The operator has nothing to do: idle, or unreachable without media. Does not match yet."""
    operator.state = OperatorState.IDLE if operator.media_up else OperatorState.UNREACHABLE
    operator.since_ms = turn.now_ms
    operator.contact = None
    matching.list_idle(turn.state, operator)
    turn.touch_operator(operator.operator)


def pass_on(turn: Turn, contact: Contact, reason: str) -> None:
    """The operator did not take it: ask the next one; this operator comes after all others for this contact.

    The contact looks at the others first, then the operator looks at all that waits, this contact included: a higher
    class that came meanwhile goes first, and alone in the room the same operator is asked again.
    """
    operator = end_offer(turn, contact, reason)
    contact.remember_pass(operator.operator)
    wait_again(turn, contact)
    operator.idle_since_ms = turn.now_ms  # an empty chair must not be asked first for every call
    rest(turn, operator)
    match_operator(turn, operator)


def wait_again(turn: Turn, contact: Contact) -> None:
    """A contact whose offer ended waits in its old place, and others are asked at once."""
    queues.enter(turn, contact)
    match_contact(turn, contact)


def _current(turn: Turn, event: OfferAccepted | OfferRejected) -> Contact | None:
    contact = turn.state.contacts.get(event.contact)
    if (
        contact is not None
        and contact.state is ContactState.OFFERED
        and contact.operator == event.operator
        and contact.epoch == event.epoch
    ):
        return contact
    turn.refuse("offer-gone", "that offer is gone", event.operator, event.contact)
    return None


def on_accepted(turn: Turn, event: OfferAccepted) -> None:
    """The one atomic claim: the first accept with the current epoch has it."""
    contact = _current(turn, event)
    if contact is None:
        return
    operator = end_offer(turn, contact, "accepted")
    misses.present(operator)
    contact.state = ContactState.CONNECTING
    contact.since_ms = turn.now_ms
    contact.operator = operator.operator
    operator.state = OperatorState.BUSY
    operator.since_ms = turn.now_ms
    operator.contact = contact.contact
    turn.emit(Connect(contact.contact, operator.operator, operator.position, contact.epoch))
    turn.set_timer(CONNECT, contact.contact, turn.now_ms + turn.state.config.connect_timeout_ms)


def on_rejected(turn: Turn, event: OfferRejected) -> None:
    """A spoken no."""
    contact = _current(turn, event)
    if contact is not None:
        operator = turn.state.operators[event.operator]
        operator.rejected += 1
        misses.present(operator)
        pass_on(turn, contact, "rejected")


def on_expired(turn: Turn, contact: Contact) -> None:
    """Nobody answered in time."""
    if contact.state is ContactState.OFFERED and contact.operator is not None:
        misses.missed(turn, turn.state.operators[contact.operator])
        pass_on(turn, contact, "expired")
