"""Rules that are complete and can never do what they say: a skill that nobody has, a room without seats enough, a
region that is none, a step of a workflow after which fewer are asked. Whoever builds up slowly publishes such rules on
purpose, so that they are no errors."""

from collections.abc import Iterator

from kak_server.config.people import QueueSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.model.light import frozen

Finding = tuple[Location, str]
NAMED = 3  # rooms in one warning


def rules_that_lead_nowhere(settings: Settings) -> Iterator[Finding]:
    """Location and text of each. Nothing is said of people while there are none."""
    regions = {room.id: room.region for room in settings.rooms}
    people, reach = _People.of(settings), _Reach.of(settings)
    for number, queue in enumerate(settings.queues):
        at: Location = ("queues", number)
        if settings.operators:
            yield from _skills(people, at, queue)
            yield from _crew(people, at, queue)
        for step_number, step in enumerate(queue.workflow):
            if step.reach == "region" and regions.get(queue.rooms[0]) is None:
                yield (*at, "workflow", step_number, "reach"), f"room {queue.rooms[0]} belongs to no region"
        yield from _narrowed(reach, at, queue)
    for number, room in enumerate(settings.rooms):
        seats = len(room.seats())
        if room.minimum_staff > seats:
            yield ("rooms", number, "minimum_staff"), f"room {room.id} has {seats} positions"


@frozen
class _Reach:
    """Which rooms are a room's neighbours, and which are of its region."""

    neighbours: dict[str, frozenset[str]]
    regions: dict[str, frozenset[str]]

    @classmethod
    def of(cls, settings: Settings) -> "_Reach":
        regions: dict[str, set[str]] = {}
        for room in settings.rooms:
            regions.setdefault(room.region or "", set()).add(room.id)
        members = {room.id: frozenset(regions[room.region]) for room in settings.rooms if room.region}
        return cls({room.id: frozenset(room.neighbours) for room in settings.rooms}, members)

    def rooms(self, reach: str, queue: QueueSection) -> frozenset[str]:
        """Of everything but the country."""
        own = queue.rooms[0]
        more: dict[str, frozenset[str]] = {
            "neighbours": self.neighbours.get(own, frozenset()),
            "region": self.regions.get(own, frozenset()),
            "queue": frozenset(queue.rooms),
        }
        return more.get(reach, frozenset()) | {own}


def _narrowed(reach: _Reach, at: Location, queue: QueueSection) -> Iterator[Finding]:
    """A step's reach is all who are asked from then on. Neighbours beyond the region are easily forgotten."""
    before: frozenset[str] | None = frozenset()  # None: everybody
    for number, step in enumerate(queue.workflow):
        if step.reach == "country":
            before = None
        elif step.reach is not None:
            now = reach.rooms(step.reach, queue) | frozenset(step.rooms)
            if lost := ["the rest of the country"] if before is None else sorted(before - now):
                yield (*at, "workflow", number, "reach"), f"no longer asks {_listed(lost)}, whom the step before asks"
            before = now
        elif before is not None:
            before |= frozenset(step.rooms or ()) | ({queue.rooms[0]} if step.rooms else set())


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


@frozen
class _People:
    """The highest level of each skill that somebody has, by room they may sit in; "" is anywhere."""

    levels: dict[tuple[str, str], int]
    rooms: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "_People":
        levels: dict[tuple[str, str], int] = {}
        for person in settings.operators:
            for skill, level in person.skills.items():
                for room in ("", *person.rooms):
                    levels[room, skill] = max(level, levels.get((room, skill), 0))
        return cls(levels, frozenset(room for person in settings.operators for room in person.rooms))


def _skills(people: _People, at: Location, queue: QueueSection) -> Iterator[Finding]:
    """What a workflow drops or lowers in time may be rare, and is no fault."""
    dropped = {skill for step in queue.workflow for skill in step.drop}
    relaxed = max((step.relax or 0 for step in queue.workflow), default=0)
    for skill, level in queue.skills.items():
        best = people.levels.get(("", skill), 0)
        if skill not in dropped and best < level - relaxed:
            have = f"nobody has more than {best}" if best else "nobody has it"
            yield (*at, "skills", skill), f"queue {queue.id} needs {skill} {level - relaxed}, and {have}"


def _crew(people: _People, at: Location, queue: QueueSection) -> Iterator[Finding]:
    if not any(room in people.rooms for room in queue.rooms):
        yield (*at, "rooms"), f"nobody may sit in a room that serves queue {queue.id}"
    elif queue.rooms[0] not in people.rooms:
        yield (*at, "rooms", 0), f"nobody may sit in {queue.rooms[0]}, the own room of queue {queue.id}"
