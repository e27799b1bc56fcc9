"""A WAV file that grows: readable at any moment, complete under its name only when it is whole and on the disk.

RIFF/WAVE with format tag 6 (A-law) or 1 (linear PCM). While it grows the file is called `<name>.part`; its header comes
with the first block and is corrected with every other, so what a killed process leaves behind can be played.
"""

import contextlib
import ctypes
import hashlib
import os
import struct
from pathlib import Path
from typing import Literal

from kak_server.media.engine.frames import FRAME_SAMPLES, RATE_HZ
from kak_server.model.light import frozen

Encoding = Literal["alaw-8000", "pcm16-8000"]
ALAW: Encoding = "alaw-8000"
PCM16: Encoding = "pcm16-8000"
FRAME_BYTES = {ALAW: FRAME_SAMPLES, PCM16: 2 * FRAME_SAMPLES}
READ_BYTES = 1 << 16
_LEFT_OVERS_MAX = 1_000

_SYNC_FILE_RANGE_WRITE = 2  # sync_file_range(2)
_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def header(encoding: Encoding, data_bytes: int) -> bytes:
    """The file's beginning for so many bytes of audio."""
    if encoding == ALAW:  # formats other than PCM carry the extension size and a fact chunk
        body = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, RATE_HZ, RATE_HZ, 1, 8, 0)
        body += struct.pack("<4sII", b"fact", 4, data_bytes)
    else:
        body = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    body += struct.pack("<4sI", b"data", data_bytes)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + data_bytes, b"WAVE") + body


@frozen
class LeftOver:
    """A track that a killed process left: whole frames, and when the last of them was written (UTC)."""

    frames: int
    ended_at_ms: int


class WavFile:
    """Used by one writer thread. Every method may raise OSError."""

    def __init__(self, path: str | Path, encoding: Encoding) -> None:
        self.path = str(path)
        self.encoding = encoding
        self._part = f"{path}.part"
        self._descriptor = -1
        self._data_bytes = 0
        self._begun = False  # the header is there

    def left_over(self) -> LeftOver | None:
        """What a killed process left of this very track, if it can be continued."""
        try:
            descriptor = os.open(self._part, os.O_RDONLY | os.O_CLOEXEC)
            begin = len(header(self.encoding, 0))
            try:
                head = os.read(descriptor, begin)
                status = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            return None
        if not head:  # killed before its first block
            return LeftOver(0, status.st_mtime_ns // 1_000_000)
        said_bytes = int.from_bytes(head[-4:], "little")
        if head != header(self.encoding, said_bytes):
            return None
        frames = (status.st_size - begin) // FRAME_BYTES[self.encoding]
        return LeftOver(frames, status.st_mtime_ns // 1_000_000)

    def open(self, continued_frames: int | None = None) -> None:
        """Create `<name>.part`, or go on with the left-over after so many of its frames.

        One that cannot be continued is kept under another name.
        """
        if continued_frames is not None:
            self._descriptor = os.open(self._part, os.O_RDWR | os.O_CLOEXEC)
            self._data_bytes = continued_frames * FRAME_BYTES[self.encoding]
            self._begun = continued_frames > 0
            os.ftruncate(self._descriptor, len(header(self.encoding, 0)) + self._data_bytes if self._begun else 0)
            os.lseek(self._descriptor, 0, os.SEEK_END)
            return
        try:
            self._descriptor = self._create()
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self._descriptor = self._create()
        except FileExistsError:
            os.rename(self._part, self._free_name())
            self._descriptor = self._create()

    def _create(self) -> int:
        return os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)

    def _free_name(self) -> str:
        stem, _ = os.path.splitext(self.path)
        for number in range(1, _LEFT_OVERS_MAX):
            name = f"{stem}.cut{number}.wav"
            if not os.path.exists(name):
                return name
        raise FileExistsError(f"{self._part}: too many left-overs of killed workers")

    def append(self, data: bytes) -> None:
        """Add audio and correct the header, which comes with the first block."""
        self._data_bytes += len(data)
        head = header(self.encoding, self._data_bytes)
        if not self._begun:
            self._write(head + data)
            self._begun = True
            return
        self._write(data)
        os.pwrite(self._descriptor, head, 0)

    def cut(self) -> int:
        """After an error: let the file end with the last whole frame in it, the header true to that. How many frames
        there are; one of none is taken away. -1: not even that can be done, and the file is left as it is. Never
        raises."""
        if self._descriptor < 0:
            return 0
        begin = len(header(self.encoding, 0))
        try:
            frames = max(0, os.fstat(self._descriptor).st_size - begin) // FRAME_BYTES[self.encoding]
            if frames:
                self._data_bytes = frames * FRAME_BYTES[self.encoding]
                os.ftruncate(self._descriptor, begin + self._data_bytes)
                os.pwrite(self._descriptor, header(self.encoding, self._data_bytes), 0)
                return frames
            os.unlink(self._part)
        except OSError:
            self.abandon()
            return -1
        self.abandon()
        return 0

    def _write(self, data: bytes) -> None:
        if self._descriptor < 0:
            raise OSError("the recording was never opened")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def abandon(self) -> None:
        """Close the descriptor and leave the file as it is. Never raises: what was synced is safe, and what was not is
        being given up; a thread must not end over it that writes others' tracks too."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # close(2): the descriptor is gone whatever is said
                os.close(descriptor)

    def begin_sync(self) -> None:
        """Let the system begin to write what `sync` will wait for (Linux; elsewhere it begins with `sync`)."""
        if self._descriptor >= 0 and _sync_file_range is not None:
            _sync_file_range(self._descriptor, 0, 0, _SYNC_FILE_RANGE_WRITE)

    def sync(self) -> tuple[int, str]:
        """Bring the file to the disk. Returns (bytes, sha256 as read back)."""
        if self._descriptor < 0:
            raise OSError("the recording was never opened")
        os.fsync(self._descriptor)
        digest, size = hashlib.sha256(), 0
        while True:
            block = os.pread(self._descriptor, READ_BYTES, size)
            digest.update(block)
            size += len(block)
            if len(block) < READ_BYTES:  # the last
                break
        self.abandon()
        return size, digest.hexdigest()

    def publish(self) -> None:
        """After `sync`: give it its name, which is safe after `sync_folder`."""
        os.rename(self._part, self.path)


def sync_folder(folder: str) -> None:
    """Bring the names in a folder to the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
