"""Whether a step's condition holds for a contact now."""

from kak_server.routing import staff
from kak_server.routing.api import Condition, RoomState
from kak_server.routing.local_time import moment, within
from kak_server.routing.state import Contact, Queue, State


def holds(state: State, contact: Contact, queue: Queue, condition: Condition) -> bool:
    """All that is said is true. The cost is that of the own room's people where staff is asked for, otherwise small."""
    return (
        _fits(contact, condition)
        and _in_time(state, condition)
        and _as_busy(state, queue, condition)
        and _staffed(state, queue, condition)
        and (not condition.room_states or _room_state(state, queue) in condition.room_states)
    )


def _fits(contact: Contact, condition: Condition) -> bool:
    return (
        (not condition.classes or contact.klass in condition.classes)
        and (not condition.kinds or contact.kind in condition.kinds)
        and (not condition.areas or contact.area in condition.areas)
        and (not condition.languages or contact.language in condition.languages)
    )


def _in_time(state: State, condition: Condition) -> bool:
    timed = condition.from_min is not None or condition.until_min is not None
    if not (timed or condition.weekdays or condition.calendar):
        return True
    national = state.config.national
    local = moment(state.now_ms, national.local)
    if condition.weekdays and local.weekday not in condition.weekdays:
        return False
    if condition.calendar:
        listed = local.day in national.calendars.get(condition.calendar, ())
        if listed != condition.in_calendar:
            return False
    return not timed or within(local.minute, condition.from_min, condition.until_min)


def _as_busy(state: State, queue: Queue, condition: Condition) -> bool:
    if condition.waiting_from is None and condition.waiting_below is None:
        return True
    waiting = sum(len(version.waiting) for version in state.versions_of(queue.config.queue))
    return (condition.waiting_from is None or waiting >= condition.waiting_from) and (
        condition.waiting_below is None or waiting < condition.waiting_below
    )


def _staffed(state: State, queue: Queue, condition: Condition) -> bool:
    if condition.staff_below is None and condition.staff_from is None:
        return True
    people = staff.at_work_for(state, queue.config)
    return (condition.staff_from is None or people >= condition.staff_from) and (
        condition.staff_below is None or people < condition.staff_below
    )


def _room_state(state: State, queue: Queue) -> RoomState:
    row = state.rooms.get(queue.config.rooms[0]) if queue.config.rooms else None
    return RoomState.OPEN if row is None else row.state
