"""What the auditor writes down of contacts and people, as the stream of events and effects tells it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api

WAITING, OFFERED, JOINING, TALKING, ALONE, PARKED = "waiting", "offered", "joining", "talking", "alone", "parked"
RANK = {api.ContactClass.EMERGENCY: 0, api.ContactClass.URGENT: 1, api.ContactClass.NORMAL: 2}


@dataclass(slots=True)
class Guest:
    """Somebody in a contact that another one holds: invited until `deadline_ms`, or in it."""

    contact: ContactId
    number: int
    deadline_ms: int | None
    part: api.Part = api.Part.MEMBER


@dataclass(slots=True)
class Case:
    """A contact as the stream tells it."""

    contact: ContactId
    queue: QueueId
    arrived_ms: int
    number: int
    entered_ms: int
    rules: api.QueueConfig  # those it came in on, or was told to follow since
    place: str = WAITING
    wide: bool = False
    head: bool = False
    epoch: int = 0
    operator: OperatorId | None = None
    position: PositionId | None = None
    deadline_ms: int | None = None
    outgoing: bool = False
    since_ms: int = 0  # whose turn it has been since: the arrival, or that of an earlier call in vain
    by_name: list[OperatorId] = field(default_factory=list)  # may be asked whatever they serve, each once
    asked_by_name: bool = False  # the present offer is such a one
    from_whom: OperatorId | None = None  # passed it on blindly, and may take it back
    sought_until_ms: int | None = None  # somebody of a queue or room is sought to talk with first
    expects: tuple[OperatorId, PositionId, int] | None = None  # is taken without an offer in this step
    passed: list[OperatorId] = field(default_factory=list)
    silent_in: RoomId | None = None  # as whose operator somebody let it ring out last, since the caller was talked with
    language: str = ""
    unsure: bool = False  # whether somebody was asked by name when it rang out last is not to be seen

    def stand(self, *, head: bool) -> None:
        """It waits. Somebody called who is left with nobody is theirs to take back who had them last."""
        self.head = head
        if head and self.outgoing and self.passed:
            self.from_whom = self.passed[-1]

    def is_home_of(self, person: "Person") -> bool:
        """Somebody called out of a room is left with nobody: who is lent from there and stays for its emergencies may
        be asked in the end, as all are whom it keeps for these."""
        lent = person.lent
        at_home = lent is not None and lent.own_emergencies and person.room in self.rules.rooms
        return at_home and self.outgoing and self.head

    def passes(self, operator: OperatorId) -> None:
        """Somebody let it pass: the last to be asked from now on."""
        self.passed = [*(other for other in self.passed if other != operator), operator]


@frozen
class Lent:
    """Where somebody on loan serves, for which queues (none: all), and whether the own room's emergencies stay."""

    room: RoomId
    queues: tuple[QueueId, ...]
    own_emergencies: bool


@dataclass(slots=True)
class Person:
    """An operator as the stream tells it."""

    operator: OperatorId
    position: PositionId
    room: RoomId
    skills: dict[str, int]
    activity: api.Activity
    media_up: bool
    idle_since_ms: int
    wrap_up_until_ms: int | None = None
    paper_until_ms: int | None = None  # paper work that waits while somebody asks by name
    silent_until_ms: int | None = None  # audio lost in a call: the grace ends then
    was_free: bool = False
    guest: Guest | None = None
    forced_out: bool = False  # to go, by a shift lead's word
    handing_over: bool = False  # the next shift stands by
    lent: "Lent | None" = None

    def has_no_paper_work(self) -> None:
        """Done with it, also where it waits for an offer."""
        self.wrap_up_until_ms = self.paper_until_ms = None

    def asked_no_more(self, reason: str, now_ms: int) -> None:
        """The offer is over. Paper work that waited for it goes on."""
        if reason in ("rejected", "expired"):
            self.idle_since_ms = now_ms
        paper_until_ms, self.paper_until_ms = self.paper_until_ms, None
        if reason != "accepted" and paper_until_ms is not None and paper_until_ms > now_ms:
            self.wrap_up_until_ms = paper_until_ms

    @property
    def leaving(self) -> bool:
        return self.forced_out or self.handing_over

    @property
    def ready(self) -> bool:
        return self.media_up and self.activity is api.Activity.AVAILABLE

    @property
    def unbound(self) -> bool:
        """Free, were it not for a contact."""
        return self.ready and self.guest is None and self.wrap_up_until_ms is None and not self.leaving


def holders(cases: Iterable[Case]) -> set[OperatorId]:
    """Everybody who has a contact or an offer."""
    return {case.operator for case in cases if case.operator is not None}


def serving_room(
    person: Person,
    rules: api.QueueConfig,
    rooms: tuple[RoomId, ...],
    queues: Mapping[QueueId, api.QueueConfig],
) -> RoomId | None:
    """As whose operator somebody may be asked for a queue that looks for these rooms' operators. Queues that need the
    same skills go along with those of a loan."""
    lent = person.lent
    if lent is None:
        return person.room if person.room in rooms else None
    if lent.own_emergencies and rules.klass is api.ContactClass.EMERGENCY and person.room in rooms:
        return person.room
    named = [queues[name].skills for name in lent.queues if name in queues]
    return lent.room if lent.room in rooms and (not lent.queues or rules.skills in named) else None


def rings_out(case: Case, person: Person, queues: Mapping[QueueId, api.QueueConfig]) -> None:
    """Nobody answered in time: whoever is farther out comes before those nearby now."""
    case.unsure = case.asked_by_name
    own = serving_room(person, case.rules, case.rules.rooms[:1], queues)
    case.silent_in = own or serving_room(person, case.rules, case.rules.rooms, queues)


def preference(
    person: Person, case: Case, queues: Mapping[QueueId, api.QueueConfig]
) -> tuple[int, bool, bool, int, str]:
    """Smaller is asked first: who has not let it pass, the own room (or, where that is silent, the others), who speaks
    the caller's language, the longest idle; of those who have let it pass whose pass is longest ago."""
    if person.operator in case.passed:
        return case.passed.index(person.operator), False, False, 0, ""
    own = case.rules.rooms[:1]
    outwards = case.silent_in in own
    nearby = serving_room(person, case.rules, own, queues) is not None
    speaks = bool(case.language) and person.skills.get(f"lang-{case.language}", 0) > 0
    return -1, nearby is outwards, not speaks, person.idle_since_ms, person.operator


def doubled(cases: Iterable[Case], people: Mapping[OperatorId, Person]) -> Iterator[str]:
    """One contact an operator, one operator a position; whoever holds a contact is here. A sentence for each else."""
    holders = Counter(case.operator for case in cases if case.operator is not None)
    for operator, count in holders.items():
        if count > 1:
            yield f"{operator} holds more than one contact"
        if operator not in people:
            yield f"{operator} holds a contact but has left"
        elif people[operator].guest is not None:
            yield f"{operator} holds a contact and is in another"
    seats = [person.position for person in people.values()]
    if len(seats) != len(set(seats)):
        yield "two operators at one position"


def unbounded(
    cases: Iterable[Case], people: Iterable[Person], due: set[int], calling: Callable[[Person], bool]
) -> Iterator[str]:
    """Every passing state has an armed timer at its deadline; a call without the operator's audio has one in the
    grace. A sentence for each that has none."""
    for case in cases:
        if case.deadline_ms is not None and case.deadline_ms not in due:
            yield f"{case.contact} is {case.place} until {case.deadline_ms} without a timer"
    for person in people:
        if calling(person) and not person.media_up and person.silent_until_ms not in due:
            yield f"{person.operator} is in a call without audio, and nothing will notice"
        if person.guest is not None and person.guest.deadline_ms is not None and person.guest.deadline_ms not in due:
            yield f"{person.operator} is invited until {person.guest.deadline_ms} without a timer"
        if person.wrap_up_until_ms is not None and person.wrap_up_until_ms not in due:
            yield f"{person.operator} is in wrap-up until {person.wrap_up_until_ms} without a timer"


def follow(cases: Iterable[Case], rules: Mapping[QueueId, api.QueueConfig], now_ms: int) -> None:
    """Contacts of these queues follow other rules from now on; who was asked wide stays so."""
    for case in cases:
        case.rules = rules.get(case.queue, case.rules)
        case.wide = case.wide or case.entered_ms + case.rules.own_room_ms <= now_ms


def retrain(people: Mapping[OperatorId, Person], changes: Iterable[api.OperatorRules]) -> None:
    """Other skills, at once; in such a step they are no measure for offers to others."""
    for rules in changes:
        if (person := people.get(rules.operator)) is not None:
            person.was_free = person.was_free and person.skills == dict(rules.skills)
            person.skills = dict(rules.skills)
