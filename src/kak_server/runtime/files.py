"""The few things the journal asks of the file system, in one place: a test gives it a disk that is slow or broken."""

import os
from pathlib import Path


class Files:
    """The real file system. Everything raises OSError."""

    def create(self, path: Path) -> int:
        """A new, empty file (an old one of that name is emptied), open for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def append(self, path: Path) -> int:
        """An existing file, open for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, fd: int, data: memoryview) -> int:
        """Some of `data`; how many bytes it took."""
        return os.write(fd, data)

    def truncate(self, fd: int, size_bytes: int) -> None:
        """Cut an open file."""
        os.ftruncate(fd, size_bytes)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def sync(self, fd: int) -> None:
        """Its contents are on the disk when this returns."""
        os.fdatasync(fd)

    def rename(self, old: Path, new: Path) -> None:
        """At once or not at all."""
        os.rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        """New and renamed files in it survive a power cut when this returns."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


FILES = Files()


def write_all(files: Files, fd: int, data: bytes) -> None:
    """All of it. Raises OSError; then some of it may be there."""
    view = memoryview(data)
    while view:
        view = view[files.write(fd, view) :]


def create_whole(files: Files, path: Path, data: bytes, *, sync: bool = False) -> int:
    """A file with all of `data` under its final name, open for appending; with `sync` also after a power cut. Raises
    OSError and leaves nothing behind."""
    draft = path.with_name(path.name + ".new")
    fd = files.create(draft)
    try:
        write_all(files, fd, data)
        if sync:
            files.sync(fd)
        files.rename(draft, path)
        if sync:
            files.sync_folder(path.parent)
    except OSError:
        os.close(fd)
        draft.unlink(missing_ok=True)
        raise
    return fd
