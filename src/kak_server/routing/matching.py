"""Which operator for this contact, which contact for this operator.

The law that keeps this cheap: after every step no waiting contact has an operator who is open for it and may serve it.
So a contact that begins to wait looks only at benches, an operator who becomes free only at lines; the step puts the
contact first and the operator after it. `index.py` says what that costs.
"""

from kak_server.routing import lanes, planning, reserves, rings, sharing
from kak_server.routing.api import ContactClass, QueueConfig, RoomState
from kak_server.routing.needs import NOBODY, BenchEntry, Skills, reaches, skills_of
from kak_server.routing.state import Contact, Operator, State
from kak_server.routing.workflow import needs_of


def may_serve(operator: Operator, config: QueueConfig) -> bool:
    """Signed in in one of the queue's rooms, or lent to it, and skilled enough for what the queue asks by itself."""
    return serves(operator, config) and reaches(operator.skills, skills_of(config.skills))


def serves(operator: Operator, config: QueueConfig) -> bool:
    """The operator's room is one of the queue's. On loan: the borrowing room is, and the queue is among those lent for;
    or it is an emergency queue of the own room, whose lead kept those."""
    loan = operator.duty.loan
    if loan is None:
        return operator.room in config.rooms
    if loan.own_emergencies and config.klass is ContactClass.EMERGENCY and operator.room in config.rooms:
        return True
    return loan.room in config.rooms and (not loan.queues or config.queue in loan.queues)


def in_own_room(operator: Operator, config: QueueConfig) -> bool:
    """The queue's first room is its own."""
    return bool(config.rooms) and operator.serves_room == config.rooms[0]


# --- where operators stand --------------------------------------------------------------------------------------------


def join(state: State, operator: Operator) -> None:
    """The operator signed in, or came to another room or other skills: find its crew. It is open for nothing yet."""
    operator.only = lent_for(state, operator)
    state.index.join_crew(operator)


def lent_for(state: State, operator: Operator) -> frozenset[Skills] | None:
    """The needs that somebody is lent for: those of the queues of the loan, at each of their steps. None: all."""
    loan = operator.duty.loan
    if loan is None or not loan.queues:
        return None
    return frozenset(
        needed
        for name in loan.queues
        for queue in state.versions_of(name)
        for needed in needs_of(queue.config, queue.steps)
    )


def part(state: State, operator: Operator) -> None:
    """The operator leaves, or is about to change room or skills. To be done after `unlist_idle`."""
    state.index.leave_crew(operator)


def lanes_of(state: State, operator: Operator) -> int:
    """What the operator is open for, taking no account of the room's reserve."""
    room = state.rooms.get(operator.room)
    return lanes.open_lanes(operator, evacuated=room is not None and room.state is RoomState.EVACUATED)


def may_be_named(state: State, operator: Operator) -> bool:
    """May be asked by name, whatever they serve and say: not where the room is evacuated, and not on the way home."""
    room = state.rooms.get(operator.room)
    return not operator.duty.leaving and (room is None or room.state is not RoomState.EVACUATED)


def list_idle(state: State, operator: Operator) -> None:
    """Stand where contacts look, open for what the operator is open for now. Said twice it changes nothing."""
    if not operator.lanes:
        list_as(state, operator, lanes_of(state, operator))


def list_as(state: State, operator: Operator, open_for: int) -> None:
    """The same, where it is known what the operator is open for."""
    if open_for & lanes.OWN:
        operator.crew.available[operator.operator] = operator
        open_for = reserves.came(state, operator, open_for)
    if open_for:
        state.index.sit(operator, open_for)


def relist(state: State, operator: Operator) -> None:
    """Something has changed that bears on what the operator is open for."""
    unlist_idle(state, operator)
    list_idle(state, operator)


def unlist_idle(state: State, operator: Operator) -> None:
    """Be open for nothing. To be done before anything changes that a bench's order is made of."""
    if operator.lanes:
        state.index.sit(operator, 0)
    if operator.crew.available.pop(operator.operator, None) is not None:
        reserves.went(state, operator)


# --- an operator for a contact ----------------------------------------------------------------------------------------


def pick_operator(state: State, contact: Contact) -> Operator | None:
    """The operator to ask: one who has not let it pass, by the order of rings, else the one whose pass is longest
    ago."""
    if contact.named is not None:
        named = state.operators.get(contact.named)
        if named is not None and takes(contact, named):
            return named
        if contact.klass is not ContactClass.EMERGENCY:
            return None
    if contact.passed:
        return _pick_past(contact)
    for bench, lane in contact.need.benches:
        if bench.heap and (operator := bench.first(lane)) is not None:
            return operator
    return None


def _pick_past(contact: Contact) -> Operator | None:
    """Those who let it pass come last, and those of rings where it rang out after others; they are looked past and put
    back."""
    for bench, _ in contact.need.benches:
        if bench.heap:
            break
    else:  # as in a busy hour
        return None
    again: Operator | None = None
    again_rank = len(contact.passed)
    for bench, lane, later in rings.in_order(contact):
        looked_past: list[BenchEntry] = []
        found: Operator | None = None
        while (entry := bench.take()) is not None:
            looked_past.append(entry)
            operator = entry[-1]
            if not operator.lanes & lane:
                continue
            if operator.operator not in contact.passed:
                if rings.comes_later(operator, later):
                    continue
                found = operator
                break
            rank = contact.passed.index(operator.operator)
            if rank < again_rank:
                again, again_rank = operator, rank
        bench.put_back(looked_past)
        if found is not None:
            return found
    return again


def pick_several(contact: Contact, count: int) -> list[Operator]:
    """The first `count` operators to ring at once, in order; those who let it pass after all others."""
    chosen: dict[str, Operator] = {}
    passed: dict[str, Operator] = {}
    for bench, lane, later in rings.in_order(contact):
        looked_at: list[BenchEntry] = []
        while len(chosen) < count and (entry := bench.take()) is not None:
            looked_at.append(entry)
            operator = entry[-1]
            if operator.lanes & lane and not rings.comes_later(operator, later):
                (passed if operator.operator in contact.passed else chosen)[operator.operator] = operator
        bench.put_back(looked_at)
    late = sorted(passed.values(), key=lambda operator: contact.passed.index(operator.operator))
    return [*chosen.values(), *late][:count]


def takes(contact: Contact, operator: Operator) -> bool:
    """The operator is open for this contact, in its reach and skilled enough. Who is in a room's reserve serves that
    room's emergencies, unless lent there for others than this."""
    line, crew = contact.need.line, operator.crew
    if not crew.mask_in(line.rooms.rooms, line.lane) & line.profile.bit:
        return False
    if operator.lanes & line.lane:
        return True
    own = line.lane == lanes.EMERGENCY and operator.serves_room == line.origin
    return own and bool(operator.lanes & lanes.OWN) and crew.at_work(line)


# --- a contact for an operator ----------------------------------------------------------------------------------------


def pick_contact(state: State, operator: Operator) -> Contact | None:
    """The waiting contact that comes first of all that the operator, open as it is, may serve."""
    return pick_fairly(state, operator)[0]


def pick_fairly(state: State, operator: Operator) -> tuple[Contact | None, bool]:
    """The same, and whether own callers and another room's stood against each other (where rooms share by weight)."""
    open_for = operator.lanes
    if not open_for:
        return None, False
    against = False
    if state.config.national.fair:
        best, against = sharing.choose(state, operator, open_for)
    else:
        best, first = None, NOBODY
        for hub in operator.crew.hubs_for(open_for):
            if hub.top < first:  # otherwise nobody is there, or nobody who comes before
                key = hub.first()
                if key is not None and key < first:
                    best = first = key
        if open_for & lanes.OWN and not open_for & lanes.EMERGENCY:  # kept in reserve: the own room's emergencies
            key = sharing.first_own(state, operator, lanes.OWN)
            if key is not None and (best is None or key < best):
                best = key
    for key in state.index.named.get(operator.operator, ()):  # those who wait for this operator alone
        if takes(state.contacts[key[-1]], operator):
            if best is None or key < best:
                best, against = key, False
            break
    return (None if best is None else state.contacts[best[-1]]), against


def replan(state: State, contact: Contact) -> None:
    """What a contact that does not stand in line needs now."""
    contact.need = planning.need_of(state, contact, state.queue_of(contact))
