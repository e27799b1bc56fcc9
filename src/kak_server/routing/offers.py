"""The offer: a reservation of one operator for one contact, with an epoch and an expiry.

One offer at a time per operator; a contact that rings several (`ring_all.py`) has them all under one epoch. It ends by
accept, reject, expiry, or because caller, activity, media or seat went away; whatever is late carries an old epoch and
is refused.
"""

from kak_server.model.ids import OperatorId
from kak_server.routing import (
    handing,
    lanes,
    matching,
    misses,
    planning,
    queues,
    reserves,
    ring_all,
    rings,
    sharing,
    steps,
)
from kak_server.routing.api import (
    Connect,
    ContactClass,
    ContactState,
    Offer,
    OfferAccepted,
    OfferRejected,
    OperatorState,
    Strategy,
    WithdrawOffer,
)
from kak_server.routing.state import Contact, Operator, Turn

OFFER = "offer"
CONNECT = "connect"
WRAP_UP = "wrap-up"


# --- making -----------------------------------------------------------------------------------------------------------


def match_contact(turn: Turn, contact: Contact) -> None:
    """Offer a waiting contact to the best idle operator, if there is one, or to several where its step says so."""
    operator = matching.pick_operator(turn.state, contact)
    if operator is not None:
        make_offer(turn, contact, operator)


def ask_or_wait(turn: Turn, contact: Contact) -> None:
    """A contact that stands in no line: offered at once where somebody is idle; otherwise it waits."""
    operator = matching.pick_operator(turn.state, contact)
    if operator is not None:
        make_offer(turn, contact, operator)
    else:
        queues.enter(turn, contact)


def plan_anew(turn: Turn, contact: Contact) -> None:
    """Whom a contact on offer asks by now: what it asked when it began to ring may be out of date."""
    contact.need = planning.need_of(turn.state, contact, turn.state.queue_of(contact))


def match_operator(turn: Turn, operator: Operator) -> None:
    """Offer an available operator the first of the waiting contacts, if there is one."""
    if not operator.lanes:
        return
    contact, against = matching.pick_fairly(turn.state, operator)
    if contact is None:
        for other in reserves.opened(turn.state, operator):
            contact, against = matching.pick_fairly(turn.state, other)
            if contact is not None:
                operator = other
                break
        else:
            return
    if against:
        sharing.chosen(turn.state, operator, contact)
    make_offer(turn, contact, operator)


def make_offer(turn: Turn, contact: Contact, operator: Operator, *, alone: bool = False) -> None:
    """Reserve: from here until the offer ends nobody else can have either of the two."""
    if turn.state.watcher is not None:
        turn.state.watcher(turn.state, contact, operator)
    queues.leave(turn, contact)
    contact.state = ContactState.OFFERED
    contact.since_ms = turn.now_ms
    contact.epoch += 1
    contact.operator = operator.operator
    contact.moves.by_name = alone
    contact.offer_expires_at_ms = turn.now_ms + turn.state.queue_of(contact).config.offer_timeout_ms
    reserve(turn, contact, operator)
    turn.set_timer(OFFER, contact.contact, contact.offer_expires_at_ms)
    if contact.need.strategy is Strategy.RING_ALL and not alone:
        ring_all.begin(turn, contact)


def reserve(turn: Turn, contact: Contact, operator: Operator) -> None:
    """This operator is asked for the contact under its present epoch."""
    state = turn.state
    matching.unlist_idle(state, operator)
    state.offers_made += 1
    operator.last_offer = state.offers_made
    if contact.need.line.sharing is not None:
        sharing.helped(state, operator, contact)
    if lanes.is_light(contact):
        operator.chat_offer = contact.contact
    else:
        operator.state = OperatorState.OFFERED
        operator.since_ms = turn.now_ms
        operator.contact = contact.contact
    assert contact.offer_expires_at_ms is not None
    turn.emit(Offer(contact.contact, operator.operator, operator.position, contact.epoch, contact.offer_expires_at_ms))
    turn.touch_operator(operator.operator)


# --- ending -----------------------------------------------------------------------------------------------------------


def withdraw(turn: Turn, contact: Contact, operator: Operator, reason: str) -> bool:
    """Stop ringing at this operator, who is parted from the contact. True: others are still asked for it. The caller of
    this decides what either does next."""
    turn.emit(WithdrawOffer(contact.contact, operator.operator, operator.position, contact.epoch, reason))
    if operator.chat_offer == contact.contact:
        operator.chat_offer = None
    else:
        operator.contact = None
    if contact.operator != operator.operator:
        ring_all.drop(contact, operator.operator)
    elif contact.ringing:
        contact.operator = contact.ringing.pop(0)
    else:
        turn.cancel_timer(OFFER, contact.contact)
        turn.cancel_timer(ring_all.STAGE, contact.contact)
        contact.operator = None
        contact.offer_expires_at_ms = None
    turn.touch_contact(contact.contact)
    turn.touch_operator(operator.operator)
    return contact.operator is not None


def end_offer(turn: Turn, contact: Contact, reason: str) -> Operator:
    """Stop ringing at the one who is asked (first). The caller of this decides what each does next."""
    assert contact.state is ContactState.OFFERED
    assert contact.operator is not None
    operator = turn.state.operators[contact.operator]
    withdraw(turn, contact, operator, reason)
    return operator


def end_all(turn: Turn, contact: Contact, reason: str) -> list[Operator]:
    """Stop ringing everywhere. Those who were asked, in the order in which they were."""
    asked = []
    while contact.operator is not None:
        asked.append(end_offer(turn, contact, reason))
    return asked


def rest(turn: Turn, operator: Operator) -> None:
    """The operator has nothing to do: idle, or unreachable without media. Does not match yet."""
    _stop(turn, operator)
    matching.list_idle(turn.state, operator)


def _stop(turn: Turn, operator: Operator) -> None:
    if operator.state in (OperatorState.BUSY, OperatorState.WRAP_UP):
        operator.busy_ms += turn.now_ms - operator.since_ms
    leave_offer(turn, operator)
    operator.contact = None
    matching.unlist_idle(turn.state, operator)
    turn.touch_operator(operator.operator)


def leave_offer(turn: Turn, operator: Operator) -> None:
    """Nothing keeps the operator but the paper work that waited while somebody asked them by name."""
    until_ms, operator.wrap_up_until_ms = operator.wrap_up_until_ms, None
    waits = until_ms is not None and operator.state is OperatorState.OFFERED and until_ms > turn.now_ms
    operator.state = OperatorState.IDLE if operator.media_up else OperatorState.UNREACHABLE
    operator.since_ms = turn.now_ms
    if waits and until_ms is not None:
        operator.state, operator.wrap_up_until_ms = OperatorState.WRAP_UP, until_ms
        turn.set_timer(WRAP_UP, operator.operator, until_ms)


def free(turn: Turn, operator: Operator, *, light: bool = False) -> None:
    """The operator is rid of a contact or an offer: asked for what waits, and only then, if there is nothing, put where
    contacts look. A chat leaves everything else as it is."""
    if light:
        turn.touch_operator(operator.operator)
        matching.unlist_idle(turn.state, operator)
    else:
        _stop(turn, operator)
    if reserves.concerns(turn.state, operator):
        matching.list_idle(turn.state, operator)
        match_operator(turn, operator)
        return
    operator.lanes = matching.lanes_of(turn.state, operator)
    if not operator.lanes:
        return
    contact, against = matching.pick_fairly(turn.state, operator)
    if contact is None:
        matching.list_as(turn.state, operator, operator.lanes)
        return
    if against:
        sharing.chosen(turn.state, operator, contact)
    make_offer(turn, contact, operator)


def pass_on(turn: Turn, contact: Contact, asked: list[Operator], *, waits: bool) -> None:
    """These did not take it: others are asked; they come after all others for this contact.

    The contact looks at the others first, then each looks at all that waits, this contact included: a higher class that
    came meanwhile goes first, and alone in the room the same operator is asked again.
    """
    for operator in asked:
        contact.remember_pass(operator.operator)
    if waits:
        wait_again(turn, contact)
    light = lanes.is_light(contact)
    for operator in asked:
        operator.idle_since_ms = turn.now_ms  # an empty chair must not be asked first for every call
        if operator.operator in turn.state.operators:
            free(turn, operator, light=light)


def wait_again(turn: Turn, contact: Contact) -> None:
    """A contact whose offer ended waits in its old place, and others are asked at once. Where its steps lead elsewhere
    it goes there first; but who was asked by name alone was not those of the queue, who come before that."""
    back_to, contact.moves.back_to = contact.moves.back_to, None
    if back_to is not None and offer_by_name(turn, contact, back_to):
        return
    come_back(turn, contact, stays=contact.moves.by_name)


def come_back(turn: Turn, contact: Contact, *, stays: bool = True) -> None:
    """A contact that stands in no line waits again, by the steps that are due by now. `stays`: those of its queue are
    asked before it goes elsewhere."""
    if steps.catch_up(turn, contact, stays=stays):
        queues.enter(turn, contact)
        match_contact(turn, contact)


def offer_by_name(turn: Turn, contact: Contact, operator_id: OperatorId) -> bool:
    """Offer a contact that is nowhere just now to this operator, whatever queues they serve. False: they cannot be
    asked. Paper work waits for that, and goes on where nothing comes of it."""
    operator = turn.state.operators.get(operator_id)
    if operator is None or not operator.media_up or operator.chat_offer is not None:
        return False
    if not matching.may_be_named(turn.state, operator):
        return False
    if operator.state is OperatorState.WRAP_UP:
        turn.cancel_timer(WRAP_UP, operator_id)
        operator.busy_ms += turn.now_ms - operator.since_ms
    elif operator.state is not OperatorState.IDLE:
        return False
    queues.enter(turn, contact)
    make_offer(turn, contact, operator, alone=True)
    return True


def chats_give_way(turn: Turn, operator: Operator) -> None:
    """The operator is in a call without having been offered it: a chat on offer goes on to others, unless the operator
    takes it beside a call."""
    if operator.chat_offer is None or len(operator.chats) < min(operator.chats_max, operator.chats_in_call):
        return
    contact = turn.state.contacts[operator.chat_offer]
    if handing.rings_at(contact, operator):
        handing.withdraw(turn, contact, "gives-way")
    elif not withdraw(turn, contact, operator, "gives-way"):
        wait_again(turn, contact)


def released(turn: Turn, operator: Operator) -> None:
    """The operator has left, can be asked no more, or changed room, skills or whom they serve: who waited for nobody
    else waits for all now."""
    waiting = turn.state.index.named.get(operator.operator)
    for key in list(waiting or ()):
        contact = turn.state.contacts[key[-1]]
        if contact.klass is not ContactClass.EMERGENCY:
            queues.move(turn.state, contact, contact.need, None)
            match_contact(turn, contact)


# --- what operators say -----------------------------------------------------------------------------------------------


def _current(turn: Turn, event: OfferAccepted | OfferRejected) -> Contact | None:
    contact = turn.state.contacts.get(event.contact)
    if contact is not None and contact.epoch == event.epoch:
        if contact.state is ContactState.OFFERED and (
            contact.operator == event.operator or event.operator in contact.ringing
        ):
            return contact
        if contact.state is ContactState.CONNECTING and event.operator in contact.ringing:
            return contact
    turn.refuse("offer-gone", "that offer is gone", event.operator, event.contact)
    return None


def on_accepted(turn: Turn, event: OfferAccepted) -> None:
    """The one atomic claim: the first accept with the current epoch has it."""
    contact = _current(turn, event)
    if contact is None:
        return
    operator = turn.state.operators[event.operator]
    misses.present(operator)
    if contact.state is ContactState.CONNECTING:
        ring_all.stand_by(turn, contact, operator)
        return
    if contact.operator != event.operator:
        ring_all.lead(contact, event.operator)
    others, contact.ringing = contact.ringing, []
    withdraw(turn, contact, operator, "accepted")
    contact.ringing = others
    turn.cancel_timer(ring_all.STAGE, contact.contact)
    take(turn, contact, operator)


def take(turn: Turn, contact: Contact, operator: Operator) -> None:
    """The contact is this operator's, and the legs are to be joined."""
    contact.state = ContactState.CONNECTING
    contact.since_ms = turn.now_ms
    contact.operator = operator.operator
    if lanes.is_light(contact):
        operator.chats.append(contact.contact)
        matching.relist(turn.state, operator)
    else:
        operator.state = OperatorState.BUSY
        operator.since_ms = turn.now_ms
        operator.wrap_up_until_ms = None
        operator.contact = contact.contact
        matching.relist(turn.state, operator)
    turn.emit(Connect(contact.contact, operator.operator, operator.position, contact.epoch))
    turn.set_timer(CONNECT, contact.contact, turn.now_ms + turn.state.config.connect_timeout_ms)
    match_operator(turn, operator)


def on_rejected(turn: Turn, event: OfferRejected) -> None:
    """A spoken no."""
    contact = _current(turn, event)
    if contact is not None and event.gives_way and lanes.is_light(contact):
        operator = turn.state.operators[event.operator]
        still = withdraw(turn, contact, operator, "gives-way")
        free(turn, operator, light=True)  # before the chat waits again: it is not what the operator is asked for next
        if not still:
            wait_again(turn, contact)
    elif contact is not None:
        operator = turn.state.operators[event.operator]
        operator.rejected += 1
        misses.present(operator)
        still = withdraw(turn, contact, operator, "rejected")
        pass_on(turn, contact, [operator], waits=not still)


def on_expired(turn: Turn, contact: Contact) -> None:
    """Nobody answered in time."""
    if contact.state is ContactState.OFFERED and contact.operator is not None:
        plan_anew(turn, contact)
        asked = end_all(turn, contact, "expired")
        rings.rang_out(contact, asked)
        absent = [operator for operator in asked if misses.missed(turn, operator, contact.since_ms)]
        pass_on(turn, contact, asked, waits=True)
        for operator in absent:
            released(turn, operator)
