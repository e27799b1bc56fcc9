"""Who sits in which room, and whether a room can spare somebody.

Somebody is *ready* who says available and has sound, whatever they are doing just now: a call ends.
"""

from kak_server.model.ids import RoomId
from kak_server.routing import matching
from kak_server.routing.api import Activity
from kak_server.routing.state import Operator, State


def is_ready(operator: Operator) -> bool:
    """Says available, has sound, and is not about to leave."""
    return operator.activity is Activity.AVAILABLE and operator.media_up and not operator.duty.leaving


def in_room(state: State, room: RoomId) -> list[Operator]:
    """Who sits there, by id."""
    return [state.operators[operator] for operator in sorted(state.by_room.get(room, ()))]


def serving(state: State, room: RoomId) -> list[Operator]:
    """Who sits there or is lent to it."""
    lent = [name for loan in state.people.loans.values() if loan.room == room for name in loan.lent]
    return [*in_room(state, room), *(state.operators[name] for name in lent)]


def is_last_ready(state: State, operator: Operator) -> bool:
    """Whether one of the room's own queues would be without anybody ready in the room if this operator were not: a
    queue whose first room it is and that the operator serves, and no ready colleague who sits there or is lent to it.
    The room of somebody on loan is the one that borrows."""
    own = [
        queue for queue in state.own_queues.get(operator.serves_room, ()) if matching.may_serve(operator, queue.config)
    ]
    others = [
        colleague
        for colleague in serving(state, operator.serves_room)
        if colleague.operator != operator.operator and is_ready(colleague)
    ]
    return any(not any(matching.may_serve(colleague, queue.config) for colleague in others) for queue in own)
