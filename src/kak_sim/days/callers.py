"""Those who call: when, how long they wait, whether they try again."""

from dataclasses import replace
from random import Random

from kak_server.model.ids import ContactId
from kak_server.routing.api import ContactArrived, ContactClass, ContactGone, ContactState, Refused
from kak_sim.days.stage import Stage
from kak_sim.days.world import DAY_START_MS, HOUR_MS, SKILLS, Stream, World

UNANSWERED = (ContactState.WAITING, ContactState.OFFERED)
REDIALS_MAX = 3


def _demanding(arrival: ContactArrived, rng: Random) -> ContactArrived:
    """It needs or wants a skill, has a class or a credit of its own."""
    skill = {rng.choice(SKILLS): rng.randint(1, 6)}
    return rng.choice(
        (
            replace(arrival, skills=skill),
            replace(arrival, preferred=skill, language="se", area="5501"),
            replace(arrival, klass=rng.choice(tuple(ContactClass))),
            replace(arrival, priority_ms=rng.randrange(60_000)),
        )
    )


class Callers:
    """All streams of a world."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self.refused = 0
        self.placed = 0
        self._stage = stage
        self._habits = world.callers
        self._rng = rng
        self._end_ms = DAY_START_MS + round(world.hours * HOUR_MS)
        self._class = {queue.queue: queue.klass for queue in world.config.queues}
        for stream in world.streams:  # each its own numbers: first calls are the same whatever the rules do with them
            self._wait_for_next(stream, Random(rng.getrandbits(64)))

    def _wait_for_next(self, stream: Stream, rng: Random) -> None:
        """Thinning (Lewis and Shedler 1979): candidates at the highest rate, of which the present share is taken."""
        if stream.most <= 0:
            return
        gap_ms = round(rng.expovariate(stream.most) * HOUR_MS)
        if self._stage.now_ms + gap_ms < self._end_ms:
            self._stage.after(gap_ms, lambda: self._candidate(stream, rng))

    def _candidate(self, stream: Stream, rng: Random) -> None:
        if rng.random() * stream.most < stream.rate(self._stage.now_ms - DAY_START_MS):
            self._call(stream, f"+47{rng.randrange(40_000_000, 99_999_999)}", 0, rng)
        self._wait_for_next(stream, rng)

    def _call(self, stream: Stream, number: str, tries: int, rng: Random) -> None:
        self.placed += 1
        contact = ContactId(f"c{self.placed}")
        patience_ms = self._habits.patience[self._class.get(stream.queue, ContactClass.NORMAL)].draw(rng)
        arrival = ContactArrived(self._stage.now_ms, contact, stream.queue, number, kind=stream.kind)
        if rng.random() < stream.demanding:
            arrival = _demanding(arrival, rng)
        effects = self._stage.send(arrival)
        if any(isinstance(effect, Refused) for effect in effects):
            self.refused += 1
            self._stage.counts["call refused"] += 1
            return
        self._stage.after(patience_ms, lambda: self._give_up(contact, stream, number, tries))

    def _give_up(self, contact: ContactId, stream: Stream, number: str, tries: int) -> None:
        view = self._stage.core.contact(contact)
        if view is None or view.state not in UNANSWERED or view.answered_at_ms is not None:
            return
        self._stage.counts["caller gave up"] += 1
        self._stage.send(ContactGone(self._stage.now_ms, contact, "cancelled"))
        if tries < REDIALS_MAX and self._rng.random() < self._habits.redials:
            self._stage.counts["called again"] += 1
            again_ms = self._habits.redial_after.draw(self._rng)
            self._stage.after(again_ms, lambda: self._call(stream, number, tries + 1, self._rng))
