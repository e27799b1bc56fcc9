"""Writing the newest segment: whole records or nothing, and new segments that appear complete or not at all."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from kak_server.runtime.files import Files, create_whole, write_all
from kak_server.runtime.folder import segment_path
from kak_server.runtime.frames import SEGMENT_MAGIC
from kak_server.runtime.segments import Contents


class SegmentWriter:
    """The open file of the newest segment. Not thread-safe; the journal's guard is around it."""

    def __init__(self, folder: Path, contents: Contents, on_problem: Callable[[str], None], files: Files) -> None:
        """Go on with the newest segment, its torn end cut off and kept; or begin the first. Raises OSError."""
        self._folder = folder
        self._files = files
        self.number = contents.number or 1
        path = segment_path(folder, self.number)
        if contents.tail is not None:
            self._keep_torn(path, contents.tail.offset, on_problem)
        if path.exists() and path.stat().st_size > 0:
            self.fd = files.append(path)
        else:
            path.unlink(missing_ok=True)
            self.fd = create_whole(files, path, SEGMENT_MAGIC)
            files.sync_folder(folder)
        self.size_bytes = os.fstat(self.fd).st_size

    def write(self, frame: bytes) -> None:
        """All of it or, as far as the disk lets us, nothing of it. Raises OSError."""
        try:
            write_all(self._files, self.fd, frame)
        except OSError:
            self._cut_back()
            raise
        self.size_bytes += len(frame)

    def roll(self, data: bytes, ready_fd: int | None = None) -> None:
        """Begin the next segment with `data`, in the file that was made ahead (its mark is written) if there is one.
        The old descriptor stays open: the sync thread closes it. Raises OSError; then all is as before."""
        if ready_fd is None:
            self.fd = create_whole(self._files, segment_path(self._folder, self.number + 1), data)
        else:
            self._begin(ready_fd, data)
            self.fd = ready_fd
        self.number += 1
        self.size_bytes = len(data)

    def _begin(self, fd: int, data: bytes) -> None:
        try:
            write_all(self._files, fd, data[len(SEGMENT_MAGIC) :])
        except OSError:
            with contextlib.suppress(OSError):
                self._files.truncate(fd, len(SEGMENT_MAGIC))  # it is no segment
            self._files.close(fd)
            raise

    def _cut_back(self) -> None:
        """Remove half a record. If even that fails, readers skip it by its checksum."""
        try:
            if os.fstat(self.fd).st_size != self.size_bytes:
                self._files.truncate(self.fd, self.size_bytes)
        except OSError:
            self.size_bytes = os.fstat(self.fd).st_size

    def _keep_torn(self, path: Path, offset: int, on_problem: Callable[[str], None]) -> None:
        """A full disk must not keep the server from starting: then the torn bytes are given up, and that is said."""
        torn = path.read_bytes()[offset:]
        keep = path.with_name(f"torn-{self.number:08d}-{offset}.bin")
        try:
            keep.write_bytes(torn)
        except OSError as problem:
            on_problem(f"{len(torn)} torn bytes of {path.name} could not be kept in {keep.name}: {problem.strerror}")
        os.truncate(path, offset)
