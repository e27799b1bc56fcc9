"""`kak-server statistics`: figures worked out again from the journal alone, by running its events through the routing
core and the statistics. The server may be running."""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from kak_server.model.errors import StartupError
from kak_server.runtime.counted import Counted
from kak_server.runtime.journal_cli import journal_folder
from kak_server.runtime.replaying import Replayer, segment_to_begin_with
from kak_server.runtime.segments import Lost
from kak_server.statistics import export
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import HALF_HOUR_MS, Row
from kak_server.statistics.reducer import Reducer

EXIT_INCOMPLETE = 1
EXIT_NO_JOURNAL = 2


@dataclass(slots=True)
class Recount:
    """Rows in order of half hour and key, and what the journal could not tell."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main(arguments: argparse.Namespace) -> int:
    """Print CSV. 0: all of it is complete; 1: some is not, stderr says why; 2: no journal there."""
    folder = journal_folder(arguments.data_dir)
    if folder is None:
        print(f"no journal in {arguments.data_dir}", file=sys.stderr)
        return EXIT_NO_JOURNAL
    from_ms, to_ms = _moment_ms(arguments.from_), _moment_ms(arguments.to)
    found = recount(folder, arguments.by, from_ms, to_ms, time.time_ns() // 1_000_000)
    zone = ZoneInfo(arguments.timezone)
    sys.stdout.write(export.to_csv(arguments.by, (export.values(row, 1, 0, zone) for row in found.rows)))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    whole = not found.problems and all(row.complete for row in found.rows)
    return 0 if whole else EXIT_INCOMPLETE


def recount(folder: Path, by: By, from_ms: int, to_ms: int, now_ms: int) -> Recount:
    """Half hours that began in [from_ms, to_ms) and are over at `now_ms`; each as it was last known."""
    found = Recount()
    newest: dict[tuple[int, str], Row] = {}
    for counted in _walk(folder, from_ms, to_ms, now_ms, found):
        for row in counted.reducer.take():
            if row.by == by and from_ms <= row.half_hour_ms < to_ms:
                newest[row.half_hour_ms, row.key] = row
    found.rows = [newest[key] for key in sorted(newest)]
    return found


def _walk(folder: Path, from_ms: int, to_ms: int, now_ms: int, found: Recount) -> Iterator[Counted]:
    """The figures, each time a half hour has ended, until all that is asked for is settled, and once at the end."""
    replayer = Replayer(folder)
    counted: Counted | None = None
    for seen in replayer.walk(segment_to_begin_with(folder, from_ms - HALF_HOUR_MS)):
        if isinstance(seen.item, Lost):
            found.problems.append(str(seen.item))
            if counted is not None:
                counted.reducer.gap()
        if seen.event is None or not replayer.in_step:
            continue
        if counted is None or counted.core is not replayer.core:
            counted = _begin(replayer)
        counted.step(seen.event)
        if counted.reducer.book.due:
            yield counted
            if counted.reducer.book.now_ms >= to_ms and not _undecided(counted, to_ms):
                return
    found.problems += replayer.problems
    if counted is not None:
        counted.reducer.advance(min(to_ms, now_ms))
        yield counted


def _begin(replayer: Replayer) -> Counted:
    reducer = Reducer()
    if replayer.core.now_ms:
        reducer.adopt(replayer.core.state)
    return Counted(replayer.core, reducer)


def _undecided(counted: Counted, to_ms: int) -> bool:
    """Contacts that arrived before then still wait."""
    return any(start_ms < to_ms for start_ms in counted.reducer.book.kept)


def _moment_ms(text: str) -> int:
    """An RFC 3339 time as UTC ms. Raises StartupError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StartupError(f"not a time such as 2026-11-27T08:30:00Z: {text!r}") from None
    if moment.tzinfo is None:
        raise StartupError(f"{text} needs its offset: Z, or for instance +01:00")
    return int(moment.timestamp() * 1_000)
