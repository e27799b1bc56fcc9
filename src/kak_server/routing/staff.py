"""Who sits in which room, and whether a room can spare somebody.

Somebody is *ready* who says available and has sound, whatever they are doing just now: a call ends.
"""

from kak_server.model.ids import RoomId
from kak_server.routing import matching
from kak_server.routing.api import Activity, ContactClass, QueueConfig
from kak_server.routing.state import Operator, State


def is_ready(operator: Operator) -> bool:
    """Says available, has sound, and is not about to leave."""
    return operator.activity is Activity.AVAILABLE and operator.media_up and not operator.duty.leaving


def is_there(state: State, operator: Operator) -> bool:
    """Ready, in a room that is not evacuated: can be asked, now or when the work at hand is done."""
    return is_ready(operator) and matching.may_be_named(state, operator)


def at_work_for(state: State, config: QueueConfig) -> int:
    """How many of the queue's own room could be asked for it, now or when the work at hand is done: who sits there or
    is lent there; not who is lent away, but for emergencies that the room's lead kept. Costs the room's people."""
    own = config.rooms[0] if config.rooms else None
    return 0 if own is None else sum(_is_at_work(state, operator, config) for operator in serving(state, own))


def _is_at_work(state: State, operator: Operator, config: QueueConfig) -> bool:
    """Of those who sit in the queue's own room or are lent there: this one could be asked for it."""
    at_home = operator.serves_room == config.rooms[0] or _kept_for(operator, config)
    return at_home and is_there(state, operator) and matching.may_serve(operator, config)


def _kept_for(operator: Operator, config: QueueConfig) -> bool:
    loan = operator.duty.loan
    return loan is not None and loan.own_emergencies and config.klass is ContactClass.EMERGENCY


def in_room(state: State, room: RoomId) -> list[Operator]:
    """Who sits there, by id."""
    return [state.operators[operator] for operator in sorted(state.by_room.get(room, ()))]


def serving(state: State, room: RoomId) -> list[Operator]:
    """Who sits there or is lent to it."""
    lent = [name for loan in state.people.loans.values() if loan.room == room for name in loan.lent]
    return [*in_room(state, room), *(state.operators[name] for name in lent)]


def is_last_ready(state: State, operator: Operator) -> bool:
    """Whether one of the room's own queues would be left with nobody if this operator were not ready: a queue whose
    first room it is and that the operator serves, and for which no colleague there is at work. The room of somebody on
    loan is the one that borrows."""
    room = operator.serves_room
    others = [colleague for colleague in serving(state, room) if colleague is not operator]
    return any(
        matching.may_serve(operator, queue.config)
        and not any(_is_at_work(state, colleague, queue.config) for colleague in others)
        for queue in state.own_queues.get(room, ())
    )
