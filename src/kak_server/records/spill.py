"""Rows the database would not take, kept in a file of lines until it does."""

import json
from collections.abc import Iterable
from pathlib import Path

from kak_server.model.codec import CodecError, dumps, from_json, to_json
from kak_server.records.types import AuditRow, CallRecord, LedgerRow

Item = CallRecord | LedgerRow | AuditRow
_KINDS: dict[str, type[CallRecord] | type[LedgerRow] | type[AuditRow]] = {
    cls.__name__: cls for cls in (CallRecord, LedgerRow, AuditRow)
}


class Spill:
    """Append now, take all back later. One thread uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, items: Iterable[Item]) -> None:
        """Append. Raises OSError when even that is not possible."""
        lines = b"".join(dumps({"kind": type(item).__name__, "row": to_json(item)}) + b"\n" for item in items)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(lines)

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
        self.path.unlink(missing_ok=True)
