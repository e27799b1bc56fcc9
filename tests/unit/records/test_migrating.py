"""Tables made by one at a time, wholly or not at all."""

import subprocess
import sys
import threading

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from kak_server.records.config_store import ConfigStore
from kak_server.records.database import connect
from kak_server.records.migrating import migrate
from kak_server.records.tables import METADATA

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
