"""A database that does not do what versions need of it, in words for whoever wanted it."""

from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.running import ConfigRefused

_SQLITE_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})  # the latter: no room for the file beside a WAL
_POSTGRESQL_FULL = "53100"  # disk_full, PostgreSQL's appendix A


def away(problem: SQLAlchemyError, running: int) -> ConfigRefused:
    """Calls go on by version `running`, versions wait. What was begun is undone: a version is written in one
    transaction."""
    if disk_full(problem):
        text = "There is no space left on the disk of the database: nothing was published or changed."
        return ConfigRefused("unavailable", f"{text} Version {running} runs as before.")
    return ConfigRefused("unavailable", f"The database does not answer ({type(problem).__name__}).")


def disk_full(problem: SQLAlchemyError) -> bool:
    """The disk that the database lies on has no room."""
    cause = getattr(problem, "orig", None)
    if getattr(cause, "sqlite_errorname", None) in _SQLITE_FULL:
        return True
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_FULL
