"""Things another process would hold."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Lock a file through a description of its own, as another process does."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
