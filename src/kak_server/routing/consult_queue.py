"""A holder asks for somebody of a queue or a room to talk with first, and the core finds whom.

Who is asked is who a new caller of that queue would get now: by its skills and its order, own room first, then what its
steps widen to, without waiting for these. Two things differ, since no caller waits: those whom a room keeps in reserve
are left to it, and chats that are not to be interrupted are not. One after the other is invited as if named; the
holder talks with the caller until somebody comes.

Cost: a look at the benches of the queue's steps for each who is asked; never at everybody.
"""

from collections.abc import Iterator

from kak_server.model.ids import ContactId, RoomId
from kak_server.routing import lanes, participants, planning
from kak_server.routing.api import Strategy
from kak_server.routing.api_moves import ColleagueSought, SearchChanged
from kak_server.routing.contacts import TALKING, held_by
from kak_server.routing.moves import Search
from kak_server.routing.needs import Bench, BenchEntry, skills_of
from kak_server.routing.state import Contact, Operator, Queue, State, Turn

SEARCH_MS = 60_000
"""So long somebody is sought: whoever asks has a caller meanwhile."""

RING_MIN_MS = 3_000
"""Nobody is rung for less: what is left of the time after that is not begun."""

MAX_ASKED = 20


def on_sought(turn: Turn, event: ColleagueSought) -> None:
    """The first of them rings."""
    contact = held_by(turn, event.operator, event.contact)
    if contact is None:
        return
    moves = contact.moves
    search = Search(event.queue, None if event.queue is not None else event.room, turn.now_ms + SEARCH_MS)
    if contact.state not in TALKING or lanes.is_light(contact):
        turn.refuse("busy", "the call is not connected yet", event.operator, event.contact)
    elif moves.consulted:
        turn.refuse("busy", "a colleague is being consulted already", event.operator, event.contact)
    elif len(moves.participants) >= participants.MAX_PARTICIPANTS:
        turn.refuse("limit", "too many are in the call", event.operator, event.contact)
    elif search.queue is not None and _queue(turn.state, search) is None:
        turn.refuse("unknown-queue", f"no queue {search.queue}", event.operator, event.contact)
    elif search.queue is None and not _is_room(turn.state, search.room):
        turn.refuse("unknown-room", f"no room {search.room}", event.operator, event.contact)
    elif (operator := _next(turn.state, contact, search)) is None:
        turn.refuse("nobody-free", "nobody there can be asked now", event.operator, event.contact)
    else:
        moves.search = search
        _say(turn, contact, search, "begun")
        _ask(turn, contact, search, operator)


def settle(turn: Turn) -> None:
    """At the end of a step: where the one who rang does not come, the next one does, or the search is over."""
    lapsed, turn.lapsed = turn.lapsed, ()
    for contact in lapsed:
        search = contact.moves.search
        if search is None or contact.contact not in turn.state.contacts:
            continue
        if search.until_ms - turn.now_ms < RING_MIN_MS:
            over(turn, contact, "time")
        elif (operator := _next(turn.state, contact, search)) is None:
            over(turn, contact, "nobody")
        else:
            _ask(turn, contact, search, operator)


def over(turn: Turn, contact: Contact, change: str) -> None:
    """Nobody is sought any more; nothing if nobody was."""
    search, contact.moves.search = contact.moves.search, None
    if search is not None:
        _say(turn, contact, search, change)


def _ask(turn: Turn, contact: Contact, search: Search, operator: Operator) -> None:
    """As by name; it counts as an offer where those are asked first who had the fewest of late."""
    assert contact.operator is not None
    search.asked.append(operator.operator)
    queue = _queue(turn.state, search)
    config = turn.state.queue_of(contact).config if queue is None else queue.config
    rings_until_ms = min(turn.now_ms + config.offer_timeout_ms, search.until_ms)
    participants.invite(turn, contact, operator, "consult", contact.operator, rings_until_ms)
    turn.state.offers_made += 1
    operator.last_offer = turn.state.offers_made


def _say(turn: Turn, contact: Contact, search: Search, change: str) -> None:
    assert contact.operator is not None
    holder = turn.state.operators[contact.operator]
    turn.emit(
        SearchChanged(
            contact.contact, holder.operator, holder.position, change, search.queue, search.room, len(search.asked)
        )
    )
    turn.touch_contact(contact.contact)


# --- whom -------------------------------------------------------------------------------------------------------------


def _queue(state: State, search: Search) -> Queue | None:
    """By its present rules, if it still takes anybody."""
    queue = None if search.queue is None else state.queues.get(search.queue)
    return None if queue is None or queue.retired else queue


def _is_room(state: State, room: RoomId | None) -> bool:
    known = any(row.room == room for row in state.config.national.rooms)
    return known or room in state.own_queues or room in state.by_room


def _next(state: State, contact: Contact, search: Search) -> Operator | None:
    """The first who may be asked and was not."""
    if len(search.asked) >= MAX_ASKED:
        return None
    if search.queue is not None:
        queue = _queue(state, search)
        benches = iter(()) if queue is None else _benches_of_queue(state, contact, queue)
    else:
        assert search.room is not None
        benches = _benches_of_room(state, search.room, contact)
    for bench, lane in benches:
        found = _first(bench, lane, search)
        if found is not None:
            return found
    return None


def _benches_of_queue(state: State, contact: Contact, queue: Queue) -> Iterator[tuple[Bench, int]]:
    """Where those sit whom a caller of the queue gets, step by step up to where that one would leave it. Steps that
    hang on a condition are left out, since it is about those who wait."""
    config = queue.config
    caller = Contact(ContactId(""), config.queue, config.klass, "", {}, 0, 0, 0, 0, language=contact.language)
    for _, number in sorted((step.after_ms, number) for number, step in enumerate(queue.steps)):
        step = queue.steps[number]
        if step.when is not None:
            continue
        if step.overflow_queue is not None or step.overflow_number:
            return
        caller.fired |= 1 << number
        yield from ((bench, _open_for(lane)) for bench, lane in planning.need_of(state, caller, queue).benches)


def _open_for(lane: int) -> int:
    """Who may be asked of those that sit there: neither in a chat that must not be interrupted nor in reserve."""
    return lanes.QUIET if lane == lanes.QUIET else lanes.CALL


def _benches_of_room(state: State, room: RoomId, contact: Contact) -> Iterator[tuple[Bench, int]]:
    """Those of the room who can serve the contact's queue, then all others there, by how long they have been idle. What
    the contact itself may not interrupt is not interrupted for it either."""
    if not state.index.crews_in.get(room):
        return
    config = state.queue_of(contact).config
    lane = _open_for(lanes.lane_of(contact, config, use_reserves=False))
    rooms, people = state.index.room_set(frozenset((room,))), state.operators.values()
    for skills in dict.fromkeys((skills_of(config.skills), ())):
        profile = state.index.profile(skills, people)
        yield state.index.bench(rooms, profile, (), Strategy.LONGEST_IDLE, lanes.CALL), lane


def _first(bench: Bench, lane: int, search: Search) -> Operator | None:
    """The first who is open for the lane and was not asked; those before are looked past and put back."""
    looked_past: list[BenchEntry] = []
    found = None
    while (entry := bench.take()) is not None:
        looked_past.append(entry)
        operator = entry[-1]
        if operator.lanes & lane and operator.operator not in search.asked:
            found = operator
            break
    bench.put_back(looked_past)
    return found
