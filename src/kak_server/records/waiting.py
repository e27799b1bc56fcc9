"""Rows that are not in the database yet: in a file, and in memory for as long as the disk refuses the file.

A full disk often takes neither: the file lies beside the database. Then memory is all there is. The order is kept: what
comes while memory holds rows goes behind them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from kak_server.records.spill import Item, Spill

MEMORY_MAX = 20_000


class Waiting:
    """`keep`, `read` all of it, `clear` when the database has it. Not for several threads at once. `on_problem(name,
    text)` is told when the file refuses rows, and once when memory is full too."""

    def __init__(self, path: Path, on_problem: Callable[[str, str], None], memory_max: int = MEMORY_MAX) -> None:
        self._file = Spill(path)
        self._memory: list[Item] = []
        self._memory_max = memory_max
        self._on_problem = on_problem
        self._told_full = False
        self.dropped = 0  # rows that nothing took

    @property
    def in_memory(self) -> int:
        """Rows that a kill -9 would cost."""
        return len(self._memory)

    def keep(self, items: Sequence[Item]) -> None:
        """Into the file, after which they survive a kill -9; into memory while the disk refuses it."""
        if not self._memory:
            try:
                self._file.keep(items)
            except OSError as problem:
                self._on_problem("records_not_kept", f"rows wait in memory only: {problem.strerror}")
            else:
                return
        room = self._memory_max - len(self._memory)
        self._memory.extend(items[:room])
        if len(items) > room:
            self.dropped += len(items) - room
            if not self._told_full:
                self._told_full = True
                why = f"neither database nor file takes rows, {self._memory_max} wait in memory: further ones are lost"
                self._on_problem("records_dropped", why)

    def again(self, most: int) -> bool:
        """Try the file again with the first `most` rows of memory. Whether there are more, and it took these."""
        if not self._memory:
            return False
        try:
            self._file.keep(self._memory[:most])
        except OSError:
            return False
        del self._memory[:most]
        self._told_full = False
        return bool(self._memory)

    def read(self) -> tuple[list[Item], int]:
        """All rows in order, and how many lines of the file could not be read. Raises OSError."""
        items, unreadable = self._file.read()
        return [*items, *self._memory], unreadable

    def clear(self) -> None:
        """The database has them."""
        self._memory.clear()
        self._told_full = False
        self._file.clear()

    def close(self) -> None:
        """A last try with what memory holds; what is lost with it is told."""
        while self.again(self._memory_max):
            pass
        if self._memory:
            self.dropped += len(self._memory)
            self._on_problem("records_dropped", f"{len(self._memory)} rows: neither database nor file takes them")
        self._file.close()
