"""A track whose writer died: its WAV header is made true to what is on disk, and it is hashed like any other."""

import hashlib
import struct
from pathlib import Path
from typing import BinaryIO

from kak_server.model.light import frozen

_CHUNK_HEAD = struct.Struct("<4sI")
_FORMATS = {6: "alaw-8000", 7: "ulaw-8000", 1: "pcm16-8000"}
_READ_BYTES = 1 << 20


class SalvageError(Exception):
    """The file is not there or is no WAV file of ours; the text says which."""


@frozen
class Salvaged:
    """What was found: whole samples only, milliseconds by counting them."""

    stored_ms: int
    sha256: str
    bytes: int
    encoding: str


def salvage(path: Path) -> Salvaged:
    """Repair the sizes in the header to the samples that are there, cut half a sample off, hash the file.

    An unfinished track is called `<name>.part` by its writer; it gets its name now. Raises SalvageError.
    """
    part = path.with_name(path.name + ".part")
    try:
        if part.exists() and not path.exists():
            part.rename(path)
        with path.open("r+b") as file:
            data_at, sample_bytes, rate_hz, encoding = _locate(file.read(4_096))
            size = file.seek(0, 2)
            samples = max(0, size - data_at) // sample_bytes
            end = data_at + samples * sample_bytes
            file.truncate(end)
            _write_size(file, 4, end - 8)
            _write_size(file, data_at - 4, end - data_at)
            file.flush()
            file.seek(0)
            digest = hashlib.sha256()
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except OSError as problem:
        raise SalvageError(f"{path.name}: {problem.strerror}") from problem
    return Salvaged(samples * 1000 // rate_hz, digest.hexdigest(), end, encoding)


def _locate(head: bytes) -> tuple[int, int, int, str]:
    """Offset of the samples, bytes a sample, rate, encoding. Raises SalvageError."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise SalvageError("no WAV header")
    at, layout = 12, None
    while at + 8 <= len(head):
        name, size = _CHUNK_HEAD.unpack_from(head, at)
        if name == b"fmt " and at + 24 <= len(head):
            kind, _channels, rate, _rate_bytes, block = struct.unpack_from("<HHIIH", head, at + 8)
            layout = (block, rate, _FORMATS.get(kind))
        if name == b"data":
            if layout is None or not layout[0] or not layout[1] or layout[2] is None:
                raise SalvageError("a WAV format that is not ours")
            return at + 8, layout[0], layout[1], layout[2]
        at += 8 + size + size % 2
    raise SalvageError("no samples in the file")


def _write_size(file: BinaryIO, at: int, size: int) -> None:
    file.seek(at)
    file.write(struct.pack("<I", size))
