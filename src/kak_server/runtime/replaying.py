"""Replaying history: a routing core carried along the records, from the snapshot before a segment on."""

from collections.abc import Iterator
from pathlib import Path

from kak_server.model.codec import CodecError
from kak_server.model.light import frozen
from kak_server.routing.api import Event
from kak_server.routing.snapshot_forms import FORMAT
from kak_server.routing.step import RoutingCore
from kak_server.runtime.archive import Index, index_of, read_index
from kak_server.runtime.folder import read_file, segment_numbers, segment_path
from kak_server.runtime.frames import Frame, scan
from kak_server.runtime.restoring import readable
from kak_server.runtime.segments import Lost, beginning, event_of, is_base
from kak_server.runtime.snapshots import read_snapshot


@frozen
class Seen:
    """One record (or a loss) of segment `number`, before the core has taken it. `event`: to be stepped next."""

    number: int
    item: Frame | Lost
    event: Event | None = None


class Replayer:
    """The core that the records up to here make. It starts at the first snapshot or at the very beginning, and after a
    hole at the next snapshot.

    Step `core` with each event that `walk` gives, before the next one is asked for. `problems` says where records and
    snapshots disagree (with `compare`), or cannot be read.
    """

    def __init__(self, folder: Path, *, compare: bool = False) -> None:
        self.folder = folder
        self.core = RoutingCore()
        self.events = 0
        self.snapshots = 0
        self.problems: list[str] = []
        self.in_step = False  # the core is what the records up to here make
        self._compare = compare
        self._payloads: dict[str, bytes] = {}
        self._stated: dict[str, bytes] | None = None  # what a checkpoint under way says is alive

    def walk(self, first: int = 0, last: int | None = None) -> Iterator[Seen]:
        """The records of segments `first` to `last`, in order."""
        numbers = segment_numbers(self.folder)
        reader = beginning(numbers, first)
        for number in numbers:
            if number < first or (last is not None and number > last):
                continue
            path = segment_path(self.folder, number)
            try:
                data = read_file(path)
            except FileNotFoundError:
                continue  # it has just been dropped for its age
            begun = False
            for item in reader.read(path.name, scan(data), data):
                if isinstance(item, Frame) and not begun:
                    self._begin(number)
                    begun = True
                yield Seen(number, item, self._take(item))
        for lost in reader.finish():
            yield Seen(0, lost)

    def _begin(self, number: int) -> None:
        """A segment: the state before it may be known from a snapshot."""
        if self.in_step and not self._compare:
            return
        found = read_snapshot(self.folder, number)
        if isinstance(found, str):
            self.problems.append(found)
        elif found is not None:
            if self._compare and self.in_step and self._payloads != found.payloads:
                self.problems.append(f"snapshot {number} has other live values than the records before it")
            self._payloads = dict(found.payloads)
            self._agree(found.routing, f"snapshot {number}")

    def _take(self, item: Frame | Lost) -> Event | None:
        if isinstance(item, Lost):
            self.in_step = False
            return None
        record = item.record
        kind = record.get("k")
        if item.serial == 1:
            self.in_step = True  # the very beginning: an empty core is right
        if kind == "checkpoint":
            self._agree(record.get("routing"), f"the checkpoint at record {item.serial:,}")
            self._stated = {}
        elif kind in ("put", "del", "checkpoint-end"):
            self._value(item, kind)
        elif kind == "event":
            try:
                event = event_of(record)
            except CodecError as problem:
                self.problems.append(f"record {item.serial:,}: {problem}")
                self.in_step = False
                return None
            self.events += 1
            return event
        return None

    def _value(self, frame: Frame, kind: str) -> None:
        if not self._compare:
            return
        if kind == "checkpoint-end":
            if self._stated is not None and self.in_step and self._stated != self._payloads:
                self.problems.append(f"the checkpoint before record {frame.serial:,} has other live values than before")
            self._payloads, self._stated = self._stated or {}, None
        elif kind == "del":
            self._payloads.pop(frame.record["key"], None)
        elif self._stated is not None:
            self._stated[frame.record["key"]] = frame.payload
        else:
            self._payloads[frame.record["key"]] = frame.payload

    def _agree(self, routing: object, name: str) -> None:
        """The replay so far gives this state; if it does not, go on from the state that was written. One of an older
        form need not: it tells less than is known today, and a start went on from it."""
        self.snapshots += 1
        try:
            written = RoutingCore() if routing is None else RoutingCore.restore(routing)
        except CodecError as problem:
            self.problems.append(f"{name} cannot be read: {problem}")
            return
        older = isinstance(routing, dict) and routing.get("format") != FORMAT
        if not self.in_step or (self._compare and older):
            self.core = written
        elif self._compare and written.digest() != self.core.digest():
            self.problems.append(f"{name} differs from the replay up to it")
            self.core = written
        self.in_step = True


def index_for(folder: Path, number: int) -> Index:
    """What is in a segment, from its index or else from itself. Empty if it is gone."""
    found = read_index(folder, number)
    if found is not None:
        return found
    try:
        return index_of(number, read_file(segment_path(folder, number)))
    except FileNotFoundError:
        return Index(number, 0, 0, 0, 0, 0, ())


def segment_to_begin_with(folder: Path, at_ms: int) -> int:
    """The newest segment that begins with a state that is known (a whole snapshot or checkpoint) and not after `at_ms`
    (UTC): a replay from there has all that happened since. 0: none, the journal's very beginning."""
    earlier: list[int] = []
    for number in segment_numbers(folder):
        index = index_for(folder, number)
        if index.events and index.from_ms > at_ms:
            break
        earlier.append(number)
    return next((number for number in reversed(earlier) if is_base(folder, number, readable)), 0)


def segments_of_contact(folder: Path, contact: str, before: int | None = None) -> tuple[int, int] | None:
    """The first and the last of the newest segments on end with events about a contact, of those before segment
    `before` if given; newest first, so that one of today is found soon."""
    name = f'"contact":"{contact}"'.encode()
    found: list[int] = []
    for number in reversed(segment_numbers(folder)):
        if before is not None and number >= before:
            continue
        if _concerns(folder, number, contact, name):
            found.append(number)
        elif found:
            break
    return (found[-1], found[0]) if found else None


def _concerns(folder: Path, number: int, contact: str, name: bytes) -> bool:
    index = read_index(folder, number)
    if index is not None:
        return contact in index.contacts
    try:
        return name in read_file(segment_path(folder, number))
    except FileNotFoundError:
        return False


def segments_between(folder: Path, from_ms: int, to_ms: int) -> tuple[int, int] | None:
    """The first and the last segment with events of that time (UTC ms, both included)."""
    found = [
        index.segment
        for index in (index_for(folder, number) for number in segment_numbers(folder))
        if index.events and index.from_ms <= to_ms and index.to_ms >= from_ms
    ]
    return (found[0], found[-1]) if found else None
