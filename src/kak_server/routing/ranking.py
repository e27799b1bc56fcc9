"""Why this operator and not that one: for explanations and for people who look, never on the way of a call.

Looks at every operator of the rooms concerned, and says of each either why not, or the rank among those who may be
asked.
"""

from kak_server.model.ids import OperatorId
from kak_server.model.light import frozen
from kak_server.routing import ahead, lanes, matching, reserves, rings
from kak_server.routing.api import Activity, ContactClass, ContactState, OperatorState, RoomState
from kak_server.routing.crews import Crew
from kak_server.routing.needs import skills_of
from kak_server.routing.state import Contact, Operator, Queue, State

_NOT_NOW = {
    OperatorState.OFFERED: "has another offer",
    OperatorState.BUSY: "is in a call",
    OperatorState.WRAP_UP: "is finishing the last call",
    OperatorState.UNREACHABLE: "has no audio at the position",
}


@frozen
class Candidate:
    """One operator as seen from a contact: `reason` why not to be asked now, or None and the rank, smaller first: how
    recently the contact was let pass (-1: not), place of the ring, the strategy's key, the id."""

    operator: OperatorId
    name: str
    reason: str | None
    rank: tuple[object, ...] = ()


def rank(contact: Contact, operator: Operator) -> tuple[object, ...]:
    """The operator's rank for the contact, by the benches of its step; only of operators who take it."""
    passed = contact.passed.index(operator.operator) if operator.operator in contact.passed else -1
    for number, (bench, lane) in enumerate(contact.need.benches):
        crew = operator.crew
        if operator.lanes & lane and crew.mask_in(bench.rooms.rooms, lane) & bench.profile.bit:
            return passed, rings.place(contact, number), bench.rank(operator), operator.operator
    return passed, len(contact.need.benches), 0, operator.operator


def candidates(state: State, contact: Contact) -> list[Candidate]:
    """Everybody who is signed in: first those who may be asked, best first, then the others by id with the reason."""
    found = [
        Candidate(row.operator, row.name, reason, () if reason is not None else rank(contact, row))
        for row in state.operators.values()
        for reason in [ASKED if _rings_at(contact, row) else why_not(state, contact, row)]
    ]
    able = [candidate for candidate in found if candidate.reason is None]
    others = [candidate for candidate in found if candidate.reason is not None]
    return sorted(able, key=lambda candidate: candidate.rank) + sorted(others, key=lambda other: other.operator)


def _rings_at(contact: Contact, operator: Operator) -> bool:
    asked = operator.operator == contact.operator or operator.operator in contact.ringing
    return contact.state is ContactState.OFFERED and asked


ASKED = "is asked already"
ASKED_FOR_A_CHAT = "has another offer"
"""Said of somebody who could have the contact if there were no chat on offer to them."""


def why_not(state: State, contact: Contact, operator: Operator) -> str | None:
    """Why this operator is not asked now, as the end of a sentence; None if it may be."""
    queue = state.queue_of(contact)
    line = contact.need.line
    if contact.named not in (None, operator.operator) and contact.klass is not ContactClass.EMERGENCY:
        return f"is not {contact.named}, who is asked alone at this step"
    unable = _unable(state, queue, contact, operator)
    if unable is not None:
        return unable
    chats_beside = line.lane == operator.lanes & lanes.LIGHT
    if operator.state in _NOT_NOW and operator.contact != contact.contact and not chats_beside:
        return _NOT_NOW[operator.state]
    if operator.activity is not Activity.AVAILABLE:
        return f"is not available ({operator.activity.value}{': ' + operator.reason if operator.reason else ''})"
    if operator.duty.leaving:
        return "is about to leave"
    room = state.rooms.get(operator.room)
    if room is not None and room.state is RoomState.EVACUATED:
        return f"sits in room {operator.room}, which is evacuated"
    if contact.state not in (ContactState.WAITING, ContactState.OFFERED) or _rings_at(contact, operator):
        return None
    if operator.serves_room not in line.rooms.rooms:
        return _not_reached(state, queue, contact, operator)
    return None if matching.takes(contact, operator) else _not_open(state, contact, operator)


def _not_reached(state: State, queue: Queue, contact: Contact, operator: Operator) -> str:
    """The operator's room is not asked; by which step it will be."""
    room, own = operator.serves_room, queue.config.rooms[0] if queue.config.rooms else ""
    later = ahead.when_reached(state, contact, queue, room)
    if contact.need.line.rooms.rooms != {own}:
        return f"sits in room {room}, which is not asked yet ({later})" if later else _out_of_reach(room)
    if later:
        return f"sits in room {room}, and {own} is asked alone at first ({later})"
    return f"sits in room {room}, and {own} is asked alone"


def _out_of_reach(room: str) -> str:
    return f"sits in room {room}, which no step to come asks"


def _unable(state: State, queue: Queue, contact: Contact, operator: Operator) -> str | None:
    """What only a step of the workflow can change while the contact waits here."""
    config, line = queue.config, contact.need.line
    loan = operator.duty.loan
    able = operator.crew.mask_in(line.rooms.rooms, line.lane) & line.profile.bit
    if loan is not None and not matching.serves(operator, config) and not able:
        if loan.room in config.rooms:
            return f"is on loan to {loan.room} for other queues"
        return f"is on loan to {loan.room}"
    if operator.serves_room not in config.rooms and operator.serves_room not in line.rooms.rooms and not able:
        if ahead.when_reached(state, contact, queue, operator.serves_room):
            return _not_reached(state, queue, contact, operator)
        return f"sits in room {operator.serves_room}, which does not serve {config.queue}"
    for skill, level in line.profile.skills:
        has = operator.skills.get(skill, 0)
        if has < level:
            later = ahead.when_enough(contact, queue, skill, has)
            if later:
                return f"has skill {skill} at {has}, {level} is needed ({later})"
            return f"has skill {skill} at {has}, {level} is needed"
    return None


def _not_open(state: State, contact: Contact, operator: Operator) -> str:
    lane = contact.need.line.lane
    if operator.chat_offer is not None:
        return ASKED_FOR_A_CHAT
    if lane == lanes.LIGHT:
        return f"has {len(operator.chats)} chats, and takes {operator.chats_max} at most"
    if operator.chats and not matching.lanes_of(state, operator) & lane:
        return "has chats that this may not interrupt"
    if reserves.opened(state, operator) or operator.lanes:
        return f"is kept in reserve for the emergencies of {operator.serves_room}"
    return "is not open for it"


def idle_for(state: State, queue: Queue) -> list[Operator]:
    """Idle operators who could be asked for the queue: own room first, then longest idle, then by id."""
    found = [operator for crew in _crews(state, queue) for operator in crew.available.values()]
    return sorted(
        found,
        key=lambda row: (not matching.in_own_room(row, queue.config), row.idle_since_ms, row.operator),
    )


def idle_count(state: State, queue: Queue) -> int:
    """How many they are."""
    return sum(len(crew.available) for crew in _crews(state, queue))


def _crews(state: State, queue: Queue) -> list[Crew]:
    profile = state.index.profiles.get(skills_of(queue.config.skills))
    if profile is None:
        return []
    rooms = frozenset(queue.config.rooms)
    lane = lanes.EMERGENCY if queue.config.klass is ContactClass.EMERGENCY else lanes.CALL
    return [crew for crew in state.index.crews_of(rooms) if crew.mask_in(rooms, lane) & profile.bit]
