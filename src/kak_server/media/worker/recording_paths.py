"""Where recordings go: paths below the recordings folder, checked, with few questions to the disk.

A folder that was not there when it was first needed has been made for this worker, and what is in it is known: only
names that come again in it, and folders from before (the hour in which the worker started), are looked up on the disk.
"""

import fcntl
import os
import stat
import sys

LOOK_AGAIN_MS = 1_000
OWN_FOLDERS_MAX = 4
OWN_NAMES_MAX = 50_000  # of a folder: two hours of the busiest minute's calls
_PATH_CHARS_MAX = 512
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602  # ioctl_iflags(2), where long has 64 bits
_TOP_OF_FOLDERS = 0x00020000  # FS_TOPDIR_FL


class BadPathError(ValueError):
    """The path leaves the recordings folder, has the wrong suffix, or is taken."""


class Places:
    """The recordings folder, as far as it has been looked at."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._good_folders: list[str] = []  # of the path that was looked at last
        self._good_until_ms = 0
        self._own: dict[str, set[str]] = {}  # folders that were not there, and the names given out in them

    def of(self, name: str, now_ms: int) -> tuple[str, bool]:
        """The full path, and whether something of it may be on the disk already. Raises BadPathError."""
        *folders, last = name.split("/")
        if (
            not last.endswith(".wav")
            or not {"", ".", ".."}.isdisjoint(folders)
            or "\0" in name
            or len(name) > _PATH_CHARS_MAX
        ):
            raise BadPathError(f"not a relative .wav path: {name!r}")
        folder = "/".join((self._root, *folders))
        if folders != self._good_folders or now_ms >= self._good_until_ms:
            self._look(folders, folder, name)
            self._good_folders, self._good_until_ms = folders, now_ms + LOOK_AGAIN_MS
        full = f"{folder}/{last}"
        names = self._own.get(folder)
        if names is not None and last not in names:
            names.add(last)
            if len(names) > OWN_NAMES_MAX:
                del self._own[folder]
            return full, False
        if os.path.lexists(full):
            raise BadPathError(f"taken: {name!r}")
        return full, True

    def _look(self, folders: list[str], folder: str, name: str) -> None:
        """No link may be on the way: one that somebody put into the folder may lead away."""
        way = self._root
        for step in folders:
            way = f"{way}/{step}"
            try:
                status = os.lstat(way)
            except OSError:  # not there, or not to be read: then making the recording's file will say so
                if folder not in self._own and not os.path.lexists(way):
                    self._own[folder] = set()
                    if len(self._own) > OWN_FOLDERS_MAX:
                        del self._own[next(iter(self._own))]
                return
            if stat.S_ISLNK(status.st_mode):
                raise BadPathError(f"outside of the recordings folder: {name!r}")


def spread_days(root: str) -> bool:
    """Ask the file system to put each folder in `root` (a day) somewhere else on the disk than the others: ext4 does,
    told by a flag. It gives no inode again within minutes of its file's deletion and looks past all of those for each
    new file, so where an old day was just cleared away, making a recording would cost several times as much. Whether
    it was done; where the file system knows no such flag nothing is lost.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        flags = int.from_bytes(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))[:4], sys.byteorder)
        fcntl.ioctl(descriptor, _SET_FLAGS, (flags | _TOP_OF_FOLDERS).to_bytes(8, sys.byteorder))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
