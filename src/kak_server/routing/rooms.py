"""Control rooms open, close, are evacuated: at once, for whoever waits and whoever sits there."""

from kak_server.model.ids import RoomId
from kak_server.routing import matching, offers, operators, parking, planning, queues
from kak_server.routing.api import RoomChanged, RoomState, RoomStateSet
from kak_server.routing.needs import WaitKey
from kak_server.routing.state import Contact, State, Turn


def on_set(turn: Turn, event: RoomStateSet) -> None:
    """Said twice it is once. Cost: the room's operators, and those who wait for it."""
    state = turn.state
    known = any(row.room == event.room for row in state.config.national.rooms)
    if not known and event.room not in state.own_queues and event.room not in state.by_room:
        turn.refuse("unknown-room", f"no room {event.room}", event.by)
        return
    room = state.room(event.room)
    if (room.state, room.reason) == (event.state, event.reason):
        return
    come_back = room.state is RoomState.EVACUATED and event.state is not RoomState.EVACUATED
    room.state, room.reason, room.by, room.since_ms = event.state, event.reason, event.by, turn.now_ms
    state.rooms_epoch += 1
    turn.emit(RoomChanged(room.room, room.state, room.reason, event.by))
    # by name, not as they came: a core that was restored has them in another order
    people = [state.operators[operator] for operator in sorted(state.by_room.get(event.room, ()))]
    for operator in people:
        matching.unlist_idle(state, operator)
    evacuated = event.state is RoomState.EVACUATED
    rang = [operators.take_offer(turn, operator, "evacuated") for operator in people] if evacuated else []
    # who comes back and is on loan is asked by those who wait for the other room alone, too
    served = {event.room, *(operator.serves_room for operator in people if come_back)}
    concerned, moved = _plan_again(turn, event, sorted(served))
    for operator in people:
        matching.list_idle(state, operator)
        turn.touch_operator(operator.operator)
    parked = parking.vacate(turn, event.room) if evacuated else []
    returned = _by_key(state, parked)
    again = _by_key(state, [contact for contact in rang if contact is not None])
    # whose people come back is asked by everybody in their order, not first by those who wait for others now
    for key in sorted((*(concerned if come_back else moved), *returned, *again)):
        contact = state.contacts[key[-1]]
        if key in again:
            offers.wait_again(turn, contact)
        elif key in returned:
            parking.wait(turn, contact)
        elif contact.key is not None:
            offers.match_contact(turn, contact)
    for operator in people:
        offers.match_operator(turn, operator)
    if evacuated:
        for operator in people:
            offers.released(turn, operator)


def _by_key(state: State, contacts: list[Contact]) -> dict[WaitKey, Contact]:
    """By their places among those who wait."""
    return {queues.wait_key(contact, state.queue_of(contact).config): contact for contact in contacts}


def _plan_again(turn: Turn, event: RoomStateSet, served: list[RoomId]) -> tuple[list[WaitKey], list[WaitKey]]:
    """All who wait for sets of rooms with one of `served`, all of the room's own, who looked past it, who wait for one
    operator; and of these, in order, those whose need is another now: they are moved."""
    state = turn.state
    keys: dict[WaitKey, None] = {}
    for rooms in (rooms for room in served for rooms in state.index.sets_with.get(room, ())):
        for hub in rooms.hubs.values():
            for line in hub.lines:
                keys.update(dict.fromkeys(line.waiting))
    for queue in (*state.own_queues.get(event.room, ()), *state.index.passed.pop(event.room, ())):
        keys.update(dict.fromkeys(queue.waiting))
    for alone in state.index.named.values():
        keys.update(dict.fromkeys(alone))
    moved = []
    concerned = sorted(keys)
    for key in concerned:
        contact = state.contacts[key[-1]]
        former = contact.need
        need = planning.need_of(state, contact, state.queue_of(contact))
        if need.line is not former.line or need.benches != former.benches:
            queues.move(state, contact, need, contact.named)
            turn.touch_contact(contact.contact)
            moved.append(key)
    return concerned, moved
