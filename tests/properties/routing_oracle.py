"""Who may serve whom, said once more in the slowest and plainest way: everybody is looked at, nothing is remembered.

Shares no code with the core's indexes. It trusts the rows (who is where, which steps are done) and the rules.
"""

from dataclasses import dataclass

from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State

RANK = {api.ContactClass.EMERGENCY: 0, api.ContactClass.URGENT: 1, api.ContactClass.NORMAL: 2}


@dataclass(frozen=True)
class Wish:
    """What a contact asks for now."""

    rooms: frozenset[str]
    skills: dict[str, int]
    use_reserves: bool
    own: str


def room_state(state: State, room: str) -> api.RoomState:
    row = next((row for row in state.rooms.values() if row.room == room), None)
    return api.RoomState.OPEN if row is None else row.state


def reach(
    step: api.Step, config: api.QueueConfig, state: State, before: frozenset[str] | None
) -> frozenset[str] | None:
    """The rooms after this step; None: it says nothing of rooms."""
    national = state.config.national.rooms
    home = [row for row in national if row.room == config.rooms[0]]
    extra = set(step.rooms)
    if step.reach is None:
        return None if not extra else (before if before is not None else frozenset(config.rooms[:1])) | extra
    found = {str(config.rooms[0])} | extra
    if step.reach is api.Reach.QUEUE:
        found |= set(config.rooms)
    elif step.reach is api.Reach.NEIGHBOURS:
        found |= {room for row in home for room in row.neighbours}
    elif step.reach is api.Reach.REGION:
        found |= {row.room for row in national if home and home[0].region and row.region == home[0].region}
    elif step.reach is api.Reach.COUNTRY:
        found |= {row.room for row in national} | set(config.rooms)
    return frozenset(found)


def wish(state: State, contact: Contact) -> Wish:
    config = state.queue_of(contact).config
    steps = config.workflow or (
        (api.Step(reach=api.Reach.OWN), api.Step(after_ms=config.own_room_ms, reach=api.Reach.QUEUE))
        if config.own_room_ms
        else (api.Step(reach=api.Reach.QUEUE),)
    )
    done = [step for number, step in enumerate(steps) if contact.fired & (1 << number)]
    rooms: frozenset[str] | None = None

    def anybody_there() -> bool:
        return rooms is not None and any(room_state(state, room) is api.RoomState.OPEN for room in rooms)

    for step in steps:
        if step in done or not anybody_there():
            rooms = reach(step, config, state, rooms) or rooms
    if rooms is None:
        rooms = frozenset(config.rooms)
    if not anybody_there():
        rooms = frozenset({*config.rooms, *(row.room for row in state.config.national.rooms)})
    needed = dict(config.skills)
    for skill, level in contact.skills.items():
        needed[skill] = max(level, needed.get(skill, 0))
    relax = next((step.relax for step in reversed(done) if step.relax is not None), 0)
    dropped = {skill for step in done for skill in step.drop}
    needed = {skill: max(1, level - relax) for skill, level in needed.items() if skill not in dropped}
    reserves = next((step.use_reserves for step in reversed(done) if step.use_reserves is not None), False)
    return Wish(rooms, needed, reserves, config.rooms[0])


def is_idle(operator: Operator) -> bool:
    """Open for calls, as far as what it does and says goes."""
    return (
        operator.state is api.OperatorState.IDLE
        and operator.activity is api.Activity.AVAILABLE
        and operator.chat_offer is None
        and not operator.duty.leaving
    )


def guards(state: State, room: str) -> list[str]:
    """The idle who could serve the room's own emergencies."""
    queues = [
        queue.config
        for queue in state.all_queues()
        if queue.config.rooms[0] == room and queue.config.klass is api.ContactClass.EMERGENCY and not queue.retired
    ]
    return [
        row.operator
        for row in state.operators.values()
        if row.room == room
        and is_idle(row)
        and room_state(state, room) is not api.RoomState.EVACUATED
        and any(all(row.skills.get(skill, 0) >= level for skill, level in config.skills.items()) for config in queues)
    ]


def may(state: State, contact: Contact, operator: Operator) -> bool:
    """The operator, as it is now, may be offered the contact under its present step and the rooms' reserves."""
    asked = wish(state, contact)
    emergency = contact.klass is api.ContactClass.EMERGENCY
    if contact.named is not None and contact.named != operator.operator and not emergency:
        return False
    if operator.room not in asked.rooms or room_state(state, operator.room) is api.RoomState.EVACUATED:
        return False
    if any(operator.skills.get(skill, 0) < level for skill, level in asked.skills.items()):
        return False
    if contact.kind is api.ContactKind.CHAT:
        if operator.activity is not api.Activity.AVAILABLE or operator.chat_offer is not None or operator.duty.leaving:
            return False
        if operator.state is api.OperatorState.BUSY:
            return operator.media_up and len(operator.chats) < min(operator.chats_max, operator.chats_in_call)
        return operator.state is api.OperatorState.IDLE and len(operator.chats) < operator.chats_max
    if not is_idle(operator):
        return False
    interrupts = state.queue_of(contact).config.interrupts_chats
    if operator.chats and not emergency and not (operator.interruptible and interrupts):
        return False
    reserve = next((row.reserve for row in state.config.national.rooms if row.room == operator.room), 0)
    kept = guards(state, operator.room) if reserve else []
    if operator.operator not in kept or len(kept) > reserve:
        return True
    return emergency and (asked.use_reserves or asked.own == operator.room)


def order(state: State, contact: Contact) -> tuple[int, int]:
    return RANK[contact.klass], 0 if contact.head else 1


def findings(state: State) -> list[str]:
    """Waiting contacts that somebody idle may serve."""
    return [
        f"{contact.contact} waits although {operator.operator} may serve it"
        for contact in state.contacts.values()
        if contact.state is api.ContactState.WAITING
        for operator in state.operators.values()
        if may(state, contact, operator)
    ]
