"""Routing events and effects to figures, one step at a time; the journal replayed gives the same.

What each kind of effect means stands in one table; a kind that is not in it is passed over. Cost per step: a few
additions for each effect, and for each operator it touched one look at the core's state. Only the end of a half hour
looks at everybody who is signed in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.state import State
from kak_server.statistics.book import Book
from kak_server.statistics.columns import (
    ABANDON_WAIT_MAX_MS,
    ABANDON_WAIT_MS,
    ABANDONED,
    ABANDONED_EARLY,
    ACCEPTED,
    ANSWER_WAIT_MAX_MS,
    ANSWER_WAIT_MS,
    ANSWERED,
    ANSWERED_IN_TIME,
    ANSWERS,
    CHAT_HANDLE_MS,
    CHATS,
    DIALED,
    DIALED_ANSWERED,
    DIVERTED,
    HANDED_OVER,
    LEFT_AGAIN,
    MADE_NOT_READY,
    MISSED,
    OFFERED,
    OFFERS,
    OVERFLOWS_IN,
    OVERFLOWS_OUT,
    PARKED,
    PENDING,
    REJECTED,
    REQUEUES,
    TRANSFERS_IN,
    TRANSFERS_OUT,
    TURNED_AWAY,
    WAITING_PEAK,
    WITHDRAWN,
)
from kak_server.statistics.halfhours import Cell, HalfHour, Row, half_hour_of
from kak_server.statistics.people import People, own_room

OFFER_ENDS = {"accepted": ACCEPTED, "rejected": REJECTED, "expired": MISSED}
RELEASES = {"transfer": TRANSFERS_OUT, "handed-over": HANDED_OVER}
LOSSES = frozenset({"media-lost", "connect-failed"})
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


class Reducer:
    """Feed it every step of the core, in order; take rows when `book.due`."""

    def __init__(self) -> None:
        self.book = Book()
        self.people = People(self.book)
        self.cases: dict[ContactId, Case] = {}
        self.lines: dict[QueueId, dict[ContactId, int]] = {}  # queue -> contacts that wait or ring -> arrival (ms)
        self.begun = False
        self._config: api.RoutingConfig | None = None
        self._touched: dict[OperatorId, None] = {}  # in this step, each looked at once
        self._effects: Mapping[type[Any], Callable[[Any, State], None]] = {
            api.StartWaiting: self._waits,
            api.Offer: self._offer,
            api.WithdrawOffer: self._offer_over,
            api.Connect: self._connect,
            api.DialOut: self._dial,
            api.OverflowOut: self._overflow_out,
            api.ReleaseOperator: self._release,
            api.EndContact: self._end,
            api.MadeNotReady: self._made_not_ready,
            api.Parked: self._parked,
            api.ParticipantLeft: self._participant_left,
            api.ContactChanged: self._contact_changed,
            api.OperatorChanged: self._operator_changed,
        }

    @property
    def handled_effects(self) -> frozenset[type[Any]]:
        """The kinds of effects that say something here."""
        return frozenset(self._effects)

    # --- feeding ------------------------------------------------------------------------------------------------------

    def step(self, event: api.Event, effects: Iterable[api.Effect], state: State) -> None:
        """One step of the core, with its state after it. Time going backwards is no time."""
        book = self.book
        if state.config is not self._config:
            self._config = state.config
            book.local = state.config.national.local
        if not self.begun:
            self.begun = True
            book.begin(event.now_ms, complete=True)
        if event.now_ms >= book.now.end_ms:
            self.advance(event.now_ms)
        elif event.now_ms > book.now_ms:
            book.now_ms = event.now_ms
        handlers = self._effects
        for effect in effects:
            handler = handlers.get(type(effect))
            if handler is not None:
                handler(effect, state)
            elif type(effect) is api.Refused:
                self._refused(event, effect, state)
        if self._touched:
            for operator in self._touched:
                self.people.look(operator, state)
            self._touched.clear()

    def advance(self, now_ms: int) -> None:
        """It is this late now: half hours that are over are closed, everybody's time shared out at the border."""
        book = self.book
        if not self.begun or now_ms <= book.now_ms:
            return
        while now_ms >= book.now.end_ms:
            book.now_ms = book.now.end_ms
            self.people.credit_all()
            quiet = not self.people.here and not self.lines
            book.next(half_hour_of(now_ms) if quiet else book.now.end_ms)
            self.people.new_half_hour()
            for queue, line in self.lines.items():
                self._peak(queue, len(line), self.cases[next(iter(line))].room)
        book.now_ms = now_ms

    def adopt(self, state: State) -> None:
        """Begin in the middle: a core of whose past no figures are known. The half hour is marked incomplete, and what
        becomes of the contacts that are here is not credited."""
        self.begun = True
        self.book.local = state.config.national.local
        self.book.begin(state.now_ms, complete=False)
        for operator in state.operators:
            self.people.meet(operator, state)
        for contact in state.contacts.values():
            room = own_room(contact.queue, state)
            case = Case(contact.contact, contact.queue, room, contact.arrived_at_ms, -1, 0, contact.queue, room)
            case.outgoing, case.answered = contact.outgoing, contact.answered_at_ms is not None
            self.cases[contact.contact] = case
            if contact.state in (api.ContactState.WAITING, api.ContactState.OFFERED):
                self._stand(case)

    def take_up(self, case: Case) -> None:
        """A contact as it was kept, in the order in which they were kept."""
        self.cases[case.contact] = case
        if case.waiting:
            self.lines.setdefault(case.queue, {})[case.contact] = case.arrived_ms

    def gap(self) -> None:
        """Events may be missing: the half hour of now is incomplete."""
        self.book.now.complete = False

    def take(self, limit: int | None = None) -> list[Row]:
        """Rows of half hours that are over, at most `limit`."""
        return self.book.take(limit)

    # --- a contact's way ----------------------------------------------------------------------------------------------

    def _waits(self, effect: api.StartWaiting, state: State) -> None:
        room = own_room(effect.queue, state)
        case = self.cases.get(effect.contact)
        if case is None:
            case = self._arrives(effect, room, state)
        elif effect.reason == "requeued":
            self._at_queue(case.queue, case.room, REQUEUES)
        elif effect.reason == "transferred":
            self._at_queue(effect.queue, room, TRANSFERS_IN)
        elif effect.queue != case.queue:
            self._at_queue(case.queue, case.room, OVERFLOWS_OUT)
            self._at_queue(effect.queue, room, OVERFLOWS_IN)
        if case.waiting:
            self._step_out(case)
        case.outside = False
        case.queue, case.room = effect.queue, room
        self._stand(case)

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

    def _contact_changed(self, effect: api.ContactChanged, state: State) -> None:
        row = state.contacts.get(effect.contact)
        case = self.cases.get(effect.contact)
        if row is None or case is None:
            return
        if not case.answered and row.answered_at_ms is not None:
            self._answered(case, row.answered_at_ms, row.operator, state)
        if row.operator is not None:
            self._touched[row.operator] = None
        for operator in row.moves.participants:  # the caller on hold, or back, changes what they do
            self._touched[operator] = None

    def _answered(self, case: Case, at_ms: int, operator: OperatorId | None, state: State) -> None:
        case.answered = True
        if case.outgoing:
            self._at_work(case, operator, DIALED_ANSWERED, state)
            return
        self._at_work(case, operator, ANSWERS, state)
        wait_ms = max(0, at_ms - case.arrived_ms)
        for half_hour, cell in self._arrival_cells(case):
            figures = cell.figures
            figures[PENDING] -= 1
            figures[ANSWERED] += 1
            figures[ANSWERED_IN_TIME] += wait_ms <= case.threshold_ms
            figures[ANSWER_WAIT_MS] += wait_ms
            figures[ANSWER_WAIT_MAX_MS] = max(figures[ANSWER_WAIT_MAX_MS], wait_ms)
            self.book.touch(half_hour, cell)

    def _end(self, effect: api.EndContact, _state: State) -> None:
        case = self.cases.pop(effect.contact, None)
        if case is None:
            return
        if case.waiting:
            self._step_out(case)
            if case.answered:
                self._at_queue(case.queue, case.room, LEFT_AGAIN)
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

    # --- offers and work ----------------------------------------------------------------------------------------------

    def _offer(self, effect: api.Offer, state: State) -> None:
        if effect.purpose:
            return  # a colleague asked into somebody's call: no work of a queue is offered
        person, row = self.people.here.get(effect.operator), state.operators.get(effect.operator)
        if person is not None and row is not None and person.room != row.room:
            self.people.look(effect.operator, state)  # in this very step the operator came to another room
        self._at_work(self.cases.get(effect.contact), effect.operator, OFFERS, state)

    def _offer_over(self, effect: api.WithdrawOffer, state: State) -> None:
        if effect.epoch > api.INVITES:
            return
        column = OFFER_ENDS.get(effect.reason, WITHDRAWN)
        self._at_work(self.cases.get(effect.contact), effect.operator, column, state)

    def _connect(self, effect: api.Connect, _state: State) -> None:
        case = self.cases.get(effect.contact)
        if case is not None:
            case.joined_ms, case.outside = self.book.now_ms, False
            if case.waiting:
                self._step_out(case)

    def _overflow_out(self, effect: api.OverflowOut, _state: State) -> None:
        case = self.cases.get(effect.contact)
        if case is not None:
            case.outside = True
            if case.waiting:
                self._step_out(case)

    def _dial(self, effect: api.DialOut, state: State) -> None:
        room = own_room(effect.queue, state)
        case = Case(effect.contact, effect.queue, room, self.book.now_ms, -1, 0, effect.queue, room, outgoing=True)
        self.cases[effect.contact] = case
        self._at_work(case, effect.operator, DIALED, state)

    def _release(self, effect: api.ReleaseOperator, state: State) -> None:
        self.people.released(effect.operator, effect.contact)
        column = RELEASES.get(effect.cause)
        case = self.cases.get(effect.contact)
        if case is not None and case.light:
            self._at_work(case, effect.operator, CHATS, state)
            self._at_work(case, effect.operator, CHAT_HANDLE_MS, state, self.book.now_ms - case.joined_ms)
        if column is not None:
            self._at_work(case, effect.operator, column, state)
        elif effect.cause in LOSSES and case is not None and (case.answered or not case.outgoing):
            person = self.people.meet(effect.operator, state)
            if person is not None:  # queue and room hear of it when the contact waits again
                self.people.cells(person)[0].figures[REQUEUES] += 1

    def _parked(self, effect: api.Parked, state: State) -> None:
        self._at_work(self.cases.get(effect.contact), effect.by, PARKED, state)

    def _participant_left(self, effect: api.ParticipantLeft, _state: State) -> None:
        self.people.released(effect.operator, effect.contact)

    def _made_not_ready(self, effect: api.MadeNotReady, state: State) -> None:
        self._at_work(None, effect.operator, MADE_NOT_READY, state)

    def _operator_changed(self, effect: api.OperatorChanged, _state: State) -> None:
        self._touched[effect.operator] = None

    def _refused(self, event: api.Event, effect: api.Refused, state: State) -> None:
        if type(event) is api.ContactArrived and effect.code in TURNED_AWAY_CODES and event.queue in state.queues:
            self._at_queue(event.queue, own_room(event.queue, state), TURNED_AWAY)

    # --- writing ------------------------------------------------------------------------------------------------------

    def _at_queue(self, queue: QueueId, room: RoomId, column: int) -> None:
        now = self.book.now
        now.cell("queue", queue, room).figures[column] += 1
        now.cell("room", room, room).figures[column] += 1

    def _at_work(
        self, case: Case | None, operator: OperatorId | None, column: int, state: State, amount: int = 1
    ) -> None:
        """Of the operator, of the room where the operator sits, and of the contact's queue."""
        person = None if operator is None else self.people.meet(operator, state)
        if person is not None:
            for cell in self.people.cells(person):
                cell.figures[column] += amount
        if case is not None:
            self.book.now.cell("queue", case.queue, case.room).figures[column] += amount

    def _stand(self, case: Case) -> None:
        case.waiting = True
        line = self.lines.setdefault(case.queue, {})
        line[case.contact] = case.arrived_ms
        self._peak(case.queue, len(line), case.room)

    def _step_out(self, case: Case) -> None:
        case.waiting = False
        line = self.lines[case.queue]
        del line[case.contact]
        if not line:
            del self.lines[case.queue]

    def _peak(self, queue: QueueId, length: int, room: RoomId) -> None:
        figures = self.book.now.cell("queue", queue, room).figures
        figures[WAITING_PEAK] = max(figures[WAITING_PEAK], length)
