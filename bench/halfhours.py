"""`make bench-halfhours`: what the statistics cost the control process.

Two national worlds take the same events by turns, one with the statistics and one without; the difference of their CPU
time counts, so that whatever else runs on the machine disturbs both. Then what happens once in a half hour, and what a
look at the live figures costs the loop. docs/benchmarks.md says how to read it.
"""

import argparse
import time
from collections.abc import Callable

from figures import Check, environment, last_line, percentile, table
from journal_world import Calls, staffed
from kak_server.model.codec import dumps
from kak_server.routing.step import RoutingCore
from kak_server.runtime.counted import Counted
from kak_server.statistics import snapshot
from kak_server.statistics.columns import BYS
from kak_server.statistics.halfhours import HALF_HOUR_MS
from kak_server.statistics.live import capture, render
from kak_server.statistics.reducer import Reducer

BLOCK = 2_000
EVENT_US, BORDER_MS, TICK_MS, LOOK_MS = 10.0, 20.0, 10.0, 10.0


class World:
    """1,500 operators and their calls, with the statistics or without."""

    def __init__(self, *, counting: bool) -> None:
        self.counted = Counted(RoutingCore(), Reducer())
        self.step = self.counted.step if counting else self.counted.core.step
        for event in staffed():
            self.step(event)
        self.calls = Calls()

    def block(self) -> float:
        """CPU seconds of the next events."""
        began = time.process_time()
        for _ in range(BLOCK):
            self.calls.took(self.step(self.calls.event()))
        return time.process_time() - began


def timed_ms(work: Callable[[], object], times: int = 5) -> float:
    """The best of some, CPU ms: what it costs when nothing else has emptied the caches."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append((time.process_time() - began) * 1_000)
    return min(spent)


def main() -> None:
    """Run and say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=50, help=f"of {BLOCK} events each")
    arguments = parser.parse_args()
    plain, counting = World(counting=False), World(counting=True)
    pairs = [(plain.block(), counting.block()) for _ in range(arguments.blocks)]
    core_us = percentile([without for without, _ in pairs], 0.5) / BLOCK * 1e6
    extra_us = percentile([both - without for without, both in pairs], 0.5) / BLOCK * 1e6
    reducer, state = counting.counted.reducer, counting.counted.core.state
    now_ms = reducer.book.now_ms

    def border() -> None:
        nonlocal now_ms
        now_ms += HALF_HOUR_MS
        reducer.advance(now_ms)

    border_ms = timed_ms(border)
    tick_ms = timed_ms(lambda: reducer.take(200))
    while reducer.take():
        pass
    looks = {by: timed_ms(lambda by=by: capture(reducer, state, by, now_ms)) for by in BYS}  # type: ignore[misc]
    shown = {by: len(dumps(render(capture(reducer, state, by, now_ms), None))) for by in BYS}
    kept_bytes = len(dumps(snapshot.encode(reducer)))
    rows = [
        ["", "CPU"],
        ["core, us an event", f"{core_us:.2f}"],
        ["statistics, us an event", f"{extra_us:.2f}"],
        ["a half hour's end, ms", f"{border_ms:.2f}"],
        ["200 rows of it a second, ms", f"{tick_ms:.2f}"],
        *([f"a look at all {by}s, ms of the loop", f"{ms:.2f}"] for by, ms in looks.items()),
        ["in a snapshot, bytes", f"{kept_bytes:,}"],
    ]
    print(table(rows))
    print("live answers, bytes:", ", ".join(f"{by} {size:,}" for by, size in shown.items()))
    checks = [
        Check("statistics_us_per_event", extra_us, EVENT_US),
        Check("half_hour_end_ms", border_ms, BORDER_MS),
        Check("rows_a_second_ms", tick_ms, TICK_MS),
        Check("live_look_ms", max(looks.values()), LOOK_MS),
    ]
    print(last_line("halfhours", checks, environment(), {"core_us_per_event": core_us, "snapshot_bytes": kept_bytes}))


if __name__ == "__main__":
    main()
