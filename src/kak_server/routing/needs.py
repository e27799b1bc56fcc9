"""What contacts need and operators have, each distinct thing once: sets of rooms, skill profiles, lines, benches.

Everything that decides who may serve whom is an object shared by all whom it concerns, so that events compare objects,
not rooms and skills. A *line* holds the waiting contacts that the same operators may serve; a *bench* the operators who
may serve such contacts, best first.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Any

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.ordered import Ordered
from kak_server.routing.rooms_rows import Room
from kak_server.routing.words_workflow import Step, Strategy

if TYPE_CHECKING:
    from kak_server.routing.state import Operator

WaitKey = tuple[int, int, int, int, ContactId]
"""Class rank, 0 for a requeued contact (head of its class) else 1, arrival minus credit (ms), serial, contact."""

Skills = tuple[tuple[str, int], ...]
"""Skill and level, by name of skill."""

STALE_MAX = 16  # so many out of date in a row, and the rest of the heap is likely to be so too
HEAP_MIN = 256
"""A bench with fewer entries than that is not tidied."""


def skills_of(*sources: Mapping[str, int]) -> Skills:
    """One tuple of several mappings; of two levels of a skill the higher."""
    if len(sources) == 1 or not any(sources[1:]):
        return tuple(sorted(sources[0].items()))
    merged: dict[str, int] = {}
    for source in sources:
        for skill, level in source.items():
            merged[skill] = max(level, merged.get(skill, 0))
    return tuple(sorted(merged.items()))


def reaches(has: Mapping[str, int], needed: Skills) -> bool:
    """Every needed skill at its level or above."""
    return all(has.get(skill, 0) >= level for skill, level in needed)


class Profile:
    """Needed skills, and the bit that stands for having them."""

    __slots__ = ("bit", "skills")

    def __init__(self, skills: Skills, number: int) -> None:
        self.skills = skills
        self.bit = 1 << number


class RoomSet:
    """Rooms whose operators are asked together; its hubs by lane and profile."""

    __slots__ = ("benches", "hubs", "number", "rooms")

    def __init__(self, rooms: frozenset[RoomId], number: int) -> None:
        self.rooms = rooms
        self.number = number
        self.hubs: dict[tuple[int, int], Hub] = {}
        self.benches: list[Bench] = []


class Line:
    """Waiting contacts of one own room that the same operators may serve. `sharing`: the own room's row, where rooms
    share help by weight; then what its callers have got comes before arrival in the hub's order."""

    __slots__ = ("hub", "lane", "number", "origin", "profile", "rooms", "sharing", "waiting")

    def __init__(self, rooms: RoomSet, hub: "Hub", origin: RoomId, number: int, sharing: Room | None) -> None:
        self.rooms = rooms
        self.hub = hub
        self.profile = hub.profile
        self.lane = hub.lane
        self.origin = origin
        self.number = number
        self.sharing = sharing
        self.waiting: Ordered[WaitKey] = Ordered()

    def add(self, key: WaitKey) -> None:
        """A contact waits here."""
        self.waiting.add(key)
        if self.waiting.first is key:
            self.hub.push(key if self.sharing is None else self.rank(), self)

    def remove(self, key: WaitKey) -> None:
        """It waits no more. The hub finds out when it looks."""
        self.waiting.remove(key)

    def rank(self) -> "HubKey":
        """The place of its first contact among other lines; () if nobody waits."""
        key = self.waiting.first
        if key is None or self.sharing is None:
            return key or ()
        return *key[:2], self.sharing.helped, *key[2:]


HubKey = tuple[Any, ...]
"""A wait key, with what the room's callers have got before the arrival where help is shared."""

NOBODY: HubKey = (99,)
"""Comes after every wait key."""


class Hub:
    """The lines of one set of rooms, lane and profile, by their first contact.

    A heap whose entries may be out of date: without notice a line's first contact only ever gets later, so an entry is
    checked when it comes to the top. `_keys` says which entry of a line counts. `top` is the key on top, never later
    than the first contact's: of most hubs an operator looks at no more than that.
    """

    __slots__ = ("_keys", "bit", "heap", "lane", "lines", "profile", "top")

    def __init__(self, profile: Profile, lane: int) -> None:
        self.profile = profile
        self.bit = profile.bit
        self.lane = lane
        self.lines: list[Line] = []
        self.top: HubKey = NOBODY
        self.heap: list[tuple[HubKey, int, Line]] = []
        self._keys: dict[int, HubKey] = {}

    def push(self, rank: HubKey, line: Line) -> None:
        """`rank` is the line's now."""
        self._keys[line.number] = rank
        heappush(self.heap, (rank, line.number, line))
        if rank < self.top:
            self.top = rank

    def first(self) -> HubKey | None:
        """The first of all contacts in the lines. O(log lines), paid for by the contacts that came and left."""
        heap, keys = self.heap, self._keys
        while heap:
            key, number, line = heap[0]
            if keys.get(number) is not key:
                heappop(heap)
                continue
            actual: HubKey | None = line.waiting.first if line.sharing is None else line.rank()
            if actual is key or actual == key:
                self.top = key
                return key
            if not actual:
                heappop(heap)
                del keys[number]
            else:
                keys[number] = actual
                heapreplace(heap, (actual, number, line))
        self.top = NOBODY
        return None

    def first_not_of(self, room: RoomId) -> HubKey | None:
        """The first whose own room is another."""
        aside: list[tuple[HubKey, int, Line]] = []
        found = None
        while (key := self.first()) is not None:
            if self.heap[0][2].origin != room:
                found = key
                break
            aside.append(heappop(self.heap))
        for entry in aside:
            heappush(self.heap, entry)
        if aside:
            self.top = aside[0][0]
        return found


BenchEntry = tuple[Any, OperatorId, int, "Operator"]
"""Rank, operator, the stamp it had when it sat down, its row."""


class Bench:
    """Operators who are open for some of its lanes, may serve one kind of need, and in which order they are asked.

    A heap of entries that are out of date when the operator's stamp has moved on since.
    """

    __slots__ = ("_tidy_at", "heap", "lane", "preferred", "profile", "rooms", "strategy")

    def __init__(self, rooms: RoomSet, profile: Profile, preferred: Skills, strategy: Strategy, lane: int) -> None:
        self.rooms = rooms
        self.profile = profile
        self.preferred = preferred
        self.strategy = strategy
        self.lane = lane
        self.heap: list[BenchEntry] = []
        self._tidy_at = HEAP_MIN

    def rank(self, operator: "Operator") -> Any:
        """Smaller is asked earlier. Made of what does not change while the operator sits here."""
        strategy = self.strategy
        if strategy is Strategy.LONGEST_IDLE:
            if not self.preferred:
                return operator.idle_since_ms
            key: tuple[int, ...] = (operator.idle_since_ms,)
        elif strategy is Strategy.MOST_SKILLED:
            levels = sum(operator.skills.get(skill, 0) for skill, _ in (*self.profile.skills, *self.preferred))
            return -levels, operator.idle_since_ms
        elif strategy is Strategy.LEAST_OCCUPIED:
            signed_in_ms = max(1, operator.idle_since_ms - operator.signed_in_at_ms)
            key = (operator.busy_ms * 1_000 // signed_in_ms, operator.idle_since_ms)
        else:
            key = (operator.last_offer, operator.idle_since_ms)
        has = operator.skills
        return -sum(has.get(skill, 0) >= level for skill, level in self.preferred), *key

    def sit(self, operator: "Operator") -> None:
        """The operator may be asked."""
        heap = self.heap
        heappush(heap, (self.rank(operator), operator.operator, operator.stamp, operator))
        if len(heap) > self._tidy_at:
            self._tidy()

    def _tidy(self) -> None:
        """Without the entries that are out of date."""
        heap = self.heap
        heap[:] = [entry for entry in heap if entry[2] == entry[3].stamp]
        heapify(heap)
        self._tidy_at = max(HEAP_MIN, 2 * len(heap))

    def first(self, lane: int) -> "Operator | None":
        """Who is asked first of those who are open for the lane; None: nobody is."""
        heap, stale = self.heap, 0
        while heap:
            operator = heap[0][3]
            if heap[0][2] != operator.stamp:
                stale += 1
                if stale < STALE_MAX:
                    heappop(heap)
                else:  # as when everybody has become busy: one by one each would cost the depth of the heap
                    self._tidy()
            elif operator.lanes & lane:
                return operator
            else:
                return self._first_past(lane)
        return None

    def _first_past(self, lane: int) -> "Operator | None":
        """The first is not open for it: look past those who are not."""
        looked_past: list[BenchEntry] = []
        found = None
        while (entry := self.take()) is not None:
            looked_past.append(entry)
            if entry[3].lanes & lane:
                found = entry[3]
                break
        self.put_back(looked_past)
        return found

    def sitting(self) -> list[tuple[Any, OperatorId]]:
        """Everybody who sits here, in order, with the rank. For checks."""
        return sorted((rank, name) for rank, name, stamp, operator in self.heap if stamp == operator.stamp)

    def take(self) -> BenchEntry | None:
        """Take the first out, to look at the one after; `put_back` all of them."""
        heap, stale = self.heap, 0
        while heap:
            entry = heappop(heap)
            if entry[2] == entry[3].stamp:
                return entry
            stale += 1
            if stale == STALE_MAX:
                self._tidy()
        return None

    def put_back(self, entries: list[BenchEntry]) -> None:
        """What `take` took."""
        for entry in entries:
            heappush(self.heap, entry)


@frozen
class Need:
    """What a contact under its present step asks for: where it waits, and whom it looks at, own room first."""

    line: Line
    benches: tuple[tuple[Bench, int], ...]  # and the lane by which one looks
    strategy: Strategy
    step: Step  # the one that chose the strategy
    wide: bool  # others than the own room's operators are asked


class Placed:
    """Base of a contact's row: what is worked out of it and not kept. `need` while it belongs to a queue; `key` is its
    place in line while it stands there, otherwise None; `wish` what it asks for beside its queue (None: nothing)."""

    if not TYPE_CHECKING:  # mypy takes a dataclass's own slots for all there are
        __slots__ = ("key", "need", "wish")

    need: Need
    key: WaitKey | None
    wish: tuple[str, Skills, Skills] | None
