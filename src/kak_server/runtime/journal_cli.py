"""`kak-server journal ...`: what can be asked of a journal, and done to it, by hand."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kak_server.model.codec import CodecError
from kak_server.runtime.archive import Keep
from kak_server.runtime.check import check
from kak_server.runtime.compaction import BusyError, compact
from kak_server.runtime.explain import Explanation, explanation, lines
from kak_server.runtime.folder import JournalError, segment_numbers
from kak_server.runtime.migrate import migrate
from kak_server.runtime.naming import Names

EXIT_PROBLEM, EXIT_NO_JOURNAL, EXIT_PARTLY = 1, 2, 3


def main(arguments: argparse.Namespace, names: Callable[[], Names] = Names) -> int:
    """The command line: `arguments.action` is "explain" (with `.call`), "check", "compact" (with `.keep_days` and
    `.keep_bytes`) or "migrate"; `.data_dir` is the server's data folder or the journal itself. `names`: what skills and
    rooms are called, for explanations.

    0: told, done, or the journal is whole. 1: no such call, or the journal is damaged. 2: no journal there. 3: of the
    call only a part could be told; a line on stderr says what is missing.
    """
    folder = journal_folder(arguments.data_dir)
    if folder is None:
        print(f"no journal in {arguments.data_dir}", file=sys.stderr)
        return EXIT_NO_JOURNAL
    try:
        return _act(folder, arguments, names)
    except (JournalError, CodecError) as problem:
        print(f"kak-server: {problem}", file=sys.stderr)
        return EXIT_PROBLEM
    except BusyError:
        print("kak-server: the journal is being compacted just now", file=sys.stderr)
        return EXIT_PROBLEM


def _act(folder: Path, arguments: argparse.Namespace, names: Callable[[], Names]) -> int:
    if arguments.action in ("check", "verify"):
        return check(folder)
    if arguments.action == "migrate":
        return migrate(folder)
    if arguments.action == "compact":
        done = compact(folder, Keep(arguments.keep_days, arguments.keep_bytes), time.time_ns() // 1_000_000)
        for lost in done.lost:
            print(f"PROBLEM {lost}; nothing was compacted")
        snapshot = f"state before segment {done.snapshot} written" if done.snapshot else "no new snapshot needed"
        print(f"{snapshot}; {len(done.archived)} segment(s) put away, {len(done.dropped)} removed")
        return EXIT_PROBLEM if done.lost else 0
    told = explanation(folder, arguments.call, names())
    if told is None:
        print(f"the journal knows no call {arguments.call!r}", file=sys.stderr)
        return EXIT_PROBLEM
    print("\n".join(line for step in told.steps for line in lines(step)))
    missing = _missing(told)
    if missing:
        print(f"kak-server: not all of {told.contact} could be told: {'; '.join(missing)}", file=sys.stderr)
    return EXIT_PARTLY if missing else 0


def _missing(told: Explanation) -> list[str]:
    """What the journal could not say."""
    found = []
    if not told.began:
        found.append("how it came is not in what can be read of the journal")
    if not told.known:
        found.append("what became of it is not in what can be read of the journal")
    if not told.complete and not found:
        found.append("the journal has a hole, or there are more steps than are told")
    return found


def journal_folder(data_dir: Path) -> Path | None:
    """The journal of a data folder, or the folder itself if it is one."""
    for folder in (data_dir / "journal", data_dir):
        if folder.is_dir() and segment_numbers(folder):
            return folder
    return None
