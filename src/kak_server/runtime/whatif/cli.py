"""`kak-server replay`: who would have waited how long by other rules."""

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from kak_server.model.codec import Json
from kak_server.model.errors import StartupError
from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.runtime.journal_cli import journal_folder
from kak_server.runtime.whatif.run import as_text, compare, iso, observe

FAR_MS = 1 << 50
COLUMNS = (
    "contact",
    "queue",
    "arrived",
    "outcome_old",
    "outcome_new",
    "wait_ms_old",
    "wait_ms_new",
    "room_old",
    "room_new",
)


def main(
    arguments: argparse.Namespace,
    data_dir: Path,
    rules: api.RoutingConfig | None,
    skills: Mapping[OperatorId, Mapping[str, int]] | None,
    capacities: Mapping[OperatorId, api.Capacity] | None = None,
) -> int:
    """0: told; 1: the journal holds nothing of that time. Raises StartupError."""
    folder = journal_folder(data_dir)
    if folder is None:
        raise StartupError(f"no journal in {data_dir}")
    from_ms = time_of(arguments.since) if arguments.since else 0
    to_ms = time_of(arguments.until) if arguments.until else FAR_MS
    observed = observe(folder, from_ms, to_ms)
    if observed is None:
        print("the journal holds nothing of that time", file=sys.stderr)
        return 1
    if not observed.tally.rows:
        print("nobody called in that time", file=sys.stderr)
        return 1
    last_ms = max(row.arrived_ms for row in observed.tally.rows.values())
    told = compare(observed, min(to_ms, last_ms + 1), rules, skills, capacities)
    name = _rules_name(arguments)
    if arguments.contacts is not None:
        _write_contacts(arguments.contacts, told["by_contact"])
    del told["by_contact"]
    sys.stdout.write(json.dumps(told, indent=1) + "\n" if arguments.json else as_text(told, name))
    return 0


def _rules_name(arguments: argparse.Namespace) -> str:
    if arguments.config_version is not None:
        return f"version {arguments.config_version}"
    return str(arguments.config) if arguments.config is not None else "the same rules"


def _write_contacts(file: Path, rows: Sequence[Mapping[str, Json]]) -> None:
    """Who would have waited how long, a line each, as CSV. Raises StartupError."""
    try:
        with file.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(COLUMNS)
            for row in rows:
                pairs = [row[age][name] for name in ("outcome", "wait_ms", "room") for age in ("old", "new")]
                writer.writerow([row["contact"], row["queue"], iso(row["arrived_ms"]), *pairs])
    except OSError as problem:
        raise StartupError(f"{file}: {problem.strerror}") from problem


def time_of(text: str) -> int:
    """UTC ms of an ISO 8601 time; UTC where it names no zone. Raises StartupError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise StartupError(f"{text!r} is no time such as 2026-03-01T08:00 or 2026-03-01T08:00+01:00") from None
    return int((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp() * 1_000)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What it takes."""
    command.add_argument(
        "--data-dir", type=Path, help="the server's data folder (var/lab; with --config-version that of --config)"
    )
    command.add_argument("--from", dest="since", metavar="TIME", help="ISO 8601, UTC unless said; the whole journal")
    command.add_argument("--to", dest="until", metavar="TIME", help="those who called before; the whole journal")
    command.add_argument("--config", type=Path, metavar="NEW", help="configuration (YAML) with the new rules")
    command.add_argument(
        "--config-version",
        type=int,
        metavar="N",
        help="the rules of a published version (kak-server config versions); --config is the server's own file then",
    )
    command.add_argument("--contacts", type=Path, metavar="CSV", help="write each contact's wait by both rules there")
    command.add_argument("--json", action="store_true", help="for programs")
