"""`kak-server` on a disk whose fdatasync takes as long as a file says: `slow_disk_server.py SECONDS_FILE ARGUMENTS...`

There is no way to slow a real disk down to order without privileges over the machine; the delay is put where the
journal asks for the sync, and the sync itself is done.
"""

import sys
import time
from pathlib import Path

from kak_server.cli import main
from kak_server.runtime.files import Files

_sync = Files.sync


def slow(seconds_file: Path) -> None:
    """From here on."""

    def sync(self: Files, fd: int) -> None:
        time.sleep(float(seconds_file.read_text() or 0))
        _sync(self, fd)

    Files.sync = sync  # type: ignore[method-assign]


if __name__ == "__main__":
    slow(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
