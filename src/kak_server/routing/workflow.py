"""A queue's steps as one looks at them: which are due, and what those that are done come to.

Pure arithmetic on frozen data; `flow.py` moves contacts by it.
"""

from collections.abc import Callable
from dataclasses import replace

from kak_server.model.ids import RoomId
from kak_server.model.light import frozen
from kak_server.routing.needs import Skills, skills_of
from kak_server.routing.words import QueueConfig
from kak_server.routing.words_workflow import Reach, RoomsConfig, Step, Strategy

_NO_STEP = Step()


def steps_of(config: QueueConfig) -> tuple[Step, ...]:
    """The queue's workflow. Without one: the own room alone for `own_room_ms`, then all of the queue's rooms."""
    if config.workflow:
        return config.workflow
    if config.own_room_ms > 0:
        return Step(reach=Reach.OWN), Step(after_ms=config.own_room_ms, reach=Reach.QUEUE)
    return (Step(reach=Reach.QUEUE),)


def needs_of(config: QueueConfig, steps: tuple[Step, ...]) -> set[Skills]:
    """What contacts of the queue may need in its steps' order, wishes of their own apart."""
    asked = skills_of(config.skills)
    stage = Stage(tiers=())
    found = {asked}
    for step in steps:
        stage = _with(stage, step)
        found.add(stage.needed(asked))
    return found


@frozen
class Stage:
    """What the steps that are done come to. `tiers`: sets of rooms, asked in this order, the last holds all."""

    tiers: tuple[frozenset[RoomId], ...]
    relax: int = 0
    drop: tuple[str, ...] = ()
    strategy: Strategy = Strategy.LONGEST_IDLE
    step: Step = _NO_STEP  # the one that chose the strategy
    use_reserves: bool = False
    passed: frozenset[RoomId] = frozenset()  # rooms that would have been enough, were one of them open

    def needed(self, skills: Skills) -> Skills:
        """What is still needed of these skills."""
        if not self.relax and not self.drop:
            return skills
        return tuple((skill, max(1, level - self.relax)) for skill, level in skills if skill not in self.drop)


def rooms_of(reach: Reach, config: QueueConfig, national: RoomsConfig) -> frozenset[RoomId]:
    """The rooms of a reach, seen from the queue's own room."""
    own = config.rooms[:1]
    if reach is Reach.OWN:
        return frozenset(own)
    if reach is Reach.QUEUE:
        return frozenset(config.rooms)
    if reach is Reach.COUNTRY:
        return frozenset((*config.rooms, *(row.room for row in national.rooms)))
    home = next((row for row in national.rooms if row.room in own), None)
    if home is None:
        return frozenset(own)
    if reach is Reach.NEIGHBOURS:
        return frozenset((*own, *home.neighbours))
    return frozenset((*own, *(row.room for row in national.rooms if home.region and row.region == home.region)))


def stage_of(
    config: QueueConfig,
    steps: tuple[Step, ...],
    fired: int,
    national: RoomsConfig,
    is_open: Callable[[RoomId], bool],
) -> Stage:
    """Put the fired steps together. As long as no room in reach is open the steps to come widen at once, in their
    order; if that finds none, all of the queue's rooms and the country's are asked."""
    stage = Stage(tiers=())
    reached: list[frozenset[RoomId]] = []
    widened = False
    for number, step in enumerate(steps):
        done = bool(fired >> number & 1)
        if (step.reach is not None or step.rooms) and (
            done or not (reached and any(is_open(room) for room in reached[-1]))
        ):
            if step.reach is not None:
                base = rooms_of(step.reach, config, national)
            else:
                base = reached[-1] if reached else frozenset(config.rooms[:1])
            reached.append(base | frozenset(step.rooms))
            widened = widened or not done
        if done:
            stage = _with(stage, step)
    if not reached:
        reached.append(frozenset(config.rooms))
    if not any(is_open(room) for room in reached[-1]):
        reached.append(rooms_of(Reach.COUNTRY, config, national))
        widened = True
    passed = frozenset(room for rooms in reached[:-1] for room in rooms) - reached[-1]
    return replace(stage, tiers=_tiers(config, reached), passed=passed if widened else frozenset())


def _with(stage: Stage, step: Step) -> Stage:
    return Stage(
        stage.tiers,
        stage.relax if step.relax is None else step.relax,
        (*stage.drop, *step.drop),
        step.strategy or stage.strategy,
        stage.step if step.strategy is None else step,
        stage.use_reserves if step.use_reserves is None else step.use_reserves,
    )


def _tiers(config: QueueConfig, reached: list[frozenset[RoomId]]) -> tuple[frozenset[RoomId], ...]:
    """Own room, then each wider set on the way to the last."""
    everybody = reached[-1]
    own = frozenset(config.rooms[:1])
    steps = [own, *reached] if own <= everybody else reached
    tiers: list[frozenset[RoomId]] = []
    for rooms in steps:
        if rooms <= everybody and (not tiers or tiers[-1] < rooms):
            tiers.append(rooms)
    return tuple(tiers)
