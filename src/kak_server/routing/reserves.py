"""A room's reserve: so many idle operators are kept for emergencies whose own room it is.

As long as no more than `reserve` of those who could serve such emergencies are idle, they are open for these alone (and
for what may take reserves). When one more becomes idle all of them are open again; the first offer closes it.
"""

from collections.abc import Iterable

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing import lanes, matching
from kak_server.routing.api import ContactClass
from kak_server.routing.needs import skills_of
from kak_server.routing.rooms_rows import Room
from kak_server.routing.state import Operator, State


def concerns(state: State, operator: Operator) -> bool:
    """The operator counts to a reserve when idle."""
    room = state.rooms.get(operator.serves_room)
    return room is not None and room.reserve > 0 and bool(operator.crew.mask & room.guard_mask)


def came(state: State, operator: Operator, open_for: int) -> int:
    """The operator becomes idle. Returns what it is open for; the others may be open for more after this."""
    room = state.rooms.get(operator.serves_room)
    if room is None or not room.reserve or not operator.crew.mask & room.guard_mask:
        return open_for
    room.guards[operator.operator] = operator
    if len(room.guards) == room.reserve + 1:
        _seat_again(state, room, operator)
    return open_for & lanes.RESERVED if room.short else open_for


def went(state: State, operator: Operator) -> None:
    """The operator is idle no more: those left may be needed for the room's own."""
    room = state.rooms.get(operator.serves_room)
    if room is not None and room.guards.pop(operator.operator, None) is not None and len(room.guards) == room.reserve:
        _seat_again(state, room, operator)


def _seat_again(state: State, room: Room, cause: Operator) -> None:
    for other in room.guards.values():
        if other is not cause:
            open_for = lanes.open_lanes(other)
            state.index.sit(other, open_for & lanes.RESERVED if room.short else open_for)


def opened(state: State, operator: Operator) -> tuple[Operator, ...]:
    """The other idle operators of a room that has just one more than its reserve: what the newest of them cannot serve
    one of them perhaps can."""
    room = state.rooms.get(operator.serves_room)
    if room is None or not room.reserve or len(room.guards) != room.reserve + 1:
        return ()
    return tuple(room.guards[name] for name in sorted(room.guards) if name != operator.operator)


def count(state: State) -> list[Operator]:
    """New rules, or a state that was read: reserves and weights as they say, and all idle operators counted anew. Those
    of rooms whose reserve is another now, in an order of their own: they may be open for more."""
    for operator in state.operators.values():
        matching.unlist_idle(state, operator)
    known = {row.room: row for row in state.config.national.rooms}
    for name in known:
        state.room(name)
    renewed = []
    for room in state.rooms.values():
        row, before = known.get(room.room), (room.reserve, room.guard_mask)
        room.reserve = 0 if row is None else row.reserve
        room.weight = 1 if row is None else max(1, row.weight)
        room.help_percent = 50 if row is None else row.help_percent
        room.guard_mask = _guard_mask(state, room)
        if (room.reserve, room.guard_mask) != before:
            renewed.append(room.room)
    for operator in state.operators.values():
        matching.list_idle(state, operator)
    concerned = set(renewed)
    people = [state.operators[name] for name in sorted(state.operators)] if renewed else []
    return [row for row in people if row.room in concerned or row.serves_room in concerned]


def recount(state: State, rooms: Iterable[RoomId]) -> list[Operator]:
    """Queues have changed whose own rooms these are or were: as `count`, for these rooms alone. Costs the people of
    those whose emergencies ask for something else now."""
    renewed: set[OperatorId] = set()
    for name in sorted(set(rooms)):
        room = state.rooms.get(name)
        if room is None or (mask := _guard_mask(state, room)) == room.guard_mask:
            continue
        serving = [
            operator
            for crew in state.index.crews_of((name,))
            for operator in crew.people.values()
            if operator.serves_room == name
        ]
        for operator in serving:
            matching.unlist_idle(state, operator)
        room.guard_mask = mask
        for operator in serving:
            matching.list_idle(state, operator)
        renewed.update(state.by_room.get(name, ()))  # also those who are lent away, and stay for its emergencies
        renewed.update(operator.operator for operator in serving)  # also those who are lent to it
    return [state.operators[name] for name in sorted(renewed)]


def _guard_mask(state: State, room: Room) -> int:
    """The profiles of emergencies that may come in and whose own room it is. Rules that only some contacts still follow
    do not count: they go with the last of them, whenever that is."""
    if not room.reserve:
        return 0
    mask = 0
    for queue in state.own_queues.get(room.room, ()):
        if not queue.retired and queue.config.klass is ContactClass.EMERGENCY:
            mask |= state.index.profile(skills_of(queue.config.skills), state.operators.values()).bit
    return mask
