"""The worker's own log: JSON lines to a file or stderr, and the libraries' warnings with them."""

import logging
import sys
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from kak_server.model.log_stream import LogStream

_LIBRARIES = ("aiortc", "aioice", "asyncio")


class _LibraryHandler(logging.Handler):
    """Turns a library's log record into one of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger("media").warning("library", library=record.name, said=record.getMessage()[:500])


def configure(file: Path | None) -> None:
    """Set up structlog and route the libraries' warnings to it. Raises OSError if the file cannot be opened."""
    output = LogStream(file.open("a", encoding="utf-8") if file is not None else sys.stdout)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, output)),
        cache_logger_on_first_use=True,
    )
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.propagate = False
        library.handlers = [_LibraryHandler()]


def logger() -> Any:
    """The worker's logger. No patient data goes into it: legs, ports, counts, causes."""
    return structlog.get_logger("media")
