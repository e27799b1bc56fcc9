"""Operators beside the holder of a contact: invited, joined, gone. Each is taken as by an offer or a call of their own:
nobody else can have them meanwhile.

How a person is freed after a conversation is handed in (`Finish`), since that belongs to the contact's own way.
"""

from collections.abc import Callable

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import matching, misses, offers
from kak_server.routing.api import ContactState, HolderChanged, Offer, OperatorState, SetHold, WithdrawOffer
from kak_server.routing.api_moves import INVITES, ParticipantJoined, ParticipantLeft, Purpose
from kak_server.routing.moves import Participant
from kak_server.routing.state import Contact, Operator, Turn
from kak_server.routing.words_moves import TALKS, Part

INVITE = "invite"
MAX_PARTICIPANTS = 8
TO_PART: dict[Purpose, Part] = {"consult": Part.CONSULT, "conference": Part.MEMBER}

Finish = Callable[[Turn, Operator, int], None]


def contact_of(turn: Turn, operator: Operator) -> Contact | None:
    """The contact in which this operator takes part, invited or joined, without holding it."""
    contact = turn.state.contacts.get(operator.contact) if operator.contact is not None else None
    return contact if contact is not None and operator.operator in contact.moves.participants else None


# --- invitations ------------------------------------------------------------------------------------------------------


def invite(
    turn: Turn, contact: Contact, operator: Operator, purpose: Purpose, by: OperatorId, expires_at_ms: int = 0
) -> None:
    """Ring at an idle colleague's; without a time of its own as long as for the contact's queue."""
    expires_at_ms = expires_at_ms or turn.now_ms + turn.state.queue_of(contact).config.offer_timeout_ms
    row = _enter(turn, contact, operator, TO_PART[purpose], by, expires_at_ms)
    operator.state = OperatorState.OFFERED
    epoch = INVITES + row.number
    turn.emit(
        Offer(
            contact.contact, operator.operator, operator.position, epoch, expires_at_ms, purpose=purpose, invited_by=by
        )
    )
    turn.set_timer(INVITE, operator.operator, expires_at_ms)


def withdraw(turn: Turn, contact: Contact, operator: Operator, reason: str) -> None:
    """Stop ringing there. What the operator does next is the caller's to decide."""
    row = contact.moves.participants.pop(operator.operator)
    _stop(turn, contact, operator, row, reason)
    operator.contact = None
    if contact.moves.search is not None and row.part is Part.CONSULT:
        turn.lapsed += (contact,)


def _stop(turn: Turn, contact: Contact, operator: Operator, row: Participant, reason: str) -> None:
    turn.cancel_timer(INVITE, operator.operator)
    epoch = INVITES + row.number
    turn.emit(WithdrawOffer(contact.contact, operator.operator, operator.position, epoch, reason))
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)


def declined(turn: Turn, contact: Contact, operator: Operator, reason: str) -> None:
    """No, in words or by silence: the holder is told, the colleague is free for others."""
    since_ms = contact.moves.participants[operator.operator].since_ms
    withdraw(turn, contact, operator, reason)
    absent = reason == "expired" and misses.missed(turn, operator, since_ms)
    if reason != "dropped":  # that is not held against them
        operator.idle_since_ms = turn.now_ms
    offers.free(turn, operator)
    if absent:
        offers.released(turn, operator)


def accepted(turn: Turn, contact: Contact, operator: Operator) -> None:
    """The colleague is there. Who is consulted talks with the holder while the caller waits."""
    row = contact.moves.participants[operator.operator]
    _stop(turn, contact, operator, row, "accepted")
    if row.part is Part.CONSULT:
        contact.moves.search = None
    row.expires_at_ms, row.since_ms = None, turn.now_ms
    _busy(turn, operator)
    _say(turn, contact, operator, row)
    if row.part is Part.CONSULT and contact.state is ContactState.CONNECTED:
        contact.moves.consulting = True
        hold(turn, contact, True)
    offers.match_operator(turn, operator)


# --- joined -----------------------------------------------------------------------------------------------------------


def join(turn: Turn, contact: Contact, operator: Operator, part: Part, by: OperatorId) -> Participant:
    """In at once, without being asked: a supervisor."""
    row = _enter(turn, contact, operator, part, by, None)
    _busy(turn, operator)
    _say(turn, contact, operator, row)
    offers.chats_give_way(turn, operator)
    offers.match_operator(turn, operator)
    return row


def change(turn: Turn, contact: Contact, operator: Operator, part: Part) -> None:
    """The same person takes part in another way."""
    row = contact.moves.participants[operator.operator]
    if row.part is not part:
        row.part = part
        _say(turn, contact, operator, row)


def leave(turn: Turn, contact: Contact, operator: Operator, cause: str, finish: Finish) -> None:
    """Out of the contact, which goes on. The end of a consultation gives the caller back to the holder."""
    row = _out(turn, contact, operator, cause)
    if row.part is Part.CONSULT:
        resume(turn, contact)
    _freed(turn, contact, operator, row, finish)


def end_all(turn: Turn, contact: Contact, cause: str, finish: Finish, *, all_but: tuple[Part, ...] = ()) -> None:
    """The contact ends, or goes elsewhere: invitations are taken back, those who joined are free."""
    gone = [row for row in contact.moves.participants.values() if not (row.joined and row.part in all_but)]
    contact.moves.search = None
    for row in gone:
        operator = turn.state.operators[row.operator]
        if row.joined:
            _out(turn, contact, operator, cause)
            _freed(turn, contact, operator, row, finish)
        else:
            withdraw(turn, contact, operator, "caller-gone" if cause == "ended" else "dropped")
            finish(turn, operator, 0)


def promote(turn: Turn, contact: Contact, row: Participant, former: OperatorId) -> None:
    """Who took part holds the contact from here on, and talks with the caller."""
    operator = turn.state.operators[row.operator]
    del contact.moves.participants[row.operator]
    contact.epoch += 1
    contact.operator = row.operator
    contact.since_ms = turn.now_ms
    contact.connected_at_ms = turn.now_ms
    contact.moves.consulting = False
    contact.moves.transferred_by = None
    turn.emit(HolderChanged(contact.contact, row.operator, operator.position, contact.epoch, row.number, former))
    hold(turn, contact, False)
    turn.touch_contact(contact.contact)
    turn.touch_operator(row.operator)


def hold(turn: Turn, contact: Contact, on: bool) -> None:
    """The caller on hold, or back; nothing if it is so."""
    wanted = ContactState.HELD if on else ContactState.CONNECTED
    if contact.state is wanted or contact.operator is None:
        return
    contact.state = wanted
    contact.since_ms = turn.now_ms
    turn.emit(SetHold(contact.contact, turn.state.operators[contact.operator].position, on))
    turn.touch_contact(contact.contact)


def resume(turn: Turn, contact: Contact) -> None:
    """A consultation is over: a caller who was put on hold for it is back with the holder."""
    if contact.moves.consulting and not contact.moves.joined(Part.CONSULT):
        contact.moves.consulting = False
        hold(turn, contact, False)


def quits(turn: Turn, operator_id: OperatorId, contact_id: ContactId, finish: Finish) -> bool:
    """Whether this operator took part in the contact, and does no longer."""
    operator = turn.state.operators.get(operator_id)
    contact = contact_of(turn, operator) if operator is not None else None
    if operator is None or contact is None or contact.contact != contact_id:
        return False
    if not contact.moves.participants[operator_id].joined:
        return False
    leave(turn, contact, operator, "left", finish)
    return True


# --- the parts they share ---------------------------------------------------------------------------------------------


def _enter(
    turn: Turn, contact: Contact, operator: Operator, part: Part, by: OperatorId, expires_at_ms: int | None
) -> Participant:
    matching.unlist_idle(turn.state, operator)
    contact.moves.numbers += 1
    row = Participant(operator.operator, contact.moves.numbers, part, by, turn.now_ms, expires_at_ms)
    contact.moves.participants[operator.operator] = row
    operator.contact = contact.contact
    operator.since_ms = turn.now_ms
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
    return row


def _busy(turn: Turn, operator: Operator) -> None:
    """Whole, as by a call of their own; chats may still come beside it."""
    operator.state = OperatorState.BUSY
    operator.since_ms = turn.now_ms
    operator.wrap_up_until_ms = None
    matching.list_idle(turn.state, operator)


def _say(turn: Turn, contact: Contact, operator: Operator, row: Participant) -> None:
    turn.emit(ParticipantJoined(contact.contact, operator.operator, operator.position, row.number, row.part, row.by))
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)


def _out(turn: Turn, contact: Contact, operator: Operator, cause: str) -> Participant:
    row = contact.moves.participants.pop(operator.operator)
    if not operator.chats and operator.chat_offer is None:  # these have the same grace
        turn.cancel_timer("media", operator.operator)
    turn.emit(ParticipantLeft(contact.contact, operator.operator, operator.position, row.number, cause))
    operator.contact = None
    operator.idle_since_ms = turn.now_ms
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
    return row


def _freed(turn: Turn, contact: Contact, operator: Operator, row: Participant, finish: Finish) -> None:
    """Paper work for those who talked; who listened has none."""
    lost = not operator.media_up
    talked = row.part in TALKS and not lost
    finish(turn, operator, turn.state.queue_of(contact).config.wrap_up_ms if talked else 0)
