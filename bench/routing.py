"""`make bench-routing`: what one event costs the routing core in the country's world, and what it would cost without.

190 rooms, 400 queues with workflows that widen to the whole country, 1,500 operators signed in, 10,000 contacts that
wait.
Events are what people and timers cause, by a seeded die. Times are CPU times of the one thread that steps, so that
others on the machine count as little as can be; they include reading the clock. docs/benchmarks.md says how to read it.
"""

import argparse
import gc
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from figures import Check, environment, last_line, percentile, table
from kak_server.runtime.collector import Collector
from routing_console import Sockets, measure_sockets
from routing_journal import measure, national
from routing_scan import scanning
from routing_world import OPERATORS, QUEUES, ROOMS, WAITING, World, run

EVENTS_S_MIN, P99_US, GROWTH_MAX = 50_000, 200.0, 2.0
JOURNAL_EVENTS_S_MIN, JOURNAL_P99_MS, ON_TIME_MIN = 5_000, 2.0, 0.99
LOOP_PROBE_S = 0.1
SAME_ROOMS, SAME_QUEUES, SAME_OPERATORS, SAME_WAITING = 12, 24, 60, 80


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a world of some size: CPU times of its events (us), what each was, the collector's passes among and between
    them, and what its looks between them took."""

    name: str
    times_us: list[float]
    kinds: list[str]
    passes: int
    looks_us: float

    @property
    def mean_us(self) -> float:
        """What an event costs, its share of the collector's looks included."""
        return (sum(self.times_us) + self.looks_us) / len(self.times_us)

    @property
    def events_s(self) -> float:
        """Events in a second of CPU time."""
        return 1e6 / self.mean_us

    def p(self, share: float) -> float:
        """A percentile (us)."""
        return percentile(self.times_us, share)

    def row(self) -> list[str]:
        """Of the table."""
        cells = [f"{self.p(share):.1f}" for share in (0.5, 0.99, 0.999, 1.0)]
        about = [self.name, str(len(self.times_us)), f"{self.events_s:,.0f}", f"{self.mean_us:.1f}"]
        return [*about, *cells, str(self.passes)]

    def by_kind(self) -> dict[str, tuple[float, float]]:
        """Of each kind of event: its share, and what one costs (us)."""
        counts, spent_us = Counter(self.kinds), dict.fromkeys(self.kinds, 0.0)
        for kind, time_us in zip(self.kinds, self.times_us, strict=True):
            spent_us[kind] += time_us
        return {kind: (count / len(self.kinds), spent_us[kind] / count) for kind, count in counts.most_common()}


class Looks:
    """The collector as in the server: it is called ten times a second, between events."""

    def __init__(self) -> None:
        self.spent_us = 0.0
        self._collector = Collector()
        self._due_s = 0.0

    def start(self) -> None:
        """What there is now is out of the collector's sight."""
        gc.collect()
        self._collector.start()

    def __call__(self) -> None:
        """Between two events."""
        if time.monotonic() >= self._due_s:
            begun_ns = time.thread_time_ns()
            self._collector.look()
            self.spent_us += (time.thread_time_ns() - begun_ns) / 1_000
            self._due_s = time.monotonic() + LOOP_PROBE_S


def cost(name: str, operators: int, waiting: int, events: int, warm_up: int) -> Cost:
    """A world filled up, warmed up, and measured."""
    thresholds, looks = gc.get_threshold(), Looks()
    looks.start()
    try:
        world = World(4711, operators)
        world.fill(waiting)
        run(world, waiting, warm_up, check=looks)
        before, looks.spent_us = gc.get_stats()[0]["collections"], 0.0
        times_us = [ns / 1_000 for ns in run(world, waiting, events, check=looks)]
        passes = gc.get_stats()[0]["collections"] - before
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    return Cost(name, times_us, world.kinds, passes, looks.spent_us)


def kinds_table(one: Cost, other: Cost) -> str:
    """What happens in two worlds, and what each thing costs there."""
    rows = [["events by kind", "%", "us", "%", "us"]]
    ones, others = one.by_kind(), other.by_kind()
    for kind in ones | others:
        found = [of.get(kind, (0.0, 0.0)) for of in (ones, others)]
        rows.append([kind, *(cell for share, us in found for cell in (f"{100 * share:.1f}", f"{us:.1f}"))])
    return table(rows)


def same_mix(base: Cost, other: Cost) -> float:
    """How much more an event costs in the other world, if as much of each kind happened there as in the first."""
    others = other.by_kind()
    both = {kind: (share, us, others[kind][1]) for kind, (share, us) in base.by_kind().items() if kind in others}
    return sum(share * us for share, _, us in both.values()) / sum(share * us for share, us, _ in both.values())


def same_answers(events: int = 6_000) -> None:
    """The core and the one that looks at everybody decide alike, event by event. Raises AssertionError otherwise."""
    digests: list[list[str]] = []
    for scans in (False, True):
        found: list[str] = []
        if scans:
            with scanning():
                _small_world(events, found)
        else:
            _small_world(events, found)
        digests.append(found)
    assert digests[0] == digests[1], "the two did not decide alike"


def _small_world(events: int, digests: list[str]) -> None:
    world = World(7, SAME_OPERATORS, room_count=SAME_ROOMS, queue_count=SAME_QUEUES)
    world.fill(SAME_WAITING)

    def note() -> None:
        if world.events % 50 < 4:
            digests.append(world.core.digest())

    run(world, SAME_WAITING, events, check=note)
    digests.append(world.core.digest())


def scan_cost(events: int) -> Cost:
    """The country's world, looked at in full by every event."""
    with scanning():
        return cost("scan everything", OPERATORS, WAITING, events, 20)


def with_journal(events: int) -> tuple[float, float]:
    """Events a second with the journal on, and the p99 from append to effects (ms)."""
    core, stream = national()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), core, stream, events)
    return measured.events_s, percentile(measured.effect_ms, 0.99)


def main() -> None:
    """All parts, a table and the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--sockets", type=int, default=1_500)
    arguments = parser.parse_args()
    began = time.monotonic()
    same_answers()
    print(f"{SAME_ROOMS} rooms, {SAME_OPERATORS} operators: index and scan decide alike", flush=True)
    events = arguments.events
    base = cost(f"{OPERATORS:,} operators, {WAITING:,} waiting", OPERATORS, WAITING, events, events)
    more_people = cost(
        f"{OPERATORS * 10:,} operators, {WAITING:,} waiting", OPERATORS * 10, WAITING, events // 2, events
    )
    more_waiting = cost(
        f"{OPERATORS:,} operators, {WAITING * 10:,} waiting", OPERATORS, WAITING * 10, events // 2, events
    )
    scan = scan_cost(150)
    head = ["world", "events", "events/s", "mean us", "p50", "p99", "p99.9", "worst", "gc"]
    print(f"\n{ROOMS} rooms, {QUEUES} queues, one core, pure Python; us of CPU time an event")
    print(table([head, *(one.row() for one in (base, more_people, more_waiting, scan))]), flush=True)
    growth_same_mix = same_mix(base, more_people)
    print(f"\n{base.name}, and {more_people.name}; as many of each kind as there: {growth_same_mix:.2f} times the cost")
    print(kinds_table(base, more_people), flush=True)
    journal_s, journal_p99_ms = with_journal(20_000)
    print(f"\njournal on: {journal_s:,.0f} events/s, append to effects p99 {journal_p99_ms:.2f} ms", flush=True)
    sockets: Sockets = measure_sockets(arguments.sockets)
    print(
        f"{sockets.alive} of {arguments.sockets} console sockets (set up in {sockets.setup_s:.0f} s), "
        f"{sockets.calls} calls ({sockets.failed} failed), {sockets.messages_s:,.0f} messages/s: "
        f"{100 * sockets.on_time:.2f} % of {sockets.looks:.0f} looks at the loop within 20 ms; "
        f"{100 * sockets.starved:.0f} % of the time control's loop was ready and had no CPU"
    )
    print(f"{time.monotonic() - began:.0f} s in all")
    checks = [
        Check("events_s", base.events_s, EVENTS_S_MIN, ">="),
        Check("p99_us", base.p(0.99), P99_US),
        Check("operators_x10", more_people.mean_us / base.mean_us, GROWTH_MAX),
        Check("waiting_x10", more_waiting.mean_us / base.mean_us, GROWTH_MAX),
        Check("journal_events_s", journal_s, JOURNAL_EVENTS_S_MIN, ">="),
        Check("journal_p99_ms", journal_p99_ms, JOURNAL_P99_MS),
        Check("sockets", sockets.alive, arguments.sockets, ">="),
        Check("loop_within_20_ms", sockets.on_time, ON_TIME_MIN, ">="),
    ]
    figures = {
        "p50_us": base.p(0.5),
        "scan_events_s": scan.events_s,
        "scan_p99_us": scan.p(0.99),
        "operators_x10_same_mix": growth_same_mix,
    }
    print(last_line("routing", checks, environment(), figures))


if __name__ == "__main__":
    main()
