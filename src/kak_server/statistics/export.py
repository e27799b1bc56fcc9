"""Rows as a data warehouse takes them: every column that rows of a kind have, in a fixed order, as JSON values or CSV.

New columns are added at the end of their part; none is renamed or moved.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from kak_server.model.codec import Json
from kak_server.statistics.columns import BESIDE, COLUMNS, By
from kak_server.statistics.derived import DERIVED, derive
from kak_server.statistics.halfhours import Row

HEAD = (
    "half_hour", "half_hour_local", "by", "key", "room", "revision", "cursor", "settled", "complete",
    "threshold_ms", "goal_percent",
)  # fmt: skip


def columns(by: By) -> tuple[str, ...]:
    """The header of rows of this kind."""
    figures = tuple(column.name for column in COLUMNS if by in column.by)
    queue = ("queue",) if by == "queue-room" else ()
    return (*HEAD, *queue, *figures, *(column.name for column in DERIVED if by in column.by))


def values(row: Row, revision: int, cursor: int, zone: tzinfo) -> dict[str, Json]:
    """One row by column. `zone` is that of `half_hour_local`."""
    begun = datetime.fromtimestamp(row.half_hour_ms / 1_000, UTC)
    has_goal = row.by == "queue" and row.threshold_ms > 0
    return {
        "half_hour": begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "half_hour_local": begun.astimezone(zone).isoformat(),
        "by": row.by,
        "key": row.key,
        "room": row.room,
        "revision": revision,
        "cursor": cursor,
        "settled": int(row.settled),
        "complete": int(row.complete),
        "threshold_ms": row.threshold_ms if has_goal else None,
        "goal_percent": row.goal_percent if has_goal else None,
        **({"queue": row.key.partition(BESIDE)[0]} if row.by == "queue-room" else {}),
        **{column.name: row.figures.get(column.name, 0) for column in COLUMNS if row.by in column.by},
        **derive(row.by, row.figures),
    }


def to_csv(by: By, rows: Iterable[Mapping[str, Json]]) -> str:
    """RFC 4180: a header, CRLF, quotes where needed; nothing where there is no value. Text that a spreadsheet would
    take for a formula is marked as text."""
    names = columns(by)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return out.getvalue()


def _cell(value: Json) -> Json:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return "" if value is None else value
