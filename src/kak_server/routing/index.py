"""Who may serve whom, kept ready: crews of equal operators, lines of equal contacts, and the ways between them.

Cost per event: an operator who becomes free looks at the first contact of each hub its crew has (a hub for each set of
rooms it belongs to and each lane, however many queues, contacts or operators there are); a contact looks at the first
of one bench per widening. Things that were never asked for before (a set of rooms, a profile of skills, a crew) are
made at their first use, which looks at crews and operators once.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.needs import Bench, Crew, CrewName, Hub, Line, Profile, RoomSet, Skills, WaitKey, reaches
from kak_server.routing.ordered import Ordered
from kak_server.routing.rooms_rows import Room
from kak_server.routing.words_workflow import Strategy

if TYPE_CHECKING:
    from kak_server.routing.state import Operator

NO_ROOM = RoomId("")


class Index:
    """All of it. Derived from rows and rules alone; a snapshot leaves it out."""

    __slots__ = ("_benches", "_lines", "_sets", "crews", "crews_in", "named", "own_lines", "profiles", "sets_with")

    def __init__(self) -> None:
        self.profiles: dict[Skills, Profile] = {}
        self.crews: dict[CrewName, Crew] = {}
        self.crews_in: dict[RoomId, list[Crew]] = {}
        self.sets_with: dict[RoomId, list[RoomSet]] = {}
        self.own_lines: dict[RoomId, list[Line]] = {}  # of emergencies, by their own room
        self.named: dict[OperatorId, Ordered[WaitKey]] = {}  # contacts that wait for this operator alone
        self._sets: dict[frozenset[RoomId], RoomSet] = {}
        self._lines: dict[tuple[int, int, int, RoomId], Line] = {}
        self._benches: dict[tuple[int, int, Skills, Strategy, int], Bench] = {}

    # --- what contacts need ---

    def profile(self, skills: Skills, people: "Iterable[Operator]") -> Profile:
        """The profile of these needed skills. At its first use the crews of those who have them change."""
        found = self.profiles.get(skills)
        if found is None:
            found = self.profiles[skills] = Profile(skills, len(self.profiles))
            for operator in people:
                if reaches(operator.skills, skills):
                    self._change_crew(operator, self.crew_of(operator))
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
            found = self._lines[name] = Line(rooms, profile, lane, origin, len(self._lines), sharing)
            rooms.lines.append(found)
            self.own_lines.setdefault(origin, []).append(found)
            for mask, hub in self._hubs(rooms, lane).items():
                if mask & profile.bit:
                    found.hubs.append(hub)
        return found

    def bench(self, rooms: RoomSet, profile: Profile, preferred: Skills, strategy: Strategy, lane: int) -> Bench:
        """Where operators of these rooms who are open for the lane sit in that order."""
        name = (rooms.number, profile.bit, preferred, strategy, lane)
        found = self._benches.get(name)
        if found is None:
            found = self._benches[name] = Bench(rooms, profile, preferred, strategy, lane)
            rooms.benches.append(found)
            for crew in self.crews_of(rooms.rooms):
                if crew.mask_in(rooms.rooms, lane) & profile.bit:
                    crew.benches.append(found)
                    crew.changed()
                    for operator in crew.people.values():
                        if operator.lanes & crew.opens(found):
                            found.sit(operator)
        return found

    # --- what operators have ---

    def join_crew(self, operator: "Operator") -> None:
        """The operator signed in, or came to another room or other skills. Not while it sits on benches."""
        operator.crew = self._crew(self.crew_of(operator))
        operator.crew.people[operator.operator] = operator

    def crew_of(self, operator: "Operator") -> CrewName:
        """Where the operator belongs."""
        has = [profile for profile in self.profiles.values() if reaches(operator.skills, profile.skills)]
        only, loan = operator.only, operator.duty.loan
        mask = sum(profile.bit for profile in has if only is None or profile.skills in only)
        if loan is None or not loan.own_emergencies:
            return operator.serves_room, mask, NO_ROOM, 0
        return operator.serves_room, mask, operator.room, sum(profile.bit for profile in has)

    def leave_crew(self, operator: "Operator") -> None:
        """The operator signs out or changes."""
        del operator.crew.people[operator.operator]

    def sit(self, operator: "Operator", lanes: int) -> None:
        """The operator is open for these lanes from now on (0: for nothing), and stands where contacts look."""
        operator.stamp += 1
        operator.lanes = lanes
        if lanes:
            for bench in operator.crew.benches_for(lanes):
                bench.sit(operator)

    def _change_crew(self, operator: "Operator", name: CrewName) -> None:
        """A profile that is new is met: nobody waits for it and nobody sits for it yet."""
        former = operator.crew
        del former.people[operator.operator]
        available = former.available.pop(operator.operator, None)
        crew = operator.crew = self._crew(name)
        crew.people[operator.operator] = operator
        if available is not None:
            crew.available[operator.operator] = operator

    def _crew(self, name: CrewName) -> Crew:
        found = self.crews.get(name)
        if found is None:
            found = self.crews[name] = Crew(name)
            sets: dict[int, RoomSet] = {}
            for room in (found.room, found.home) if found.home else (found.room,):
                self.crews_in.setdefault(room, []).append(found)
                sets.update((rooms.number, rooms) for rooms in self.sets_with.get(room, ()))
            for rooms in sets.values():
                for lane in rooms.hubs:
                    self._look(found, rooms, lane)
                for bench in rooms.benches:
                    if bench.profile.bit & found.mask_in(rooms.rooms, bench.lane):
                        found.benches.append(bench)
        return found

    def crews_of(self, rooms: Iterable[RoomId]) -> list[Crew]:
        """The crews that look in any of these rooms, each once."""
        found: dict[int, Crew] = {}
        for room in sorted(rooms):
            found.update((id(crew), crew) for crew in self.crews_in.get(room, ()))
        return list(found.values())

    def _look(self, crew: Crew, rooms: RoomSet, lane: int) -> None:
        """The crew looks for contacts that wait for these rooms in the lane."""
        mask = crew.mask_in(rooms.rooms, lane)
        if mask:
            crew.hubs.append(self._hub(rooms, lane, mask))

    # --- hubs ---

    def _hubs(self, rooms: RoomSet, lane: int) -> dict[int, Hub]:
        """The hubs of a set of rooms in a lane, by what operators have; at first use for every crew there is."""
        found = rooms.hubs.get(lane)
        if found is None:
            found = rooms.hubs[lane] = {}
            for crew in self.crews_of(rooms.rooms):
                self._look(crew, rooms, lane)
                crew.changed()
        return found

    def _hub(self, rooms: RoomSet, lane: int, mask: int) -> Hub:
        hubs = rooms.hubs[lane]
        found = hubs.get(mask)
        if found is None:
            found = hubs[mask] = Hub(mask, lane)
            for line in rooms.lines:
                if line.lane == lane and line.profile.bit & mask:
                    line.hubs.append(found)
                    rank = line.rank()
                    if rank:
                        found.push(rank, line)
        return found
