"""The next segment's file, made before it is needed: a new file can keep whoever creates it waiting, and the loop shall
not be the one.

A thread creates the file under a passing name, writes the mark that a segment begins with, brings both to the disk and
gives it its name. A segment that holds nothing but that mark counts as none (`folder.segment_numbers`): a crash before
its first record leaves a file that no reader sees and that the next server makes anew.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from kak_server.runtime.alarms import JournalAlarm
from kak_server.runtime.files import Files, write_all
from kak_server.runtime.folder import segment_path
from kak_server.runtime.frames import SEGMENT_MAGIC
from kak_server.runtime.patience import Patience

RETRY_S, RETRY_MAX_S = 1.0, 300.0


class NextSegment:
    """One thread, one journal. Whatever is asked of it, it answers at once."""

    def __init__(
        self, folder: Path, files: Files, monotonic_s: Callable[[], float], on_alarm: Callable[[JournalAlarm], None]
    ) -> None:
        """`on_alarm` is called from the thread."""
        self._folder = folder
        self._files = files
        self._monotonic_s = monotonic_s
        self._on_alarm = on_alarm
        self._patience = Patience(RETRY_S, RETRY_MAX_S)
        self._wake = threading.Condition()
        self._wanted = 0  # 0: none is to be made
        self._fd: int | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None

    def want(self, number: int) -> None:
        """Make segment `number` ready, instead of any other."""
        with self._wake:
            self._let_go()
            self._wanted = number
            self._wake.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal-next", daemon=True)
            self._thread.start()

    def take(self) -> int | None:
        """The descriptor, open for appending, and the file is the caller's from here on. None: it is not ready; then
        nothing of the name that was wanted appears in the folder any more, and the caller may make it."""
        with self._wake:
            fd, self._fd = self._fd, None
            self._wanted = 0
            return fd

    @property
    def refused(self) -> bool:
        """The disk takes no new file just now: there is no use in asking it for one."""
        return self._patience.failing

    def stop(self) -> None:
        """End the thread. A file that is ready goes."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
        with self._wake:
            if self._fd is not None:
                with contextlib.suppress(OSError):
                    segment_path(self._folder, self._wanted).unlink()
            self._let_go()

    def _let_go(self) -> None:
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None

    def _run(self) -> None:
        while (number := self._due()) is not None:
            try:
                fd = self._make(number)
            except OSError as problem:
                if not self._patience.failing:
                    self._on_alarm(JournalAlarm("degraded", f"no new segment: {problem.strerror}"))
                self._patience.refused(self._monotonic_s())
                continue
            if self._patience.done():
                self._on_alarm(JournalAlarm("recovered", "a new segment could be begun again"))
            with self._wake:
                if fd is not None and self._wanted == number and not self._stopping:
                    self._fd = fd
                elif fd is not None:
                    self._files.close(fd)
                    if self._wanted == number:  # the end came meanwhile: nobody uses it
                        with contextlib.suppress(OSError):
                            segment_path(self._folder, number).unlink()

    def _due(self) -> int | None:
        """Wait for something to do: its number. None: the end."""
        with self._wake:
            while not self._stopping:
                if self._wanted and self._fd is None and self._patience.over(self._monotonic_s()):
                    return self._wanted
                self._wake.wait(RETRY_S if self._patience.failing else None)
            return None

    def _make(self, number: int) -> int | None:
        """None: it is not wanted any more. Raises OSError; then nothing is there."""
        path = segment_path(self._folder, number)
        draft = path.with_name(path.name + ".next")
        fd = self._files.create(draft)
        try:
            write_all(self._files, fd, SEGMENT_MAGIC)
            self._files.sync(fd)
            with self._wake:
                if self._wanted != number:  # it was begun without us, by this name
                    os.close(fd)
                    draft.unlink()
                    return None
                self._files.rename(draft, path)
            self._files.sync_folder(self._folder)
        except OSError:
            os.close(fd)
            draft.unlink(missing_ok=True)
            raise
        return fd
