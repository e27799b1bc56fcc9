"""The thread that brings written records to the disk, and the measure of how far behind it is.

`write()` alone survives a kill of the process; `fdatasync` is for power cuts and follows here, many records at once.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from kak_server.runtime.files import FILES, Files

RETRY_S = 0.5


class Syncer:
    """One thread, one journal. `on_lag(ms)` after each sync (from the thread): age of the oldest record it covered.
    `on_error(text)` when the disk refuses. `on_tick()` about twice a second and after each sync."""

    def __init__(
        self,
        fd: int,
        folder: Path,
        *,
        monotonic_s: Callable[[], float],
        on_lag: Callable[[float], None],
        on_error: Callable[[str], None],
        on_tick: Callable[[], None],
        gather_s: float,
        files: Files = FILES,
    ) -> None:
        self._files = files
        self._fd = fd
        self._folder = folder
        self._retired: list[int] = []
        self._monotonic_s = monotonic_s
        self._on_lag = on_lag
        self._on_error = on_error
        self._on_tick = on_tick
        self._gather_s = gather_s
        self._wake = threading.Condition()
        self._written = 0
        self._synced = 0
        self._oldest_s: float | None = None  # write time of the oldest record no sync has been started for
        self._syncing_since_s: float | None = None  # write time of the oldest record in the sync under way
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def note(self, serial: int) -> None:
        """`serial` has been written."""
        with self._wake:
            self._written = serial
            if self._oldest_s is None:  # the first since the last sync began: later ones ride along unannounced
                self._oldest_s = self._monotonic_s()
                self._wake.notify_all()

    def switch(self, fd: int) -> None:
        """A new segment: the old file is synced once more and closed by the thread."""
        with self._wake:
            self._retired.append(self._fd)
            self._fd = fd

    def wait(self, serial: int, timeout_s: float) -> bool:
        """Until `serial` is on the disk, at most so long. False: it took longer."""
        with self._wake:
            return self._wake.wait_for(lambda: self._synced >= serial, timeout_s)

    def lag_ms(self) -> float:
        """Age of the oldest record that is not on the disk, also while a sync hangs. 0: all is."""
        with self._wake:
            oldest_s = self._syncing_since_s if self._syncing_since_s is not None else self._oldest_s
        return 0.0 if oldest_s is None else (self._monotonic_s() - oldest_s) * 1_000

    def stop(self) -> None:
        """Sync what is left and end the thread; closes the files."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join()
        for fd in [*self._retired, self._fd]:
            self._files.close(fd)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._written > self._synced or self._stopping, RETRY_S)
                pending, stopping = self._written > self._synced, self._stopping
            if pending:
                if self._gather_s and not stopping:
                    with self._wake:
                        self._wake.wait_for(lambda: self._stopping, self._gather_s)
                synced = self._sync()
                if not synced and not stopping:
                    with self._wake:
                        self._wake.wait_for(lambda: self._stopping, RETRY_S)
            if stopping:
                return
            self._on_tick()

    def _sync(self) -> bool:
        with self._wake:
            fd, target, retired = self._fd, self._written, self._retired
            self._retired = []
            if self._syncing_since_s is None:
                self._syncing_since_s = self._oldest_s
            self._oldest_s = None
        try:
            if retired:
                self._files.sync_folder(self._folder)  # the new segment's name
            while retired:
                self._files.sync(retired[-1])
                self._files.close(retired.pop())
            self._files.sync(fd)
        except OSError as problem:
            with self._wake:
                self._retired = retired + self._retired
            self._on_error(str(problem))
            return False
        with self._wake:
            self._synced = target
            since_s, self._syncing_since_s = self._syncing_since_s, None
            self._wake.notify_all()
        if since_s is not None:
            self._on_lag((self._monotonic_s() - since_s) * 1_000)
        return True
