"""Why a call went where it went, from the journal alone: the core is started from the last snapshot before the arrival
and stepped to the end.

`python -m kak_server.runtime.explain FOLDER CALL` does it in a process of its own, beside a server that serves calls.
"""

import argparse
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kak_server.model.codec import dumps
from kak_server.model.ids import ContactId
from kak_server.runtime.folder import segment_numbers
from kak_server.runtime.nursery import end_with_parent
from kak_server.runtime.replaying import Replayer, segments_of_contact
from kak_server.runtime.segments import Lost, history
from kak_server.runtime.story import Step, Story, clock, seconds

LAST = "last"
EXIT_UNKNOWN = 3
MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to a contact, step by step. `complete`: false if the journal has a hole in between or there were
    more steps than are told; `over`: the contact has ended."""

    contact: ContactId
    complete: bool
    over: bool
    steps: tuple[Step, ...]


def explanation(folder: Path, call: str) -> Explanation | None:
    """`call` is a contact, a caller's number (the newest call of it), or "last". None: the journal knows no such call.
    Reads the files only; the server may be running."""
    contact = find_contact(folder, call)
    where = None if contact is None else segments_of_contact(folder, contact)
    if contact is None or where is None:
        return None
    replayer = Replayer(folder)
    story = Story(contact, replayer.core)
    whole = True
    for seen in replayer.walk(where[0]):
        story.core = replayer.core
        if seen.event is not None:
            story.take(seen.event)
        elif isinstance(seen.item, Lost):
            whole = False
            story.note(
                f"Warning: the journal has a hole here ({seen.item}); what follows may differ.",
                nb=f"Advarsel: journalen har et hull her ({seen.item}); det som følger kan avvike.",
            )
        elif seen.item.record.get("k") == "boot":
            record = seen.item.record
            number = record["generation"]
            story.note(
                f"The server started again (generation {number}); the call goes on.",
                record.get("at_ms"),
                f"Serveren startet på nytt (generasjon {number}); samtalen fortsetter.",
            )
        if story.over:
            break
    steps = tuple(story.finish())
    return Explanation(contact, whole and not story.cut, story.over, steps)


def sentences(folder: Path, call: str) -> list[str] | None:
    """The same in English, a line a step."""
    told = explanation(folder, call)
    return None if told is None else [line(step) for step in told.steps]


def line(step: Step) -> str:
    """A step with its time."""
    after = "" if step.after_ms is None else f" (+{seconds(step.after_ms)})"
    return f"{clock(step.at_ms)}{after} {step.text_en}"


def find_contact(folder: Path, call: str) -> ContactId | None:
    """The newest contact that `call` names. An id is looked up in the indexes, all else is read, newest first."""
    if call != LAST and segments_of_contact(folder, call) is not None:
        return ContactId(call)
    for number in reversed(segment_numbers(folder)):
        found: str | None = None
        for _, item in history(folder, number, number):
            if isinstance(item, Lost):
                continue
            for contact, caller in _arrivals(item.record):
                if call in (LAST, caller):
                    found = contact
        if found is not None:
            return ContactId(found)
    return None


def _arrivals(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(contact, caller) of calls that arrive with this record; of a checkpoint those that are up."""
    if record.get("k") == "event" and record.get("type") == "ContactArrived":
        data = record["data"]
        return [(data["contact"], data.get("caller", ""))]
    if record.get("k") == "event" and record.get("type") == "ContactDialed":
        data = record["data"]
        return [(data["contact"], data["number"])]
    if record.get("k") == "checkpoint" and record.get("routing"):
        rows = sorted(record["routing"]["contacts"], key=lambda row: int(row["serial"]))
        return [(row["contact"], row["caller"]) for row in rows]
    return []


def main() -> int:
    """In a process of its own: the explanation as JSON, bounded in memory; whoever starts it bounds the time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("call")
    arguments = parser.parse_args()
    os.nice(10)
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    told = explanation(arguments.folder, arguments.call)
    if told is None:
        return EXIT_UNKNOWN
    sys.stdout.buffer.write(dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
