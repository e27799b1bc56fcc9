"""What the core remembers: contacts, operators, queues with their indexes, armed timers.

The rows are mutable and owned by one `RoutingCore`; nobody outside the room holds one (consoles get frozen views). The
indexes (who waits, who is idle, per queue) are derived from the rows: `snapshot.py` leaves them out and rebuilds them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from kak_server.model.codec import dumps
from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    CancelTimer,
    ContactChanged,
    ContactClass,
    ContactKind,
    ContactState,
    Effect,
    OperatorChanged,
    OperatorState,
    QueueConfig,
    Refused,
    RoutingConfig,
    SetTimer,
)
from kak_server.routing.crews import Seated
from kak_server.routing.duty import Duty, People
from kak_server.routing.index import Index
from kak_server.routing.moves import Moves
from kak_server.routing.needs import Need, Placed
from kak_server.routing.needs import WaitKey as WaitKey
from kak_server.routing.ordered import Ordered
from kak_server.routing.rooms_rows import Room
from kak_server.routing.workflow import steps_of

CLASS_RANK: Mapping[ContactClass, int] = {ContactClass.EMERGENCY: 0, ContactClass.URGENT: 1, ContactClass.NORMAL: 2}

_ALWAYS = frozenset({"queue", "name", "rooms"})
RULES_ID_CHARS = 32  # 128 bits of SHA-256

MAX_PASSED = 64
"""How many operators who let a contact pass are remembered for it; the oldest is forgotten first."""


@dataclass(slots=True)
class Contact(Placed):
    """One contact on its way. `passed`: operators who rejected, missed or lost it, oldest first."""

    contact: ContactId
    queue: QueueId
    klass: ContactClass
    caller: str
    attributes: Mapping[str, str]
    arrived_at_ms: int
    entered_at_ms: int  # into the present queue: the own-room clock runs from here
    serial: int
    since_ms: int
    state: ContactState = ContactState.WAITING
    wide: bool = False  # operators of all the queue's rooms are asked, not only the first room's
    head: bool = False
    epoch: int = 0
    operator: OperatorId | None = None
    offer_expires_at_ms: int | None = None
    answered_at_ms: int | None = None  # the first time it was connected
    connected_at_ms: int | None = None  # the last time
    cause: str = ""
    outgoing: bool = False  # called by us
    rules: str = ""  # content id of the queue's rules that it follows
    first_arrived_at_ms: int = 0  # when the caller first rang in vain; 0: this is the first call
    kind: ContactKind = ContactKind.VOICE
    own_klass: ContactClass | None = None  # said at arrival; otherwise the queue's
    priority_ms: int | None = None  # likewise
    skills: Mapping[str, int] = field(default_factory=dict)  # needed on top of the queue's
    preferred: Mapping[str, int] = field(default_factory=dict)
    area: str = ""
    language: str = ""
    identity: str = ""
    fired: int = 0  # the workflow's steps that are done, a bit each
    named: OperatorId | None = None  # only this operator is asked
    ringing: list[OperatorId] = field(default_factory=list)  # ring-all: who is asked beside `operator`
    standby: OperatorId | None = None  # answered second, and takes over if joining the first fails
    overflows: int = 0  # how often it went on to another queue
    outside: str = ""  # the number that a step has called for it, while it is there
    deaf: list[str] = field(default_factory=list)  # such numbers that answered and hung up at once
    moves: Moves = field(default_factory=Moves)
    passed: list[OperatorId] = field(default_factory=list)
    rang_out_in: RoomId | None = None  # the room where an offer rang out last, since the contact was talked with

    @property
    def order_ms(self) -> int:
        """Since when it has been the caller's turn."""
        return self.first_arrived_at_ms or self.arrived_at_ms

    def __post_init__(self) -> None:
        self.key = None
        self.note_wish()

    def note_wish(self) -> None:
        """What it wants beyond its queue, as its need is looked up by; to be done when that changes."""
        self.wish = None
        if self.language or self.skills or self.preferred:
            self.wish = self.language, tuple(self.skills.items()), tuple(self.preferred.items())

    def remember_pass(self, operator: OperatorId) -> None:
        """`operator` goes to the back for this contact."""
        if operator in self.passed:
            self.passed.remove(operator)
        self.passed.append(operator)
        del self.passed[:-MAX_PASSED]


@dataclass(slots=True)
class Operator(Seated):
    """One signed-in person. `idle_since_ms`: since the last call or missed offer ended, or it became
    available."""

    operator: OperatorId
    name: str
    position: PositionId
    room: RoomId
    skills: Mapping[str, int]
    activity: Activity
    media_up: bool
    since_ms: int
    idle_since_ms: int
    reason: str = ""
    state: OperatorState = OperatorState.IDLE
    contact: ContactId | None = None
    wrap_up_until_ms: int | None = None
    missed: int = 0
    rejected: int = 0
    chats_max: int = 0
    chats_in_call: int = 0
    interruptible: bool = True
    chats: list[ContactId] = field(default_factory=list)  # light contacts, joined
    chat_offer: ContactId | None = None  # a light contact on offer; never beside another offer
    last_offer: int = 0  # number of the newest offer made to this operator, of all offers
    busy_ms: int = 0  # spent on exclusive contacts and their paper work since sign-in
    signed_in_at_ms: int = 0
    duty: Duty = field(default_factory=Duty)

    def __post_init__(self) -> None:
        self.lanes = self.stamp = 0
        self.only = None

    @property
    def available(self) -> bool:
        """May be offered a contact now."""
        return self.state is OperatorState.IDLE and self.activity is Activity.AVAILABLE and not self.duty.leaving

    @property
    def serves_room(self) -> RoomId:
        """Whose contacts the operator is asked for: the own room's, or those of the room it is lent to."""
        return self.room if self.duty.loan is None else self.duty.loan.room


@dataclass(slots=True)
class Timer:
    """An armed timer: what it is about and when it is due (UTC ms)."""

    kind: str
    subject: str
    at_ms: int


@dataclass(slots=True)
class LastTalk:
    """Whom a caller talked with last, and when that began (UTC ms)."""

    operator: OperatorId
    at_ms: int


class Queue:
    """A queue's rules and who waits by them. A retired queue (gone from the configuration, or replaced by newer rules)
    empties itself. `rules` is the content id of the rules: contacts say by it which they follow."""

    __slots__ = ("config", "members", "needs", "retired", "rules", "steps", "waiting")

    def __init__(self, config: QueueConfig, *, retired: bool = False) -> None:
        self.config = config
        self.rules = rules_id(config)
        self.retired = retired
        self.steps = steps_of(config)
        self.members: dict[ContactId, None] = {}  # contacts of any state that belong here
        self.waiting: Ordered[WaitKey] = Ordered()
        self.needs: dict[tuple[object, ...], Need] = {}  # what contacts asked for before


def rules_id(config: QueueConfig) -> str:
    """The content id of a queue's rules: equal rules, equal id, in any process. What is as by default does not count,
    so that a program that knows more words gives old rules their old id."""
    said = {field.name: getattr(config, field.name) for field in fields(config)}
    plain = QueueConfig(config.queue, config.name, config.rooms)
    told = {name: value for name, value in said.items() if name in _ALWAYS or value != getattr(plain, name)}
    return hashlib.sha256(dumps(told)).hexdigest()[:RULES_ID_CHARS]


class State:
    """All of it. `ended` holds the contacts that ended in the last step and is not part of the digest."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.next_serial = 1
        self.config = RoutingConfig(queues=())
        self.contacts: dict[ContactId, Contact] = {}
        self.operators: dict[OperatorId, Operator] = {}
        self.positions: dict[PositionId, OperatorId] = {}
        self.timers: dict[str, Timer] = {}
        self.version = 0  # of the configuration, as the events that set it said
        self.queues: dict[QueueId, Queue] = {}
        self.older: dict[QueueId, dict[str, Queue]] = {}  # former rules that contacts still follow, by content id
        self.by_room: dict[RoomId, dict[OperatorId, None]] = {}  # who is signed in there
        self.own_queues: dict[RoomId, dict[Queue, None]] = {}  # by whatever rules, by their first room
        self.index = Index()
        self.rooms: dict[RoomId, Room] = {}  # those that have a state of their own
        self.rooms_epoch = 0  # grows when rooms open or close: what contacts need may be another then
        self.callers: dict[str, LastTalk] = {}  # whom callers talked with last, oldest first
        self.offers_made = 0
        self.help_clock = 0  # what the callers of the room that was helped last had got, by weight
        self.slots: dict[RoomId, dict[int, ContactId]] = {}  # park slots that are taken
        self.ended: dict[ContactId, Contact] = {}
        self.people = People()
        self.watcher: Callable[[State, Contact, Operator], None] | None = None  # told of each offer before it is made

    def room(self, room: RoomId) -> Room:
        """The room's row, made at its first use."""
        found = self.rooms.get(room)
        if found is None:
            found = self.rooms[room] = Room(room)
        return found

    def seat_in_room(self, operator: Operator, former: RoomId | None = None) -> None:
        """The operator counts to its room, and no longer to the former one."""
        if former is not None:
            self.unseat(operator.operator, former)
        self.by_room.setdefault(operator.room, {})[operator.operator] = None

    def unseat(self, operator: OperatorId, room: RoomId) -> None:
        """The operator counts to that room no more."""
        people = self.by_room[room]
        del people[operator]
        if not people:
            del self.by_room[room]

    def queue_of(self, contact: Contact) -> Queue:
        """The contact's queue with the rules it follows. O(1)."""
        queue = self.queues.get(contact.queue)
        if queue is not None and queue.rules == contact.rules:
            return queue
        return self.older[contact.queue][contact.rules]

    def versions_of(self, queue: QueueId) -> list[Queue]:
        """The queue by its present rules, if it has some, and by the former ones that contacts still follow."""
        present = self.queues.get(queue)
        former = self.older.get(queue, {}).values()
        return [*former] if present is None else [present, *former]

    def all_queues(self) -> Iterator[Queue]:
        """Every queue by every rules there are."""
        yield from self.queues.values()
        for former in self.older.values():
            yield from former.values()

    def adopt(self, queue: Queue) -> Queue:
        """These rules are new: the own room knows its queues."""
        for room in queue.config.rooms[:1]:
            self.own_queues.setdefault(room, {})[queue] = None
        return queue

    def forget(self, queue: Queue) -> None:
        """These rules are no more: nobody follows them."""
        name = queue.config.queue
        for room in queue.config.rooms[:1]:
            del self.own_queues[room][queue]
            if not self.own_queues[room]:
                del self.own_queues[room]  # a room is known by what it has, not by what it had
        if self.queues.get(name) is queue:
            del self.queues[name]
            return
        former = self.older[name]
        del former[queue.rules]
        if not former:
            del self.older[name]


class Turn:
    """One step in the making: the state, the time, and the effects so far."""

    __slots__ = ("_contacts", "_operators", "effects", "emptied", "lapsed", "now_ms", "state")

    def __init__(self, state: State, now_ms: int) -> None:
        self.state = state
        self.emptied: list[QueueId] = []  # former rules of these went with their last contact
        self.lapsed: tuple[Contact, ...] = ()  # somebody who was sought for them does not come
        self.now_ms = now_ms
        self.effects: list[Effect] = []
        self._contacts: dict[ContactId, None] = {}
        self._operators: dict[OperatorId, None] = {}

    def emit(self, effect: Effect) -> None:
        """Add an effect; the order is the order of doing."""
        self.effects.append(effect)

    def refuse(
        self, code: str, text: str, operator: OperatorId | None = None, contact: ContactId | None = None
    ) -> None:
        """Answer an event that cannot be obeyed."""
        self.effects.append(Refused(code, operator, contact, text))

    def touch_contact(self, contact: ContactId) -> None:
        """Consoles must redraw it; said once, at the end of the step."""
        self._contacts[contact] = None

    def touch_operator(self, operator: OperatorId) -> None:
        """Consoles must redraw it; said once, at the end of the step."""
        self._operators[operator] = None

    def touched_operators(self) -> list[OperatorId]:
        """Those said so far."""
        return list(self._operators)

    def set_timer(self, kind: str, subject: str, at_ms: int) -> None:
        """Arm or move the timer `kind:subject`."""
        key = f"{kind}:{subject}"
        self.state.timers[key] = Timer(kind, subject, at_ms)
        self.effects.append(SetTimer(key, at_ms))

    def cancel_timer(self, kind: str, subject: str) -> None:
        """Disarm it if armed."""
        key = f"{kind}:{subject}"
        if self.state.timers.pop(key, None) is not None:
            self.effects.append(CancelTimer(key))

    def finish(self) -> tuple[Effect, ...]:
        """All effects, the redraw notices last."""
        effects = self.effects
        for contact in self._contacts:
            effects.append(ContactChanged(contact))
        for operator in self._operators:
            effects.append(OperatorChanged(operator))
        return tuple(effects)
