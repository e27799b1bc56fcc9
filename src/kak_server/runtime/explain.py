"""Why a call went where it went, from the journal alone: the core is started from the last snapshot before the arrival
and stepped to the end.

`python -m kak_server.runtime.explain FOLDER CALL` does it in a process of its own, beside a server that serves calls.
"""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kak_server.model.codec import dumps, from_json, loads
from kak_server.model.ids import ContactId, RoomId
from kak_server.model.light import frozen
from kak_server.runtime.considering import summary
from kak_server.runtime.folder import segment_numbers
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.nursery import end_with_parent
from kak_server.runtime.replaying import Replayer, segments_of_contact
from kak_server.runtime.segments import Lost, history
from kak_server.runtime.story import Step, Story
from kak_server.runtime.times import clock, seconds

LAST = "last"
EXIT_UNKNOWN = 3
MEMORY_BYTES = 2 * 1024**3


@frozen
class Explanation:
    """What happened to a contact, step by step. `complete`: false if the journal has a hole in between, if its readable
    part does not tell how the contact came (`began`), or if there were more steps than are told; `over`: the contact
    has ended; `known`: false if the journal's readable part does not tell whether it has. `rooms`: the own rooms of its
    queues, and the rooms whose people were asked."""

    contact: ContactId
    complete: bool
    over: bool
    steps: tuple[Step, ...]
    known: bool = True
    rooms: tuple[RoomId, ...] = ()
    began: bool = True


def explanation(folder: Path, call: str, names: Names = IDS) -> Explanation | None:
    """`call` is a contact, a caller's number (the newest call of it), or "last". None: the journal knows no such call.
    Reads the files only; the server may be running. `names`: what skills and rooms are called."""
    contact = find_contact(folder, call)
    where = None if contact is None else segments_of_contact(folder, contact)
    if contact is None or where is None:
        return None
    told = _explained(folder, contact, where[0], names)
    while not told.began and where is not None:  # segments in between need not speak of it
        where = segments_of_contact(folder, contact, before=where[0])
        told = told if where is None else _explained(folder, contact, where[0], names)
    return told


def _explained(folder: Path, contact: ContactId, first: int, names: Names) -> Explanation:
    """From segment `first` on."""
    replayer = Replayer(folder)
    story = Story(contact, replayer.core, names)
    losses: list[Lost] = []
    for seen in replayer.walk(first):
        story.core = replayer.core
        if seen.event is not None:
            story.take(seen.event)
        elif isinstance(seen.item, Lost):
            losses.append(seen.item)
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
    known = story.over or replayer.core.contact(contact) is not None
    steps = story.finish()
    if not known:
        steps += [_missing(contact, lost, replayer.core.now_ms) for lost in _concerning(contact, losses)]
    whole = story.began and not losses and not story.cut
    return Explanation(contact, whole, story.over, tuple(steps), known, story.rooms, story.began)


LOSSES_TOLD = 20


def _concerning(contact: ContactId, losses: list[Lost]) -> Sequence[Lost | None]:
    """The holes that name the contact; if none does, all that may have held it."""
    return ([lost for lost in losses if contact in lost.contacts] or losses)[:LOSSES_TOLD] or [None]


def _missing(contact: ContactId, lost: Lost | None, now_ms: int) -> Step:
    """Instead of a story, or of its end."""
    if lost is None:
        return Step(
            now_ms,
            None,
            f"What became of contact {contact} is not in the journal: the part that told it is gone.",
            f"Hva som skjedde med {contact}, står ikke i journalen: delen som fortalte det, er borte.",
        )
    return Step(
        now_ms,
        None,
        f"What is missing of contact {contact} cannot be read any more: {lost}.",
        f"Det som mangler om {contact}, kan ikke leses lenger: {lost}.",
    )


def sentences(folder: Path, call: str) -> list[str] | None:
    """The same in English, a line a step."""
    told = explanation(folder, call)
    return None if told is None else [line for step in told.steps for line in lines(step)]


def lines(step: Step) -> list[str]:
    """A step with its time; a second line says who was considered, where somebody was chosen."""
    after = "" if step.after_ms is None else f" (+{seconds(step.after_ms)})"
    time = f"{clock(step.at_ms)}{after}"
    seen = step.considered
    if seen is None or not seen.able:
        return [f"{time} {step.text_en}"]
    return [f"{time} {step.text_en}", f"{time} {summary(seen, step.at_ms).en}"]


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
    parser.add_argument("--names", action="store_true", help="of skills and rooms come on the standard input, as JSON")
    arguments = parser.parse_args()
    os.nice(10)
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    names = from_json(Names, loads(sys.stdin.buffer.read())) if arguments.names else IDS
    told = explanation(arguments.folder, arguments.call, names)
    if told is None:
        return EXIT_UNKNOWN
    sys.stdout.buffer.write(dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
