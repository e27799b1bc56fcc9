"""The journal's frames: how one record lies in a segment, and how to read a segment that was torn or damaged.

Layout, little-endian: 4 bytes mark, u32 payload length, u32 CRC-32, u64 serial, payload (UTF-8 JSON without raw line
breaks, so that the mark cannot occur inside one). The CRC covers serial and payload. Serials count all records of the
journal, so a hole says how many records are missing.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from kak_server.model.codec import loads
from kak_server.model.light import frozen
from kak_server.runtime.packing import HOLE

SEGMENT_MAGIC = b"KAKJNL1\n"
MARK = b"\xa7KJ\n"
MAX_PAYLOAD_BYTES = 256 * 1024 * 1024

_HEAD = struct.Struct("<4sIIQ")
_SERIAL = struct.Struct("<Q")
HEAD_BYTES = _HEAD.size
_SUMMED_FROM = HEAD_BYTES - _SERIAL.size  # serial and payload lie side by side: one sum of both


class Frame(NamedTuple):
    """One whole record and where it lies; `payload` is the record's bytes. A tuple, since a start makes many."""

    serial: int
    record: dict[str, Any]
    offset: int
    end: int
    payload: bytes


@frozen
class Damage:
    """Bytes that hold no whole record. `tail`: nothing readable follows, as after a kill in mid-write."""

    offset: int
    end: int
    tail: bool
    reason: str


def encode_frame(serial: int, payload: bytes) -> bytes:
    """Bytes of one record. The payload is JSON of an object."""
    crc = zlib.crc32(payload, zlib.crc32(_SERIAL.pack(serial)))
    return _HEAD.pack(MARK, len(payload), crc, serial) + payload


def scan(data: bytes) -> Iterator[Frame | Damage]:
    """Every record of a segment's bytes in order, and every stretch that is none. Never raises for what it reads."""
    position = 0
    if data[: len(SEGMENT_MAGIC)] == SEGMENT_MAGIC:
        position = len(SEGMENT_MAGIC)
    elif data.startswith(HOLE):
        pass  # an archive that is damaged at its beginning
    elif len(data) < len(SEGMENT_MAGIC):
        if data:
            yield Damage(0, len(data), tail=True, reason="the segment's beginning is torn")
        return
    view = memoryview(data)
    while position < len(data):
        frame, problem = _frame_at(data, view, position)
        if frame is not None:
            yield frame
            position = frame.end
            continue
        resume = _next_frame(data, view, position + 1)
        end = len(data) if resume is None else resume
        if data.find(HOLE, position, end) >= 0:
            problem = "the archived file is damaged there"
        yield Damage(position, end, tail=resume is None, reason=problem)
        position = end


def _frame_at(data: bytes, view: memoryview, position: int) -> tuple[Frame | None, str]:
    """The frame that begins at `position`, or None and why not. `view` is of the same bytes."""
    body = position + HEAD_BYTES
    if body > len(data):
        return None, "a record's head is torn"
    mark, length, crc, serial = _HEAD.unpack_from(data, position)
    if mark != MARK or length > MAX_PAYLOAD_BYTES:
        return None, "no record begins here"
    end = body + length
    if end > len(data):
        return None, f"record {serial} is torn: {len(data) - position} of {HEAD_BYTES + length} bytes are there"
    if data.find(MARK, body, end) >= 0:
        # No payload holds a mark. Said before the checksum is reckoned, so that marks in a damaged stretch, each with
        # a length to the segment's end, do not make the scan quadratic
        return None, f"record {serial} is torn: another one begins inside it"
    if zlib.crc32(view[position + _SUMMED_FROM : end]) != crc:
        return None, f"a record's checksum is wrong (it says it is record {serial})"
    payload = data[body:end]
    try:
        record = loads(payload)
    except ValueError:
        return None, f"record {serial} is not JSON"
    if not isinstance(record, dict):
        return None, f"record {serial} is not an object"
    return Frame(serial, record, position, end, payload), ""


def _next_frame(data: bytes, view: memoryview, position: int) -> int | None:
    """Where the next whole frame begins."""
    while (position := data.find(MARK, position)) >= 0:
        if _frame_at(data, view, position)[0] is not None:
            return position
        position += 1
    return None
