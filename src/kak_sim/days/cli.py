"""`kak-sim days`: simulated days of the routing core, judged after every event."""

import argparse
import os
import sys
import time

from kak_sim.days import runs
from kak_sim.days.day import EVENTS_MAX


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its options."""
    parser = commands.add_parser("days", help="simulate days of control rooms on a virtual clock, with failures")
    parser.add_argument("--scenario", choices=(*runs.ALL, "all"), default="all", help="the mood of the day")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, help="this seed only")
    which.add_argument("--seeds", type=int, help="so many seeds, from --first on")
    which.add_argument("--seconds", type=float, help="fresh seeds for so long")
    parser.add_argument("--first", type=int, default=0, help="first seed of --seeds")
    parser.add_argument("--events", type=int, default=EVENTS_MAX, help="break a day off after so many events")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.set_defaults(run=_run)


def _table(total: runs.Total) -> str:
    """What failed and what people did, by scenario: a failure that was never there was not survived."""
    names = list(dict.fromkeys(name for counts in total.counts.values() for name in sorted(counts)))
    width = max(map(len, names), default=0)
    lines = [" " * width + "".join(f"{scenario:>15}" for scenario in total.counts)]
    lines += [
        f"{name:<{width}}" + "".join(f"{counts[name]:>15,}" for counts in total.counts.values()) for name in names
    ]
    return "\n".join(lines)


def _run(arguments: argparse.Namespace) -> int:
    scenarios = runs.ALL if arguments.scenario == "all" else (arguments.scenario,)
    if arguments.seed is not None:
        jobs = runs.fixed(scenarios, arguments.seed, 1, arguments.events)
    elif arguments.seconds is not None:
        jobs = runs.fresh(scenarios, arguments.events)
    else:
        jobs = runs.fixed(scenarios, arguments.first, arguments.seeds or 10, arguments.events)
    begun_s = time.monotonic()
    total = runs.run(jobs, max(1, arguments.jobs), arguments.seconds)
    took_s = time.monotonic() - begun_s
    print(
        f"{total.days} days, {total.events:,} events, {total.contacts:,} contacts, {len(total.seeds):,} seeds "
        f"in {took_s:.0f} s: {len(total.failed)} failed"
    )
    print(_table(total))
    for job, finding in total.failed:
        print(f"{finding}\n  again: {job.line}", file=sys.stderr)
    return 1 if total.failed else 0
