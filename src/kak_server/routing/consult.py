"""A holder asks a colleague in: to talk first, or to talk together; and what becomes of it."""

from kak_server.routing import chat_moves, consult_queue, lanes, matching, misses, participants
from kak_server.routing.api import OfferAccepted, OfferRejected, OperatorState
from kak_server.routing.api_moves import INVITES, ColleagueDropped, ColleagueInvited, ConsultEnded, ParticipantQuit
from kak_server.routing.contacts import TALKING, held_by, pass_to, start_wrap_up
from kak_server.routing.state import Contact, Operator, State, Turn
from kak_server.routing.words_moves import Part


def on_invited(turn: Turn, event: ColleagueInvited) -> None:
    """The colleague's position rings; the caller hears nothing of it."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    target = turn.state.operators.get(event.target)
    if contact.state not in TALKING or lanes.is_light(contact):
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
    elif target is None:
        turn.refuse("unknown-operator", f"{event.target} is not signed in", event.operator, event.contact)
    elif len(contact.moves.participants) >= participants.MAX_PARTICIPANTS:
        turn.refuse("limit", "too many are in the call", event.operator, event.contact)
    elif event.purpose == "consult" and contact.moves.consulted:
        turn.refuse("busy", "a colleague is being consulted already", event.operator, event.contact)
    elif not can_be_asked(turn.state, target):
        turn.refuse("busy", f"{target.name} is not free", event.operator, event.contact)
    else:
        participants.invite(turn, contact, target, event.purpose, event.operator)


def can_be_asked(state: State, operator: Operator) -> bool:
    """Idle with sound, and not told to leave the room. Whoever is on a break may still be asked by name, and say no."""
    idle = operator.state is OperatorState.IDLE and operator.media_up and operator.chat_offer is None
    return idle and matching.may_be_named(state, operator)


def invited(turn: Turn, event: OfferAccepted | OfferRejected) -> tuple[Contact, Operator] | None:
    """The invitation an answer is about, if it still stands. Epochs below INVITES are those of ordinary offers."""
    contact = turn.state.contacts.get(event.contact)
    row = contact.moves.participants.get(event.operator) if contact is not None else None
    if contact is None or row is None or row.joined or row.number != event.epoch - INVITES:
        return None
    return contact, turn.state.operators[event.operator]


def on_accepted(turn: Turn, event: OfferAccepted) -> None:
    """The colleague comes in."""
    if chat_moves.answered(turn, event):
        return
    found = invited(turn, event)
    if found is None:
        turn.refuse("offer-gone", "that invitation is gone", event.operator, event.contact)
    else:
        misses.present(found[1])
        participants.accepted(turn, *found)


def on_rejected(turn: Turn, event: OfferRejected) -> None:
    """The colleague does not."""
    if chat_moves.answered(turn, event):
        return
    found = invited(turn, event)
    if found is None:
        turn.refuse("offer-gone", "that invitation is gone", event.operator, event.contact)
        return
    found[1].rejected += 1
    misses.present(found[1])
    participants.declined(turn, *found, "rejected")


def on_expired(turn: Turn, operator: Operator) -> None:
    """Nobody answered there."""
    contact = participants.contact_of(turn, operator)
    if contact is not None and not contact.moves.participants[operator.operator].joined:
        participants.declined(turn, contact, operator, "expired")


def on_dropped(turn: Turn, event: ColleagueDropped) -> None:
    """Taken back, or parted."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    if lanes.is_light(contact):
        chat_moves.take_back(turn, event, contact)
        return
    search, named = contact.moves.search, event.target
    # who was sought a moment ago has let it pass meanwhile: what is meant is the search
    if search is not None and named in search.asked and named not in contact.moves.participants:
        named = search.asked[-1]
    row = contact.moves.participants.get(named)
    if row is None or row.part in (Part.LISTEN, Part.WHISPER):  # who listens in is not the holder's to send away
        turn.refuse("unknown-operator", f"{event.target} is not in the call", event.operator, event.contact)
        return
    operator = turn.state.operators[named]
    if row.joined:
        participants.leave(turn, contact, operator, "dropped", start_wrap_up)
    else:
        if row.part is Part.CONSULT:
            consult_queue.over(turn, contact, "dropped")
        participants.declined(turn, contact, operator, "dropped")


def on_ended(turn: Turn, event: ConsultEnded) -> None:
    """The caller is the colleague's from here on, or talks with both."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    rows = contact.moves.joined(Part.CONSULT)
    if not rows or contact.state not in TALKING:
        turn.refuse("nobody-else", "no colleague is being consulted", event.operator, event.contact)
    elif event.how == "complete":
        pass_to(turn, contact, rows[0], "handed-on")
    else:
        contact.moves.consulting = False
        participants.change(turn, contact, turn.state.operators[rows[0].operator], Part.MEMBER)
        participants.hold(turn, contact, False)


def on_quit(turn: Turn, event: ParticipantQuit) -> None:
    """One of them leaves the others to it."""
    if not participants.quits(turn, event.operator, event.contact, start_wrap_up):
        turn.refuse("not-yours", "you do not take part in that call", event.operator, event.contact)


def lost(turn: Turn, contact: Contact, operator: Operator) -> None:
    """The sound of one who took part did not come back."""
    participants.leave(turn, contact, operator, "media-lost", start_wrap_up)
