"""Writing the newest segment: whole records or nothing, and new segments that appear complete or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from kak_server.runtime.frames import SEGMENT_MAGIC
from kak_server.runtime.segments import Contents, segment_numbers, segment_path, sync_folder


class SegmentWriter:
    """The open file of the newest segment. Not thread-safe; the journal's guard is around it."""

    def __init__(self, folder: Path, contents: Contents, on_problem: Callable[[str], None]) -> None:
        """Go on with the newest segment, its torn end cut off and kept; or begin the first. Raises OSError."""
        self._folder = folder
        self._number = (segment_numbers(folder) or [1])[-1]
        path = segment_path(folder, self._number)
        if contents.tail is not None:
            self._keep_torn(path, contents.tail.offset, on_problem)
        if path.exists() and path.stat().st_size > 0:
            self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        else:
            path.unlink(missing_ok=True)
            self.fd = _create(path, SEGMENT_MAGIC)
            sync_folder(folder)
        self.size_bytes = os.fstat(self.fd).st_size

    def write(self, frame: bytes) -> None:
        """All of it or, as far as the disk lets us, nothing of it. Raises OSError."""
        view = memoryview(frame)
        try:
            while view:
                view = view[os.write(self.fd, view) :]
        except OSError:
            if len(view) < len(frame):
                self._cut_back()
            raise
        self.size_bytes += len(frame)

    def roll(self, data: bytes) -> None:
        """Begin the next segment with `data`. The old descriptor stays open: the sync thread closes it.
        Raises OSError; then all is as before."""
        self.fd = _create(segment_path(self._folder, self._number + 1), data)
        self._number += 1
        self.size_bytes = len(data)

    def drop_old(self, keep: int) -> None:
        """Remove the oldest segments, all but `keep`. Raises OSError."""
        for number in segment_numbers(self._folder)[:-keep]:
            segment_path(self._folder, number).unlink(missing_ok=True)

    def _cut_back(self) -> None:
        """Remove half a record. If even that fails, readers skip it by its checksum."""
        try:
            os.ftruncate(self.fd, self.size_bytes)
        except OSError:
            self.size_bytes = os.fstat(self.fd).st_size

    def _keep_torn(self, path: Path, offset: int, on_problem: Callable[[str], None]) -> None:
        """A full disk must not keep the server from starting: then the torn bytes are given up, and that is said."""
        torn = path.read_bytes()[offset:]
        keep = path.with_name(f"torn-{self._number:08d}-{offset}.bin")
        try:
            keep.write_bytes(torn)
        except OSError as problem:
            on_problem(f"{len(torn)} torn bytes of {path.name} could not be kept in {keep.name}: {problem.strerror}")
        os.truncate(path, offset)


def _create(path: Path, data: bytes) -> int:
    """A file with all of `data` under its final name, open for appending. Raises OSError and leaves nothing behind."""
    draft = path.with_suffix(".new")
    fd = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.rename(draft, path)
    except OSError:
        os.close(fd)
        draft.unlink(missing_ok=True)
        raise
    return fd
