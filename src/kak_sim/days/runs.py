"""Many seeds on several processes: fixed ones for a test, fresh ones for as long as wanted."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice

from kak_server.model.light import frozen
from kak_sim.days.day import EVENTS_MAX, Day, Outcome
from kak_sim.days.figures import Figures
from kak_sim.days.scenarios import SCENARIOS, world_of
from kak_sim.days.stage import Watch
from kak_sim.days.watches import Audit, Laws, Oracle, Steps, Stream, Twin, Words

SEEDS = 1 << 31
EVERY = {"crashes": 8}
COUNTED_EVERY = 4
"""Of so many seeds one: its statistics are worked out by their auditor, too."""


@frozen
class Job:
    """One day to simulate."""

    scenario: str
    seed: int
    events_max: int = EVENTS_MAX

    @property
    def line(self) -> str:
        """The command that does the same day again."""
        events = "" if self.events_max == EVENTS_MAX else f" --events {self.events_max}"
        return f"kak-sim days --scenario {self.scenario} --seed {self.seed}{events}"


@dataclass(slots=True)
class Total:
    """All days of a run."""

    days: int = 0
    events: int = 0
    contacts: int = 0
    seeds: set[int] = field(default_factory=set)
    counts: dict[str, Counter[str]] = field(default_factory=dict)  # by scenario
    failed: list[tuple[Job, str]] = field(default_factory=list)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Count a day in."""
        self.days += 1
        self.events += outcome.events
        self.contacts += outcome.placed + outcome.dialled
        self.seeds.add(job.seed)
        counts = self.counts.setdefault(job.scenario, Counter())
        counts.update({"days": 1, "events": outcome.events})
        counts.update(outcome.counts)
        if outcome.findings:
            self.failed.append((job, outcome.findings[0]))


def do(job: Job) -> Outcome:
    """Simulate one day under all watches. An exception of the core is a finding too."""
    world = world_of(job.scenario, job.seed)
    watches: tuple[Watch, ...] = (Stream(), Laws(), Oracle(), Steps(), Words(), Twin())
    if not world.config.national.rooms:  # the auditor knows own room and all rooms, not workflows
        watches += (Audit(),)
    figures = Figures() if job.seed % COUNTED_EVERY == 0 else None
    day = Day(world, job.seed, watches if figures is None else (*watches, figures))
    try:
        outcome = day.run(job.events_max)
        if figures is None or outcome.findings:
            return outcome
        return replace(outcome, findings=tuple(f"statistics: {found}" for found in figures.differences()))
    except Exception as problem:  # noqa: BLE001 - whatever the core raises is what is looked for
        finding = f"event {day.stage.events}: {type(problem).__name__}: {problem}"
        return Outcome(day.stage.events, day.callers.placed, 0, 0, dict(day.stage.counts), "", (finding,))


def fixed(scenarios: tuple[str, ...], first: int, count: int, events_max: int = EVENTS_MAX) -> Iterator[Job]:
    """Seeds `first`, `first` + 1, ... of each scenario; what takes long is not done with every seed beside others."""
    for seed in range(first, first + count):
        for scenario in scenarios:
            if len(scenarios) == 1 or seed % EVERY.get(scenario, 1) == 0:
                yield Job(scenario, seed, events_max)


def fresh(scenarios: tuple[str, ...], events_max: int = EVENTS_MAX) -> Iterator[Job]:
    """New seeds without end."""
    while True:
        yield from fixed(scenarios, secrets.randbelow(SEEDS), 1, events_max)


def run(jobs: Iterator[Job], processes: int, seconds: float | None = None, failures_max: int = 10) -> Total:
    """Do jobs until there are none, the time is up, or enough have failed."""
    total = Total()
    until_s = None if seconds is None else time.monotonic() + seconds
    with ProcessPoolExecutor(processes) as pool:
        under_way: dict[Future[Outcome], Job] = {}
        while True:
            if (until_s is None or time.monotonic() < until_s) and len(total.failed) < failures_max:
                for job in islice(jobs, 2 * processes - len(under_way)):
                    under_way[pool.submit(do, job)] = job
            if not under_way:
                return total
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                total.add(under_way.pop(future), future.result())


ALL = tuple(SCENARIOS)
