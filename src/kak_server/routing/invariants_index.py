"""What must hold of the indexes after every step, worked out again from the rows alone."""

from kak_server.routing import lanes, matching, planning, queues
from kak_server.routing.api import ContactState
from kak_server.routing.needs import Line, WaitKey, reaches
from kak_server.routing.state import Operator, State


def violations(state: State) -> list[str]:
    """One sentence for each index that is not what the rows say."""
    return [*_lines(state), *_operators(state), *_benches(state), *_hubs(state), *_reserves(state)]


def _all_lines(state: State) -> dict[int, Line]:
    sets = (rooms for found in state.index.sets_with.values() for rooms in found)
    return {line.number: line for rooms in sets for hub in rooms.hubs.values() for line in hub.lines}


def _lines(state: State) -> list[str]:
    found = []
    wanted: dict[int, list[WaitKey]] = {}
    alone: dict[str, list[WaitKey]] = {}
    for contact in state.contacts.values():
        if (contact.key is not None) != (contact.state is ContactState.WAITING):
            found.append(f"{contact.contact} is {contact.state} and stands in line, or waits and does not")
        queue = state.queue_of(contact)
        if contact.state is not ContactState.WAITING:
            continue
        need = planning.need_of(state, contact, queue)
        if need.line is not contact.need.line or need.benches != contact.need.benches:
            found.append(f"{contact.contact} waits for what it does not need any more")
        key = queues.wait_key(contact, queue.config)
        if queues.line_of(state, contact) is None:
            wanted.setdefault(contact.need.line.number, []).append(key)
        else:
            alone.setdefault(str(contact.named), []).append(key)
    for number, line in _all_lines(state).items():
        if list(line.waiting) != sorted(wanted.get(number, [])):
            found.append(f"line {number} of {line.origin}: not who waits")
    for operator, keys in alone.items():
        if operator not in state.operators:
            found.append(f"{operator} is waited for and is not here")
        if list(state.index.named[operator]) != sorted(keys):  # type: ignore[index]
            found.append(f"the line of {operator} alone: not who waits")
    return found


def _open_for(state: State, operator: Operator) -> int:
    open_for = matching.lanes_of(state, operator)
    room = state.rooms.get(operator.serves_room)
    if room is not None and operator.operator in room.guards and len(room.guards) <= room.reserve:
        open_for &= lanes.RESERVED
    return open_for


def _operators(state: State) -> list[str]:
    found = []
    for operator in state.operators.values():
        crew, name = operator.crew, operator.operator
        if operator.lanes != _open_for(state, operator):
            found.append(f"{name} is open for {operator.lanes}, should be for {_open_for(state, operator)}")
        wanted = state.index.crew_of(operator)
        if crew.name != wanted or crew.people.get(name) is not operator:
            found.append(f"{name} is in a crew of others")
        if (name in crew.available) != bool(matching.lanes_of(state, operator) & lanes.OWN):
            found.append(f"{name}: the idle of the crew are not who is idle")
    people = sum(len(crew.people) for crew in state.index.crews.values())
    if people != len(state.operators):
        found.append("somebody is in two crews, or in one without being signed in")
    return found


def _benches(state: State) -> list[str]:
    found = []
    sets = {rooms.number: rooms for row in state.index.sets_with.values() for rooms in row}
    for rooms in sets.values():
        for bench in rooms.benches:
            wanted = sorted(
                (bench.rank(row), row.operator)
                for row in state.operators.values()
                if row.crew.mask_in(rooms.rooms, bench.lane) & bench.profile.bit
                and row.lanes & row.crew.opens(bench)
                and reaches(row.skills, bench.profile.skills)
            )
            if bench.sitting() != wanted:
                found.append(f"a bench of {sorted(rooms.rooms)}, lane {bench.lane}: {bench.sitting()}, not {wanted}")
    return found


def _hubs(state: State) -> list[str]:
    """No hub is passed by whose first comes before what it says, and each crew finds the first of all lines it may
    serve, in each lane."""
    lines = _all_lines(state)
    found = [
        f"the hub of {line.origin} says {line.hub.top}, {line.rank()} waits"
        for line in lines.values()
        if line.waiting.first is not None and line.hub.top > line.rank()
    ]
    for crew in state.index.crews.values():
        for lane in lanes.LANES:
            ranks = [
                line.rank()
                for line in lines.values()
                if line.lane == lane
                and line.profile.bit & crew.mask_in(line.rooms.rooms, lane)
                and line.waiting.first is not None
            ]
            seen = [key for hub in crew.hubs_for(lane) if (key := hub.first()) is not None]
            first, sees = min(ranks, default=None), min(seen, default=None)
            if first != sees:
                found.append(f"a crew of {crew.room} sees {sees}, not {first}")
    return found


def _reserves(state: State) -> list[str]:
    found = []
    for room in state.rooms.values():
        wanted = sorted(
            row.operator
            for row in state.operators.values()
            if room.reserve
            and row.serves_room == room.room
            and row.crew.mask & room.guard_mask
            and matching.lanes_of(state, row) & lanes.OWN
        )
        if sorted(room.guards) != wanted:
            found.append(f"{room.room} counts on {sorted(room.guards)}, not on {wanted}")
    return found
