"""What becomes known of callers after they came: where they call from, their language, that their picture came or went.

Now and then it comes while they wait, ring or talk, and now and then when they are gone already.
"""

from dataclasses import replace
from random import Random

from kak_server.model.ids import ContactId
from kak_server.routing.api import Condition, ContactDescribed, ContactKind, QueueConfig, Step
from kak_sim.days.habits import Spread
from kak_sim.days.stage import Stage
from kak_sim.days.world import World

AREAS = ("0301", "5501")
LANGUAGES = ("en", "se")
KNOWN_AFTER = Spread(5_000, 1.2)
TWICE = 0.4  # of those of whom more becomes known: it comes in two parts
DESCRIBED = 0.25
SPEAKS = 0.4  # of the operators: one of the languages
ASKS = 0.3  # of the steps without a condition: for what may become known


class Facts:
    """Of all who call."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self._stage = stage
        self._share = world.callers.described
        self._rng = rng

    def arrived(self, contact: ContactId) -> None:
        """Somebody calls: perhaps more will be known of them."""
        if self._share and self._rng.random() < self._share:
            self._stage.after(KNOWN_AFTER.draw(self._rng), lambda: self._describe(contact))
            if self._rng.random() < TWICE:
                self._stage.after(KNOWN_AFTER.draw(self._rng), lambda: self._describe(contact))

    def _describe(self, contact: ContactId) -> None:
        rng, now_ms = self._rng, self._stage.now_ms
        known = ContactDescribed(now_ms, contact)
        while known == ContactDescribed(now_ms, contact):
            known = ContactDescribed(
                now_ms,
                contact,
                area=rng.choice((None, *AREAS)),
                language=rng.choice((None, *LANGUAGES)),
                kind=rng.choice((None, None, ContactKind.VIDEO, ContactKind.VOICE)),
            )
        self._stage.counts["more became known"] += 1
        self._stage.send(known)


def with_facts(world: World, rng: Random) -> World:
    """The same world in which more becomes known, some operators speak the languages, and some steps ask for it."""
    shifts = tuple(
        replace(shift, skills={**shift.skills, f"lang-{rng.choice(LANGUAGES)}": rng.randint(1, 5)})
        if rng.random() < SPEAKS
        else shift
        for shift in world.shifts
    )
    queues = tuple(replace(queue, workflow=_asking(queue, rng)) for queue in world.config.queues)
    callers = replace(world.callers, described=DESCRIBED)
    return replace(world, config=replace(world.config, queues=queues), shifts=shifts, callers=callers)


def _asking(queue: QueueConfig, rng: Random) -> tuple[Step, ...]:
    """Its workflow; some of the steps that had no condition hold for some callers only."""
    conditions = (
        Condition(areas=AREAS[:1]),
        Condition(languages=LANGUAGES[:1]),
        Condition(languages=("", LANGUAGES[1])),
        Condition(kinds=(ContactKind.VIDEO, ContactKind.CHAT)),
    )
    return tuple(
        replace(step, when=rng.choice(conditions)) if step.when is None and rng.random() < ASKS else step
        for step in queue.workflow
    )
