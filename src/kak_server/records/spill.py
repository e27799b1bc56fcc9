"""Rows the database does not have yet, kept in a file of lines until it does."""

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path

from kak_server.model.codec import CodecError, dumps, from_json
from kak_server.records.types import AuditRow, CallRecord, LedgerRow
from kak_server.statistics.halfhours import Row

Item = CallRecord | LedgerRow | AuditRow | Row
_KINDS: dict[str, type[CallRecord] | type[LedgerRow] | type[AuditRow] | type[Row]] = {
    cls.__name__: cls for cls in (CallRecord, LedgerRow, AuditRow, Row)
}


class Spill:
    """Append before the database has a row, take all back after a crash or an outage, empty when it has them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def keep(self, items: Iterable[Item]) -> None:
        """Append; survives a kill -9 from here on. Raises OSError when even that is not possible."""
        lines = b"".join(dumps({"kind": type(item).__name__, "row": item}) + b"\n" for item in items)
        if self._fd < 0:
            self._open()
        before = os.fstat(self._fd).st_size
        if os.write(self._fd, lines) != len(lines):
            os.ftruncate(self._fd, before)  # a torn line would take the next one with it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":  # a process before us was killed in mid-line
            os.write(self._fd, b"\n")

    def read(self) -> tuple[list[Item], int]:
        """All rows, and how many lines could not be read (a torn end)."""
        if not self.path.exists():
            return [], 0
        items: list[Item] = []
        unreadable = 0
        for line in self.path.read_bytes().splitlines():
            try:
                data = json.loads(line)
                items.append(from_json(_KINDS[data["kind"]], data["row"]))
            except (ValueError, KeyError, TypeError, CodecError):
                unreadable += 1
        return items, unreadable

    def clear(self) -> None:
        """The database has them."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
        elif self.path.exists():
            os.truncate(self.path, 0)

    def close(self) -> None:
        """Give the descriptor back."""
        descriptor, self._fd = self._fd, -1
        if descriptor >= 0:
            os.close(descriptor)
