"""Reading the journal back: what a start needs, and the whole history that is still there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from kak_server.model.codec import CodecError
from kak_server.model.light import frozen
from kak_server.routing.api import Event
from kak_server.routing.codec import decode_event
from kak_server.routing.upgrades import NewerEventError
from kak_server.runtime.folder import (
    JournalError,
    read_file,
    segment_numbers,
    segment_path,
    snapshot_numbers,
)
from kak_server.runtime.frames import Damage, Frame, scan
from kak_server.runtime.losses import Lost as Lost
from kak_server.runtime.losses import contacts_in
from kak_server.runtime.snapshots import Snapshot, read_snapshot

Newer = Literal["refuse", "skip"]


@frozen
class Replay:
    """What a new generation starts from: the routing snapshot (None: an empty core), the events since, the live values
    by key, and what was lost. `remarks`: which snapshots could not be read, and what the state was made from instead;
    that by itself costs nothing but time."""

    generation: int
    routing: Any
    events: tuple[Event, ...]
    values: dict[str, Any]
    lost: tuple[Lost, ...]
    records: int
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Contents:
    """A folder's readable contents, collected while reading (see `load`). `base`: the segment that reading began with;
    `number`: the newest one, 0 if there is none."""

    routing: Any = None
    events: list[Event] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    records: int = 0
    last_serial: int = 0
    last_generation: int = 0
    now_ms: int = 0
    base: int = 0
    number: int = 0
    tail: Damage | None = None  # of the newest segment


def event_of(record: dict[str, Any]) -> Event:
    """The event of a record with "k" "event". Raises CodecError, NewerEventError if a newer program wrote it."""
    return decode_event(record.get("type", ""), record.get("data"), record.get("v", 1))


def history(folder: Path, first: int = 0, last: int | None = None) -> Iterator[tuple[str, Frame | Lost]]:
    """Every record that is still there, archived ones too, oldest segment first, with losses where they are; of the
    segments `first` to `last` if given. Needs no lock."""
    numbers = segment_numbers(folder)
    reader = beginning(numbers, first)
    for number in numbers:
        if number < first or (last is not None and number > last):
            continue
        path = segment_path(folder, number)
        try:
            data = read_file(path)
        except FileNotFoundError:
            continue  # it has just been dropped for its age
        for item in reader.read(path.name, scan(data), data):
            yield path.name, item
    for lost in reader.finish():
        yield lost.segment, lost


def beginning(numbers: list[int], first: int) -> "Reader":
    """A reader of segments from `first` on: where the very first is there, so is record 1."""
    return Reader(0 if first <= 1 and numbers[:1] == [1] else None)


class Reader:
    """Frames as they are; damage and gaps in the serials as `Lost`, segment after segment. `serial` is that of the last
    frame, None if none is known, 0 before the very first."""

    def __init__(self, serial: int | None = None) -> None:
        self.serial = serial
        self._open: Lost | None = None  # damage; how many records it held shows with the next frame

    def read(self, segment: str, items: Iterable[Frame | Damage], data: bytes) -> Iterator[Frame | Lost]:
        """The next segment: its name, what `scan` made of it, and its bytes."""
        for item in items:
            if isinstance(item, Damage):
                yield from self.finish()
                self._open = self._damaged(segment, item, data)
                continue
            missing = 0 if self.serial is None else item.serial - self.serial - 1
            first = None if self.serial is None else self.serial + 1
            if self._open is not None:
                yield replace(self._open, records=None if first is None else missing)
                self._open = None
            elif missing > 0:
                yield Lost(segment, item.offset, 0, missing, "they are not there", first)
            self.serial = item.serial
            yield item

    def finish(self) -> Iterator[Lost]:
        """What is damaged at the very end: nobody knows how many records it held."""
        if self._open is not None:
            yield self._open
            self._open = None

    def _damaged(self, segment: str, damage: Damage, data: bytes) -> Lost:
        named = contacts_in(data[damage.offset : damage.end])
        first = None if self.serial is None else self.serial + 1
        return Lost(segment, damage.offset, damage.end - damage.offset, None, damage.reason, first, named)


def any_state(_routing: Any) -> str:
    """For readers of the journal who make no core of it."""
    return ""


def load(
    folder: Path, newer: Newer = "refuse", until: int | None = None, reads: Callable[[Any], str] = any_state
) -> Contents:
    """Read what a start needs: the newest whole snapshot (a file of its own, or the checkpoint that a segment begins
    with) and all that came after it. `reads` says what is wrong with a snapshot's routing state, "" if it can be read.

    A snapshot that is damaged or cannot be read is no beginning: reading starts one earlier and comes to the same
    state, since a snapshot only repeats what stood before it; without any, at the first segment that is kept. Raises
    JournalError for an event that a newer program wrote, unless `newer` is "skip": then it counts as lost. With `until`
    only what makes the state before that segment is read.
    """
    contents = Contents()
    numbers = sorted({*segment_numbers(folder), *snapshot_numbers(folder)})
    found: list[tuple[int, bytes, Iterator[Frame | Damage]]] = []  # read as they are taken: records are many
    snapshot: Snapshot | None = None
    unread: dict[int, Snapshot] = {}
    inline = False
    for number in reversed(numbers):
        data = b"" if number == until else _read_segment(folder, number)
        head, items = beginning_of(scan(data))
        found.append((number, data, items))
        if head is not None and _is_read(contents, f"the checkpoint of segment {number}", reads(_state_in(head))):
            inline = True
            break
        told = read_snapshot(folder, number)
        if isinstance(told, str):
            contents.remarks.append(f"{told}; an older one is used")
        elif told is not None and _is_read(contents, f"snapshot {number}", reads(told.routing)):
            snapshot = told
            break
        elif told is not None:
            unread[number] = told
    found.reverse()
    if snapshot is not None:
        _begin_with(contents, snapshot)
    elif contents.remarks and not inline:
        contents.remarks.append("no snapshot could be read: the state was made from the first record kept")
    reader = Reader(None if inline else contents.last_serial)
    for position, (number, data, items) in enumerate(found):
        if number in unread:  # its values can be read: they are right whatever came before
            _take_values(contents, unread[number])
        name = segment_path(folder, number).name
        _read(contents, reader, name, items, data, base=inline and position == 0, newer=newer)
    contents.lost.extend(reader.finish())
    if found:
        contents.base, contents.number = found[0][0], found[-1][0]
    return contents


def _is_read(contents: Contents, name: str, problem: str) -> bool:
    if problem:
        contents.remarks.append(f"{name} cannot be read: {problem}; an older one is used")
    return not problem


def _state_in(checkpoint: Frame) -> Any:
    return checkpoint.record.get("routing")


def _read(
    contents: Contents,
    reader: Reader,
    name: str,
    items: Iterator[Frame | Damage],
    data: bytes,
    *,
    base: bool,
    newer: Newer,
) -> None:
    """One segment into `contents`."""
    contents.tail = None

    def noted() -> Iterator[Frame | Damage]:
        for item in items:
            contents.tail = item if isinstance(item, Damage) else None
            yield item

    for item in reader.read(name, noted(), data):
        if isinstance(item, Lost):
            contents.lost.append(item)
        else:
            _apply(contents, name, item, base=base, newer=newer)


def beginning_of(items: Iterator[Frame | Damage]) -> tuple[Frame | None, Iterator[Frame | Damage]]:
    """The checkpoint that a segment begins with, if it is complete to its end mark; and all items again."""
    read: list[Frame | Damage] = []
    whole = False
    for item in items:
        read.append(item)
        if isinstance(item, Damage):
            break
        kind = item.record.get("k")
        whole = kind == "checkpoint-end" and len(read) > 1
        if whole or (len(read) == 1 and kind != "checkpoint"):
            break
    head = read[0] if whole else None
    return head if isinstance(head, Frame) else None, chain(read, items)


def is_base(folder: Path, number: int, reads: Callable[[Any], str] = any_state) -> bool:
    """A start may begin to read at this segment: the state before it is there."""
    snapshot = read_snapshot(folder, number)
    if isinstance(snapshot, Snapshot) and not reads(snapshot.routing):
        return True
    head = beginning_of(scan(_read_segment(folder, number)))[0]
    return head is not None and not reads(_state_in(head))


def _read_segment(folder: Path, number: int) -> bytes:
    try:
        return read_file(segment_path(folder, number))
    except FileNotFoundError:
        return b""  # the snapshot of what came before it may be there all the same


def _begin_with(contents: Contents, snapshot: Snapshot) -> None:
    contents.routing = snapshot.routing
    _take_values(contents, snapshot)
    contents.last_serial = snapshot.serial
    contents.last_generation = snapshot.generation
    contents.now_ms = snapshot.now_ms


def _take_values(contents: Contents, snapshot: Snapshot) -> None:
    contents.values = dict(snapshot.values)
    contents.payloads = dict(snapshot.payloads)


def _apply(contents: Contents, segment: str, frame: Frame, *, base: bool, newer: Newer) -> None:
    record = frame.record
    contents.records += 1
    contents.last_serial = frame.serial
    kind = record.get("k")
    if kind == "event":
        _apply_event(contents, segment, frame, newer)
    elif kind == "put":
        contents.values[record["key"]] = record.get("value")
        contents.payloads[record["key"]] = frame.payload
    elif kind == "del":
        contents.values.pop(record["key"], None)
        contents.payloads.pop(record["key"], None)
    elif kind in ("boot", "checkpoint", "segment"):
        contents.last_generation = max(contents.last_generation, record["generation"])
        if kind == "checkpoint" and base:
            contents.routing = record.get("routing")


def _apply_event(contents: Contents, segment: str, frame: Frame, newer: Newer) -> None:
    try:
        event = event_of(frame.record)
    except NewerEventError as problem:
        if newer == "refuse":
            raise JournalError(
                f"the journal was written by a newer kak-server: {problem} (record {frame.serial:,} of {segment}). "
                "Start that version; or go on without what this one cannot read, with journal.newer_events: skip"
            ) from None
        _lose(contents, segment, frame, str(problem))
    except CodecError as problem:
        _lose(contents, segment, frame, str(problem))
    else:
        contents.events.append(event)
        contents.now_ms = max(contents.now_ms, event.now_ms)


def _lose(contents: Contents, segment: str, frame: Frame, reason: str) -> None:
    size_bytes = frame.end - frame.offset
    contacts = contacts_in(frame.payload)
    contents.lost.append(Lost(segment, frame.offset, size_bytes, 1, reason, frame.serial, contacts))
