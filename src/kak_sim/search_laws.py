"""Somebody of a queue or a room is sought to talk with first: who is asked, that each is asked once, and that no search
ends unsaid or before its time.

Who may be asked is told by the routing oracle from the rows alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_sim import routing_oracle as oracle

SEARCH_MS = 60_000
RING_MIN_MS = 3_000
ASKED_MAX = 20


@dataclass(slots=True)
class Sought:
    """One search as the stream tells it."""

    queue: QueueId | None
    room: RoomId | None
    until_ms: int
    asked: list[OperatorId] = field(default_factory=list)
    rings: OperatorId | None = None


class SearchLaws:
    """Feed it every event with its effects and the state after it."""

    def __init__(self) -> None:
        self._sought: dict[ContactId, Sought] = {}

    def observe(self, event: api.Event, effects: tuple[api.Effect, ...], state: State) -> Iterator[str]:
        """What the step broke."""
        if isinstance(event, api.ColleagueSought):
            yield from self._said(event, effects, state)
        invitations = [effect for effect in effects if isinstance(effect, api.Offer) and effect.purpose]
        for effect in effects:
            contact = getattr(effect, "contact", None)
            sought = self._sought.get(contact) if contact is not None else None
            if isinstance(effect, api.SearchChanged):
                yield from self._changed(effect, state)
            elif sought is None:
                continue
            elif isinstance(effect, api.Offer) and not isinstance(event, api.ColleagueInvited):
                yield from _asked(effect, sought, state, judge_reserve=len(invitations) == 1)
            elif isinstance(effect, api.WithdrawOffer) and effect.operator == sought.rings:
                sought.rings = None
                if effect.reason == "accepted":
                    del self._sought[effect.contact]
            elif isinstance(effect, api.EndContact | api.ReleaseOperator):
                self._left(effect.contact, state)
        for name, sought in self._sought.items():
            if sought.rings is None:
                yield f"somebody is sought for {name} and nobody rings: {sought}"

    def _left(self, name: ContactId, state: State) -> None:
        """It ends or goes elsewhere: nobody is sought any more. If it goes to a colleague in it the search goes on."""
        row = state.contacts.get(name)
        if row is None or row.operator is None or row.moves.search is None:
            self._sought.pop(name, None)

    def _said(self, event: api.ColleagueSought, effects: tuple[api.Effect, ...], state: State) -> Iterator[str]:
        """Refused for nobody only where there is nobody."""
        said_no = next((effect.code for effect in effects if isinstance(effect, api.Refused)), "")
        if said_no:
            if said_no == "nobody-free":
                sought = Sought(event.queue, None if event.queue is not None else event.room, 0)
                yield from _left_out(sought, event.contact, state)
            return
        if event.contact in self._sought:
            yield f"{event.contact}: somebody is sought twice"
        room = None if event.queue is not None else event.room
        self._sought[event.contact] = Sought(event.queue, room, state.now_ms + SEARCH_MS)

    def _changed(self, effect: api.SearchChanged, state: State) -> Iterator[str]:
        sought = self._sought.get(effect.contact)
        if sought is None or (sought.queue, sought.room) != (effect.queue, effect.room):
            yield f"{effect} is about no search"
            return
        if effect.change == "begun":
            return
        del self._sought[effect.contact]
        if effect.asked != len(sought.asked):
            yield f"{effect.contact}: {effect.asked} are said to have been asked, and were {sought.asked}"
        holder = state.contacts[effect.contact].operator
        if effect.operator != holder:
            yield f"{effect.operator} hears that nobody comes, and {holder} has {effect.contact}"
        left_ms = sought.until_ms - state.now_ms
        if effect.change == "time" and left_ms >= RING_MIN_MS:
            yield f"{effect.contact}: the search is over by time, and {left_ms} ms are left"
        if effect.change == "nobody" and len(sought.asked) < ASKED_MAX:
            yield from _left_out(sought, effect.contact, state)


def _asked(offer: api.Offer, sought: Sought, state: State, *, judge_reserve: bool) -> Iterator[str]:
    """The next one: may be asked, and was not."""
    rules = state.queues.get(sought.queue) if sought.queue is not None else None
    row = state.contacts[offer.contact]
    ring_ms = (rules or state.queue_of(row)).config.offer_timeout_ms
    if offer.operator in sought.asked:
        yield f"{offer.operator} is asked for {offer.contact} twice in one search"
    if offer.expires_at_ms != min(state.now_ms + ring_ms, sought.until_ms):
        yield f"{offer.operator} is asked until {offer.expires_at_ms}, the search ends at {sought.until_ms}"
    sought.asked.append(offer.operator)
    sought.rings = offer.operator
    operator = state.operators.get(offer.operator)
    if operator is None or operator.operator == row.operator:
        yield f"{offer.operator} is asked for {offer.contact} and cannot be"
        return
    idle = replace(operator, state=api.OperatorState.IDLE, contact=None)  # as it was just before
    if not _may(sought, row, idle, state, judge_reserve=judge_reserve):
        yield f"{offer.operator} is asked for {offer.contact} and is none of those sought: {sought}"
    best = min(_places(sought, row, state), default=None)
    mine = _place(sought, row, idle, state)
    if judge_reserve and best is not None and mine is not None and best < mine:
        yield f"{offer.operator} is asked for {offer.contact} in step {mine}, and somebody of step {best} is idle"


def _left_out(sought: Sought, name: ContactId, state: State) -> Iterator[str]:
    """Who could have been asked still."""
    row = state.contacts.get(name)
    for operator in state.operators.values() if row is not None else ():
        if row is not None and operator.operator not in sought.asked and _may(sought, row, operator, state):
            yield f"nobody is said to be left for {name}, and {operator.operator} may be asked: {sought}"


# --- who may be asked -------------------------------------------------------------------------------------------------


def _may(sought: Sought, row: Contact, operator: Operator, state: State, *, judge_reserve: bool = True) -> bool:
    return _place(sought, row, operator, state, judge_reserve=judge_reserve) is not None


def _places(sought: Sought, row: Contact, state: State) -> Iterator[int]:
    for operator in state.operators.values():
        place = None if operator.operator in sought.asked else _place(sought, row, operator, state)
        if place is not None:
            yield place


def _place(sought: Sought, row: Contact, operator: Operator, state: State, *, judge_reserve: bool = True) -> int | None:
    """After how many steps (of a room: 0 able, 1 anybody) the operator is one of those sought; None: never."""
    if not oracle.is_idle(operator) or (operator.chats and not operator.interruptible):
        return None
    if judge_reserve and _kept(operator, state):
        return None
    asked = _callers(sought, state) if sought.queue is not None else _of_room(sought, row, state)
    if sought.queue is None and row.klass is api.ContactClass.EMERGENCY:
        operator = replace(operator, chats=[])  # they may be interrupted for it, whatever its queue says
    return next((number for number, (one, wish) in enumerate(asked) if oracle.may(state, one, operator, wish)), None)


def _kept(operator: Operator, state: State) -> bool:
    served = operator.room if operator.duty.loan is None else operator.duty.loan.room
    reserve = next((row.reserve for row in state.config.national.rooms if row.room == served), 0)
    kept = oracle.guards(state, served, operator) if reserve else []
    return operator.operator in kept and len(kept) <= reserve


def _callers(sought: Sought, state: State) -> Iterable[tuple[Contact, oracle.Wish]]:
    """Callers of the queue as they wait, step by step."""
    queue = state.queues.get(sought.queue) if sought.queue is not None else None
    if queue is None or queue.retired:
        return
    one = Contact(ContactId(""), queue.config.queue, queue.config.klass, "", {}, 0, 0, 0, 0, rules=queue.rules)
    steps = sorted(enumerate(queue.steps), key=lambda pair: pair[1].after_ms)
    for number, step in steps:
        if step.when is not None:
            continue
        if step.overflow_queue is not None or step.overflow_number:
            return
        one.fired |= 1 << number
        yield one, oracle.wish(state, one)


def _of_room(sought: Sought, row: Contact, state: State) -> Iterable[tuple[Contact, oracle.Wish]]:
    """Who serves that room: able to serve the contact's queue, or not. Neither by what a loan has left them at home."""
    assert sought.room is not None
    plain = replace(row, klass=api.ContactClass.NORMAL, named=None)
    for skills in (dict(state.queue_of(row).config.skills), {}):
        yield plain, oracle.Wish(frozenset((sought.room,)), skills, use_reserves=False, own=sought.room)
