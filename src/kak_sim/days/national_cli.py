"""`kak-sim national-day`: the country's calls of a day under three variants of the rules, as a report."""

import argparse
import csv
import sys
import time
from pathlib import Path

from kak_server.config.loader import load_settings
from kak_server.config.problems import ConfigError
from kak_server.config.settings import Settings
from kak_server.routing.api import ContactClass
from kak_sim.days import national, report
from kak_sim.days.day import Day
from kak_sim.days.levels import Level, grouped
from kak_sim.days.watches import Tally, Wait
from kak_sim.days.world import DAY_START_MS, HOUR_MS


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its options."""
    parser = commands.add_parser("national-day", help="a day of 113 and 116117 under three workflow variants")
    parser.add_argument("--config", type=Path, default=Path("configs/national.yaml"), help="rooms, seats and queues")
    parser.add_argument("--out", type=Path, default=Path("var/national-day"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-peaks", action="store_true", help="a usual day instead of one with peaks of five times")
    parser.set_defaults(run=_run)


def _half_hour(wait: Wait) -> str:
    minutes = (wait.arrived_ms - DAY_START_MS) // (HOUR_MS // 2) * 30
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def play(settings: Settings, variant: national.Variant, seed: int, *, peaks: bool) -> report.Told:
    """One day under one variant. Raises RuntimeError if it does not end well."""
    world = national.world_of(settings, variant, peaks=peaks)
    tally = Tally()
    outcome = Day(world, seed, (tally,)).run()
    if outcome.findings:
        raise RuntimeError(f"{variant.name}: {outcome.findings[0]}")
    room_of = national.queue_of_room(world.config)
    whole, rooms, hours = {}, {}, {}
    for klass, (threshold_ms, _) in national.GOALS.items():
        thresholds = {queue.queue: threshold_ms for queue in world.config.queues if queue.klass is klass}
        waits = [wait for wait in tally.waits.values() if wait.queue in thresholds]
        whole[klass] = grouped(waits, lambda _: "all", thresholds).get("all", Level())
        rooms[klass] = grouped(waits, lambda wait: room_of[wait.queue], thresholds)
        hours[klass] = grouped(waits, _half_hour, thresholds)
    return report.Told(variant.name, variant.text, outcome.events, outcome.placed, whole, rooms, hours)


def write_rows(path: Path, told: list[report.Told]) -> None:
    """Every room under every variant, for a spreadsheet."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ("variant", "service", "room", "calls", "service_level", "abandoned", "mean_wait_s", "p90_wait_s")
        )
        for one in told:
            for klass, rooms in one.rooms.items():
                for room, level in sorted(rooms.items()):
                    figures = (level.share, level.abandoned, level.mean_wait_s, level.wait_s(0.9))
                    service = report.SERVICES[ContactClass(klass)]
                    rows.writerow((one.name, service, room, level.calls, *(f"{figure:.4f}" for figure in figures)))


def _run(arguments: argparse.Namespace) -> int:
    try:
        settings = load_settings(arguments.config)
    except ConfigError as problem:
        print(f"kak-sim national-day: {problem}", file=sys.stderr)
        return 2
    told = []
    for variant in national.VARIANTS:
        begun_s = time.monotonic()
        told.append(play(settings, variant, arguments.seed, peaks=not arguments.no_peaks))
        took_s = time.monotonic() - begun_s
        levels = ", ".join(
            f"{report.SERVICES[klass]} {level.share:.1%} of {level.calls:,}" for klass, level in told[-1].whole.items()
        )
        print(f"{variant.name:10} {levels}; {told[-1].events:,} events in {took_s:.1f} s", flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_rows(arguments.out / "rooms.csv", told)
    title = "A usual day" if arguments.no_peaks else "A day with peaks of five times the usual calls"
    try:
        text = report.page(f"{title}: 113 and 116117", told)
    except ImportError:
        print("no pictures without matplotlib: pip install 'kak-server[report]'", file=sys.stderr)
        return 2
    (arguments.out / "index.html").write_text(text, encoding="utf-8")
    print(f"report: {arguments.out / 'index.html'}, figures: {arguments.out / 'rooms.csv'}")
    return 0
