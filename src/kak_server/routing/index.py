"""Who may serve whom, kept ready: crews of equal operators, lines of equal contacts, and the ways between them.

Cost per event: an operator who becomes free looks at the first contact of each hub its crew has (a hub for each set of
rooms it belongs to and each lane, however many queues, contacts or operators there are); a contact looks at the first
of one bench per widening. Things that were never asked for before (a set of rooms, a profile of skills, a crew) are
made at their first use, which looks at crews and operators once.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.crews import Crew, CrewName
from kak_server.routing.needs import Bench, Hub, Line, Profile, RoomSet, Skills, WaitKey, reaches
from kak_server.routing.ordered import Ordered
from kak_server.routing.rooms_rows import Room
from kak_server.routing.words_workflow import Strategy

if TYPE_CHECKING:
    from kak_server.routing.state import Operator, Queue


NO_ROOM = RoomId("")


class Index:
    """All of it. Derived from rows and rules alone; a snapshot leaves it out. `hubs_in` and `benches_in` only grow: a
    room's crews look at what is new there, since contacts' own wishes make more of them at any time."""

    __slots__ = (
        "_benches",
        "_lines",
        "_open_in",
        "_sets",
        "_stamps",
        "benches_in",
        "crews",
        "crews_in",
        "hubs_in",
        "named",
        "own_lines",
        "passed",
        "profiles",
        "sets_with",
    )

    def __init__(self) -> None:
        self.benches_in: dict[RoomId, list[Bench]] = {}
        self.hubs_in: dict[RoomId, list[tuple[RoomSet, Hub]]] = {}
        self.profiles: dict[Skills, Profile] = {}
        self.crews: dict[CrewName, Crew] = {}
        self.crews_in: dict[RoomId, dict[CrewName, Crew]] = {}
        self.sets_with: dict[RoomId, list[RoomSet]] = {}
        self.own_lines: dict[RoomId, list[Line]] = {}  # by the own room of those who wait there
        self.named: dict[OperatorId, Ordered[WaitKey]] = {}  # contacts that wait for this operator alone
        # queues whose contacts look past a room because it is shut; until something is said of it
        self.passed: dict[RoomId, dict[Queue, None]] = {}
        self._sets: dict[frozenset[RoomId], RoomSet] = {}
        self._lines: dict[tuple[int, int, int, RoomId], Line] = {}
        self._benches: dict[tuple[int, int, Skills, Strategy, int], Bench] = {}
        self._stamps = 0
        self._open_in: dict[RoomId, dict[OperatorId, Operator]] = {}  # who sits on benches

    # --- what contacts need ---

    def profile(self, skills: Skills, people: "Iterable[Operator]") -> Profile:
        """The profile of these needed skills. At its first use the crews of those who have them change."""
        found = self.profiles.get(skills)
        if found is None:
            found = self.profiles[skills] = Profile(skills, len(self.profiles))
            for operator in people:
                if reaches(operator.skills, skills):
                    self._change_crew(operator)
        return found

    def room_set(self, rooms: frozenset[RoomId]) -> RoomSet:
        """These rooms together."""
        found = self._sets.get(rooms)
        if found is None:
            found = self._sets[rooms] = RoomSet(rooms, len(self._sets))
            for room in sorted(rooms):
                self.sets_with.setdefault(room, []).append(found)
        return found

    def line(self, rooms: RoomSet, profile: Profile, lane: int, origin: RoomId, sharing: Room | None = None) -> Line:
        """Where contacts of `origin` wait for these rooms' operators; its row where help is shared by weight."""
        name = (rooms.number, profile.bit, lane, origin)
        found = self._lines.get(name)
        if found is None:
            hub = rooms.hubs.get((lane, profile.bit))
            if hub is None:
                hub = rooms.hubs[lane, profile.bit] = Hub(profile, lane)
                for room in rooms.rooms:
                    self.hubs_in.setdefault(room, []).append((rooms, hub))
            found = self._lines[name] = Line(rooms, hub, origin, len(self._lines), sharing)
            hub.lines.append(found)
            self.own_lines.setdefault(origin, []).append(found)
        return found

    def bench(self, rooms: RoomSet, profile: Profile, preferred: Skills, strategy: Strategy, lane: int) -> Bench:
        """Where operators of these rooms who are open for the lane sit in that order."""
        name = (rooms.number, profile.bit, preferred, strategy, lane)
        found = self._benches.get(name)
        if found is None:
            found = self._benches[name] = Bench(rooms, profile, preferred, strategy, lane)
            rooms.benches.append(found)
            for room in rooms.rooms:
                self.benches_in.setdefault(room, []).append(found)
            for room in rooms.rooms:
                for operator in self._open_in.get(room, {}).values():
                    crew = operator.crew
                    twice = room == crew.home and crew.room in rooms.rooms
                    if (
                        operator.lanes & crew.opens(found)
                        and crew.mask_in(rooms.rooms, lane) & profile.bit
                        and not twice
                    ):
                        found.sit(operator)
        return found

    # --- what operators have ---

    def join_crew(self, operator: "Operator") -> None:
        """The operator signed in, or came to another room or other skills. Not while it sits on benches."""
        self._crew(operator)

    def crew_of(self, operator: "Operator") -> CrewName:
        """Where the operator belongs."""
        has = [profile for profile in self.profiles.values() if reaches(operator.skills, profile.skills)]
        only, loan = operator.only, operator.duty.loan
        mask = sum(profile.bit for profile in has if only is None or profile.skills in only)
        if loan is None or not loan.own_emergencies:
            return operator.serves_room, mask, NO_ROOM, 0
        return operator.serves_room, mask, operator.room, sum(profile.bit for profile in has)

    def leave_crew(self, operator: "Operator") -> None:
        """The operator signs out or changes. A crew without people is no more."""
        crew = operator.crew
        del crew.people[operator.operator]
        crew.available.pop(operator.operator, None)
        if not crew.people:
            del self.crews[crew.name]
            for room in crew.rooms:
                del self.crews_in[room][crew.name]

    def sit(self, operator: "Operator", lanes: int) -> None:
        """The operator is open for these lanes from now on (0: for nothing), and stands where contacts look."""
        self._stamps += 1
        operator.stamp = self._stamps
        operator.lanes = lanes
        crew = operator.crew
        if lanes:
            for room in crew.rooms:
                self._open_in.setdefault(room, {})[operator.operator] = operator
            for bench in crew.benches_for(lanes):
                bench.sit(operator)
            return
        for room in crew.rooms:
            if there := self._open_in.get(room):
                there.pop(operator.operator, None)

    def _change_crew(self, operator: "Operator") -> None:
        """A profile that is new is met: nobody waits for it and nobody sits for it yet."""
        available = operator.operator in operator.crew.available
        self.leave_crew(operator)
        self._crew(operator)
        if available:
            operator.crew.available[operator.operator] = operator

    def _crew(self, operator: "Operator") -> None:
        name = self.crew_of(operator)
        found = self.crews.get(name)
        if found is None:
            found = self.crews[name] = Crew(name, self)
            for room in found.rooms:
                self.crews_in.setdefault(room, {})[name] = found
        operator.crew = found
        found.people[operator.operator] = operator

    # --- where crews look and sit ---

    def crews_of(self, rooms: Iterable[RoomId]) -> list[Crew]:
        """The crews that look in any of these rooms, each once."""
        found: dict[CrewName, Crew] = {}
        for room in sorted(rooms):
            found.update(self.crews_in.get(room, {}))
        return list(found.values())
