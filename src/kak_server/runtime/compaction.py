"""Compaction: what happens to segments that are full. Files in, files out; run by `compactor.py` in a process of its
own beside the server, and by `kak-server journal compact`.

First the snapshot of the state before the newest segment, worked out from the snapshot before it and the records since:
the routing core is deterministic, so the files say what the server has in memory, and the loop need not stop to write
it. Then segments older than the last two snapshots are put away compressed (`archive.py`), and what is older than
`keep_days` or more than `keep_bytes` is removed.
"""

import argparse
import fcntl
import hashlib
import os
import sys
import time
from pathlib import Path

from kak_server.model.codec import CodecError, dumps
from kak_server.model.light import frozen
from kak_server.runtime.archive import Keep, drop_old, put_away
from kak_server.runtime.counted import Counted
from kak_server.runtime.files import FILES, Files
from kak_server.runtime.folder import JournalError, segment_numbers
from kak_server.runtime.losses import Lost
from kak_server.runtime.nursery import end_with_parent
from kak_server.runtime.restoring import readable
from kak_server.runtime.segments import Contents, is_base, load
from kak_server.runtime.snapshots import encode_snapshot, write_snapshot

PACKAGE = Path(__file__).resolve().parents[1]
DETERMINING = ("model", "routing", "runtime", "statistics")
EXIT_PROBLEM = 1
EXIT_LOST = 4


@frozen
class Compacted:
    """What was done. `lost`: records that could not be read, and then nothing was done but saying so."""

    snapshot: int | None = None
    archived: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    lost: tuple[Lost, ...] = ()


class BusyError(Exception):
    """Another process compacts this folder."""


def fingerprint() -> str:
    """Of the sources that make the state: only a process with the same ones may work it out for the server."""
    digest = hashlib.sha256()
    for room in DETERMINING:
        for path in sorted((PACKAGE / room).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def compact(folder: Path, keep: Keep, now_ms: int, files: Files = FILES) -> Compacted:
    """All of it. The newest segment is never touched: it may be written to.

    Raises OSError, BusyError, JournalError (a newer program's events), CodecError (its snapshot).
    """
    lock_fd = os.open(folder / "compacting", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError from None
        newest = max(segment_numbers(folder), default=0)
        made = None
        if not is_base(folder, newest, readable):
            contents = load(folder, until=newest, reads=readable)
            if contents.lost:
                return Compacted(lost=tuple(contents.lost))
            _write(folder, newest, contents, files)
            made = newest
        bases = _older_base(folder, newest), newest
        archived = put_away(folder, bases, files)
        return Compacted(made, archived, drop_old(folder, keep, min(bases), now_ms))
    finally:
        os.close(lock_fd)


def _write(folder: Path, number: int, contents: Contents, files: Files) -> None:
    counted = Counted.restore(contents.routing)
    for event in contents.events:
        counted.step(event)
    counted.issued()
    data = encode_snapshot(
        number,
        contents.last_serial,
        contents.last_generation,
        max(contents.now_ms, counted.core.now_ms),
        counted.snapshot(),
        contents.payloads.values(),
    )
    write_snapshot(folder, number, data, files)


def _older_base(folder: Path, newest: int) -> int:
    """Where a start begins to read if the newest snapshot turns out to be damaged."""
    numbers = [number for number in segment_numbers(folder) if number < newest]
    bases = (number for number in reversed(numbers) if is_base(folder, number, readable))
    return next(bases, min(numbers, default=newest))


def main() -> int:
    """In a process of its own, at low priority: `python -m kak_server.runtime.compaction FOLDER ...`. Prints
    what was done or is wrong, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep-days", type=float, required=True)
    parser.add_argument("--keep-bytes", type=int, required=True)
    parser.add_argument("--fingerprint", required=True)
    arguments = parser.parse_args()
    os.nice(10)
    end_with_parent()
    if arguments.fingerprint != fingerprint():
        return _failed("another version of kak-server has been installed: restart the server to use it")
    try:
        done = compact(arguments.folder, Keep(arguments.keep_days, arguments.keep_bytes), time.time_ns() // 1_000_000)
    except BusyError:
        return _failed("another process compacts the journal")
    except (OSError, JournalError, CodecError) as problem:
        return _failed(str(problem))
    sys.stdout.buffer.write(dumps(done))
    return EXIT_LOST if done.lost else 0


def _failed(text: str) -> int:
    sys.stdout.buffer.write(dumps({"problem": text}))
    return EXIT_PROBLEM


if __name__ == "__main__":
    sys.exit(main())
