"""`kak-server recordings check`: is the media ledger what was written, and are the files what it says?

Every row's place in the hash chain, every file's hash; and, which is no fault of the ledger's, what it says is missing.
Rows that were taken off the end leave no trace in a chain: who keeps the last hash elsewhere can tell.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from kak_server.model.errors import StartupError
from kak_server.records import chain
from kak_server.records.database import connect, each_of_ledger
from kak_server.records.migrating import newest, version_of
from kak_server.records.types import LedgerRow

READ_BYTES = 1 << 20
WHOLE = 0.995  # of what was expected: less is pointed out


def check_folder(data_dir: Path, since: str = "") -> int:
    """Those of a server's data folder. See `check`."""
    if not (data_dir / "records.db").exists():
        raise StartupError(f"{data_dir}: no records.db; --data-dir is the server's data folder")
    return check(f"sqlite:///{(data_dir / 'records.db').absolute()}", data_dir / "recordings", since)


def check(url: str, folder: Path, since: str = "") -> int:
    """Print what is found. 0: the recordings are what the ledger says; 1: not, and the lines with PROBLEM say where.
    Files of tracks from before the day `since` (YYYY-MM-DD, UTC) are not read. Raises StartupError where the ledger
    cannot be read, and for a day that is none."""
    since_ms = _begin_ms(since) if since else 0
    rows = files = read = stretches = problems = missing_ms = 0
    engine = connect(url)
    try:
        with engine.connect() as connection:
            previous = chain.GENESIS
            for row in each_of_ledger(connection):
                rows += 1
                files += bool(row.path)
                stretches += not row.path
                missing_ms += row.expected_ms - row.stored_ms if _note(row) else 0
                found = [*_link(row, previous, rows)]
                if row.path and row.started_at_ms >= since_ms:
                    read += 1
                    found += _file(row, folder / row.path)
                for problem in found:
                    print(f"PROBLEM {problem}")
                problems += len(found)
                previous = row.row_hash
    except SQLAlchemyError as problem:
        raise StartupError(f"the ledger cannot be read: {_why(engine, problem)}") from problem
    finally:
        engine.dispose()
    print(f"{rows:,} rows: {files:,} files, {read:,} of them read; {stretches:,} stretches that no disk took")
    print(f"{missing_ms / 1000:,.1f} s are missing of what was to be recorded")
    print(f"the last row's hash is {previous}")
    print("the recordings are what the ledger says" if not problems else f"{problems} problem(s)")
    return 1 if problems else 0


def _why(engine: Engine, problem: SQLAlchemyError) -> str:
    version = version_of(engine)
    if version and version < newest():
        return (
            f"its tables are those of an older version ({version}); a start of this one's server brings them up to date"
        )
    if version > newest():
        return f"its tables are those of a newer version of kak-server ({version})"
    return str(problem).splitlines()[0]


def _note(row: LedgerRow) -> bool:
    """Say what is missing; whether anything is."""
    if not row.path:
        length_s = row.expected_ms / 1000
        until = f"from {_time(row.started_at_ms)} until {_time(row.ended_at_ms)}"
        print(f"MISSING {row.recording}: {length_s:,.1f} s {until}: {row.reason}")
        return True
    if row.stored_ms >= row.expected_ms * WHOLE:
        return False
    print(f"MISSING {row.recording}: {row.stored_ms / 1000:,.1f} s of {row.expected_ms / 1000:,.1f} s are in the file")
    return True


def _link(row: LedgerRow, previous: str, number: int) -> Iterator[str]:
    if row.prev_hash != previous:
        yield f"row {number} ({row.recording}): the row before it was taken out, put in or changed"
    if row.row_hash != chain.row_hash(row, row.prev_hash):
        yield f"row {number} ({row.recording}): it was changed after it was written"


def _file(row: LedgerRow, path: Path) -> Iterator[str]:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as problem:
        yield f"{row.recording}: {path}: {problem.strerror}"
        return
    if digest.hexdigest() != row.sha256:
        yield f"{row.recording}: {path} is not what was recorded"


def _begin_ms(day: str) -> int:
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError as problem:
        raise StartupError(f"{day!r} is no day: YYYY-MM-DD") from problem


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
