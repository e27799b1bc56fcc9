"""Crews: operators of one room who have the same of all that is asked for anywhere, and where these look and sit."""

from typing import TYPE_CHECKING

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.lane_bits import EMERGENCIES, EMERGENCY, OWN
from kak_server.routing.needs import Bench, Hub, Line, Skills

if TYPE_CHECKING:
    from kak_server.routing.index import Index
    from kak_server.routing.state import Operator

CrewName = tuple[RoomId, int, RoomId, int]
"""Room and mask; for people on loan also the home room whose emergencies they serve ("": none), and the mask there."""


class Crew:
    """The operators of one room who have the same of all that is asked for anywhere. Those who are lent to the room
    and stay there for the emergencies of their own have a crew apart, which looks in both rooms."""

    __slots__ = (
        "_benches",
        "_benches_away",
        "_benches_here",
        "_hubs",
        "_hubs_away",
        "_hubs_here",
        "available",
        "home",
        "home_mask",
        "mask",
        "people",
        "room",
        "rooms",
    )

    def __init__(self, name: CrewName, index: "Index") -> None:
        self.room, self.mask, self.home, self.home_mask = name
        away = bool(self.home) and self.home != self.room
        self.rooms = (self.room, self.home) if away else (self.room,)  # where it looks
        self.people: dict[OperatorId, Operator] = {}
        self.available: dict[OperatorId, Operator] = {}  # open for calls, were it not for reserves
        self._hubs_here = index.hubs_in.setdefault(self.room, [])
        self._hubs_away = index.hubs_in.setdefault(self.home, []) if away else []
        self._benches_here = index.benches_in.setdefault(self.room, [])
        self._benches_away = index.benches_in.setdefault(self.home, []) if away else []
        self._hubs: dict[int, tuple[int, int, tuple[Hub, ...]]] = {}  # by lanes, and how many were looked at for it
        self._benches: dict[int, tuple[int, int, tuple[Bench, ...]]] = {}

    @property
    def name(self) -> CrewName:
        """What it is known by."""
        return self.room, self.mask, self.home, self.home_mask

    def mask_in(self, rooms: frozenset[RoomId], lane: int) -> int:
        """What these operators may serve of what these rooms are asked for in the lane."""
        mask = self.mask if self.room in rooms else 0
        return mask | self.home_mask if lane & EMERGENCIES and self.home in rooms else mask

    def at_work(self, line: Line) -> bool:
        """They serve it as people of the room they work for, not for the sake of the home room alone."""
        return self.room in line.rooms.rooms and bool(self.mask & line.profile.bit)

    def opens(self, bench: Bench) -> int:
        """For which lanes one must be open to sit there. At home one is never in reserve, so nothing is kept for it."""
        return EMERGENCY if bench.lane == OWN and self.room not in bench.rooms.rooms else bench.lane

    def hubs_for(self, lanes: int) -> tuple[Hub, ...]:
        """Where these operators look for contacts, open as they are: what was known, and what was made since."""
        here, away = self._hubs_here, self._hubs_away
        seen, seen_away, found = self._hubs.get(lanes, (0, 0, ()))
        if seen == len(here) and seen_away == len(away):
            return found
        if self.home:
            made = here[seen:] + [one for one in away[seen_away:] if self.room not in one[0].rooms]
            new = [hub for at, hub in made if hub.lane & lanes and hub.bit & self.mask_in(at.rooms, hub.lane)]
        else:  # as with nearly everybody: all that is asked for here is asked of the room
            mask = self.mask
            new = [hub for _, hub in here[seen:] if hub.lane & lanes and hub.bit & mask]
        found = (*found, *new)
        self._hubs[lanes] = len(here), len(away), found
        return found

    def benches_for(self, lanes: int) -> tuple[Bench, ...]:
        """Where they sit, open as they are."""
        here, away = self._benches_here, self._benches_away
        seen, seen_away, found = self._benches.get(lanes, (0, 0, ()))
        if seen == len(here) and seen_away == len(away):
            return found
        if self.home:
            made = here[seen:] + [one for one in away[seen_away:] if self.room not in one.rooms.rooms]
            open_to = [one for one in made if self.opens(one) & lanes]
            new = [one for one in open_to if one.profile.bit & self.mask_in(one.rooms.rooms, one.lane)]
        else:
            mask = self.mask
            new = [one for one in here[seen:] if one.lane & lanes and one.profile.bit & mask]
        found = (*found, *new)
        self._benches[lanes] = len(here), len(away), found
        return found


class Seated:
    """Base of an operator's row: the crew; the lanes it is open for and sits on benches for (0: none); a stamp of
    its own for every time that changes; `only`: on loan, the needs it is lent for (None: all)."""

    if not TYPE_CHECKING:
        __slots__ = ("crew", "lanes", "only", "stamp")

    crew: Crew
    lanes: int
    only: frozenset[Skills] | None
    stamp: int
