"""The journal's folder: segment files, the lock, the generation, and reading it all back.

lock                     held (flock) as long as the journal is open; says whose
generation               the newest fencing generation, so that it never goes back even if segments are lost
journal-00000007.kj      segments; each but the first begins with a checkpoint of everything before it
torn-00000007-4711.bin   what was cut off a torn end, kept for a person to look at
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kak_server.model.codec import CodecError
from kak_server.routing.api import Event
from kak_server.routing.codec import decode_event
from kak_server.runtime.frames import Damage, Frame, scan

_SEGMENT = re.compile(r"journal-(\d{8})\.kj")


class JournalError(Exception):
    """The journal cannot be opened. The text is for the person who starts the server."""


class JournalLockedError(JournalError):
    """Another process has this data folder open."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What could not be read back, and exactly where. `records` is None where nobody can know how many it held."""

    segment: str
    offset: int
    bytes: int
    records: int | None
    reason: str

    def __str__(self) -> str:
        many = "an unknown number of records" if self.records is None else f"{self.records} record(s)"
        return f"{self.segment} at byte {self.offset}: {self.bytes} bytes, {many} lost: {self.reason}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a new generation starts from: the routing snapshot (None: an empty core), the events since, the live values
    by key, and what was lost."""

    generation: int
    routing: Any
    events: tuple[Event, ...]
    values: dict[str, Any]
    lost: tuple[Lost, ...]
    records: int


@dataclass(slots=True)
class Contents:
    """A folder's readable contents, collected while reading (see `load`)."""

    routing: Any = None
    events: list[Event] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    records: int = 0
    last_serial: int = 0
    last_generation: int = 0
    tail: Damage | None = None  # of the newest segment


def segment_path(folder: Path, number: int) -> Path:
    """The file of segment `number`."""
    return folder / f"journal-{number:08d}.kj"


def segment_numbers(folder: Path) -> list[int]:
    """All segments, oldest first."""
    matches = (_SEGMENT.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match.group(1)) for match in matches if match)


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


def sync_folder(folder: Path) -> None:
    """Make new and renamed files in it survive a power cut. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def history(folder: Path) -> Iterator[tuple[str, Frame | Lost]]:
    """Every record that is still there, oldest segment first, with losses where they are. Needs no lock."""
    serial = 0
    for number in segment_numbers(folder):
        path = segment_path(folder, number)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # a running server has just dropped its oldest segment
        for item in located(path.name, scan(data), serial):
            if isinstance(item, Frame):
                serial = item.serial
            yield path.name, item


def located(segment: str, items: Iterable[Frame | Damage], serial: int) -> Iterator[Frame | Lost]:
    """Frames as they are; damage and gaps in the serials as `Lost`. `serial` is the last one before, 0 if unknown."""
    damage: Damage | None = None
    for item in items:
        if isinstance(item, Damage):
            if item.tail:
                yield Lost(segment, item.offset, item.end - item.offset, None, item.reason)
            damage = item
            continue
        missing = item.serial - serial - 1 if serial else 0
        if damage is not None:
            known = missing if serial else None
            yield Lost(segment, damage.offset, damage.end - damage.offset, known, damage.reason)
        elif missing > 0:
            yield Lost(segment, item.offset, 0, missing, "they were never written")
        damage, serial = None, item.serial
        yield item


def load(folder: Path) -> Contents:
    """Read what a start needs: the newest complete checkpoint and all that came after it.

    A segment whose checkpoint is damaged is no beginning: reading starts one earlier and comes to the same state, since
    a checkpoint only repeats what stood before it.
    """
    numbers = segment_numbers(folder)
    scanned: list[tuple[str, list[Frame | Damage]]] = []
    for number in reversed(numbers):
        path = segment_path(folder, number)
        items = list(scan(path.read_bytes()))
        scanned.append((path.name, items))
        if _whole_checkpoint(items):
            break
    scanned.reverse()
    contents = Contents()
    for position, (name, items) in enumerate(scanned):
        is_base = position == 0
        for item in located(name, items, contents.last_serial):
            if isinstance(item, Lost):
                contents.lost.append(item)
            else:
                _apply(contents, name, item, is_base=is_base)
    if scanned and scanned[-1][1] and isinstance(scanned[-1][1][-1], Damage):
        contents.tail = scanned[-1][1][-1]
    return contents


def _whole_checkpoint(items: list[Frame | Damage]) -> bool:
    """The segment begins with a checkpoint that is complete to its end mark."""
    for position, item in enumerate(items):
        if isinstance(item, Damage):
            return False
        kind = item.record.get("k")
        if position == 0 and kind != "checkpoint":
            return False
        if kind == "checkpoint-end":
            return True
    return False


def _apply(contents: Contents, segment: str, frame: Frame, *, is_base: bool) -> None:
    record = frame.record
    contents.records += 1
    contents.last_serial = frame.serial
    kind = record.get("k")
    if kind == "event":
        try:
            contents.events.append(decode_event(record.get("type", ""), record.get("data")))
        except CodecError as problem:
            contents.lost.append(Lost(segment, frame.offset, frame.end - frame.offset, 1, str(problem)))
    elif kind == "put":
        contents.values[record["key"]] = record.get("value")
    elif kind == "del":
        contents.values.pop(record["key"], None)
    elif kind == "boot":
        contents.last_generation = max(contents.last_generation, record["generation"])
    elif kind == "checkpoint":
        contents.last_generation = max(contents.last_generation, record["generation"])
        if is_base:
            contents.routing = record.get("routing")
