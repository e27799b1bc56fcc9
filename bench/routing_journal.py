"""`make bench-routing-journal`: what the journal costs the routing core.

Every event is written, then stepped, as in the control process; the time from the append to the effects counts. With
`durability: disk` effects wait for fdatasync, so a raw probe runs beside it: the same bytes, appended to a file on the
same disk and synced, by turns with the events. docs/benchmarks.md says how to read it.

`measure` may be called with other events by other benchmarks.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from figures import Check, environment, last_line, percentile, table
from journal_world import Calls, staffed
from kak_server.routing.api import Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.runtime.archive import Keep
from kak_server.runtime.compactor import ProcessCompactor
from kak_server.runtime.journal import Journal, JournalAlarm, JournalSettings

EVENTS_S_MIN, WRITE_P99_MS, DISK_RATIO = 5_000, 2.0, 2.0


class Stream(Protocol):
    """Where events come from; see `journal_world.Calls`."""

    def event(self) -> Event: ...

    def took(self, effects: tuple[Effect, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Times are ms. `probe` is empty unless the disk was waited for; `upkeep_ms` is the worst stop for a segment."""

    events: int
    seconds: float
    effect_ms: list[float]
    probe_ms: list[float]
    upkeep_ms: float
    segments: int
    alarms: list[str]

    @property
    def events_s(self) -> float:
        """Of everything together: append, step, upkeep and whatever ran beside it."""
        return self.events / self.seconds


def measure(
    folder: Path,
    core: RoutingCore,
    stream: Stream,
    events: int,
    durability: Literal["write", "disk"] = "write",
    segment_bytes: int = 16 * 1024 * 1024,
) -> Measured:
    """Run `events` of `stream` through a journal in `folder` (on the disk to be measured) and `core`."""
    alarms: list[JournalAlarm] = []
    journal, _ = Journal.open(
        folder / "journal",
        JournalSettings(durability=durability, wait_ms=10_000, segment_bytes=segment_bytes),
        now_ms=core.now_ms,
        on_alarm=alarms.append,
        compactor=ProcessCompactor(folder / "journal", Keep()),
    )
    journal.checkpoint(core.snapshot())
    effect_ms: list[float] = []
    probe_ms: list[float] = []
    upkeep_ms = 0.0
    fd = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sample = b"x" * 200
    clock = time.perf_counter
    began = clock()
    probing = 0.0
    for _ in range(events):
        event = stream.event()
        start = clock()
        journal.append_event(event)
        effects = core.step(event)
        effect_ms.append((clock() - start) * 1_000)
        stream.took(effects)
        if journal.upkeep_due:
            start = clock()
            journal.upkeep(core.snapshot)
            upkeep_ms = max(upkeep_ms, (clock() - start) * 1_000)
        if durability == "disk":
            start = clock()
            os.write(fd, sample)
            os.fdatasync(fd)
            spent = clock() - start
            probe_ms.append(spent * 1_000)
            probing += spent
    seconds = clock() - began - probing
    os.close(fd)
    segments = len(list((folder / "journal").glob("journal-*")))
    journal.close()
    return Measured(events, seconds, effect_ms, probe_ms, upkeep_ms, segments, [alarm.kind for alarm in alarms])


def national() -> tuple[RoutingCore, Calls]:
    """Everybody at work, and the first caller about to call."""
    core = RoutingCore()
    for event in staffed():
        core.step(event)
    return core, Calls()


def row(name: str, values_ms: list[float]) -> list[str]:
    """A row of the table."""
    return [name, str(len(values_ms)), *(f"{percentile(values_ms, share):.3f}" for share in (0.5, 0.9, 0.99, 1.0))]


def main() -> None:
    """Both modes, and what became of the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--disk-events", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary one when left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        (folder / "write").mkdir()
        (folder / "disk").mkdir()
        core, calls = national()
        written = measure(folder / "write", core, calls, arguments.events, "write", 4 * 1024 * 1024)
        core, others = national()
        synced = measure(folder / "disk", core, others, arguments.disk_events, "disk")
    heading = ["append to effect, ms", "events", "p50", "p90", "p99", "worst"]
    rows = [heading, row("durability: write", written.effect_ms), row("durability: disk", synced.effect_ms)]
    print(table([*rows, row("raw fdatasync beside it", synced.probe_ms)]))
    print(f"write: {written.events_s:,.0f} events/s; a new segment stops the loop {written.upkeep_ms:.2f} ms at most")
    print(f"({written.segments} segments); {calls.offers} offers, {calls.refused} refusals")
    ratio = percentile(synced.effect_ms, 0.99) / percentile(synced.probe_ms, 0.99)
    checks = [
        Check("journal_write_events_s", written.events_s, EVENTS_S_MIN, ">="),
        Check("journal_write_p99_ms", percentile(written.effect_ms, 0.99), WRITE_P99_MS),
        Check("journal_disk_p99_over_fdatasync", ratio, DISK_RATIO),
        Check("journal_new_segment_ms", written.upkeep_ms, 10.0),
    ]
    print(last_line("routing-journal", checks, environment()))


if __name__ == "__main__":
    main()
