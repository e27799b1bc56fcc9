"""Rows in and out of the database: one connection's work, no threads here."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Table, bindparam, create_engine, event, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from kak_server.model.codec import dumps
from kak_server.model.light import names
from kak_server.records import chain
from kak_server.records.fit import fitted
from kak_server.records.tables import AUDIT, CALLS, LEDGER
from kak_server.records.types import AuditRow, CallRecord, LedgerRow

BUSY_TIMEOUT_S = 5
PIECE_ROWS = 1_000

# Made once: each is a thousand objects in circles, and a control room writes several a second. Python's collector had
# hardly anything else to find.
_ADD_LEDGER, _ADD_AUDIT = insert(LEDGER), insert(AUDIT)
_KNOWN = "known"


def _lookup(column: Column[Any]) -> Any:
    """Which of a list of values a column has."""
    return select(column).where(column.in_(bindparam(_KNOWN, expanding=True)))


_KNOWN_LEDGER, _KNOWN_AUDIT = _lookup(LEDGER.c.recording), _lookup(AUDIT.c.key)


def unusable(url: str) -> str:
    """What keeps records from lying there, for whoever wrote the address; empty if nothing does."""
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
        if name not in ("sqlite", "postgresql"):
            return f"records lie in SQLite or PostgreSQL (sqlite:///FILE, postgresql://HOST/NAME), not in {name!r}"
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError):
        return "not an address of a database (sqlite:///FILE, postgresql://USER@HOST/NAME)"
    except ModuleNotFoundError as missing:
        return f"the Python package {missing.name!r} is missing: pip install 'kak-server[postgres]'"
    return ""


def connect(url: str) -> Engine:
    """An engine; SQLite in WAL mode, and its folder made where missing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        with contextlib.suppress(OSError):  # said by whoever connects, who may do without
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def put_calls(connection: Connection, calls: Sequence[CallRecord]) -> None:
    """Insert or replace; of several records of one call the last counts."""
    fit = [fitted(call, CALLS) for call in calls]
    newest = {call.contact: {name: getattr(call, name) for name in names(CallRecord)} for call in fit}
    if newest:
        connection.execute(_upsert(connection.dialect.name), list(newest.values()))


def add_ledger(connection: Connection, rows: Sequence[LedgerRow], last: str | None) -> str:
    """Append to the chain, once a recording: an event told twice changes nothing. `last` is the newest hash where it
    is known; returns the newest hash."""
    last = last if last is not None else _last_hash(connection, LEDGER)
    fresh = {row.recording: row for row in (fitted(row, LEDGER) for row in rows)}
    for (name,) in connection.execute(_KNOWN_LEDGER, {_KNOWN: list(fresh)}).all():
        del fresh[name]
    values = []
    for row in fresh.values():
        linked = chain.linked_ledger(row, last)
        last = linked.row_hash
        row_values = {name: getattr(linked, name) for name in names(LedgerRow)}
        values.append({**row_values, "gaps": dumps(linked.gaps).decode()})
    if values:
        connection.execute(_ADD_LEDGER, values)
    return last


def add_audit(connection: Connection, rows: Sequence[AuditRow], last: str | None) -> str:
    """Append to the chain; `last` as for the ledger."""
    last = last if last is not None else _last_hash(connection, AUDIT)
    fresh = {row.key: row for row in (fitted(row, AUDIT) for row in rows)}
    for (key,) in connection.execute(_KNOWN_AUDIT, {_KNOWN: list(fresh)}).all():
        del fresh[key]
    values = []
    for row in fresh.values():
        linked = chain.linked_audit(row, last)
        last = linked.row_hash
        row_values = {name: getattr(linked, name) for name in names(AuditRow)}
        values.append({**row_values, "detail": dumps(linked.detail).decode()})
    if values:
        connection.execute(_ADD_AUDIT, values)
    return last


def _last_hash(connection: Connection, table: Table) -> str:
    found = connection.execute(select(table.c.row_hash).order_by(table.c.number.desc()).limit(1)).scalar()
    return str(found) if found else chain.GENESIS


@cache
def _upsert(database: str) -> Any:
    """INSERT ... ON CONFLICT DO UPDATE, which SQLite and PostgreSQL both know under the same name."""
    dialect = postgresql if database == "postgresql" else sqlite
    statement = dialect.insert(CALLS)
    replaced = {column.name: statement.excluded[column.name] for column in CALLS.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=["contact"], set_=replaced)


def calls(connection: Connection, limit: int, room: str | None) -> Sequence[CallRecord]:
    """The newest first."""
    query = select(CALLS).order_by(CALLS.c.arrived_at_ms.desc()).limit(limit)
    if room is not None:
        query = query.where(CALLS.c.room == room)
    return [CallRecord(**row._mapping) for row in connection.execute(query)]


def call(connection: Connection, contact: str) -> CallRecord | None:
    """One call."""
    row = connection.execute(select(CALLS).where(CALLS.c.contact == contact)).first()
    return None if row is None else CallRecord(**row._mapping)


def ledger(connection: Connection, contact: str | None = None) -> Sequence[LedgerRow]:
    """A call's tracks, or with None the whole ledger, in the order they were written."""
    query = select(LEDGER).order_by(LEDGER.c.number)
    if contact is not None:
        query = query.where(LEDGER.c.contact == contact)
    return [_ledger_row(row) for row in connection.execute(query)]


def each_of_ledger(connection: Connection) -> Iterator[LedgerRow]:
    """The whole ledger in the order in which it was written, a piece at a time: years of it are more than memory."""
    rows = connection.execution_options(yield_per=PIECE_ROWS).execute(select(LEDGER).order_by(LEDGER.c.number))
    return map(_ledger_row, rows)


def recording(connection: Connection, name: str) -> LedgerRow | None:
    """One track."""
    row = connection.execute(select(LEDGER).where(LEDGER.c.recording == name)).first()
    return None if row is None else _ledger_row(row)


def audit(connection: Connection) -> Sequence[AuditRow]:
    """The whole audit log."""
    rows = connection.execute(select(AUDIT).order_by(AUDIT.c.number))
    return [
        AuditRow(**{name: _plain(row, name) for name in names(AuditRow) if name != "detail"}, detail=_detail(row))
        for row in rows
    ]


def _plain(row: Row[Any], name: str) -> Any:
    return row._mapping[name]


def _detail(row: Row[Any]) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(row._mapping["detail"])
    return detail


def _ledger_row(row: Row[Any]) -> LedgerRow:
    values = {name: row._mapping[name] for name in names(LedgerRow) if name != "gaps"}
    return LedgerRow(**values, gaps=tuple((at, length) for at, length in json.loads(row._mapping["gaps"])))
