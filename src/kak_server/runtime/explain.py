"""Why a call went where it went, from the journal alone."""

from pathlib import Path
from typing import Any

from kak_server.model.ids import ContactId
from kak_server.runtime.folder import segment_numbers
from kak_server.runtime.replaying import Replayer, segments_of_contact
from kak_server.runtime.segments import Lost, history
from kak_server.runtime.story import Story

LAST = "last"


def sentences(folder: Path, call: str) -> list[str] | None:
    """Why a call went where it went. `call` is a contact, a caller's number (the newest call of it), or "last".

    None: the journal knows no such call. Reads the files only; the server may be running.
    """
    contact = find_contact(folder, call)
    where = None if contact is None else segments_of_contact(folder, contact)
    if contact is None or where is None:
        return None
    replayer = Replayer(folder)
    story = Story(contact, replayer.core)
    for seen in replayer.walk(where[0]):
        story.core = replayer.core
        if seen.event is not None:
            story.take(seen.event)
        elif isinstance(seen.item, Lost):
            story.note(f"Warning: the journal has a hole here ({seen.item}); what follows may differ.")
        elif seen.item.record.get("k") == "boot":
            record = seen.item.record
            text = f"The server started again (generation {record['generation']}); the call goes on."
            story.note(text, record.get("at_ms"))
        if story.over:
            break
    return story.finish()


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
