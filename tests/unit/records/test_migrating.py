"""Tables made by one at a time, wholly or not at all."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from kak_server.records import migrating
from kak_server.records.config_store import ConfigStore
from kak_server.records.database import connect
from kak_server.records.migrating import MIGRATIONS, StrangeTablesError, migrate, newest
from kak_server.records.tables import METADATA
from tests.support.postgres import Cluster
from tests.unit.records.conftest import ON_POSTGRES

AT_ONCE = 4

# A server that dies like by kill -9 as it sends the statement of that number.
DIES = """
import os, sys
from sqlalchemy import event
from kak_server.records.database import connect
from kak_server.records.migrating import migrate

engine, left = connect(sys.argv[1]), [int(sys.argv[2])]

@event.listens_for(engine, "before_cursor_execute")
def count(*_):
    left[0] -= 1
    if not left[0]:
        os._exit(9)

migrate(engine)
"""


def tables(url: str) -> set[str]:
    engine = connect(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def of_before(url: str, revision: str) -> None:
    """A database as an older version left it."""
    config, engine = Config(), connect(url)
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.fixture
def url_of_file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/r.db"


def test_all_who_find_that_tables_are_missing_are_served(url: str) -> None:
    gate = threading.Barrier(AT_ONCE)
    problems: list[SQLAlchemyError] = []

    def start() -> None:
        store = ConfigStore(url)
        gate.wait()
        try:
            store.open()
            assert store.drafts() == []
        except SQLAlchemyError as problem:
            problems.append(problem)
        store.close()

    threads = [threading.Thread(target=start) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_so_are_servers_that_start_at_once(url: str) -> None:
    program = [sys.executable, "-c", DIES, url, "-1"]
    started = [subprocess.Popen(program, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate()[1] for one in started] == ["", ""]
    assert tables(url) >= set(METADATA.tables)


@pytest.mark.parametrize("statement", [6, 15, 30])
def test_a_start_that_is_killed_in_the_midst_of_it_is_undone(url: str, statement: int) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, url, str(statement)], check=False)
    assert died.returncode == 9
    assert tables(url) == set()
    engine = connect(url)
    migrate(engine)
    engine.dispose()
    assert tables(url) >= set(METADATA.tables)
    with connect(url).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0006"


@pytest.mark.parametrize(
    "held", ["LOCK TABLE media_ledger IN ACCESS SHARE MODE", "SELECT pg_advisory_xact_lock(7037291)"]
)
@pytest.mark.parametrize("url", [ON_POSTGRES], indirect=True)
def test_somebody_else_in_the_tables_is_said_and_not_waited_for_without_an_end(
    url: str, held: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads the ledger, or another server has got stuck: who waits for a table holds up all others there."""
    monkeypatch.setattr(migrating, "_LOCK_WAIT_MS", 200)
    of_before(url, "0005")
    engine = connect(url)
    with connect(url).connect() as other:
        other.execute(text(held))
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(engine)
    migrate(engine)
    engine.dispose()


def test_the_newest_migration_is_known_by_its_file() -> None:
    assert newest() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_tables_of_a_newer_version_are_left_alone_and_said(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StrangeTablesError, match=r"newer version of kak-server.*9999"):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("pages", [10, 16, 22])
def test_a_disk_that_fills_in_the_midst_of_it_leaves_the_tables_as_they_were(url_of_file: str, pages: int) -> None:
    of_before(url_of_file, "0001")
    before, engine = tables(url_of_file), connect(url_of_file)

    @event.listens_for(engine, "connect")
    def little_room(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(OperationalError, match="full"):
        migrate(engine)
    engine.dispose()
    assert tables(url_of_file) == before
    migrate(connect(url_of_file))
    assert tables(url_of_file) >= set(METADATA.tables)
