"""Worlds with workflows: rooms with neighbours, regions and reserves, steps that widen, relax, ring all and overflow,
chats beside calls, and leads who change all of it while it runs."""

from dataclasses import replace
from random import Random

from kak_server.model.ids import QueueId, RoomId
from kak_server.routing.api import (
    Condition,
    ContactClass,
    ContactKind,
    LocalTime,
    PeopleConfig,
    QueueConfig,
    Reach,
    RoomConfig,
    RoomsConfig,
    RoomState,
    RoutingConfig,
    Step,
    Strategy,
)
from kak_sim.days.habits import LeadHabits
from kak_sim.days.world import DAY_START_MS, SKILLS, Shift, Stream, World

MONDAY = DAY_START_MS // 86_400_000


def national(rng: Random, rooms: tuple[RoomId, ...]) -> RoomsConfig:
    """The rooms in a circle, two regions, some with a reserve."""
    rows = []
    for number, room in enumerate(rooms):
        neighbour = rooms[(number + 1) % len(rooms)]
        rows.append(
            RoomConfig(
                room,
                neighbours=(neighbour,) if neighbour != room else (),
                region=f"r{number % 2}",
                reserve=rng.choice((0, 0, 1, 2)),
                weight=rng.choice((1, 1, 3)),
                help_percent=rng.choice((0, 50, 100)),
            )
        )
    local = LocalTime((0, DAY_START_MS + 5_400_000), (3_600_000, 7_200_000))
    calendars = {"holidays": (MONDAY,)}
    return RoomsConfig(tuple(rows), rng.random() < 0.5, local, calendars, recheck_ms=rng.choice((2_000, 5_000, 15_000)))


def condition(rng: Random) -> Condition | None:
    """Nothing, or one thing that must hold."""
    return rng.choice(
        (
            None,
            None,
            None,
            Condition(classes=(ContactClass.EMERGENCY,)),
            Condition(kinds=(ContactKind.VOICE,)),
            Condition(from_min=60, until_min=120),
            Condition(weekdays=(0,), calendar="holidays", in_calendar=rng.random() < 0.5),
            Condition(staff_below=rng.randint(1, 3)),
            Condition(staff_from=rng.randint(1, 3)),
            Condition(waiting_from=rng.randint(1, 6)),
            Condition(waiting_below=rng.randint(1, 6)),
            Condition(room_states=(RoomState.CLOSED, RoomState.EVACUATED)),
        )
    )


def step(rng: Random, after_ms: int, queues: tuple[QueueId, ...], mine: int) -> Step:
    """One step that does one or two things. It overflows to later queues only: a circle is no configuration."""
    found = Step(after_ms=after_ms, when=condition(rng))
    for _ in range(rng.randint(1, 2)):
        found = rng.choice(
            (
                replace(found, reach=rng.choice(tuple(Reach))),
                replace(found, reach=rng.choice(tuple(Reach))),
                replace(found, relax=rng.randint(1, 4)),
                replace(found, drop=(rng.choice(SKILLS),)),
                replace(found, strategy=rng.choice(tuple(Strategy)), ring_first=2, ring_max=3, ring_stage_ms=3_000),
                replace(found, strategy=Strategy.RING_ALL, ring_first=rng.randint(1, 3), ring_max=3),
                replace(found, use_reserves=rng.random() < 0.7),
                replace(found, announce="please-wait", tell_position=rng.random() < 0.5),
                replace(found, overflow_queue=rng.choice(queues[mine + 1 :])) if mine + 1 < len(queues) else found,
                replace(found, overflow_number="+4722000001") if rng.random() < 0.2 else found,
            )
        )
    return found


def workflow(rng: Random, queues: tuple[QueueId, ...], mine: int) -> tuple[Step, ...]:
    """Steps at rising times, the first at once."""
    times = [0, *sorted(rng.sample(range(2_000, 60_000, 1_000), rng.randint(1, 4)))]
    return tuple(step(rng, at_ms, queues, mine) for at_ms in times)


def with_rules(world: World, rng: Random) -> World:
    """The same world with workflows, chats, leads and people's rules."""
    config = world.config
    names = tuple(queue.queue for queue in config.queues)
    queues: list[QueueConfig] = []
    for number, queue in enumerate(config.queues):
        ruled = rng.random() < 0.8
        queues.append(
            replace(
                queue,
                workflow=workflow(rng, names, number) if ruled else (),
                own_room_ms=0 if ruled else queue.own_room_ms,
                preferred={rng.choice(SKILLS): rng.randint(1, 5)} if rng.random() < 0.3 else {},
                interrupts_chats=rng.random() < 0.7,
            )
        )
    rooms = tuple(dict.fromkeys(shift.room for shift in world.shifts))
    rooms = tuple(dict.fromkeys((*rooms, *(room for queue in queues for room in queue.rooms))))
    people = PeopleConfig(
        misses=rng.choice((0, 2, 3)), hand_over_ms=300_000, wrap_up_extensions=2, loan_consent=rng.random() < 0.5
    )
    ruled_config = RoutingConfig(
        tuple(queues), max_contacts=config.max_contacts, national=national(rng, rooms), people=people
    )
    shifts: tuple[Shift, ...] = tuple(
        replace(shift, chats_max=rng.choice((0, 1, 3)), chats_in_call=rng.choice((0, 1))) for shift in world.shifts
    )
    streams: tuple[Stream, ...] = tuple(replace(stream, demanding=0.2) for stream in world.streams)
    chats = tuple(
        replace(
            stream,
            kind=rng.choice((ContactKind.CHAT, ContactKind.CHAT, ContactKind.ALARM)),
            per_hour=stream.per_hour / 2,
        )
        for stream in streams
        if rng.random() < 0.5
    )
    operators = replace(world.operators, wrap_up_longer=0.2)
    leads = LeadHabits(rooms=2.0, forces=4.0, hand_overs=2.0, loans=4.0, publishes=3.0)
    return replace(world, config=ruled_config, shifts=shifts, streams=streams + chats, operators=operators, leads=leads)
