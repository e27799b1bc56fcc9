"""The tables of this version, made or brought up to date: by one at a time, and wholly or not at all.

At one start two may find that tables are missing (versions of the configuration and the records' writer), and so may
two servers, or a command line beside one. Whoever comes second waits, and finds the work done.
"""

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps what it works on in its modules: of two threads in it, one worked on the other's connection, which
# SQLite answers by ending the process.
_IN_ALEMBIC = threading.Lock()

_POSTGRESQL_LOCK = 0x6B616B  # "kak"; the same in each version of this program
_LOCK_WAIT_MS = 5_000  # whoever wants to read a table waits behind a change of it that waits


class StrangeTablesError(SQLAlchemyError):
    """The database is of a version that this program does not know: a newer one, most likely."""


def migrate(engine: Engine) -> None:
    """Bring the database to this version's tables, in one transaction. Raises SQLAlchemyError, also where somebody else
    keeps it from a table for too long."""
    if version_of(engine) == newest():
        return
    # Seldom needed, and a tenth of what a start has to import
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with _IN_ALEMBIC, engine.begin() as connection:
        _alone(connection)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as problem:
            raise StrangeTablesError(f"made by another, probably newer version of kak-server: {problem}") from problem


def newest() -> str:
    """The last of the migrations."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))


def version_of(engine: Engine) -> str:
    """The last of the migrations that the database has seen; empty where it has none, or none can be read."""
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    except (OperationalError, ProgrammingError):  # no such table; or what is wrong shows when tables are to be made
        return ""


def _alone(connection: Connection) -> None:
    """The transaction is one that nobody else can be in meanwhile. Python's driver for SQLite begins none before a
    table is made: each would stand by itself, and a start that was killed between two could never go on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")
