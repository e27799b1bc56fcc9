"""`kak-server journal check`: is everything there, and does it say the same twice?

Every frame of every segment, archived ones too; serials without a hole; and each snapshot and checkpoint equals the
state rebuilt from the events before it, and the live values before it.
"""

from pathlib import Path

from kak_server.routing.invariants import violations
from kak_server.runtime.folder import segment_numbers, segment_path, snapshot_numbers
from kak_server.runtime.losses import named, span
from kak_server.runtime.replaying import Replayer
from kak_server.runtime.restoring import readable
from kak_server.runtime.segments import Lost, is_base


def check(folder: Path) -> int:
    """Print what is found. 0: all is whole; 1: something is not, and the lines with PROBLEM say what."""
    replayer = Replayer(folder, compare=True)
    problems: list[str] = []
    notes: list[str] = []
    records = last_serial = generation = 0
    for seen in replayer.walk():
        if isinstance(seen.item, Lost):
            problems.append(f"{seen.item}. {_meaning(folder, seen.item)}")
            continue
        record = seen.item.record
        records, last_serial = records + 1, seen.item.serial
        generation = max(generation, int(record.get("generation", 0)))
        if record.get("k") == "lost":
            which = span(record["first"], record["records"])
            notes.append(f"{which} never came to the disk ({named(record['contacts'])})")
        if seen.event is not None:
            replayer.core.step(seen.event)
    problems += replayer.problems
    problems += [f"after the replay: {broken}" for broken in violations(replayer.core.state)]
    segments = len(segment_numbers(folder))
    print(f"{segments} segment(s), {records:,} records up to number {last_serial:,}, generation {generation}")
    print(f"{replayer.events:,} routing events replayed, {replayer.snapshots} snapshot(s) compared")
    print(f"{len(replayer.core.contacts())} contacts and {len(replayer.core.operators())} operators at the end")
    for note in notes:
        print(f"NOTE {note}; a checkpoint made the state whole again")
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("the journal is whole" if not problems else f"{len(problems)} problem(s)")
    return 1 if problems else 0


def _meaning(folder: Path, lost: Lost) -> str:
    """What it means for a start."""
    if any(is_base(folder, later, readable) for later in _later(folder, lost.segment)):
        return "A later snapshot holds the state: a start loses nothing by it, only history does"
    return "No later snapshot holds the state: a start goes on without these records"


def _later(folder: Path, segment: str) -> list[int]:
    """Where reading may begin after a segment."""
    numbers = sorted({*segment_numbers(folder), *snapshot_numbers(folder)})
    return [number for number in numbers if segment_path(folder, number).name > segment]
