"""The next segment's file: made ahead, away from the loop, and a crash anywhere costs nothing."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kak_server.runtime.files import Files
from kak_server.runtime.folder import segment_numbers, segment_path
from kak_server.runtime.frames import SEGMENT_MAGIC, encode_frame
from kak_server.runtime.journal import Journal, JournalAlarm, JournalSettings
from kak_server.runtime.next_segment import NextSegment
from kak_server.runtime.segments import load
from tests.support.disk import BadDisk
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk, digest_of
from tests.unit.runtime.test_compaction import Asked

SETTINGS = JournalSettings(segment_bytes=1_500)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Told(Files):
    """Which thread asks what of the folder."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def _note(self, what: str, name: str) -> None:
        self.asked.append((threading.current_thread().name, what, name))

    def create(self, path: Path) -> int:
        self._note("create", path.name)
        return super().create(path)

    def rename(self, old: Path, new: Path) -> None:
        self._note("rename", new.name)
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self._note("folder", "")

    def of(self, thread: str) -> list[tuple[str, str, str]]:
        return [each for each in self.asked if each[0] == thread]


class Crashing(Files):
    """Keeps a copy of the folder as a kill would leave it, before and after each thing that changes it."""

    def __init__(self, folder: Path, copies: Path) -> None:
        self.folder, self.copies = folder, copies
        self.digest: Callable[[], str] = str
        self.expected: list[str] = []
        self.guard = threading.RLock()

    def keep(self) -> None:
        with self.guard:
            number = len(self.expected)
            self.expected.append(self.digest())
            shutil.copytree(self.folder, self.copies / str(number))

    def create(self, path: Path) -> int:
        with self.guard:
            self.keep()
            fd = super().create(path)
            self.keep()
            return fd

    def write(self, fd: int, data: memoryview) -> int:
        with self.guard:
            return super().write(fd, data)

    def rename(self, old: Path, new: Path) -> None:
        with self.guard:
            self.keep()
            super().rename(old, new)
            self.keep()

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.keep()


def test_the_loop_creates_and_names_no_file(tmp_path: Path) -> None:
    files = Told()
    journal, _ = Journal.open(tmp_path, SETTINGS, now_ms=1, compactor=Asked(), files=files)
    loop = threading.current_thread().name
    at_the_start = files.of(loop)
    desk = JournaledDesk(tmp_path, queue("113", "oslo"), journal=journal)
    for number in range(2, 6):
        until(lambda: journal._next._fd is not None)
        assert segment_path(tmp_path, number).read_bytes() == SEGMENT_MAGIC
        assert segment_numbers(tmp_path) == list(range(1, number))
        while not journal.upkeep_due:
            desk.ring(f"c{len(desk.events)}")
        journal.upkeep(desk.core.snapshot)
    journal.close()
    assert files.of(loop) == at_the_start
    made = [each[1:] for each in files.of("journal-next")]
    name = "journal-00000002.kj"
    assert made[:3] == [("create", f"{name}.next"), ("rename", name), ("folder", "")]
    assert segment_numbers(tmp_path) == [1, 2, 3, 4, 5]
    assert not segment_path(tmp_path, 6).exists(), "what was not used goes with the server"
    assert load(tmp_path).lost == []
    assert digest_of(tmp_path) == desk.core.digest()


def test_a_kill_at_any_step_of_it_loses_nothing(tmp_path: Path) -> None:
    folder, copies = tmp_path / "journal", tmp_path / "copies"
    files = Crashing(folder, copies)
    journal, _ = Journal.open(folder, SETTINGS, now_ms=1, compactor=Asked(), files=files)
    desk = JournaledDesk(folder, queue("113", "oslo"), journal=journal)
    for turn in range(4):
        until(lambda: journal._next._fd is not None)
        with files.guard:
            files.digest = desk.core.digest
        while not journal.upkeep_due:
            with files.guard:  # the record and the step, seen from the thread, are one
                desk.ring(f"c{len(desk.events)}")
        with files.guard:
            journal.upkeep(desk.core.snapshot)
            files.keep()
        if turn == 2:
            journal.checkpoint(desk.core.snapshot())
    until(lambda: journal._next._fd is not None)
    journal.close()
    compared = 0
    for number, expected in enumerate(files.expected):
        copy = copies / str(number)
        contents = load(copy)
        assert contents.lost == []
        if expected:
            compared += 1
            assert digest_of(copy) == expected
        again, replay = Journal.open(copy, SETTINGS, now_ms=2, compactor=Asked())
        again.put("more", number)
        again.upkeep(lambda: None)
        again.put("still", number)
        again.close()
        assert load(copy).values == {**replay.values, "more": number, "still": number}
        assert load(copy).lost == []
    assert compared > 20


def test_a_full_disk_while_it_is_made_is_told_and_calls_go_on(tmp_path: Path) -> None:
    class NoNewFiles(BadDisk):
        refusing = False
        refused = 0

        def create(self, path: Path) -> int:
            if self.refusing:
                self.refused += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().create(path)

    disk, alarms, now_s = NoNewFiles(), list[JournalAlarm](), [0.0]
    journal, _ = Journal.open(
        tmp_path,
        SETTINGS,
        now_ms=1,
        compactor=Asked(),
        files=disk,
        on_alarm=alarms.append,
        monotonic_s=lambda: now_s[0],
    )
    desk = JournaledDesk(tmp_path, queue("113", "oslo"), journal=journal)
    until(lambda: journal._next._fd is not None)
    disk.refusing = True

    def call() -> None:
        desk.ring(f"c{len(desk.events)}")
        if journal.upkeep_due:
            journal.upkeep(desk.core.snapshot)

    while segment_numbers(tmp_path) == [1]:
        call()
    until(lambda: bool(alarms))
    for _ in range(60):
        call()
    assert segment_numbers(tmp_path) == [1, 2], "the segment grows instead"
    assert segment_path(tmp_path, 2).stat().st_size > 5 * SETTINGS.segment_bytes
    assert disk.refused == 1, "it is asked again later, not at each call"
    assert [(alarm.kind, alarm.text) for alarm in alarms] == [("degraded", "no new segment: No space left on device")]
    assert not journal.degraded
    disk.refusing = False
    now_s[0] += 2
    until(lambda: "recovered" in [alarm.kind for alarm in alarms])
    call()
    assert segment_numbers(tmp_path) == [1, 2, 3]
    assert JournalAlarm("recovered", "a new segment could be begun again") in alarms
    journal.close()
    assert digest_of(tmp_path) == desk.core.digest()


def test_a_segment_that_cannot_be_begun_in_it_leaves_all_as_before(tmp_path: Path) -> None:
    disk, alarms = BadDisk(), list[JournalAlarm]()
    journal, _ = Journal.open(tmp_path, SETTINGS, now_ms=1, compactor=Asked(), files=disk, on_alarm=alarms.append)
    desk = JournaledDesk(tmp_path, queue("113", "oslo"), journal=journal)
    until(lambda: journal._next._fd is not None)
    while not journal.upkeep_due:
        desk.ring(f"c{len(desk.events)}")
    disk.room_bytes = 10
    journal.upkeep(desk.core.snapshot)
    disk.room_bytes = None
    assert segment_numbers(tmp_path) == [1]
    assert [alarm.kind for alarm in alarms] == ["degraded"]
    desk.ring("after")
    until(lambda: journal.upkeep_due and journal._next._fd is not None)
    journal.upkeep(desk.core.snapshot)
    assert segment_numbers(tmp_path) == [1, 2]
    journal.close()
    assert load(tmp_path).lost == []
    assert digest_of(tmp_path) == desk.core.digest()


@pytest.mark.parametrize("left", ["mark", "empty", "draft"])
def test_what_a_crash_left_is_no_segment_and_is_made_anew(tmp_path: Path, left: str) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.put("a", 1)
    journal.close()
    path = segment_path(tmp_path, 2)
    if left == "draft":
        path.with_name(path.name + ".next").write_bytes(SEGMENT_MAGIC + encode_frame(99, b"{}"))
    else:
        path.write_bytes(SEGMENT_MAGIC if left == "mark" else b"")
    assert segment_numbers(tmp_path) == [1]
    journal, replay = Journal.open(tmp_path, SETTINGS, now_ms=2, compactor=Asked())
    assert (replay.values, replay.lost) == ({"a": 1}, ())
    until(lambda: journal._next._fd is not None)
    journal.upkeep(lambda: None)
    journal.put("b", 2)
    journal.close()
    assert segment_numbers(tmp_path) == [1, 2]
    assert sorted(path.name for path in tmp_path.glob("*.next")) == []
    assert load(tmp_path).values == {"a": 1, "b": 2}


def test_who_takes_it_before_it_is_ready_makes_it_alone(tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    class Slow(Files):
        def sync(self, fd: int) -> None:
            reached.set()
            assert go.wait(20)
            super().sync(fd)

    ahead = NextSegment(tmp_path, Slow(), time.monotonic, lambda alarm: None)
    ahead.want(2)
    assert reached.wait(20)
    assert ahead.take() is None
    path = segment_path(tmp_path, 2)
    path.write_bytes(b"the caller's own")
    go.set()
    until(lambda: not list(tmp_path.glob("*.next")))
    ahead.stop()
    assert path.read_bytes() == b"the caller's own"
