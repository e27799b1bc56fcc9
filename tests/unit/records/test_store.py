"""The record store on a real SQLite file: nothing twice, nothing lost while the database is away, tampering shows."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from kak_server.records.chain import GENESIS, row_hash
from kak_server.records.database import add_audit, add_ledger, connect, put_calls, unusable
from kak_server.records.migrating import migrate
from kak_server.records.spill import Spill
from kak_server.records.store import RecordStore
from kak_server.records.tables import METADATA
from kak_server.records.types import AuditRow, CallRecord, LedgerRow
from kak_server.records.waiting import Waiting
from tests.support.postgres import Cluster, needs_postgres

CALL = CallRecord("c1", "113-oslo", "+4799999999", 1_000)
OLD_HASH = "6148291ac0cccec5e365eb3e7a6dcaff6954237c0ea37bfb7f47b124b44c644e"


def row(recording: str, contact: str = "c1") -> LedgerRow:
    return LedgerRow(
        recording, contact, "caller-c1", "caller", f"{recording}.wav", 0, 6_000, 6_000, 5_980, "ab" * 32, ((20, 40),)
    )


class Told:
    """What the store told of."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, name: str, text: str) -> None:
        self.names.append(name)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def opened(url: str, tmp_path: Path, told: Told) -> Iterator[RecordStore]:
    store = RecordStore(url, tmp_path / "spill.jsonl", told, retry_s=0.02)
    store.open()
    yield store
    store.close()


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def written(store: RecordStore, contact: str) -> bool:
    try:
        return store.call(contact) is not None
    except OperationalError:
        return False


def test_a_call_is_upserted_and_the_newest_come_first(opened: RecordStore) -> None:
    opened.put_call(CALL)
    opened.put_call(CallRecord("c2", "113-oslo", "", 2_000, room="oslo"))
    opened.put_call(CallRecord("c1", "113-oslo", "+4799999999", 1_000, 1_500, 9_000, "kari", "oslo-1", "oslo", "bye"))
    eventually(lambda: written(opened, "c1") and (opened.call("c1") or CALL).cause == "bye")
    assert [call.contact for call in opened.recent_calls(10)] == ["c2", "c1"]
    assert [call.contact for call in opened.recent_calls(1)] == ["c2"]


def test_a_recording_told_twice_has_one_row(opened: RecordStore) -> None:
    for recording in ("a", "b", "a"):
        opened.add_ledger(row(recording))
    opened.put_call(CALL)
    eventually(lambda: written(opened, "c1"))
    assert [r.recording for r in opened.ledger("c1")] == ["a", "b"]
    assert opened.ledger("c1")[0].gaps == ((20, 40),)
    assert opened.recording("b") is not None
    assert opened.recording("x") is None
    assert opened.verify_chain() == []


def test_what_is_missing_is_chained_with_its_reason(url: str, opened: RecordStore) -> None:
    opened.add_ledger(row("a"))
    opened.add_ledger(replace(row("a.gap-1"), path="", sha256="", stored_ms=0, reason="full: no room"))
    opened.put_call(CALL)
    eventually(lambda: written(opened, "c1"))
    assert opened.verify_chain() == []
    assert [r.reason for r in opened.ledger("c1")] == ["", "full: no room"]
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("update media_ledger set reason = 'caller asked' where recording = 'a.gap-1'"))
    engine.dispose()
    assert opened.verify_chain() == ["media ledger: row 2 (a.gap-1)"]


def test_rows_of_before_there_were_reasons_hash_as_they_did() -> None:
    """A ledger of last year must not look tampered with because the program learned a word."""
    assert row_hash(LedgerRow("a", "c1", "leg", "caller", "a.wav", 1, 2, 1, 1, "00"), GENESIS) == OLD_HASH


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        ("update media_ledger set stored_ms = 6000 where recording = 'b'", "media ledger: row 2 (b)"),
        ("delete from media_ledger where recording = 'a'", "media ledger: row 1 (b)"),
        ("update audit set operator = 'ola' where number = 1", "audit log: row 1"),
    ],
)
def test_tampering_shows(url: str, opened: RecordStore, tampering: str, where: str) -> None:
    for recording in ("a", "b", "c"):
        opened.add_ledger(row(recording))
    opened.audit(AuditRow("k1", 1, "kari", "listen", "a", {"from": "console"}))
    opened.put_call(CALL)
    eventually(lambda: written(opened, "c1"))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(tampering))
    engine.dispose()
    assert where in opened.verify_chain()


def test_rows_wait_in_a_file_while_the_database_is_away(tmp_path: Path, told: Told) -> None:
    store = RecordStore(f"sqlite:///{tmp_path}/gone/r.db", tmp_path / "spill.jsonl", told, retry_s=0.02)
    (tmp_path / "gone").rmdir()
    store.open()
    store.put_call(CALL)
    store.add_ledger(row("a"))
    eventually((tmp_path / "spill.jsonl").exists)
    eventually(lambda: "records_unavailable" in told.names)
    (tmp_path / "gone").mkdir()
    eventually(lambda: written(store, "c1") and bool(store.ledger("c1")))
    eventually(lambda: (tmp_path / "spill.jsonl").stat().st_size == 0)
    assert "records_recovered" in told.names
    store.close()


def test_tables_that_cannot_be_brought_up_to_date_cost_no_row(url: str, tmp_path: Path, told: Told) -> None:
    """Those of a newer version, after an update that was taken back: no row is at fault for that."""
    engine = connect(url)
    migrate(engine)

    def says(version: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))

    with engine.connect() as connection:
        known = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    says("9999")
    store = RecordStore(url, tmp_path / "spill.jsonl", told, retry_s=0.02)
    store.open()
    store.put_call(CALL)
    store.add_ledger(row("a"))
    eventually(lambda: "records_unavailable" in told.names)
    assert store.away
    says(known)
    eventually(lambda: bool(store.ledger("c1")))
    assert told.names == ["records_unavailable", "records_recovered"]
    assert not (tmp_path / "spill.refused").exists()
    store.close()
    engine.dispose()


def test_a_closed_store_has_everything_and_opens_again(url: str, tmp_path: Path, told: Told) -> None:
    for number in range(3):
        store = RecordStore(url, tmp_path / "spill.jsonl", told)
        store.open()
        store.put_call(CallRecord(f"c{number}", "q", "", number))
        store.add_ledger(row(f"r{number}", f"c{number}"))
        store.close()
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from media_ledger")).scalar() == 3
    engine.dispose()
    assert told.names == []


def test_a_row_the_database_will_never_take_is_put_aside_and_the_others_go_in(
    tmp_path: Path, opened: RecordStore, told: Told
) -> None:
    opened.put_call(CallRecord("huge", "q", "", 1 << 80))
    opened.put_call(CALL)
    opened.add_ledger(row("a"))
    eventually(lambda: written(opened, "c1") and len(opened.ledger("c1")) == 1)
    assert told.names == ["record_refused"]
    assert '"huge"' in (tmp_path / "spill.refused").read_text()
    assert opened.call("huge") is None


def test_text_that_a_database_would_refuse_is_stored_cut_and_marked(opened: RecordStore, told: Told) -> None:
    opened.put_call(CallRecord("c1", "q", "4" * 129, 1, room="os\x00lo", text="a\x00b", messages="[]" * 9_000))
    opened.audit(AuditRow("k1", 1, "kari", "listen", "s" * 256, {"from": "a\x00b"}))
    opened.audit(AuditRow("k2", 1, "kari", "listen", "s" * 257))
    eventually(lambda: written(opened, "c1") and len(opened.audit_log()) == 2)
    stored = opened.call("c1")
    assert stored is not None
    assert stored.caller == "4" * 127 + "…"
    assert (stored.room, stored.text, stored.messages) == ("os\ufffdlo", "a\ufffdb", "[]" * 9_000)
    assert [r.subject for r in opened.audit_log()] == ["s" * 256, "s" * 255 + "…"]
    assert opened.verify_chain() == []
    assert told.names == []


@needs_postgres
@pytest.mark.real_peer
@pytest.mark.xdist_group("postgres")
def test_a_postgresql_that_dies_and_comes_back_has_every_row(cluster: Cluster, tmp_path: Path, told: Told) -> None:
    url = cluster.empty()
    store = RecordStore(url, tmp_path / "spill.jsonl", told, retry_s=0.02, gather_s=0.01)
    store.open()
    store.put_call(CALL)
    store.add_ledger(row("a"))
    eventually(lambda: written(store, "c1") and len(store.ledger("c1")) == 1)
    cluster.stop()
    try:
        store.put_call(CallRecord("c2", "q", "", 2))
        store.add_ledger(row("b"))
        eventually(lambda: "records_unavailable" in told.names)
    finally:
        cluster.start()
    eventually(lambda: written(store, "c2") and len(store.ledger("c1")) == 2)
    assert store.verify_chain() == []
    store.close()
    assert set(told.names) == {"records_unavailable", "records_recovered"}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("sqlite:////srv/kak/records.db", ""),
        ("postgresql://kak@db/kak", ""),
        ("postgres://kak@db/kak", "not in 'postgres'"),
        ("mysql://db/kak", "not in 'mysql'"),
        ("nonsense", "not an address"),
        ("postgresql+nodriver://db/kak", "not an address"),
        ("postgresql+pg8000://db/kak", "kak-server[postgres]"),
    ],
)
def test_an_address_at_which_no_records_can_lie_is_said_in_words(address: str, why: str) -> None:
    assert why in unusable(address)
    assert bool(why) == bool(unusable(address))


def test_an_audit_row_written_twice_counts_once(opened: RecordStore) -> None:
    for key in ("k1", "k2", "k1"):
        opened.audit(AuditRow(key, 1, "kari", "listen", key))
    opened.put_call(CALL)
    eventually(lambda: written(opened, "c1"))
    assert [r.key for r in opened.audit_log()] == ["k1", "k2"]
    assert opened.verify_chain() == []


def test_the_migrations_make_the_tables_the_code_knows(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    migrate(engine)
    made = inspect(engine)
    for name, table in METADATA.tables.items():
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in made.get_columns(name)}
        known = {c.name: (str(c.type), bool(c.nullable) and not c.primary_key) for c in table.columns}
        assert columns.keys() == known.keys()
        for column, (kind, nullable) in known.items():
            assert columns[column][0] == kind
            assert columns[column][1] == nullable or table.columns[column].primary_key
        assert {i["name"] for i in made.get_indexes(name)} >= {i.name for i in table.indexes}
    engine.dispose()


def test_a_killed_process_loses_no_row(url: str, tmp_path: Path, told: Told) -> None:
    script = f"""
import os, signal
from dataclasses import replace
from pathlib import Path
from kak_server.records.spill import Spill
from kak_server.records.store import RecordStore
from kak_server.records.types import AuditRow, CallRecord
store = RecordStore("{url}", Path("{tmp_path}/spill.jsonl"), print, gather_s=60)
store.open()
store.put_call(CallRecord("c1", "q", "", 1))
store.audit(AuditRow("k1", 1, "kari", "listen", "a"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    store = RecordStore(url, tmp_path / "spill.jsonl", told, retry_s=0.02)
    store.open()
    eventually(lambda: written(store, "c1") and len(store.audit_log()) == 1)
    store.close()
    assert told.names == ["records_recovered"]


def test_more_rows_than_the_queue_holds_wait_in_the_file(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kak_server.records.store.QUEUE_MAX", 3)
    store = RecordStore(f"sqlite:///{tmp_path}/r.db", tmp_path / "spill.jsonl", told, retry_s=0.02, gather_s=0.01)
    for number in range(10):
        store.put_call(CallRecord(f"c{number}", "q", "", number))
    store.open()
    eventually(lambda: written(store, "c9"))
    assert len(store.recent_calls(20)) == 10
    store.close()
    assert store.dropped == 0


class FullDisk:
    """Neither the file nor the database takes anything as long as it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        monkeypatch.setattr("kak_server.records.spill.os.write", self._write)
        self._put_calls = put_calls
        monkeypatch.setattr("kak_server.records.database.put_calls", self._put)

    def _write(self, descriptor: int, data: bytes) -> int:
        if self.full:  # the last bytes that there is room for
            data = data[:7]
        return os.writev(descriptor, [data])

    def _put(self, connection: Connection, calls: Sequence[CallRecord]) -> None:
        if self.full and calls:
            raise OperationalError("insert", {}, Exception("database or disk is full"))
        self._put_calls(connection, calls)


def test_rows_wait_in_memory_while_neither_file_nor_database_takes_them(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    store = RecordStore(f"sqlite:///{tmp_path}/r.db", tmp_path / "spill.jsonl", told, retry_s=0.02, gather_s=0.01)
    store.open()
    for number in range(5):
        store.put_call(CallRecord(f"c{number}", "q", "", number))
        eventually(lambda: "records_unavailable" in told.names)
        time.sleep(0.03)  # several rounds of the writer
    assert store.away
    assert (tmp_path / "spill.jsonl").stat().st_size == 0  # no torn line, which would take the next one with it
    disk.full = False
    eventually(lambda: written(store, "c4"))
    assert [call.contact for call in store.recent_calls(9)] == ["c4", "c3", "c2", "c1", "c0"]
    eventually(lambda: not store.away)
    store.close()
    assert store.dropped == 0
    assert told.names.count("records_unavailable") == told.names.count("records_recovered") == 1


def test_memory_for_rows_has_an_end_and_what_is_lost_is_told(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch)
    waiting = Waiting(tmp_path / "spill.jsonl", told, memory_max=2)
    for number in range(4):
        waiting.keep([CallRecord(f"c{number}", "q", "", number)])
    assert [item.contact for item in waiting.read()[0] if isinstance(item, CallRecord)] == ["c0", "c1"]
    assert waiting.dropped == 2
    assert told.names == ["records_not_kept", "records_dropped"]


def test_memory_goes_into_the_file_when_only_the_database_is_away(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    store = RecordStore(f"sqlite:///{tmp_path}/gone/r.db", tmp_path / "spill.jsonl", told, retry_s=0.02)
    (tmp_path / "gone").rmdir()
    store.open()
    store.put_call(CALL)
    eventually(lambda: "records_unavailable" in told.names)
    disk.full = False
    eventually(lambda: (tmp_path / "spill.jsonl").stat().st_size > 0)  # survives a kill from here on
    store.close()
    assert Spill(tmp_path / "spill.jsonl").read()[0] == [CALL]


def test_a_torn_end_of_the_file_takes_no_later_row_with_it(tmp_path: Path) -> None:
    (tmp_path / "spill.jsonl").write_bytes(b'{"kind":"CallRec')
    spill = Spill(tmp_path / "spill.jsonl")
    spill.keep([CALL])
    spill.close()
    assert Spill(tmp_path / "spill.jsonl").read() == ([CALL], 1)


def test_writing_leaves_nothing_to_the_collector(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/r.db")
    migrate(engine)

    newest: dict[str, str] = {}

    def written(number: int) -> None:
        name = f"c{number}"
        with engine.begin() as connection:
            put_calls(connection, [CallRecord(name, "113-oslo", "", 1_000)])
            rows = [row(f"a{number}", name), row(f"b{number}", name)]
            newest["ledger"] = add_ledger(connection, rows, newest.get("ledger"))
            heard = AuditRow(name, 1_000, "kari", "listen", name)
            newest["audit"] = add_audit(connection, [heard], newest.get("audit"))

    for number in range(3):
        written(number)  # the first times something is remembered for later
    gc.collect()
    gc.disable()
    try:
        for number in range(3, 13):
            written(number)
        assert gc.collect() <= 20
    finally:
        gc.enable()
        engine.dispose()
