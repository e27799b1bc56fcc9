"""Where recordings go: paths below the recordings folder, checked, with few questions to the disk.

A folder that was not there when it was first needed has been made for this worker, and what is in it is known: only
names that come again in it, and folders from before (the hour in which the worker started), are looked up on the disk.
"""

import os
import stat

LOOK_AGAIN_MS = 1_000
OWN_FOLDERS_MAX = 4
OWN_NAMES_MAX = 50_000  # of a folder: two hours of the busiest minute's calls
_PATH_CHARS_MAX = 512


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
