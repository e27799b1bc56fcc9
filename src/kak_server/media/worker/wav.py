"""A WAV file that grows: readable at any moment, complete under its name only when it is whole and on the disk.

RIFF/WAVE with format tag 6 (A-law) or 1 (linear PCM). While it grows the file is called `<name>.part` and its header is
corrected with every block, so what a killed process leaves behind can be played.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import BinaryIO, Literal

from kak_server.media.engine.frames import RATE_HZ

Encoding = Literal["alaw-8000", "pcm16-8000"]
ALAW: Encoding = "alaw-8000"
PCM16: Encoding = "pcm16-8000"
_LEFT_OVERS_MAX = 1_000


def header(encoding: Encoding, data_bytes: int) -> bytes:
    """The file's beginning for so many bytes of audio."""
    if encoding == ALAW:  # formats other than PCM carry the extension size and a fact chunk
        body = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, RATE_HZ, RATE_HZ, 1, 8, 0)
        body += struct.pack("<4sII", b"fact", 4, data_bytes)
    else:
        body = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    body += struct.pack("<4sI", b"data", data_bytes)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + data_bytes, b"WAVE") + body


class WavFile:
    """Used by one writer thread. Every method may raise OSError."""

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self.path = path
        self.encoding = encoding
        self._part = path.with_name(path.name + ".part")
        self._file: BinaryIO | None = None
        self._data_bytes = 0

    def open(self) -> None:
        """Create `<name>.part`; one that a killed process left is kept under another name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._part.exists():
            self._part.rename(self._free_name())
        self._file = self._part.open("xb")
        self._file.write(header(self.encoding, 0))
        self._file.flush()

    def _free_name(self) -> Path:
        for number in range(1, _LEFT_OVERS_MAX):
            name = self.path.with_name(f"{self.path.stem}.cut{number}.wav")
            if not name.exists():
                return name
        raise FileExistsError(f"{self._part}: too many left-overs of killed workers")

    def append(self, data: bytes) -> None:
        """Add audio and correct the header."""
        if self._file is None:
            raise OSError("the recording was never opened")
        self._file.write(data)
        self._data_bytes += len(data)
        end = self._file.tell()
        self._file.seek(0)
        self._file.write(header(self.encoding, self._data_bytes))
        self._file.seek(end)
        self._file.flush()

    def finish(self) -> tuple[int, str]:
        """Put it on the disk under its name. Returns (bytes, sha256 as read back)."""
        if self._file is None:
            raise OSError("the recording was never opened")
        os.fsync(self._file.fileno())
        self._file.close()
        with self._part.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            size = written.tell()
        self._part.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return size, digest
