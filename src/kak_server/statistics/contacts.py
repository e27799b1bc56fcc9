"""Contacts on their way: which queue they stand in, and what became of those that arrived in a half hour."""

from collections.abc import Iterable
from dataclasses import dataclass

from kak_server.model.ids import ContactId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.state import State
from kak_server.statistics.book import Book
from kak_server.statistics.columns import (
    ABANDON_WAIT_MAX_MS,
    ABANDON_WAIT_MS,
    ABANDONED,
    ABANDONED_EARLY,
    ANSWER_WAIT_MAX_MS,
    ANSWER_WAIT_MS,
    ANSWERED,
    ANSWERED_IN_TIME,
    DIVERTED,
    LEFT_AGAIN,
    OFFERED,
    OVERFLOWS_IN,
    OVERFLOWS_OUT,
    PENDING,
    REQUEUES,
    TRANSFERS_IN,
    TURNED_AWAY,
    WAITING_PEAK,
)
from kak_server.statistics.halfhours import Cell, HalfHour, half_hour_of
from kak_server.statistics.people import own_room

TURNED_AWAY_CODES = frozenset({"limit", "unknown-queue"})


@dataclass(slots=True)
class Case:
    """A contact on its way. `home`: the queue it arrived for, to whose half hour `arrival_ms` its outcome is credited
    (-1: its arrival was not seen, or it is a call out). `queue`: where it is now."""

    contact: ContactId
    home: QueueId
    home_room: RoomId
    arrived_ms: int
    arrival_ms: int
    threshold_ms: int
    queue: QueueId
    room: RoomId
    outgoing: bool = False
    answered: bool = False
    waiting: bool = False
    outside: bool = False  # passed on to a number outside
    light: bool = False  # a chat
    joined_ms: int = 0  # a chat's: when its operator took it


class Contacts:
    """The rows of queues and of their own rooms, but for the work done in them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.cases: dict[ContactId, Case] = {}
        self.lines: dict[QueueId, dict[ContactId, int]] = {}  # queue -> contacts that wait or ring -> arrival (ms)

    def take_up(self, case: Case) -> None:
        """A contact as it was kept, in the order in which they were kept."""
        self.cases[case.contact] = case
        if case.waiting:
            self.lines.setdefault(case.queue, {})[case.contact] = case.arrived_ms

    def adopt(self, state: State) -> None:
        """Those that are here already, of whose arrival nothing is known."""
        for contact in state.contacts.values():
            room = own_room(contact.queue, state)
            case = Case(contact.contact, contact.queue, room, contact.arrived_at_ms, -1, 0, contact.queue, room)
            case.outgoing, case.answered = contact.outgoing, contact.answered_at_ms is not None
            self.cases[contact.contact] = case
            if contact.state in (api.ContactState.WAITING, api.ContactState.OFFERED):
                self.stand(case)

    def waits(self, effect: api.StartWaiting, state: State) -> None:
        """The contact has arrived, came back, was transferred or moved on: it stands in this queue."""
        room = own_room(effect.queue, state)
        case = self.cases.get(effect.contact)
        if case is None:
            case = self._arrives(effect, room, state)
        elif effect.reason == "requeued":
            self.at_queue(case.queue, case.room, REQUEUES)
        elif effect.reason == "transferred":
            self.at_queue(effect.queue, room, TRANSFERS_IN)
        elif effect.queue != case.queue:
            self.at_queue(case.queue, case.room, OVERFLOWS_OUT)
            self.at_queue(effect.queue, room, OVERFLOWS_IN)
        if case.waiting:
            self.step_out(case)
        case.outside = False
        case.queue, case.room = effect.queue, room
        self.stand(case)

    def _arrives(self, effect: api.StartWaiting, room: RoomId, state: State) -> Case:
        now_ms = self.book.now_ms
        queue = state.queues.get(effect.queue)
        case = Case(effect.contact, effect.queue, room, now_ms, half_hour_of(now_ms), 0, effect.queue, room)
        if queue is not None:
            case.threshold_ms = queue.config.threshold_ms
            cell = self.book.now.cell("queue", effect.queue, room)
            cell.threshold_ms, cell.goal_percent = queue.config.threshold_ms, queue.config.goal_percent
        row = state.contacts.get(effect.contact)
        case.light = row is not None and row.kind is api.ContactKind.CHAT
        self.cases[effect.contact] = case
        for _, cell in self._arrival_cells(case):
            cell.figures[OFFERED] += 1
            cell.figures[PENDING] += 1
        return case

    def _arrival_cells(self, case: Case) -> Iterable[tuple[HalfHour, Cell]]:
        """Where the outcome of the contact's arrival is written; nowhere for calls out and those not seen to arrive."""
        half_hour = self.book.of_arrival(case.arrival_ms)
        if half_hour is None:
            return ()
        return (
            (half_hour, half_hour.cell("queue", case.home, case.home_room)),
            (half_hour, half_hour.cell("room", case.home_room, case.home_room)),
        )

    def end(self, effect: api.EndContact, _state: State) -> None:
        """The contact is over: whoever nobody answered gave up, or was passed on to a number outside."""
        case = self.cases.pop(effect.contact, None)
        if case is None:
            return
        if case.waiting:
            self.step_out(case)
            if case.answered:
                self.at_queue(case.queue, case.room, LEFT_AGAIN)
        if case.answered or case.outgoing:
            return
        wait_ms = self.book.now_ms - case.arrived_ms
        for half_hour, cell in self._arrival_cells(case):
            figures = cell.figures
            figures[PENDING] -= 1
            self.book.touch(half_hour, cell)
            if case.outside:
                figures[DIVERTED] += 1
                continue
            figures[ABANDONED] += 1
            figures[ABANDONED_EARLY] += wait_ms <= case.threshold_ms
            figures[ABANDON_WAIT_MS] += wait_ms
            figures[ABANDON_WAIT_MAX_MS] = max(figures[ABANDON_WAIT_MAX_MS], wait_ms)

    def answered(self, case: Case, at_ms: int) -> None:
        """Somebody answered the contact of an arrival, so late after it."""
        wait_ms = max(0, at_ms - case.arrived_ms)
        for half_hour, cell in self._arrival_cells(case):
            figures = cell.figures
            figures[PENDING] -= 1
            figures[ANSWERED] += 1
            figures[ANSWERED_IN_TIME] += wait_ms <= case.threshold_ms
            figures[ANSWER_WAIT_MS] += wait_ms
            figures[ANSWER_WAIT_MAX_MS] = max(figures[ANSWER_WAIT_MAX_MS], wait_ms)
            self.book.touch(half_hour, cell)

    def refused(self, event: api.Event, effect: api.Refused, state: State) -> None:
        """An arrival that was turned away."""
        if type(event) is api.ContactArrived and effect.code in TURNED_AWAY_CODES and event.queue in state.queues:
            self.at_queue(event.queue, own_room(event.queue, state), TURNED_AWAY)

    def at_queue(self, queue: QueueId, room: RoomId, column: int) -> None:
        """One more, for the queue and its own room."""
        now = self.book.now
        now.cell("queue", queue, room).figures[column] += 1
        now.cell("room", room, room).figures[column] += 1

    def stand(self, case: Case) -> None:
        """The contact waits or rings in its queue."""
        case.waiting = True
        line = self.lines.setdefault(case.queue, {})
        line[case.contact] = case.arrived_ms
        self.peak(case.queue, len(line), case.room)

    def step_out(self, case: Case) -> None:
        """It does so no more."""
        case.waiting = False
        line = self.lines[case.queue]
        del line[case.contact]
        if not line:
            del self.lines[case.queue]

    def peak(self, queue: QueueId, length: int, room: RoomId) -> None:
        """So many stand in the queue now."""
        figures = self.book.now.cell("queue", queue, room).figures
        figures[WAITING_PEAK] = max(figures[WAITING_PEAK], length)
