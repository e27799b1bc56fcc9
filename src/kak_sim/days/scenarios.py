"""Worlds made from a seed: small ones in which everything happens at once, in several moods.

Small, so that the auditor, which looks at everybody after every event, can look at millions of events.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import ContactClass, QueueConfig, RoutingConfig
from kak_sim.days.facts import with_facts
from kak_sim.days.habits import CallerHabits, LeadHabits, OperatorHabits, Spread, Trouble
from kak_sim.days.rules import with_rules
from kak_sim.days.world import HOUR_MS, SKILLS, Shift, Stream, Surge, World

ROOMS = (RoomId("oslo"), RoomId("bergen"), RoomId("tromso"), RoomId("bodo"))
CLASSES = (ContactClass.EMERGENCY, ContactClass.EMERGENCY, ContactClass.URGENT, ContactClass.NORMAL)
HOURS = 3.0

_BRISK = OperatorHabits(
    answer=Spread(2_000, 0.6),
    talk={klass: Spread(30_000, 0.8) for klass in ContactClass},
    misses=0.06,
    away=Spread(20_000, 1.0),
    rejects=0.04,
    holds=0.15,
    transfers=0.1,
    hands_over=0.05,
    dials_after_call=0.1,
    break_every=Spread(20 * 60_000, 0.5),
    break_length=Spread(3 * 60_000, 0.5),
    moves_seat=0.2,
)
_HASTY = CallerHabits(patience={klass: Spread(60_000, 1.0) for klass in ContactClass})
_TROUBLE = Trouble(
    media_lost_per_hour=1.5,
    join_fails=0.02,
    breaks_share=0.01,
    stall_share=0.002,
    crash_share=0.002,
    twice_share=0.01,
    backwards_share=0.005,
    late_accepts=0.3,
)


def _queues(rng: Random, rooms: tuple[RoomId, ...]) -> tuple[QueueConfig, ...]:
    queues = []
    for number in range(rng.randint(2, 6)):
        asked = tuple(rng.sample(rooms, rng.randint(1, len(rooms))))
        skills = {skill: rng.randint(1, 6) for skill in SKILLS if rng.random() < 0.25}
        queues.append(
            QueueConfig(
                queue=QueueId(f"q{number}"),
                name=f"Queue {number}",
                rooms=asked,
                klass=rng.choice(CLASSES),
                priority=rng.choice((0, 0, 5, 30)),
                skills=skills,
                offer_timeout_ms=rng.choice((5_000, 15_000)),
                wrap_up_ms=rng.choice((0, 10_000, 30_000)),
                own_room_ms=rng.choice((0, 0, 4_000, 20_000)),
                announce=rng.random() < 0.4,
            )
        )
    return tuple(queues)


def _shifts(rng: Random, rooms: tuple[RoomId, ...], hours: float) -> tuple[Shift, ...]:
    shifts = []
    length_ms = round(hours * HOUR_MS)
    for number in range(rng.randint(3, 9)):
        skills = {skill: rng.randint(1, 10) for skill in SKILLS if rng.random() < 0.7}
        begins_ms = rng.choice((0, 0, length_ms // 4))
        shifts.append(
            Shift(
                operator=OperatorId(f"o{number}"),
                position=PositionId(f"p{number}"),
                room=rng.choice(rooms),
                skills=skills,
                begins_ms=begins_ms,
                ends_ms=rng.choice((length_ms * 2, length_ms * 2, length_ms // 2 + begins_ms)),
            )
        )
    return tuple(shifts)


def _small(
    name: str, rng: Random, load: float, surges: tuple[Surge, ...], trouble: Trouble, hours: float = HOURS
) -> World:
    """`load`: calls an hour for each operator."""
    rooms = ROOMS[: rng.randint(1, len(ROOMS))]
    queues = _queues(rng, rooms)
    shifts = _shifts(rng, rooms, hours)
    each = load * len(shifts) / len(queues)
    streams = tuple(Stream(queue.queue, each * rng.uniform(0.3, 1.7), surges=surges) for queue in queues)
    config = RoutingConfig(queues, max_contacts=rng.choice((30, 200)))
    return World(name, config, shifts, streams, hours, _HASTY, _BRISK, trouble)


def normal(rng: Random) -> World:
    """A shift with more operators than calls, and the failures of every day."""
    return _small("normal", rng, 25.0, (), _TROUBLE)


def storm(rng: Random) -> World:
    """Hours in which more calls than can be answered, and lines that fall."""
    surge = Surge(HOUR_MS // 2, 2 * HOUR_MS, 3.0)
    trouble = replace(_TROUBLE, media_lost_per_hour=6.0, gone_for_good=0.3, join_fails=0.05, breaks_share=0.03,
                      stall_share=0.01, crash_share=0.005, late_accepts=0.5)  # fmt: skip
    return _small("storm", rng, 35.0, (surge,), trouble)


def mass_casualty(rng: Random) -> World:
    """One incident that everybody calls about within minutes."""
    surge = Surge(HOUR_MS, HOUR_MS + 15 * 60_000, 12.0)
    return _small("mass-casualty", rng, 20.0, (surge,), _TROUBLE)


def rules(rng: Random) -> World:
    """Workflows of all sorts, chats beside calls, and leads who change everything while it runs."""
    surge = Surge(HOUR_MS // 2, 2 * HOUR_MS, 2.0)
    return with_rules(_small("rules", rng, 25.0, (surge,), _TROUBLE), rng)


def crashes(rng: Random) -> World:
    """Three minutes under all sorts of rules in which the process dies after each append, before any effect."""
    trouble = replace(_TROUBLE, media_lost_per_hour=6.0, crash_share=1.0, snapshot_every=20)
    world = with_rules(_small("crashes", rng, 60.0, (), trouble, hours=0.05), rng)
    return replace(world, leads=LeadHabits(rooms=12.0, forces=12.0, hand_overs=12.0, loans=12.0, publishes=12.0))


SCENARIOS: Mapping[str, Callable[[Random], World]] = {
    "normal": normal,
    "storm": storm,
    "mass-casualty": mass_casualty,
    "rules": rules,
    "crashes": crashes,
}


def world_of(scenario: str, seed: int) -> World:
    """The world of a seed. KeyError for an unknown scenario."""
    world = SCENARIOS[scenario](Random(f"world {scenario} {seed}"))
    return with_facts(world, Random(f"facts {scenario} {seed}"))
