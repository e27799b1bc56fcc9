"""A snapshot file: the state before a segment, so that a start need not read what came before.

The same frames as a segment, numbered from 1: a head (which segment, the last serial before it, the generation, the
routing core's snapshot), every live value, and an end mark that counts them. It appears complete or not at all; one
that is damaged is no snapshot, and reading begins one earlier.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kak_server.model.codec import dumps
from kak_server.model.light import frozen
from kak_server.runtime.files import FILES, Files, create_whole
from kak_server.runtime.folder import read_file, snapshot_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Frame, encode_frame, scan


@frozen
class Snapshot:
    """The state before segment `number`. `payloads`: the newest record of each live value, by key."""

    number: int
    serial: int
    generation: int
    now_ms: int
    routing: Any
    payloads: dict[str, bytes]
    values: dict[str, Any]


def encode_snapshot(
    number: int, serial: int, generation: int, now_ms: int, routing: Any, payloads: Iterable[bytes]
) -> bytes:
    """The file's bytes."""
    head = {"k": "snapshot", "segment": number, "serial": serial, "generation": generation, "now_ms": now_ms}
    frames = [SEGMENT_MAGIC, encode_frame(1, dumps({**head, "routing": routing}))]
    count = 1
    for payload in payloads:
        count += 1
        frames.append(encode_frame(count, payload))
    frames.append(encode_frame(count + 1, dumps({"k": "snapshot-end", "records": count + 1})))
    return b"".join(frames)


def write_snapshot(folder: Path, number: int, data: bytes, files: Files = FILES) -> None:
    """Put it there, on the disk when this returns. Raises OSError; then nothing is there."""
    fd = create_whole(files, snapshot_path(folder, number), data, sync=True)
    files.close(fd)


def read_snapshot(folder: Path, number: int) -> Snapshot | str | None:
    """None: there is none. Text: what is wrong with it."""
    path = snapshot_path(folder, number)
    try:
        data = read_file(path)
    except FileNotFoundError:
        return None
    items = list(scan(data))
    for item in items:
        if not isinstance(item, Frame):
            return f"{path.name} is damaged at byte {item.offset}: {item.reason}"
    frames = [item for item in items if isinstance(item, Frame)]
    if not frames or frames[0].record.get("k") != "snapshot" or frames[-1].record.get("records") != len(frames):
        return f"{path.name} is incomplete"
    head = frames[0].record
    live = frames[1:-1]
    return Snapshot(
        number,
        int(head["serial"]),
        int(head["generation"]),
        int(head["now_ms"]),
        head["routing"],
        {frame.record["key"]: frame.payload for frame in live},
        {frame.record["key"]: frame.record.get("value") for frame in live},
    )
