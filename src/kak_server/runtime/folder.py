"""The journal's folder: names, the lock, the generation.

lock                      held (flock) as long as the journal is open; says whose
generation                the newest fencing generation, so that it never goes back even if segments are lost
journal-00000007.kj       a segment: the newest is appended to, older ones never change
journal-00000008.kj       of 8 bytes: the next one's file, made ahead (`next_segment.py`); no segment yet
journal-00000007.kj.gz    a segment, put away (`archive.py`)
journal-00000007.idx      what is in an archived segment: times, contacts
snapshot-00000007.kj      the state before segment 7 (`snapshots.py`); also .gz
torn-00000007-4711.bin    what was cut off a torn end, kept for a person to look at
compacting                held (flock) by whoever compacts
"""

import fcntl
import os
import re
from pathlib import Path

from kak_server.runtime.frames import SEGMENT_MAGIC
from kak_server.runtime.packing import unpack

SUFFIX = ".kj"
PACKED = ".gz"
_NAME = re.compile(r"(journal|snapshot)-(\d{8})\.kj(\.gz)?")


class JournalError(Exception):
    """The journal cannot be opened. The text is for the person who starts the server."""


class JournalLockedError(JournalError):
    """Another process has this data folder open."""


def segment_path(folder: Path, number: int) -> Path:
    """The file of segment `number`."""
    return folder / f"journal-{number:08d}{SUFFIX}"


def snapshot_path(folder: Path, number: int) -> Path:
    """The file of the state before segment `number`."""
    return folder / f"snapshot-{number:08d}{SUFFIX}"


def index_path(folder: Path, number: int) -> Path:
    """The file that says what is in an archived segment."""
    return folder / f"journal-{number:08d}.idx"


def packed(path: Path) -> Path:
    """Its name when put away."""
    return path.with_name(path.name + PACKED)


def segment_numbers(folder: Path) -> list[int]:
    """All segments, archived ones too, oldest first. A file without a record is none."""
    return _numbers(folder, "journal", len(SEGMENT_MAGIC))


def snapshot_numbers(folder: Path) -> list[int]:
    """All snapshots, archived ones too, oldest first."""
    return _numbers(folder, "snapshot")


def _numbers(folder: Path, kind: str, over_bytes: int = -1) -> list[int]:
    """Of the files that hold more than so many bytes."""
    found: set[int] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is not None and match.group(1) == kind and _size_of(entry) > over_bytes:
                found.add(int(match.group(2)))
    return sorted(found)


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return -1  # it has just been put away or dropped


def read_file(path: Path) -> bytes:
    """A segment's or snapshot's bytes, archived or not. Raises FileNotFoundError if it is neither; of a damaged
    archive what it still gives, with `packing.HOLE` where something is missing."""
    for _ in range(2):  # it may be put away between the two looks
        try:
            return path.read_bytes()
        except FileNotFoundError:
            try:
                return unpack(packed(path).read_bytes())
            except FileNotFoundError:
                continue
    raise FileNotFoundError(path)


def lock_folder(folder: Path) -> int:
    """Hold the folder for this process; the returned descriptor is the lock. Raises JournalLockedError."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(fd, 64, 0).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise JournalLockedError(f"data folder {folder} is in use by another server (process {owner})") from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def read_generation(folder: Path) -> int:
    """The newest generation noted beside the segments; 0 if none or unreadable (boot records count too)."""
    try:
        return int((folder / "generation").read_text())
    except (OSError, ValueError):
        return 0


def write_generation(folder: Path, generation: int) -> None:
    """Note it durably before anybody uses it. In place and of fixed width, so that a full disk takes it too.
    Raises OSError."""
    fd = os.open(folder / "generation", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, f"{generation:020d}\n".encode(), 0)
        os.fsync(fd)
    finally:
        os.close(fd)
