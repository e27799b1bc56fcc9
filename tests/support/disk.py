"""Disks that are slow, full or broken, at the journal's file layer; and a real small one where we may mount it."""

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kak_server.runtime.files import Files


class BadDisk(Files):
    """Well until told otherwise. `refuse`: the errno of every write and new file; `refuse_sync`: of every fdatasync;
    `sync_s`: how long each takes; `room_bytes`: until it is full (None: never)."""

    def __init__(self) -> None:
        self.refuse = 0
        self.refuse_sync = 0
        self.sync_s = 0.0
        self.room_bytes: int | None = None
        self.syncs = 0

    def create(self, path: Path) -> int:
        """See Files."""
        self._check(self.refuse)
        return super().create(path)

    def write(self, fd: int, data: memoryview) -> int:
        """See Files; a disk with little room takes what it can."""
        self._check(self.refuse)
        if self.room_bytes is not None:
            if self.room_bytes <= 0:
                self._check(errno.ENOSPC)
            data = data[: self.room_bytes]
            self.room_bytes -= len(data)
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        """See Files."""
        time.sleep(self.sync_s)
        self._check(self.refuse_sync)
        self.syncs += 1
        super().sync(fd)

    @staticmethod
    def _check(code: int) -> None:
        if code:
            raise OSError(code, os.strerror(code))


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """`folder` as a file system of its own of that size; skips the test where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """The file system of `folder` is full to the last byte."""
    filler = folder / "filler"
    fd = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):
                while os.write(fd, b"x" * size):
                    pass
        yield
    finally:
        os.close(fd)
        filler.unlink()
