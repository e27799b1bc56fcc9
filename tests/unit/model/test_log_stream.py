"""A log on a disk that is full raises nothing, and says afterwards what is missing."""

import contextlib
import io

from kak_server.model.log_stream import LogStream


class Disk(io.StringIO):
    full = False

    def flush(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")


def test_lines_that_find_no_room_are_counted_and_told_of() -> None:
    disk = Disk()
    log = LogStream(disk)
    log.write("one\n")
    disk.full = True
    before = disk.getvalue()
    log.write("two\n")
    log.write("three\n")
    log.flush()
    assert log.lost == 2
    disk.full = False
    disk.truncate(len(before))
    disk.seek(len(before))
    log.write("four\n")
    assert disk.getvalue() == 'one\n\n{"event": "log_lines_lost", "level": "error", "count": 2}\nfour\n'
    assert log.lost == 0


def test_the_kernels_own_full_disk() -> None:
    full = open("/dev/full", "w", buffering=1)  # noqa: SIM115 - closing it fails too
    log = LogStream(full)
    for _ in range(3_000):
        log.write("a line of a log that goes nowhere\n")
    assert log.lost == 3_000
    with contextlib.suppress(OSError):
        full.close()


def test_a_closed_file_is_no_error() -> None:
    file = io.StringIO()
    file.close()
    LogStream(file).write("late\n")
