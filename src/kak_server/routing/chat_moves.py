"""Chats go from one operator to another: handed on to a colleague by name, or taken over by a shift lead.

Whoever hands a chat on keeps it until the colleague says yes, and keeps it for good if the colleague does not: nothing
is lost by asking. If the holder is lost meanwhile the chat waits as any other that lost its operator.
"""

from kak_server.routing import handing, misses, offers
from kak_server.routing.api import OfferAccepted, OfferRejected
from kak_server.routing.api_moves import INVITES, ColleagueDropped, ContactTakenOver, TransferToOperator
from kak_server.routing.contacts import TALKING, after, held_by, part
from kak_server.routing.state import Contact, Operator, Turn

TAKEN_MAX = 20
"""So many chats at most has a shift lead who takes over one more, whatever they are asked for by themselves."""


def hand_on(turn: Turn, event: TransferToOperator) -> None:
    """The colleague is asked; `back` says nothing here, since the holder has the chat meanwhile."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    target = turn.state.operators.get(event.target)
    if contact.state not in TALKING:
        turn.refuse("busy", "the chat is not connected yet", event.operator, event.contact)
    elif contact.moves.handing is not None:
        turn.refuse("busy", "a colleague is asked already: take it back first", event.operator, event.contact)
    elif target is None:
        turn.refuse("unknown-operator", f"{event.target} is not signed in", event.operator, event.contact)
    elif event.target == event.operator or not handing.can_be_asked(turn.state, target):
        turn.refuse("busy", f"{target.name} is not free", event.operator, event.contact)
    elif handing.room_for_chats(target) <= 0:
        turn.refuse("chats-full", f"{target.name} has no room for another chat", event.operator, event.contact)
    else:
        handing.begin(turn, contact, target)


def answered(turn: Turn, event: OfferAccepted | OfferRejected) -> bool:
    """Whether the answer was about a chat: the colleague has it, or its holder keeps it."""
    contact = turn.state.contacts.get(event.contact)
    operator = turn.state.operators.get(event.operator)
    if contact is None or operator is None or not handing.rings_at(contact, operator):
        return False
    row = contact.moves.handing
    if row is None or row.number != event.epoch - INVITES:
        return False
    if isinstance(event, OfferAccepted):
        misses.present(operator)
        _goes_to(turn, contact, operator, "transfer")
    elif event.gives_way:
        _declined(turn, contact, "gives-way")
    else:
        operator.rejected += 1
        misses.present(operator)
        _declined(turn, contact, "rejected")
    return True


def on_expired(turn: Turn, contact: Contact) -> None:
    """Nobody answered there."""
    _declined(turn, contact, "expired")


def take_back(turn: Turn, event: ColleagueDropped, contact: Contact) -> None:
    """The holder keeps the chat after all."""
    row = contact.moves.handing
    if row is None or row.operator != event.target:
        turn.refuse("unknown-operator", f"{event.target} is not asked for that chat", event.operator, event.contact)
    else:
        _declined(turn, contact, "dropped")


def take_over(turn: Turn, event: ContactTakenOver, contact: Contact) -> None:
    """Beside whatever the shift lead has: it is their own decision, and no limit of what they are asked for."""
    lead = turn.state.operators.get(event.operator)
    if lead is None:
        turn.refuse("unknown-operator", f"{event.operator} is not signed in", event.operator, event.contact)
    elif contact.operator == event.operator:
        turn.refuse("busy", "you have that chat", event.operator, event.contact)
    elif not lead.media_up:
        turn.refuse("no-media", "your sound is not connected", event.operator, event.contact)
    elif len(lead.chats) >= TAKEN_MAX:
        turn.refuse("chats-full", f"you have {TAKEN_MAX} chats", event.operator, event.contact)
    else:
        _goes_to(turn, contact, lead, "taken-over")


def _goes_to(turn: Turn, contact: Contact, operator: Operator, cause: str) -> None:
    """Out at one and in at the other, in one step; then whoever is free looks at what waits."""
    asked = handing.withdraw(turn, contact, "accepted" if handing.rings_at(contact, operator) else "answered-elsewhere")
    former = part(turn, contact, cause)
    contact.remember_pass(former.operator)
    contact.epoch += 1
    turn.touch_operator(operator.operator)
    offers.take(turn, contact, operator)
    after(turn, contact, former, 0)
    if asked is not None and asked is not operator:
        offers.free(turn, asked, light=True)


def _declined(turn: Turn, contact: Contact, reason: str) -> None:
    """No, in words or by silence, or no longer asked: the chat stays where it is."""
    row = contact.moves.handing
    operator = handing.withdraw(turn, contact, reason)
    if row is None or operator is None:
        return
    absent = reason == "expired" and misses.missed(turn, operator, row.since_ms)
    if reason in ("rejected", "expired"):
        operator.idle_since_ms = turn.now_ms
    offers.free(turn, operator, light=True)
    if absent:
        offers.released(turn, operator)
