"""`kak-server journal explain` and `journal verify`: what the journal alone can tell."""

import argparse
import sys
from pathlib import Path
from typing import Any

from kak_server.model.codec import CodecError
from kak_server.model.ids import ContactId
from kak_server.routing.invariants import violations
from kak_server.routing.step import RoutingCore
from kak_server.runtime.folder import segment_numbers
from kak_server.runtime.frames import Frame
from kak_server.runtime.segments import Lost, event_of, history
from kak_server.runtime.story import Story

LAST = "last"


def main(arguments: argparse.Namespace) -> int:
    """The command line: `arguments.action` is "explain" (with `.call`) or "verify"; `.data_dir` is the server's.

    0: told, or the journal is whole. 1: no such call, or the journal is damaged. 2: no journal there.
    """
    folder = journal_folder(arguments.data_dir)
    if folder is None:
        print(f"no journal in {arguments.data_dir}", file=sys.stderr)
        return 2
    if arguments.action == "verify":
        return verify(folder)
    told = sentences(folder, arguments.call)
    if told is None:
        print(f"the journal knows no call {arguments.call!r}", file=sys.stderr)
        return 1
    print("\n".join(told))
    return 0


def journal_folder(data_dir: Path) -> Path | None:
    """The journal of a data folder, or the folder itself if it is one."""
    for folder in (data_dir / "journal", data_dir):
        if folder.is_dir() and segment_numbers(folder):
            return folder
    return None


def sentences(folder: Path, call: str) -> list[str] | None:
    """Why a call went where it went. `call` is a contact, a caller's number (the newest call of it), or "last".

    None: the journal knows no such call. Reads the files only; the server may be running.
    """
    contact = find_contact(folder, call)
    if contact is None:
        return None
    story = Story(contact, RoutingCore())
    replayer = Replayer(story.core)
    for _, item in history(folder):
        event = replayer.take(item)
        story.core = replayer.core
        if event is not None:
            story.take(event)
        elif isinstance(item, Lost):
            story.note(f"Warning: the journal has a hole here ({item}); what follows may differ from what happened.")
        elif item.record.get("k") == "boot":
            text = f"The server started again (generation {item.record['generation']}); the call goes on."
            story.note(text, item.record.get("at_ms"))
        if story.over:
            break
    return story.finish()


def find_contact(folder: Path, call: str) -> ContactId | None:
    """The newest contact that `call` names."""
    found: str | None = None
    for _, item in history(folder):
        if isinstance(item, Lost):
            continue
        for contact, caller in _arrivals(item.record):
            if call == LAST or call in (contact, caller):
                found = contact
    return None if found is None else ContactId(found)


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


class Replayer:
    """Carries a core along the records: it starts at the oldest checkpoint, and after a hole at the next one."""

    def __init__(self, core: RoutingCore) -> None:
        self.core = core
        self.events = 0
        self.checkpoints = 0
        self.disagreements: list[str] = []
        self._in_step = False  # the core is what the records up to here make

    def take(self, item: Frame | Lost) -> Any:
        """The routing event to step `core` with next, if the record is one."""
        if isinstance(item, Lost):
            self._in_step = False
            return None
        kind = item.record.get("k")
        if kind == "checkpoint":
            self._checkpoint(item)
        elif item.serial == 1:
            self._in_step = True  # the very beginning: an empty core is right
        if kind != "event":
            return None
        try:
            event = event_of(item.record)
        except CodecError as problem:
            self.disagreements.append(f"record {item.serial}: {problem}")
            self._in_step = False
            return None
        self.events += 1
        return event

    def _checkpoint(self, item: Frame) -> None:
        self.checkpoints += 1
        routing = item.record.get("routing")
        try:
            restored = RoutingCore() if routing is None else RoutingCore.restore(routing)
        except CodecError as problem:
            self.disagreements.append(f"the checkpoint at record {item.serial} cannot be read: {problem}")
            return
        if not self._in_step:
            self.core = restored
        elif restored.digest() != self.core.digest():
            self.disagreements.append(f"the checkpoint at record {item.serial} differs from the replay up to it")
            self.core = restored
        self._in_step = True


def verify(folder: Path) -> int:
    """Read everything, replay it, compare each checkpoint with the replay up to it, and say so. 0 if all is whole."""
    replayer = Replayer(RoutingCore())
    problems: list[str] = []
    records = last_serial = generation = 0
    for _, item in history(folder):
        event = replayer.take(item)
        if isinstance(item, Lost):
            problems.append(str(item))
            continue
        records, last_serial = records + 1, item.serial
        generation = max(generation, int(item.record.get("generation", 0)))
        if event is not None:
            replayer.core.step(event)
    problems += replayer.disagreements
    problems += [f"after the replay: {broken}" for broken in violations(replayer.core.state)]
    segments = len(segment_numbers(folder))
    print(f"{segments} segment(s), {records} records up to number {last_serial}, generation {generation}")
    print(f"{replayer.events} routing events replayed, {replayer.checkpoints} checkpoint(s) compared")
    print(f"{len(replayer.core.contacts())} contacts and {len(replayer.core.operators())} operators at the end")
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("the journal is whole" if not problems else f"{len(problems)} problem(s)")
    return 1 if problems else 0
