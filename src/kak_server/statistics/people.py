"""Operators' time: what each does is read off the core's state after a step, and the time since is credited to it.

Reading the state rather than the events makes this indifferent to why somebody is idle or busy: a new event or command
needs nothing here.
"""

from dataclasses import dataclass

from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing.api import Activity, ContactState, OperatorState
from kak_server.routing.state import Operator, State
from kak_server.routing.words_moves import Part
from kak_server.statistics.book import Book
from kak_server.statistics.columns import (
    AFTER_CALL_MS,
    BESIDE,
    BREAK_MS,
    CHAT_MS,
    COLUMNS,
    CONNECTING_MS,
    DUTY_MS,
    HANDLE_HOLD_MS,
    HANDLE_TALK_MS,
    HANDLE_WRAP_UP_MS,
    HANDLED,
    HOLD_MS,
    IDLE_MS,
    OTHER_MS,
    RINGING_MS,
    TALK_MS,
    UNREACHABLE_MS,
    WRAP_UP_MS,
)
from kak_server.statistics.halfhours import Cell

BY_ACTIVITY = {Activity.AVAILABLE: IDLE_MS, Activity.BREAK: BREAK_MS, Activity.AFTER_CALL: AFTER_CALL_MS}
BY_STATE = {
    OperatorState.OFFERED: RINGING_MS,
    OperatorState.WRAP_UP: WRAP_UP_MS,
    OperatorState.UNREACHABLE: UNREACHABLE_MS,
}
BY_CONTACT = {
    ContactState.CONNECTING: CONNECTING_MS,
    ContactState.CONNECTED: TALK_MS,
    ContactState.HELD: HOLD_MS,
}
OF_A_QUEUE = frozenset({RINGING_MS, CONNECTING_MS, TALK_MS, HOLD_MS, WRAP_UP_MS})
NO_QUEUE, NO_ROOM = QueueId(""), RoomId("")
STATES = {number: COLUMNS[number].name.removesuffix("_ms") for number in range(IDLE_MS, OTHER_MS + 1)}


@dataclass(slots=True)
class Work:
    """One operator's piece of work with one contact, from accepting it to the end of the wrap-up."""

    contact: ContactId
    queue: QueueId
    queue_room: RoomId
    talked: bool = False
    released: bool = False
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0


@dataclass(slots=True)
class Person:
    """A signed-in operator: `doing` (a column) since `since_ms`, up to `counted_ms` credited. `queue` is that of the
    contact it is about, "" if it is about none. `contact`: the one offered or joined, chats aside. `paper` is the queue
    of paper work, also while somebody rings in the middle of it (`broken_into`), and then its work is not over."""

    operator: OperatorId
    room: RoomId
    doing: int
    since_ms: int
    counted_ms: int
    queue: QueueId = NO_QUEUE
    queue_room: RoomId = NO_ROOM
    contact: ContactId | None = None
    work: Work | None = None
    paper: QueueId = NO_QUEUE
    paper_room: RoomId = NO_ROOM
    broken_into: bool = False


def doing_of(row: Operator, state: State) -> int:
    """The column that this operator's time goes to now."""
    if row.state is OperatorState.BUSY:
        contact = state.contacts.get(row.contact) if row.contact is not None else None
        if contact is None:
            return OTHER_MS
        takes_part = contact.moves.participants.get(row.operator)
        if takes_part is not None and takes_part.part is not Part.MEMBER:
            return TALK_MS if takes_part.part is Part.CONSULT else OTHER_MS  # who listens in does not work with it
        return BY_CONTACT.get(contact.state, OTHER_MS)
    if row.chats and row.state in (OperatorState.IDLE, OperatorState.UNREACHABLE):
        return CHAT_MS
    if row.state is OperatorState.IDLE or (
        row.state is OperatorState.UNREACHABLE and row.activity is not Activity.AVAILABLE
    ):
        if row.activity is Activity.BREAK and row.reason and _is_duty(row.reason, state):
            return DUTY_MS
        return BY_ACTIVITY.get(row.activity, OTHER_MS)
    return BY_STATE.get(row.state, OTHER_MS)


def _went_on(person: Person, state: State) -> bool:
    """What rings has gone to another queue by a step of its workflow, and rings at the same one again."""
    contact = state.contacts.get(person.contact) if person.contact is not None else None
    return contact is not None and contact.queue != person.queue


def _is_duty(reason: str, state: State) -> bool:
    """The organisation counts the reason as working time."""
    return any(config.working and config.reason == reason for config in state.config.people.reasons)


class People:
    """All signed-in operators."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.here: dict[OperatorId, Person] = {}
        self._cells: dict[OperatorId, tuple[Cell, Cell]] = {}  # of this half hour and the operator's room

    def new_half_hour(self) -> None:
        """Figures go to other cells from here on."""
        self._cells.clear()

    def credit(self, person: Person) -> None:
        """The time since the last credit belongs to what the operator has been doing."""
        book = self.book
        now_ms = book.now_ms
        spent_ms = now_ms - person.counted_ms
        if not spent_ms:
            return
        person.counted_ms = now_ms
        doing = person.doing
        mine, room = self.cells(person)
        mine.figures[doing] += spent_ms
        room.figures[doing] += spent_ms
        if doing in OF_A_QUEUE:
            book.now.cell("queue", person.queue, person.queue_room).figures[doing] += spent_ms
            self.shared(person.queue, person.room).figures[doing] += spent_ms
            work = person.work
            if work is not None:
                if doing == TALK_MS:
                    work.talk_ms += spent_ms
                elif doing == HOLD_MS:
                    work.hold_ms += spent_ms
                elif doing == WRAP_UP_MS:
                    work.wrap_up_ms += spent_ms

    def credit_all(self) -> None:
        """Bring everybody's time up to now: at a half hour's end, and before figures are shown."""
        for person in self.here.values():
            self.credit(person)

    def meet(self, operator: OperatorId, state: State) -> Person | None:
        """The operator as known, or as the state has it; None if not signed in."""
        person = self.here.get(operator)
        if person is None and (row := state.operators.get(operator)) is not None:
            now_ms = self.book.now_ms
            person = self.here[operator] = Person(operator, row.room, IDLE_MS, now_ms, now_ms)
            self._turn_to(person, row, state, doing_of(row, state))
        return person

    def look(self, operator: OperatorId, state: State) -> None:
        """After a step that touched the operator: if that changed what they do, credit the time of before, and begin
        that of now."""
        row = state.operators.get(operator)
        person = self.here.get(operator)
        if person is None:
            self.meet(operator, state)
            return
        if row is None:
            self.credit(person)
            self._finish(person)
            del self.here[operator]
            self._cells.pop(operator, None)
            return
        doing = doing_of(row, state)
        if (
            doing == person.doing
            and row.contact == person.contact
            and row.room == person.room
            and (person.work is None or not person.work.released)
            and (doing != RINGING_MS or not _went_on(person, state))
        ):
            return
        self.credit(person)
        if row.room != person.room:
            person.room = row.room
            self._cells.pop(operator, None)
        self._turn_to(person, row, state, doing)

    def released(self, operator: OperatorId, contact: ContactId) -> None:
        """The operator was parted from the contact: the work ends with the wrap-up, or at once."""
        person = self.here.get(operator)
        if person is not None and person.work is not None and person.work.contact == contact:
            person.work.released = True

    def rings_no_more(self, operator: OperatorId, contact: ContactId) -> None:
        """The offer is over, taken or not: what rings from here on, be it the same contact, breaks into nothing unless
        paper work went on in between."""
        person = self.here.get(operator)
        if person is not None and person.contact == contact:
            person.broken_into = False

    def _turn_to(self, person: Person, row: Operator, state: State, doing: int) -> None:
        person.broken_into = doing == RINGING_MS and (row.wrap_up_until_ms is not None or person.broken_into)
        person.contact = row.contact
        work = person.work
        on_paper = doing == WRAP_UP_MS or person.broken_into
        if work is not None and not on_paper and (work.released or row.contact != work.contact):
            self._finish(person)
            work = None
        if doing == WRAP_UP_MS:
            self._take_paper(person)
        elif doing != RINGING_MS:
            person.paper, person.paper_room = NO_QUEUE, NO_ROOM
        if doing != person.doing:
            person.doing, person.since_ms = doing, self.book.now_ms
        if doing not in OF_A_QUEUE:
            person.queue, person.queue_room = NO_QUEUE, NO_ROOM
        elif (
            doing != WRAP_UP_MS and row.contact is not None and (contact := state.contacts.get(row.contact)) is not None
        ):
            person.queue, person.queue_room = contact.queue, own_room(contact.queue, state)
            if work is None and doing != RINGING_MS:
                work = person.work = Work(row.contact, person.queue, person.queue_room)
        if work is not None and doing in (TALK_MS, HOLD_MS):
            work.talked = True

    def _take_paper(self, person: Person) -> None:
        """Paper work is about the contact before it, and about that still where a recall in the middle came to
        nothing."""
        if person.doing == RINGING_MS and person.paper:
            person.queue, person.queue_room = person.paper, person.paper_room
        elif person.doing != WRAP_UP_MS:
            person.paper, person.paper_room = person.queue, person.queue_room

    def _finish(self, person: Person) -> None:
        """Work in which nobody was talked with leaves only its time."""
        work, person.work = person.work, None
        if work is None or not work.talked:
            return
        queue = self.book.now.cell("queue", work.queue, work.queue_room)
        for cell in (*self.cells(person), queue, self.shared(work.queue, person.room)):
            figures = cell.figures
            figures[HANDLED] += 1
            figures[HANDLE_TALK_MS] += work.talk_ms
            figures[HANDLE_HOLD_MS] += work.hold_ms
            figures[HANDLE_WRAP_UP_MS] += work.wrap_up_ms

    def cells(self, person: Person) -> tuple[Cell, Cell]:
        """The operator's and the room's."""
        pair = self._cells.get(person.operator)
        if pair is None:
            now = self.book.now
            mine = now.cell("operator", person.operator, person.room)
            mine.room = person.room
            pair = self._cells[person.operator] = (mine, now.cell("room", person.room, person.room))
        return pair

    def shared(self, queue: QueueId, room: RoomId) -> Cell:
        """What the operators of a room do for a queue."""
        return self.book.now.cell("queue-room", f"{queue}{BESIDE}{room}", room)


def own_room(queue: QueueId, state: State) -> RoomId:
    """The queue's first room; "" for a queue without rooms."""
    row = state.queues.get(queue)
    return row.config.rooms[0] if row is not None and row.config.rooms else NO_ROOM
