"""Checks of workflows and rooms: names that must exist, ways that must end, steps that could never do anything."""

from collections.abc import Iterator

from kak_server.config.people import QueueSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.config.workflows import StepSection

Finding = tuple[Location, str]


def check_workflows(settings: Settings) -> Iterator[Finding]:
    """What is wrong: location and text."""
    yield from _rooms(settings)
    known = _Known(settings)
    for number, queue in enumerate(settings.queues):
        at: Location = ("queues", number, "workflow")
        if queue.workflow and queue.own_room_ms:
            yield ("queues", number, "own_room_ms"), "the workflow's steps say how long the own room is asked alone"
        for step_number, step in enumerate(queue.workflow):
            yield from _names(known, (*at, step_number), step)
            yield from _sense(queue, (*at, step_number), step)
        yield from _order(queue, at)
    yield from _cycles(settings)


def _rooms(settings: Settings) -> Iterator[Finding]:
    known = {room.id for room in settings.rooms}
    emergency_rooms = {queue.rooms[0] for queue in settings.queues if queue.klass == "emergency"}
    for number, room in enumerate(settings.rooms):
        for other_number, other in enumerate(room.neighbours):
            at: Location = ("rooms", number, "neighbours", other_number)
            if other not in known:
                yield at, f"there is no room {other}"
            elif other == room.id:
                yield at, "a room is not its own neighbour"
        if room.reserve and room.id not in emergency_rooms:
            yield ("rooms", number, "reserve"), "a reserve is for emergencies, and no such queue has this room first"


class _Known:
    """All names that steps may speak of, gathered once."""

    def __init__(self, settings: Settings) -> None:
        self.rooms = {room.id for room in settings.rooms}
        self.queues = {queue.id for queue in settings.queues}
        self.people = {person.username for person in settings.operators}
        self.calendars = settings.routing.calendars


def _names(known: _Known, at: Location, step: StepSection) -> Iterator[Finding]:
    for number, room in enumerate(step.rooms):
        if room not in known.rooms:
            yield (*at, "rooms", number), f"there is no room {room}"
    if step.overflow_queue is not None and step.overflow_queue not in known.queues:
        yield (*at, "overflow_queue"), f"there is no queue {step.overflow_queue}"
    if step.operator is not None and step.operator not in known.people:
        yield (*at, "operator"), f"there is no user {step.operator}"
    for key in ("on", "not_on"):
        name = getattr(step.when, key, None)
        if name is not None and name not in known.calendars:
            yield (*at, "when", key), f"there is no calendar {name} in routing.calendars"


def _sense(queue: QueueSection, at: Location, step: StepSection) -> Iterator[Finding]:
    for number, skill in enumerate(step.drop):
        if skill not in queue.skills:
            yield (*at, "drop", number), f"the queue asks for no skill {skill}"
    if step.ring_first > step.ring_max:
        yield (*at, "ring_first"), f"ring_first {step.ring_first} is above ring_max {step.ring_max}"
    if (step.strategy == "named") != (step.operator is not None):
        yield (*at, "operator"), "operator belongs to the strategy named, which needs it"
    if step.use_reserves and queue.klass != "emergency":
        yield (*at, "use_reserves"), "only emergencies may use the reserves of rooms"
    if step.overflow_queue is not None and step.overflow_number is not None:
        yield (*at, "overflow_number"), "either to a queue or to a number"
    if step.tell_position and step.announce is None:
        yield (*at, "tell_position"), "is told with an announcement: announce"
    when = step.when
    if when is not None and when.on is not None and when.not_on is not None:
        yield (*at, "when", "not_on"), "either on or not_on"


def _order(queue: QueueSection, at: Location) -> Iterator[Finding]:
    """Steps in the order of their times; whoever waits for one person alone does so for a time."""
    latest = 0
    alone: int | None = None
    for number, step in enumerate(queue.workflow):
        if step.after_ms < latest:
            yield (*at, number, "after_ms"), "comes before the step above it: steps are in the order of their times"
        latest = max(latest, step.after_ms)
        if step.strategy is not None:
            alone = number if step.strategy in ("sticky", "named") and queue.klass != "emergency" else None
        if step.overflow_queue is not None or step.overflow_number is not None:
            alone = None
    if alone is not None:
        yield (*at, alone, "strategy"), "one operator alone is asked, and no later step asks anybody else"


def _cycles(settings: Settings) -> Iterator[Finding]:
    """Queues that pass contacts on to each other for ever."""
    onward = {
        queue.id: [step.overflow_queue for step in queue.workflow if step.overflow_queue is not None]
        for queue in settings.queues
    }
    for number, queue in enumerate(settings.queues):
        seen: set[str] = set()
        ahead = list(onward[queue.id])
        while ahead:
            name = ahead.pop()
            if name == queue.id:
                yield ("queues", number, "workflow"), f"contacts that overflow from {queue.id} come back to it"
                break
            if name not in seen:
                seen.add(name)
                ahead += onward.get(name, [])
