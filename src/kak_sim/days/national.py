"""A day of the whole country: 113 and 116117 at their yearly volumes, on the rooms of a configuration.

Volumes: 746,000 calls a year to 113 and 3.2 million to 116117, spread over the centres by their seats and over hours
by the curves below, which are invented but shaped as such services are. Crews are what Erlang's formula C asks for on a
usual day at each hour, so that the peaks (five times the usual calls) are what the rules have to cope with.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from kak_server.config.compose import to_routing_config
from kak_server.config.settings import Settings
from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactClass, QueueConfig, Reach, RoutingConfig, Step
from kak_sim.days.habits import CallerHabits, OperatorHabits, Spread
from kak_sim.days.world import HOUR_MS, Shift, Stream, Surge, World

CALLS_A_YEAR: Mapping[ContactClass, int] = {ContactClass.EMERGENCY: 746_000, ContactClass.NORMAL: 3_200_000}
DAYS_A_YEAR = 365
PEAK = 5.0
PEAKS = ((9, 10), (17, 19))  # hours of the day

# Relative calls of each hour; scaled to mean 1.
_EMERGENCY = (0.7, 0.65, 0.6, 0.55, 0.5, 0.5, 0.6, 0.8, 1.0, 1.15, 1.25, 1.3, 1.3, 1.3, 1.3, 1.25, 1.25, 1.25, 1.2, 1.2,
              1.15, 1.05, 0.95, 0.8)  # fmt: skip
_LEGEVAKT = (0.4, 0.3, 0.25, 0.2, 0.2, 0.25, 0.4, 0.6, 0.9, 1.1, 1.2, 1.2, 1.1, 1.0, 1.0, 1.3, 1.9, 2.0, 1.9, 1.8,
             1.6, 1.3, 0.9, 0.6)  # fmt: skip
GOALS: Mapping[ContactClass, tuple[int, float]] = {
    ContactClass.EMERGENCY: (10_000, 0.9),
    ContactClass.NORMAL: (120_000, 0.8),
}
_TALK = {ContactClass.EMERGENCY: Spread(140_000, 0.6), ContactClass.URGENT: Spread(180_000, 0.6),
         ContactClass.NORMAL: Spread(280_000, 0.6)}  # fmt: skip
SHIFTS = ((0, 8), (8, 16), (16, 24))


@frozen
class Variant:
    """One way to route the same day."""

    name: str
    text: str
    change: Callable[[QueueConfig, Mapping[RoomId, RoomId]], QueueConfig]


def curve_of(klass: ContactClass) -> tuple[float, ...]:
    """24 weights of mean 1."""
    raw = _EMERGENCY if klass is ContactClass.EMERGENCY else _LEGEVAKT
    mean = sum(raw) / len(raw)
    return tuple(weight / mean for weight in raw)


def served(config: RoutingConfig) -> tuple[QueueConfig, ...]:
    """The queues of the two numbers: emergency and normal ones."""
    return tuple(queue for queue in config.queues if queue.klass in CALLS_A_YEAR)


def streams(settings: Settings, config: RoutingConfig, *, peaks: bool = True) -> tuple[Stream, ...]:
    """The day's calls to each queue, by the seats of its first room."""
    seats = {RoomId(room.id): len(room.seats()) for room in settings.rooms}
    surges = tuple(Surge(begin * HOUR_MS, end * HOUR_MS, PEAK) for begin, end in PEAKS) if peaks else ()
    found = []
    for klass, yearly in CALLS_A_YEAR.items():
        queues = [queue for queue in config.queues if queue.klass is klass]
        total = sum(seats[queue.rooms[0]] for queue in queues)
        for queue in queues:
            per_hour = yearly / DAYS_A_YEAR / 24 * seats[queue.rooms[0]] / total
            found.append(Stream(queue.queue, per_hour, curve_of(klass), surges))
    return tuple(found)


def wait_share(crew: int, load: float) -> float:
    """Erlang C: the share of calls that wait with `crew` operators and `load` erlang (1 if that is too little)."""
    if crew <= load:
        return 1.0
    blocked = 1.0
    for number in range(1, crew + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / crew * (1 - blocked))


def crew_for(calls_per_hour: float, handling_ms: float, goal_ms: int, share: float) -> int:
    """The smallest crew that answers `share` of the calls within `goal_ms` (Erlang C)."""
    load = calls_per_hour * handling_ms / HOUR_MS
    crew = max(1, math.ceil(load))
    while 1 - wait_share(crew, load) * math.exp(-(crew - load) * goal_ms / handling_ms) < share:
        crew += 1
    return crew


def shifts(settings: Settings, config: RoutingConfig, day: tuple[Stream, ...]) -> tuple[Shift, ...]:
    """Three shifts a room, crewed for the busiest usual hour in each."""
    skills = {room: operator.skills for operator in settings.operators for room in operator.rooms}
    own = {queue.rooms[0]: queue for queue in served(config)}
    rates = {stream.queue: stream for stream in day}
    found = []
    for room in settings.rooms:
        queue = own.get(RoomId(room.id))
        if queue is None:
            continue
        seats = room.seats()
        stream = rates[queue.queue]
        handling_ms = _TALK[queue.klass].median_ms + queue.wrap_up_ms
        for begin, end in SHIFTS:
            usual = max(stream.per_hour * stream.curve[hour] for hour in range(begin, end))
            crew = min(len(seats), crew_for(usual, handling_ms, *GOALS[queue.klass]))
            found += [
                Shift(
                    OperatorId(f"{room.id}.{begin:02d}.{number + 1}"),
                    PositionId(f"{seats[number][0]}.{begin:02d}"),
                    RoomId(room.id),
                    dict(skills[room.id]),
                    begin * HOUR_MS,
                    end * HOUR_MS if end < 24 else 32 * HOUR_MS,
                )
                for number in range(crew)
            ]
    return tuple(found)


def _alone(queue: QueueConfig, areas: Mapping[RoomId, RoomId]) -> QueueConfig:
    return replace(queue, rooms=queue.rooms[:1], own_room_ms=0, workflow=(Step(reach=Reach.OWN),))


def _as_configured(queue: QueueConfig, areas: Mapping[RoomId, RoomId]) -> QueueConfig:
    return queue


def _together(queue: QueueConfig, areas: Mapping[RoomId, RoomId]) -> QueueConfig:
    """Own room, then everybody with the skill in the country."""
    others = tuple(room for room in areas if room not in queue.rooms)
    alone_ms = 5_000 if queue.klass is ContactClass.EMERGENCY else 30_000
    steps = Step(reach=Reach.OWN), Step(after_ms=alone_ms, reach=Reach.QUEUE)
    return replace(queue, rooms=(*queue.rooms, *others), own_room_ms=0, workflow=steps)


VARIANTS = (
    Variant("alone", "each room answers its own calls only", _alone),
    Variant(
        "neighbour", "as configured: neighbours, then the region or the country help after a while", _as_configured
    ),
    Variant("country", "whoever has the skill helps, wherever, after 5 s (113) or 30 s (116117)", _together),
)


def world_of(settings: Settings, variant: Variant, *, peaks: bool = True) -> World:
    """The day under one variant; first calls and crews are the same in all of them, who calls again is not."""
    config = to_routing_config(settings)
    day = streams(settings, config, peaks=peaks)
    usual = streams(settings, config, peaks=False)
    rooms = {RoomId(room.id): RoomId(room.id) for room in settings.rooms if room.kind in ("amk", "legevakt")}
    changed = replace(config, queues=tuple(variant.change(queue, rooms) for queue in config.queues))
    habits = OperatorHabits(answer=Spread(2_000, 0.4, most_ms=14_000), talk=_TALK, transfers=0, hands_over=0)
    return World(variant.name, changed, shifts(settings, config, usual), day, 24.0, CallerHabits(), habits)


def queue_of_room(config: RoutingConfig) -> dict[QueueId, RoomId]:
    """The room whose service each queue is."""
    return {queue.queue: queue.rooms[0] for queue in config.queues}
