"""The record store: writes through one thread that nobody waits for, reads on the caller's thread.

A database that is slow, locked or gone never reaches a call: rows wait in a bounded queue and in a file beside the
database (in memory while the disk refuses that too), and go in when it is back. The file is written first, so that a
kill -9 loses no row.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from kak_server.records import chain, database, half_hours
from kak_server.records.half_hours import IssuedRow, Wanted
from kak_server.records.migrating import migrate
from kak_server.records.spill import Item, Spill
from kak_server.records.types import AuditRow, CallRecord, LedgerRow
from kak_server.records.waiting import Waiting
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import Row

QUEUE_MAX = 10_000
BATCH_MAX = 200
RETRY_S = 2.0
GATHER_S = 0.25
CLOSE_WAIT_S = 10.0
READY_WAIT_S = 5.0  # readers are threads; a page asks right after the start

OnProblem = Callable[[str, str], None]


class RecordStore:
    """Open, put, read, close. `on_problem(name, text)` tells what a person must know; it may come from the writer."""

    def __init__(
        self, url: str, spill: Path, on_problem: OnProblem, *, retry_s: float = RETRY_S, gather_s: float = GATHER_S
    ) -> None:
        self._engine = database.connect(url)
        self._waiting = Waiting(spill, on_problem)
        self._refused = Spill(spill.with_suffix(".refused"))
        self._on_problem = on_problem
        self._retry_s = retry_s
        self._gather_s = gather_s
        self._queue: queue.Queue[Item | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)
        self._usable = False
        self._told_away = False
        self._found = (0, 0)  # rows and unreadable lines that waited at the last look
        self._tell_recovery = bool(self._waiting.read()[0])  # a process before us left rows
        self._order = threading.Lock()  # the file and the queue hold the same rows in the same order
        self._tables_made = threading.Event()
        self._last_ledger: str | None = None  # the newest hash of each chain, None: to be read
        self._last_audit: str | None = None
        self._refused_dropped = 0

    @property
    def dropped(self) -> int:
        """Rows that nothing took."""
        return self._waiting.dropped + self._refused_dropped

    @property
    def away(self) -> bool:
        """Whether rows wait for a database that does not take them."""
        return self._told_away

    def open(self) -> None:
        """Start the writer; it brings the database up to date first."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued; what cannot be written by then is in the spill file."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(CLOSE_WAIT_S)
        self._engine.dispose()
        with self._order:
            self._waiting.close()

    # --- writing, from the loop ---------------------------------------------------------------------------------------

    def put_call(self, call: CallRecord) -> None:
        """Upsert."""
        self._put(call)

    def add_ledger(self, row: LedgerRow) -> None:
        """Append to the media ledger, once a recording."""
        self._put(row)

    def audit(self, row: AuditRow) -> None:
        """Append to the audit log."""
        self._put(row)

    def put_statistics(self, rows: Sequence[Row]) -> None:
        """Rows of half hours that are over, new or changed. May be called from another thread."""
        self._put(*rows)

    @property
    def waiting(self) -> int:
        """Rows not yet written."""
        return self._queue.qsize()

    def _put(self, *items: Item) -> None:
        """Into the file of waiting rows, which survives a kill -9, then into the queue."""
        with self._order:
            self._waiting.keep(items)
            try:
                for item in items:
                    self._queue.put_nowait(item)
            except queue.Full:
                self._usable = False  # the writer reads the file again, once it has got through the queue
                self._on_problem("records_behind", f"{QUEUE_MAX} rows wait; further ones wait in the file")

    # --- the writer ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch: list[Item] = []
            try:
                item = self._queue.get(timeout=None if self._usable else self._retry_s)
                if item is not None:
                    time.sleep(self._gather_s)  # nobody waits: rows that come together go in together
                while item is not None and len(batch) < BATCH_MAX:
                    batch.append(item)
                    item = self._queue.get_nowait()
                stopping = item is None
                if item is not None:
                    batch.append(item)
            except queue.Empty:
                pass
            self._write(batch)
            with self._order:
                if self._usable and self._queue.empty():
                    self._waiting.clear()

    def _write(self, batch: Sequence[Item]) -> None:
        if not self._usable:
            try:
                batch = self._make_usable()
            except Exception as problem:  # noqa: BLE001 - told; whatever is wrong with tables is no row's fault
                self._unavailable(problem)
                return
        try:
            if batch:
                self._insert(batch)
        except (OperationalError, OSError) as problem:
            self._unavailable(problem)
        except Exception as problem:  # noqa: BLE001 - a row the database will never take; the thread serves the others
            self._last_ledger = self._last_audit = None
            self._one_by_one(batch, problem)
        else:
            self._works_again()

    def _unavailable(self, problem: Exception) -> None:
        if not self._told_away:
            self._told_away = True
            self._on_problem("records_unavailable", str(problem).splitlines()[0][:300])
        self._usable = False
        self._tell_recovery = True
        self._last_ledger = self._last_audit = None
        self._save_memory()

    def _make_usable(self) -> Sequence[Item]:
        """Tables; then what is to be written: all rows that wait, the queue's and the batch's among them.

        Raises SQLAlchemyError or OSError.
        """
        migrate(self._engine)
        with self._order:
            items, unreadable = self._waiting.read()
            self._usable = True
            self._empty_queue()
        self._tables_made.set()
        self._found = (len(items), unreadable)
        return items

    def _works_again(self) -> None:
        rows, unreadable = self._found
        if self._tell_recovery and (rows or unreadable):
            self._on_problem("records_recovered", f"{rows} waiting rows, {unreadable} unreadable")
        self._tell_recovery = self._told_away = False

    def _save_memory(self) -> None:
        """The database is away: what is in memory only gets into the file, if that takes rows again. In small parts:
        the loop waits for the lock."""
        more = True
        while more:
            with self._order:
                more = self._waiting.again(BATCH_MAX)

    def _empty_queue(self) -> None:
        """All that waits has been read from elsewhere."""
        stopping = False
        while not self._queue.empty():
            stopping = self._queue.get_nowait() is None or stopping
        if stopping:
            self._queue.put_nowait(None)

    def _insert(self, items: Sequence[Item]) -> None:
        """One transaction. The newest hashes are remembered only once it is through."""
        with self._engine.begin() as connection:
            database.put_calls(connection, [item for item in items if isinstance(item, CallRecord)])
            ledger = [item for item in items if isinstance(item, LedgerRow)]
            last_ledger = database.add_ledger(connection, ledger, self._last_ledger) if ledger else self._last_ledger
            if rows := [item for item in items if isinstance(item, Row)]:
                half_hours.put(connection, rows)
            audit = [item for item in items if isinstance(item, AuditRow)]
            last_audit = database.add_audit(connection, audit, self._last_audit) if audit else self._last_audit
        self._last_ledger, self._last_audit = last_ledger, last_audit

    def _one_by_one(self, batch: Sequence[Item], problem: Exception) -> None:
        """Find the row that cannot be written and put it aside for a person to look at."""
        if len(batch) > 1:
            for item in batch:
                self._write([item])
            return
        text = f"{type(problem).__name__}: {problem}".splitlines()[0][:300]
        self._on_problem("record_refused", text)
        try:
            self._refused.keep(batch)
        except OSError:
            self._refused_dropped += len(batch)

    # --- reading, in threads ------------------------------------------------------------------------------------------

    def _reading(self) -> Connection:
        """A connection, once the tables are there: just after the start that may take a moment. Raises
        SQLAlchemyError."""
        self._tables_made.wait(READY_WAIT_S)
        return self._engine.connect()

    def recent_calls(self, limit: int, room: str | None = None) -> Sequence[CallRecord]:
        """The newest calls first. Raises SQLAlchemyError."""
        with self._reading() as connection:
            return database.calls(connection, limit, room)

    def call(self, contact: str) -> CallRecord | None:
        """One call."""
        with self._reading() as connection:
            return database.call(connection, contact)

    def ledger(self, contact: str) -> Sequence[LedgerRow]:
        """A call's tracks."""
        with self._reading() as connection:
            return database.ledger(connection, contact)

    def recording(self, recording: str) -> LedgerRow | None:
        """One track."""
        with self._reading() as connection:
            return database.recording(connection, recording)

    def audit_log(self) -> Sequence[AuditRow]:
        """The whole audit log."""
        with self._reading() as connection:
            return database.audit(connection)

    def statistics(self, wanted: Wanted) -> Sequence[IssuedRow]:
        """Half hours in the order in which they were issued."""
        with self._reading() as connection:
            return half_hours.read(connection, wanted)

    def drop_statistics(self, by: By, before_ms: int) -> int:
        """Forget rows of half hours before then. How many went."""
        self._tables_made.wait(READY_WAIT_S)
        with self._engine.begin() as connection:
            return half_hours.drop_before(connection, by, before_ms)

    def verify_chain(self) -> Sequence[str]:
        """Where the ledger's or the audit log's chain is broken, in words; empty when both are whole."""
        with self._reading() as connection:
            ledger, audit = database.ledger(connection), database.audit(connection)
        found = [f"media ledger: row {place + 1} ({ledger[place].recording})" for place in chain.breaks(ledger)]
        return [*found, *(f"audit log: row {place + 1}" for place in chain.breaks(audit))]
