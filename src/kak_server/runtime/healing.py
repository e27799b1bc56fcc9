"""Whether the files are enough for a start, and what makes them so again.

A system that refused a sync may have forgotten what it should have written: what it still gives to readers is written
anew, as a snapshot, beside the server. Where the files lack what memory has, only the loop can write it.
"""

from kak_server.runtime.compactor import Outcome

COMPACTIONS_FAILED_MAX = 3  # in a row: then the loop makes a checkpoint itself, so that a start stays short


class Healing:
    """Told by several threads, each in a single assignment. `compacts`: somebody makes snapshots beside the server."""

    def __init__(self, *, compacts: bool) -> None:
        self.by_loop = False
        """The loop must write a checkpoint."""
        self.by_compactor = False
        """A segment must begin, so that a snapshot is made of what came before."""
        self._compacts = compacts
        self._sync_failed = False
        self._awaited = 0  # the snapshot before that segment makes it whole
        self._failed = 0  # compactions in a row

    def sync_refused(self) -> None:
        """The system did not bring to the disk what it was given."""
        self._sync_failed = True

    def synced(self) -> None:
        """It does again."""
        if self._sync_failed:
            self._sync_failed = False
            if self._compacts:
                self.by_compactor = True
            else:
                self.by_loop = True

    def begins(self, segment: int) -> None:
        """Segment number so much is about to begin."""
        if self.by_compactor:
            self._awaited = segment

    def begun(self) -> None:
        """It has."""
        self.by_compactor = False

    def checkpointed(self) -> bool:
        """The loop has written everything. True: that was needed."""
        needed = self.by_loop or self.by_compactor or self._awaited > 0
        self.by_loop, self.by_compactor, self._awaited, self._failed = False, False, 0, 0
        return needed

    def compacted(self, outcome: Outcome) -> bool:
        """True: it has made whole what was not."""
        if outcome.lost:
            self.by_loop = True
        elif outcome.problem:
            self._failed += 1
            self.by_loop = self.by_loop or self._failed >= COMPACTIONS_FAILED_MAX
            self.by_compactor = self.by_compactor or self._awaited > 0
        else:
            self._failed = 0
            made = outcome.done.snapshot if outcome.done is not None else None
            if self._awaited and made is not None and made >= self._awaited:
                self._awaited = 0
                return True
        return False
