"""An operator's day: sitting down, saying available or break, audio lost and found, paper work, leaving."""

from kak_server.routing import consult, handing, matching, offers, participants
from kak_server.routing.api import (
    Activity,
    ActivitySet,
    ContactState,
    OperatorSignedIn,
    OperatorSignedOut,
    OperatorState,
    PositionLeft,
    PositionMedia,
    PositionMoved,
    RoomState,
)
from kak_server.routing.contacts import MEDIA, requeue
from kak_server.routing.duty import Duty
from kak_server.routing.state import Contact, Operator, State, Turn


def on_signed_in(turn: Turn, event: OperatorSignedIn) -> None:
    """Somebody sits down: new, again (a browser refresh), or from another seat."""
    state, returns = turn.state, None
    occupant_id = state.positions.get(event.position)
    if occupant_id is not None and occupant_id != event.operator:
        occupant = state.operators[occupant_id]
        if occupant.state is OperatorState.BUSY or occupant.chats:
            # Sitting down must not cut a call. If the occupant is really gone, the media grace frees the seat.
            turn.refuse("busy", f"{occupant.name} is in a call there", event.operator)
            return
        if event.operator in state.operators:  # on the way between two seats nobody is asked
            matching.unlist_idle(state, state.operators[event.operator])
        freed = _take_out(turn, occupant, "moved")
        turn.emit(PositionLeft(event.position, occupant_id, "taken"))
        if freed is not None and freed.moves.back_to == event.operator:
            returns = freed
        elif freed is not None:
            offers.wait_again(turn, freed)
    operator = state.operators.get(event.operator)
    if operator is None:
        operator = Operator(
            operator=event.operator,
            name=event.name,
            position=event.position,
            room=event.room,
            skills=dict(event.skills),
            activity=event.activity,
            media_up=event.media_up,
            since_ms=turn.now_ms,
            idle_since_ms=turn.now_ms,
            chats_max=event.chats_max,
            chats_in_call=event.chats_in_call,
            interruptible=event.interruptible,
            signed_in_at_ms=turn.now_ms,
            duty=Duty(activity_since_ms=turn.now_ms),
        )
        state.operators[event.operator] = operator
        state.positions[event.position] = event.operator
        state.seat_in_room(operator)
        matching.join(state, operator)
        offers.free(turn, operator)
        return
    _sit_again(turn, operator, event, returns)


def _sit_again(turn: Turn, operator: Operator, event: OperatorSignedIn, returns: Contact | None) -> None:
    """Known operator: same seat or another, perhaps with a call in progress, which moves along. `returns`: what it had
    handed to whoever sat there comes back to it, once it sits."""
    state = turn.state
    old_position = operator.position
    moved = old_position != event.position
    room = state.rooms.get(event.room)
    if moved or (room is not None and room.state is RoomState.EVACUATED):
        give_back_offer(turn, operator, "moved" if moved else "evacuated")
    matching.unlist_idle(state, operator)
    matching.part(state, operator)
    if moved:
        del state.positions[old_position]
        state.positions[event.position] = operator.operator
        turn.emit(PositionLeft(old_position, operator.operator, "moved"))
        if operator.state is OperatorState.BUSY and operator.contact is not None:
            turn.emit(PositionMoved(operator.contact, operator.operator, old_position, event.position))
        for chat in operator.chats:
            turn.emit(PositionMoved(chat, operator.operator, old_position, event.position))
            turn.touch_contact(chat)
    former = operator.room
    operator.name, operator.room, operator.skills = event.name, event.room, dict(event.skills)
    state.seat_in_room(operator, former)
    operator.position = event.position
    operator.chats_max, operator.chats_in_call = event.chats_max, event.chats_in_call
    operator.interruptible = event.interruptible
    matching.join(state, operator)
    offers.released(turn, operator)
    turn.touch_operator(operator.operator)
    if operator.contact is not None:
        turn.touch_contact(operator.contact)
    if event.activity is not operator.activity:
        operator.reason = operator.duty.note = ""
        operator.duty.activity_since_ms = turn.now_ms
    operator.duty.misses_in_row = 0
    if returns is not None:
        ready = event.media_up and event.activity is Activity.AVAILABLE
        if not ready and (event.media_up, event.activity) != (operator.media_up, operator.activity):
            returns.moves.back_to = None  # said to be ready no more: it would be given back in the same breath
        offers.wait_again(turn, returns)
    _update(turn, operator, media_up=event.media_up, activity=event.activity)
    matching.list_idle(state, operator)  # also when nothing but seat, room or skills changed
    offers.match_operator(turn, operator)


def on_signed_out(turn: Turn, event: OperatorSignedOut) -> None:
    """Somebody goes home; not in mid-call."""
    operator = _known(turn, event)
    if operator is None:
        return
    if operator.state is OperatorState.BUSY or operator.chats:
        contact = operator.contact or next(iter(operator.chats), None)
        turn.refuse("busy", "you are in a call", event.operator, contact)
        return
    remove(turn, operator, "signed-out")


def remove(turn: Turn, operator: Operator, offer_reason: str) -> None:
    """Out of the state; an offer goes on to the next."""
    contact = _take_out(turn, operator, offer_reason)
    if contact is not None:
        offers.wait_again(turn, contact)


def _take_out(turn: Turn, operator: Operator, offer_reason: str) -> Contact | None:
    """As `remove`, but the contact, if nobody else is asked for it, is returned: it is to wait again."""
    assert operator.state is not OperatorState.BUSY
    state = turn.state
    contact = _end_offer(turn, operator, offer_reason)
    matching.unlist_idle(state, operator)
    matching.part(state, operator)
    turn.cancel_timer(offers.WRAP_UP, operator.operator)
    turn.cancel_timer(MEDIA, operator.operator)
    del state.operators[operator.operator]
    del state.positions[operator.position]
    state.unseat(operator.operator, operator.room)
    turn.touch_operator(operator.operator)
    offers.released(turn, operator)
    return contact


def on_activity(turn: Turn, event: ActivitySet) -> None:
    """Available, break, after-call work; a reason must be of the organisation's list, where it has one."""
    operator = _known(turn, event)
    if operator is None:
        return
    if not reason_is_known(turn.state, event.reason):
        turn.refuse("unknown-reason", f"no reason {event.reason}", event.operator)
        return
    if operator.duty.own_word():
        turn.touch_operator(operator.operator)
    set_activity(turn, operator, event.activity, event.reason, event.note)


def reason_is_known(state: State, reason: str) -> bool:
    """No reason, one of the list, or any where there is no list."""
    known = state.config.people.reasons
    return not reason or not known or any(config.reason == reason for config in known)


def set_activity(turn: Turn, operator: Operator, activity: Activity, reason: str, note: str) -> None:
    """Said by the operator, or for the operator. The same again changes nothing, not even since when."""
    duty = operator.duty
    if (operator.activity, operator.reason, duty.note) == (activity, reason, note):
        return
    if (operator.activity, operator.reason) != (activity, reason):
        duty.activity_since_ms = turn.now_ms
    operator.reason, duty.note = reason, note
    turn.touch_operator(operator.operator)
    _update(turn, operator, media_up=operator.media_up, activity=activity)


def on_media(turn: Turn, event: PositionMedia) -> None:
    """The seat's audio came or went. An empty seat's audio is nobody's business."""
    operator_id = turn.state.positions.get(event.position)
    if operator_id is not None:
        operator = turn.state.operators[operator_id]
        _update(turn, operator, media_up=event.up, activity=operator.activity)


def _update(turn: Turn, operator: Operator, *, media_up: bool, activity: Activity) -> None:
    """The one place where audio and activity change. Becoming ready starts the idle time; becoming unready gives an
    offer back, and starts the grace in a call."""
    media_changed = operator.media_up != media_up
    if not media_changed and operator.activity is activity:
        return
    turn.touch_operator(operator.operator)
    matching.unlist_idle(turn.state, operator)
    was_ready = operator.media_up and operator.activity is Activity.AVAILABLE
    operator.media_up, operator.activity = media_up, activity
    ready = media_up and activity is Activity.AVAILABLE
    if ready and not was_ready:
        operator.idle_since_ms = turn.now_ms
    elif was_ready and not ready:
        offers.released(turn, operator)
    if media_changed and (operator.state is OperatorState.BUSY or operator.chats or operator.chat_offer is not None):
        if media_up:
            turn.cancel_timer(MEDIA, operator.operator)
        else:
            turn.set_timer(MEDIA, operator.operator, turn.now_ms + turn.state.config.media_grace_ms)
    if operator.state is OperatorState.BUSY:
        pass
    elif operator.state is OperatorState.OFFERED:
        if not ready:
            give_back_offer(turn, operator, "activity" if media_up else "media")
    elif operator.state is not OperatorState.WRAP_UP:
        if operator.chat_offer is not None and not ready:
            give_back_offer(turn, operator, "activity" if media_up else "media")
        offers.free(turn, operator)
        return
    matching.list_idle(turn.state, operator)
    offers.match_operator(turn, operator)


def on_media_lost(turn: Turn, operator: Operator) -> None:
    """The grace is over: the caller is not left with a dead seat, and chats with nobody who reads them."""
    if operator.media_up:
        return
    if operator.state is OperatorState.BUSY and operator.contact is not None:
        contact = turn.state.contacts[operator.contact]
        if operator.operator in contact.moves.participants:
            consult.lost(turn, contact, operator)
        else:
            assert contact.state is not ContactState.OFFERED
            requeue(turn, contact, "media-lost")
    if operator.chat_offer is not None:
        give_back_offer(turn, operator, "media")
    for chat in tuple(operator.chats):
        requeue(turn, turn.state.contacts[chat], "media-lost")


def _end_offer(turn: Turn, operator: Operator, reason: str) -> Contact | None:
    """Whatever the operator is offered, or stands by for. The contact if nobody else is asked for it now."""
    invited = participants.contact_of(turn, operator)
    if invited is not None and operator.state is OperatorState.OFFERED:
        participants.withdraw(turn, invited, operator, reason)
        return None
    contact_id = operator.chat_offer
    if contact_id is None and operator.state is OperatorState.OFFERED:
        contact_id = operator.contact
    if contact_id is None:
        return None
    contact = turn.state.contacts[contact_id]
    if handing.rings_at(contact, operator):
        handing.withdraw(turn, contact, reason)
        return None
    return None if offers.withdraw(turn, contact, operator, reason) else contact


def give_back_offer(turn: Turn, operator: Operator, reason: str) -> None:
    """The operator cannot take the offer any more: next one, at once. It is not held against the operator."""
    contact = take_offer(turn, operator, reason)
    if contact is not None:
        offers.wait_again(turn, contact)


def take_offer(turn: Turn, operator: Operator, reason: str) -> Contact | None:
    """As `give_back_offer`, but the contact, if nobody else is asked for it, is returned: it is to wait again."""
    contact = _end_offer(turn, operator, reason)
    if operator.state is OperatorState.OFFERED:
        offers.leave_offer(turn, operator)
    return contact


def _known(turn: Turn, event: OperatorSignedOut | ActivitySet) -> Operator | None:
    operator = turn.state.operators.get(event.operator)
    if operator is None:
        turn.refuse("unknown-operator", f"{event.operator} is not signed in", event.operator)
    return operator
