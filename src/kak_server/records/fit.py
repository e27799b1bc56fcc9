"""Text that every database takes. SQLite stores what it is given; PostgreSQL refuses a row for one value that is longer
than its column, and for a NUL. A call is never left out of the records for its caller's name:
such a value is stored cut, and marked."""

from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import String, Table, Text

from kak_server.records.types import AuditRow, CallRecord, LedgerRow

Stored = TypeVar("Stored", CallRecord, LedgerRow, AuditRow)
CUT = "…"
_NUL = "\x00"


@cache
def _lengths(table: Table) -> dict[str, int]:
    """How many characters each bounded column takes."""
    kinds = {column.name: column.type for column in table.columns}
    return {name: kind.length or 0 for name, kind in kinds.items() if isinstance(kind, String | Text)}


def fitted(row: Stored, table: Table) -> Stored:
    """The row as `table` takes it; mostly the row itself."""
    lengths: dict[str, int] = _lengths(table)
    changed: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if not isinstance(value, str):
            continue
        text, most = value.replace(_NUL, "\ufffd"), lengths.get(field.name, 0)
        if most and len(text) > most:
            text = text[: most - len(CUT)] + CUT
        if text != value:
            changed[field.name] = text
    return replace(row, **changed) if changed else row
