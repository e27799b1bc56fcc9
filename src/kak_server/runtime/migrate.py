"""`kak-server journal migrate`: events of older versions written anew in today's form.

Reading upgrades them anyway; this is for the day before a step of `routing.upgrades` is given up. The server must be
stopped. Serials stay, whole segments are replaced at once, and the old ones are kept in `before-migration`.
"""

import os
from pathlib import Path

from kak_server.model.codec import dumps
from kak_server.routing.codec import encode_event, event_version
from kak_server.runtime.files import FILES, create_whole
from kak_server.runtime.folder import lock_folder, packed, read_file, segment_numbers, segment_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Damage, Frame, encode_frame, scan
from kak_server.runtime.packing import pack
from kak_server.runtime.segments import event_of

KEPT = "before-migration"


def migrate(folder: Path) -> int:
    """Print what is done. 0: every event is in today's form; 1: a damaged segment was left as it is.

    Raises JournalLockedError while a server runs, CodecError for an event that cannot be read, OSError.
    """
    lock_fd = lock_folder(folder)
    try:
        damaged = 0
        for number in segment_numbers(folder):
            path = segment_path(folder, number)
            items = list(scan(read_file(path)))
            if any(isinstance(item, Damage) for item in items):
                print(f"PROBLEM {path.name} is damaged and stays as it is (it can still be read): see `journal check`")
                damaged += 1
                continue
            frames = [item for item in items if isinstance(item, Frame)]
            anew = [_in_todays_form(frame) for frame in frames]
            changed = sum(new != frame.payload for new, frame in zip(anew, frames, strict=True))
            if changed:
                _replace(folder, path, frames, anew)
            print(f"{path.name}: {changed:,} of {len(frames):,} records written anew")
        return 1 if damaged else 0
    finally:
        os.close(lock_fd)


def _in_todays_form(frame: Frame) -> bytes:
    """The record's bytes, or other ones if its event is of an older version."""
    record = frame.record
    if record.get("k") != "event" or record.get("v", 1) == event_version(record.get("type", "")):
        return frame.payload
    event = event_of(record)
    name, data = encode_event(event)
    return dumps({"k": "event", "type": name, "data": data, "v": event_version(name)})


def _replace(folder: Path, path: Path, frames: list[Frame], payloads: list[bytes]) -> None:
    """The old file goes to `before-migration` first; a crash in between leaves one of the two to be put back."""
    kept = folder / KEPT
    kept.mkdir(exist_ok=True)
    data = SEGMENT_MAGIC + b"".join(
        encode_frame(frame.serial, payload) for frame, payload in zip(frames, payloads, strict=True)
    )
    here = path if path.exists() else packed(path)
    if here != path:
        data = pack(data)
    if not (kept / here.name).exists():
        os.link(here, kept / here.name)
    FILES.close(create_whole(FILES, here, data, sync=True))
