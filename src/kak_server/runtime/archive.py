"""Putting old segments away: compressed, with an index of what is in them, until they are too old or too many.

What reads history (statistics, replays, explanations) reads archived segments as it reads others. The index saves
opening the wrong ones: times, and which contacts its events are about.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kak_server.model.codec import dumps, loads
from kak_server.model.light import frozen
from kak_server.runtime.files import FILES, Files, create_whole
from kak_server.runtime.folder import (
    index_path,
    packed,
    segment_numbers,
    segment_path,
    snapshot_numbers,
    snapshot_path,
)
from kak_server.runtime.frames import Frame, scan
from kak_server.runtime.packing import pack

DAY_MS = 86_400_000


@frozen
class Keep:
    """How much history: `days` old at most, `total_bytes` on the disk at most. 0: without bound."""

    days: float = 0.0
    total_bytes: int = 0


@frozen
class Index:
    """What a segment holds: serials, times (UTC ms, 0: no event) and the contacts of its events."""

    segment: int
    first_serial: int
    last_serial: int
    from_ms: int
    to_ms: int
    events: int
    contacts: tuple[str, ...]


def index_of(number: int, data: bytes) -> Index:
    """Read a segment's bytes for it."""
    serials: list[int] = []
    times: list[int] = []
    contacts: dict[str, None] = {}
    for item in scan(data):
        if not isinstance(item, Frame):
            continue
        serials.append(item.serial)
        if item.record.get("k") == "event" and isinstance(item.record.get("data"), dict):
            about: dict[str, Any] = item.record["data"]
            times.append(int(about.get("now_ms", 0)))
            if isinstance(about.get("contact"), str):
                contacts[about["contact"]] = None
    return Index(
        number,
        min(serials, default=0),
        max(serials, default=0),
        min(times, default=0),
        max(times, default=0),
        len(times),
        tuple(contacts),
    )


def read_index(folder: Path, number: int) -> Index | None:
    """None: there is none, or it is unreadable; then the segment itself has to be read."""
    try:
        data = loads(index_path(folder, number).read_bytes())
        return Index(**{**data, "contacts": tuple(data["contacts"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def put_away(folder: Path, bases: tuple[int, int], files: Files = FILES) -> tuple[int, ...]:
    """Compress what a start does not need: segments and snapshots before both `bases`. The numbers of the segments.
    Raises OSError; then what was not put away stays as it is."""
    done: list[int] = []
    for number in segment_numbers(folder):
        path = segment_path(folder, number)
        if number < min(bases) and path.exists():
            data = path.read_bytes()
            _create(files, index_path(folder, number), dumps(index_of(number, data)))
            _pack(files, path, data)
            done.append(number)
    for number in snapshot_numbers(folder):
        path = snapshot_path(folder, number)
        if number < max(bases) and number not in bases and path.exists():
            _pack(files, path, path.read_bytes())
    return tuple(done)


def _pack(files: Files, path: Path, data: bytes) -> None:
    """The compressed file is on the disk before the plain one goes."""
    _create(files, packed(path), pack(data))
    path.unlink()


def _create(files: Files, path: Path, data: bytes) -> None:
    files.close(create_whole(files, path, data, sync=True))


def drop_old(folder: Path, keep: Keep, needed: int, now_ms: int) -> tuple[int, ...]:
    """Remove the oldest segments that are too old or too much; never one from `needed` on. Raises OSError."""
    numbers = [number for number in segment_numbers(folder) if number < needed]
    sizes = {number: _size(folder, number) for number in {*segment_numbers(folder), *snapshot_numbers(folder)}}
    total = sum(sizes.values())
    gone: list[int] = []
    for number in numbers:
        index = read_index(folder, number)
        too_old = keep.days > 0 and index is not None and 0 < index.to_ms < now_ms - keep.days * DAY_MS
        too_much = 0 < keep.total_bytes < total
        if not too_old and not too_much:
            break
        total -= sizes[number]
        gone.append(number)
        for path in _files(folder, number):
            path.unlink(missing_ok=True)
    return tuple(gone)


def _files(folder: Path, number: int) -> Iterable[Path]:
    for path in (segment_path(folder, number), snapshot_path(folder, number)):
        yield from (path, packed(path))
    yield index_path(folder, number)


def _size(folder: Path, number: int) -> int:
    return sum(path.stat().st_size for path in _files(folder, number) if path.exists())
