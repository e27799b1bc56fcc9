"""Half hours of statistics in the database: written once each, again when they change, read in the order of that.

`serial` is one higher for every row written, so that a reader who remembers the last one it saw gets everything that
is new or changed since, and nothing else. `revision` counts how often the row was issued, from 1.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, tuple_, update

from kak_server.model.codec import dumps
from kak_server.model.light import frozen
from kak_server.records.tables import STATISTICS
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import Row

_Key = tuple[int, str, str]
_KEY = (STATISTICS.c.half_hour_ms, STATISTICS.c.row_by, STATISTICS.c.row_key)
_LOOKUP_MAX = 250  # keys in one query: SQLite takes 999 parameters in its older versions


@frozen
class IssuedRow:
    """A row as it was issued."""

    row: Row
    revision: int
    serial: int


@frozen
class Wanted:
    """Rows of half hours in [from_ms, to_ms), issued after `after`; of these rooms only, unless None."""

    by: By
    from_ms: int
    to_ms: int
    after: int = 0
    rooms: frozenset[str] | None = None
    limit: int = 1_000


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """New rows, and others with the next revision. One that is older than what is there, or says the same, changes
    nothing: after a restart rows come again."""
    newest: dict[_Key, Row] = {}
    for row in rows:
        key: _Key = (row.half_hour_ms, row.by, row.key)
        if key not in newest or row.as_of_ms >= newest[key].as_of_ms:
            newest[key] = row
    serial = int(connection.execute(select(func.max(STATISTICS.c.serial))).scalar() or 0)
    keys = list(newest)
    fresh: list[dict[str, Any]] = []
    for start in range(0, len(keys), _LOOKUP_MAX):
        part = keys[start : start + _LOOKUP_MAX]
        known = _known(connection, part)
        for key in part:
            values, before = _values(newest[key]), known.get(key)
            if before is None:
                serial += 1
                fresh.append({**values, "revision": 1, "serial": serial})
            elif values["as_of_ms"] >= before["as_of_ms"] and any(before[name] != values[name] for name in _SAID):
                serial += 1
                changed = {**values, "revision": before["revision"] + 1, "serial": serial}
                place = [column == value for column, value in zip(_KEY, key, strict=True)]
                connection.execute(update(STATISTICS).where(*place).values(changed))
    if fresh:
        connection.execute(insert(STATISTICS), fresh)


_SAID = ("room", "settled", "complete", "threshold_ms", "goal_percent", "figures")


def _known(connection: Connection, keys: Sequence[_Key]) -> dict[_Key, RowMapping]:
    rows = connection.execute(select(STATISTICS).where(tuple_(*_KEY).in_(keys))).mappings()
    return {(row["half_hour_ms"], row["row_by"], row["row_key"]): row for row in rows}


def _values(row: Row) -> dict[str, Any]:
    return {
        "half_hour_ms": row.half_hour_ms,
        "row_by": row.by,
        "row_key": row.key,
        "room": row.room,
        "settled": int(row.settled),
        "complete": int(row.complete),
        "as_of_ms": row.as_of_ms,
        "threshold_ms": row.threshold_ms,
        "goal_percent": row.goal_percent,
        "figures": dumps(row.figures).decode(),
    }


def read(connection: Connection, wanted: Wanted) -> Sequence[IssuedRow]:
    """In the order of issue."""
    table = STATISTICS.c
    query = select(STATISTICS).where(
        table.row_by == wanted.by,
        table.serial > wanted.after,
        table.half_hour_ms >= wanted.from_ms,
        table.half_hour_ms < wanted.to_ms,
    )
    if wanted.rooms is not None:
        query = query.where(table.room.in_(sorted(wanted.rooms)))
    query = query.order_by(table.serial).limit(wanted.limit)
    return [_issued(row._mapping) for row in connection.execute(query)]


def _issued(row: Mapping[Any, Any]) -> IssuedRow:
    return IssuedRow(
        Row(
            half_hour_ms=row["half_hour_ms"],
            by=row["row_by"],
            key=row["row_key"],
            room=row["room"],
            settled=bool(row["settled"]),
            complete=bool(row["complete"]),
            as_of_ms=row["as_of_ms"],
            threshold_ms=row["threshold_ms"],
            goal_percent=row["goal_percent"],
            figures=json.loads(row["figures"]),
        ),
        row["revision"],
        row["serial"],
    )


def drop_before(connection: Connection, by: By, before_ms: int) -> int:
    """Forget half hours that began before then. How many rows went."""
    table = STATISTICS.c
    return connection.execute(delete(STATISTICS).where(table.row_by == by, table.half_hour_ms < before_ms)).rowcount
