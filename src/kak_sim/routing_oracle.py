"""Who may serve whom, said once more in the slowest and plainest way: everybody is looked at, nothing is remembered.

Shares no code with the core's indexes. It trusts the rows (who is where, which steps are done) and the rules: queues
with workflows, wishes of a contact's own, reserves, chats beside calls, rooms that are shut, people on loan. Property
tests and simulated days ask it after every event.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from kak_server.model.ids import QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State

RANK = {api.ContactClass.EMERGENCY: 0, api.ContactClass.URGENT: 1, api.ContactClass.NORMAL: 2}
Needed = dict[str, int]


@dataclass(frozen=True)
class Wish:
    """What a contact asks for now."""

    rooms: frozenset[RoomId]
    skills: Needed
    use_reserves: bool
    own: RoomId


def room_state(state: State, room: RoomId) -> api.RoomState:
    """Open where nobody has said anything else."""
    row = state.rooms.get(room)
    return api.RoomState.OPEN if row is None else row.state


# --- what a contact asks for ------------------------------------------------------------------------------------------


CALLS_OUT = "outgoing-"
"""What the names of the rooms' own queues of calls out begin with."""

LEFT_WITH_NOBODY = (
    api.Step(reach=api.Reach.OWN),
    api.Step(after_ms=10_000, reach=api.Reach.NEIGHBOURS, use_reserves=True),
    api.Step(after_ms=20_000, reach=api.Reach.COUNTRY),
)
"""Who is asked for somebody who was called out of a room, about no queue, and is left with nobody (docs/routing.md)."""


def steps_of(config: api.QueueConfig) -> tuple[api.Step, ...]:
    """The queue's steps, in words of the rules: nobody configures those of a room's calls out."""
    if config.queue.startswith(CALLS_OUT):
        return LEFT_WITH_NOBODY
    if config.workflow:
        return config.workflow
    if config.own_room_ms:
        return api.Step(reach=api.Reach.OWN), api.Step(after_ms=config.own_room_ms, reach=api.Reach.QUEUE)
    return (api.Step(reach=api.Reach.QUEUE),)


def reach(
    step: api.Step, config: api.QueueConfig, state: State, before: frozenset[RoomId] | None
) -> frozenset[RoomId] | None:
    """The rooms after this step, with those before it; None: it says nothing of rooms."""
    national = state.config.national.rooms
    home = [row for row in national if row.room == config.rooms[0]]
    extra = set(step.rooms)
    if step.reach is None:
        return None if not extra else (before if before is not None else frozenset(config.rooms[:1])) | extra
    found = {config.rooms[0]} | extra
    if step.reach is api.Reach.QUEUE:
        found |= set(config.rooms)
    elif step.reach is api.Reach.NEIGHBOURS:
        found |= {room for row in home for room in row.neighbours}
    elif step.reach is api.Reach.REGION:
        found |= {row.room for row in national if home and home[0].region and row.region == home[0].region}
    elif step.reach is api.Reach.COUNTRY:
        found |= {row.room for row in national} | set(config.rooms)
    return frozenset(found)


def needed_after(skills: Needed, done: list[api.Step]) -> Needed:
    """What is still needed of these skills after these steps."""
    relax = next((step.relax for step in reversed(done) if step.relax is not None), 0)
    dropped = {skill for step in done for skill in step.drop}
    return {skill: max(1, level - relax) for skill, level in skills.items() if skill not in dropped}


def _reached(state: State, contact: Contact) -> list[frozenset[RoomId]]:
    """The rooms after each of its queue's steps that are done, and of those that widen because nobody is there."""
    config = state.queue_of(contact).config
    reached: list[frozenset[RoomId]] = []

    def anybody_there() -> bool:
        return bool(reached) and any(room_state(state, room) is api.RoomState.OPEN for room in reached[-1])

    for number, step in enumerate(steps_of(config)):
        if contact.fired & (1 << number) or not anybody_there():
            rooms = reach(step, config, state, reached[-1] if reached else None)
            reached += [] if rooms is None else [rooms]
    if not reached:
        reached.append(frozenset(config.rooms))
    if not anybody_there():
        reached.append(frozenset({*config.rooms, *(row.room for row in state.config.national.rooms)}))
    return reached


def wish(state: State, contact: Contact) -> Wish:
    """Its queue's steps that are done, and its own wishes, put together."""
    config = state.queue_of(contact).config
    done = [step for number, step in enumerate(steps_of(config)) if contact.fired & (1 << number)]
    needed = dict(config.skills)
    for skill, level in contact.skills.items():
        needed[skill] = max(level, needed.get(skill, 0))
    reserves = next((step.use_reserves for step in reversed(done) if step.use_reserves is not None), False)
    return Wish(_reached(state, contact)[-1], needed_after(needed, done), reserves, config.rooms[0])


def rings(state: State, contact: Contact) -> list[frozenset[RoomId]]:
    """Whose operators are asked, from the own room to all: sets of rooms, each with those before it. A reach that left
    some of those out is none of them."""
    reached = _reached(state, contact)
    found: list[frozenset[RoomId]] = []
    for rooms in (frozenset(state.queue_of(contact).config.rooms[:1]), *reached):
        if rooms <= reached[-1] and (not found or found[-1] < rooms):
            found.append(rooms)
    return found


def wishes(state: State, contacts: list[Contact]) -> Iterator[tuple[Contact, Wish]]:
    """Each with its wish; those who ask for the same get the same."""
    known: dict[tuple[QueueId, str, int, tuple[tuple[str, int], ...]], Wish] = {}
    for contact in contacts:
        key = contact.queue, contact.rules, contact.fired, tuple(contact.skills.items())
        if key not in known:
            known[key] = wish(state, contact)
        yield contact, known[key]


# --- what an operator is open for -------------------------------------------------------------------------------------


def is_idle(operator: Operator) -> bool:
    """Open for calls, as far as what it does and says goes."""
    return (
        operator.state is api.OperatorState.IDLE
        and operator.activity is api.Activity.AVAILABLE
        and operator.chat_offer is None
        and not operator.duty.leaving
    )


def takes_chats(operator: Operator) -> bool:
    """Open for one more chat, as far as what it does and says goes."""
    if operator.activity is not api.Activity.AVAILABLE or operator.chat_offer is not None or operator.duty.leaving:
        return False
    if operator.state is api.OperatorState.BUSY:
        return operator.media_up and len(operator.chats) < min(operator.chats_max, operator.chats_in_call)
    return operator.state is api.OperatorState.IDLE and len(operator.chats) < operator.chats_max


def _reaches(operator: Operator, needed: Needed) -> bool:
    return all(operator.skills.get(skill, 0) >= level for skill, level in needed.items())


def _lent_for(state: State, names: tuple[QueueId, ...], needed: Needed) -> bool:
    """The loan names no queues, or one that asks for just this once some of its steps are done in their order."""
    if not names:
        return True
    for queue in (queue for name in names for queue in state.versions_of(name)):
        steps = list(steps_of(queue.config))
        if any(needed_after(dict(queue.config.skills), steps[:count]) == needed for count in range(len(steps) + 1)):
            return True
    return False


def _at_work_for(state: State, operator: Operator, rooms: frozenset[RoomId], needed: Needed, emergency: bool) -> bool:
    """It sits in one of these rooms, or is lent to one; if its own lead kept the emergencies, it serves those too."""
    loan = operator.duty.loan
    if loan is None:
        return operator.room in rooms
    if emergency and loan.own_emergencies and operator.room in rooms:
        return True
    return loan.room in rooms and _lent_for(state, loan.queues, needed)


def _serves_room(operator: Operator) -> RoomId:
    return operator.room if operator.duty.loan is None else operator.duty.loan.room


def guards(state: State, room: RoomId, known: Operator, among: Container[str] | None = None) -> list[str]:
    """The idle who could serve the room's own emergencies, `known` as given here. `among`: and the others of these."""
    queues = [
        queue.config
        for queue in state.all_queues()
        if queue.config.rooms[0] == room and queue.config.klass is api.ContactClass.EMERGENCY and not queue.retired
    ]
    people = (known if row.operator == known.operator else row for row in state.operators.values())
    return [
        row.operator
        for row in people
        if _serves_room(row) == room
        and is_idle(row)
        and (row is known or among is None or row.operator in among)
        and room_state(state, row.room) is not api.RoomState.EVACUATED
        and any(
            _reaches(row, dict(config.skills))
            and (row.duty.loan is None or _lent_for(state, row.duty.loan.queues, dict(config.skills)))
            for config in queues
        )
    ]


def _kept(contact: Contact, asked: Wish) -> bool:
    """Who is lent away and stays for the emergencies of the own room is asked for it."""
    urges = contact.klass is api.ContactClass.EMERGENCY or asked.use_reserves
    return urges and contact.kind is not api.ContactKind.CHAT


def ring(state: State, contact: Contact, operator: Operator) -> int:
    """The nearest ring in which the operator is asked for the contact; how many there are if in none."""
    asked, sets = wish(state, contact), rings(state, contact)
    for number, rooms in enumerate(sets):
        if _at_work_for(state, operator, rooms, asked.skills, _kept(contact, asked)):
            return number
    return len(sets)


def asked_as(state: State, contact: Contact, operator: Operator, rooms: frozenset[RoomId]) -> RoomId:
    """As whose operator somebody is asked who is asked in these rooms: of the one served, else of the own."""
    asked, served = wish(state, contact), _serves_room(operator)
    lent = served in rooms and _at_work_for(state, operator, frozenset({served}), asked.skills, emergency=False)
    return served if lent else operator.room


# --- the two together -------------------------------------------------------------------------------------------------


def may(
    state: State,
    contact: Contact,
    operator: Operator,
    asked: Wish | None = None,
    among: Container[str] | None = None,
    *,
    kept: bool = True,
) -> bool:
    """The operator, as it is now, may be offered the contact under its present step and the rooms' reserves. `among`:
    who counts to a reserve beside it, if not everybody. `kept` False: were nobody kept in reserve."""
    chat = contact.kind is api.ContactKind.CHAT
    if not (takes_chats(operator) if chat else is_idle(operator)):
        return False
    asked = asked or wish(state, contact)
    emergency = contact.klass is api.ContactClass.EMERGENCY
    if contact.named is not None and contact.named != operator.operator and not emergency:
        return False
    if room_state(state, operator.room) is api.RoomState.EVACUATED or not _reaches(operator, asked.skills):
        return False
    if not _at_work_for(state, operator, asked.rooms, asked.skills, _kept(contact, asked)):
        return False
    if chat:
        return True
    interrupts = state.queue_of(contact).config.interrupts_chats
    urges = emergency or asked.use_reserves
    if operator.chats and not urges and not (operator.interruptible and interrupts):
        return False
    served = _serves_room(operator)
    reserve = next((row.reserve for row in state.config.national.rooms if row.room == served), 0)
    guarding = guards(state, served, operator, among) if reserve and kept else []
    if operator.operator not in guarding or len(guarding) > reserve:
        return True
    at_work = _at_work_for(state, operator, asked.rooms & {served}, asked.skills, emergency=False)
    return asked.use_reserves or (emergency and asked.own == served and at_work)


def order(state: State, contact: Contact) -> tuple[int, int]:
    """Who comes first: the higher class, and in it whoever lost an operator. Between rooms that share by weight no more
    can be said."""
    return RANK[contact.klass], 0 if contact.head else 1


def findings(state: State) -> list[str]:
    """Waiting contacts that somebody idle may serve."""
    waiting = [contact for contact in state.contacts.values() if contact.state is api.ContactState.WAITING]
    there = [row for row in state.operators.values() if is_idle(row) or takes_chats(row)] if waiting else []
    found = []
    for contact, asked in wishes(state, waiting if there else []):
        found += [
            f"{contact.contact} waits although {operator.operator} may serve it"
            for operator in there
            if _reaches(operator, asked.skills) and may(state, contact, operator, asked)
        ]
    return found
