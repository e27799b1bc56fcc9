"""`make bench-recovery`: a day of journal and a disaster's queue, then the start after a kill.

A day is 10,700 calls of 113 and 116117 at the real volumes, some 30 records each: routing events, and the dialogs,
lines and plans that a call puts and deletes. Then all operators are busy and 10,000 contacts wait, 2,000 of them as SIP
calls with all their records. The journal is written as the control process writes it, with segments, snapshots and
archive made beside it; the stops of the loop for that are measured. What is left is opened again as a start does it.
docs/benchmarks.md says how to read it.
"""

import argparse
import gc
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Check, environment, last_line, percentile, table
from journal_world import OPERATORS, WAITING, Calls, arrival, staffed
from kak_server.routing.api import ContactArrived, ContactState, Event, HangUp
from kak_server.routing.step import RoutingCore
from kak_server.runtime.archive import Keep
from kak_server.runtime.collector import put_off
from kak_server.runtime.compactor import ProcessCompactor
from kak_server.runtime.explain import explanation
from kak_server.runtime.folder import segment_numbers
from kak_server.runtime.journal import Journal, JournalSettings
from kak_server.runtime.restoring import Restoring
from kak_server.runtime.segments import history, is_base

CALLS, RECORDS_A_CALL, SIP_CALLS = 10_700, 30, 2_000
RESTORE_S, STALL_MS = 2.0, 10.0
SETTLE_S = 60.0  # the last snapshot is made beside, at low priority
DIALOG = "x" * 1_500
KINDS = {"sip": 1_500, "line": 600, "plan": 300, "leg": 200, "track": 200}


@dataclass(slots=True)
class Written:
    """What writing showed. `stops_ms`: of the loop, each time a segment was full."""

    records: int
    stops_ms: list[float]
    seconds: float
    digest: str
    live: int


class Server:
    """The part of a control process that writes the journal."""

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        settings = JournalSettings(segment_bytes=segment_bytes)
        compactor = ProcessCompactor(folder, Keep())
        self.journal, _ = Journal.open(folder, settings, now_ms=1, compactor=compactor)
        self.core = RoutingCore()
        self.records = 0
        self.stops_ms: list[float] = []

    def step(self, event: Event, calls: Calls) -> None:
        """An event and what a call of it puts down."""
        self.journal.hold()
        self.journal.append_event(event)
        self.records += 1
        effects = self.core.step(event)
        if isinstance(event, ContactArrived):
            self.put(str(event.contact), 5)
        elif isinstance(event, HangUp):
            for kind in KINDS:
                self.journal.delete(f"{kind}/{event.contact}")
            self.records += len(KINDS)
        self.journal.release()
        calls.took(effects)
        self.upkeep()

    def put(self, contact: str, times: int) -> None:
        """A call's records, written anew as it goes on."""
        for turn in range(times - 1):
            for kind, size in KINDS.items():
                self.journal.put(f"{kind}/{contact}", {"contact": contact, "cseq": turn, "text": DIALOG[:size]})
                self.records += 1
            self.journal.flush()  # each turn is another input's

    def upkeep(self) -> None:
        """As the dispatcher does it after each input."""
        if self.journal.upkeep_due:
            start = time.perf_counter()
            self.journal.upkeep(self.core.snapshot)
            self.stops_ms.append((time.perf_counter() - start) * 1_000)


def write_day(folder: Path, calls_count: int, segment_bytes: int, pause_s: float) -> Written:
    """The day, then those who wait. `pause_s` now and then: the day is compressed into minutes, so that the compactor
    would else fall behind as it never does in service."""
    server = Server(folder, segment_bytes)
    calls = Calls(step_ms=1_600)
    began = time.perf_counter()
    for event in staffed():
        server.step(event, calls)
    while calls.number < calls_count or not calls.settled():
        server.step(calls.event(), calls)
        if server.records % 2_000 < 30:
            time.sleep(pause_s)
    busy = calls
    number = 1_000_000
    while len(server.core.contacts()) < WAITING + OPERATORS and number < 1_000_000 + WAITING + OPERATORS:
        for _ in range(500):
            number += 1
            event = arrival(number, busy.now_ms)
            server.journal.append_event(event)
            server.core.step(event)
            server.records += 1
            if number <= 1_000_000 + SIP_CALLS:
                server.put(str(event.contact), 2)
            server.upkeep()
        time.sleep(pause_s)
    server.records += 1
    digest, live = server.core.digest(), len(server.journal.live())
    seconds = time.perf_counter() - began
    server.journal.flush()
    newest, deadline = max(segment_numbers(folder)), time.monotonic() + SETTLE_S
    while not is_base(folder, newest) and time.monotonic() < deadline:
        time.sleep(0.5)
    server.journal.close()
    return Written(server.records, server.stops_ms, seconds, digest, live)


def restored(folder: Path) -> tuple[RoutingCore, int, float, float, float]:
    """The core, live values, seconds to read the journal, seconds in all, CPU seconds: what a start waits for, with the
    statistics and without the collector, as the server does it."""
    gc.collect()
    with put_off():
        start, cpu = time.perf_counter(), time.process_time()
        restoring = Restoring()
        journal, replay = Journal.open(folder, now_ms=2, reads=restoring.reads)
        read_s = time.perf_counter() - start
        core = restoring.replayed(replay).core
        all_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    journal.close()
    assert not replay.lost, replay.lost
    return core, len(replay.values), read_s, all_s, cpu_s


def main() -> None:
    """Write, open again three times, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--segment-bytes", type=int, default=16 * 1024 * 1024)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary one when left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        written = write_day(folder, arguments.calls, arguments.segment_bytes, 0.05)
        runs = [restored(folder) for _ in range(3)]
        core, values, *_ = runs[0]
        waiting = sum(1 for contact in core.contacts() if contact.state is ContactState.WAITING)
        same = core.digest() == written.digest and values == written.live
        kinds = {"plain": "*.kj", "archived": "*.gz"}
        sizes = {kind: sum(path.stat().st_size for path in folder.glob(mask)) for kind, mask in kinds.items()}
        start = time.perf_counter()
        read = sum(1 for _ in history(folder))
        history_s = time.perf_counter() - start
        start = time.perf_counter()
        told = explanation(folder, f"c-{arguments.calls // 2:07d}")
        explain_s = time.perf_counter() - start
        assert told is not None
        assert told.over
    rows = [["start", "read s", "all s", "CPU s"]]
    rows += [[str(number), *(f"{figure:.2f}" for figure in run[2:])] for number, run in enumerate(runs, 1)]
    print(table(rows))
    stops = ", ".join(f"{percentile(written.stops_ms, share):.2f}" for share in (0.5, 1.0))
    print(f"{written.records:,} records, {waiting:,} wait, {values:,} live values, same state: {same}")
    print(f"{len(written.stops_ms)} segments began; the loop stopped {stops} ms (p50, worst)")
    print(f"{sizes['plain'] / 1e6:.0f} MB plain, {sizes['archived'] / 1e6:.0f} MB archived", end="; ")
    print(
        f"the whole history, {read:,} records, read in {history_s:.1f} s; a call at noon explained in {explain_s:.1f} s"
    )
    checks = [
        Check("recovery_start_s", max(run[3] for run in runs), RESTORE_S),
        Check("recovery_start_cpu_s", max(run[4] for run in runs), RESTORE_S),
        Check("recovery_stop_ms", max(written.stops_ms, default=float("nan")), STALL_MS),
        Check("recovery_waiting", waiting, WAITING, ">="),
        Check("recovery_same_state", float(same), 1.0, ">="),
    ]
    print(last_line("recovery", checks, environment()))


if __name__ == "__main__":
    main()
