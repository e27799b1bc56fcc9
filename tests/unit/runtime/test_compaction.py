"""Compaction keeps the state, the history and the promise that it may be killed anywhere."""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kak_server.runtime.alarms import JournalAlarm
from kak_server.runtime.archive import DAY_MS, Keep, read_index
from kak_server.runtime.compaction import BusyError, Compacted, compact, fingerprint
from kak_server.runtime.compactor import LEFT, Outcome, ProcessCompactor, read_outcome
from kak_server.runtime.files import Files
from kak_server.runtime.folder import index_path, packed, segment_numbers, segment_path, snapshot_numbers, snapshot_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Frame, encode_frame
from kak_server.runtime.journal import Journal, JournalSettings
from kak_server.runtime.nursery import Nursery
from kak_server.runtime.segments import history, load
from kak_server.runtime.snapshots import read_snapshot
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk, digest_of

FOREVER = Keep()


class Asked:
    """A compactor for the journal that leaves compacting to the test."""

    def start(self, on_done: object) -> None:
        pass

    def ask(self) -> None:
        pass

    def stop(self) -> None:
        pass


def day(folder: Path, calls: int = 12) -> JournaledDesk:
    """Some calls over several segments; every third is still up at the end. The journal stays open."""
    journal, _ = Journal.open(folder, JournalSettings(segment_bytes=1_500), now_ms=1, compactor=Asked())
    desk = JournaledDesk(folder, queue("113", "oslo", "bergen"), journal=journal)
    desk.sit("kari", at="p1")
    for number in range(calls):
        name = f"c{number}"
        desk.ring(name)
        journal.put(f"line/{name}", {"contact": name, "call": f"s-{number}"})
        if number % 3:
            desk.gone(name, "bye")
            journal.delete(f"line/{name}")
        if journal.upkeep_due:
            journal.upkeep(desk.core.snapshot)
    return desk


def frames(folder: Path, only: int | None = None) -> list[Frame]:
    items = [item for _, item in history(folder, only or 0, only)]
    assert all(isinstance(item, Frame) for item in items)
    return [item for item in items if isinstance(item, Frame)]


def test_the_state_and_the_history_stay_as_they_were(tmp_path: Path) -> None:
    desk = day(tmp_path)
    desk.journal.close()
    before = load(tmp_path)
    serials = [frame.serial for frame in frames(tmp_path)]
    numbers = segment_numbers(tmp_path)
    assert len(numbers) >= 3
    done = compact(tmp_path, FOREVER, 0)
    assert done == Compacted(numbers[-1], (), (), ()), "with one snapshot there is nothing to spare yet"
    after = load(tmp_path)
    assert after.base == numbers[-1]
    assert (after.values, after.payloads, after.last_serial) == (before.values, before.payloads, before.last_serial)
    assert digest_of(tmp_path) == desk.core.digest()
    assert len(after.events) < len(before.events)
    assert [frame.serial for frame in frames(tmp_path)] == serials == list(range(1, len(serials) + 1))
    assert compact(tmp_path, FOREVER, 0).snapshot is None, "nothing is done twice"


def test_what_a_start_does_not_need_is_put_away_and_still_read(tmp_path: Path) -> None:
    desk = day(tmp_path)
    compact(tmp_path, FOREVER, 0)
    first = max(snapshot_numbers(tmp_path))
    for number in range(20, 40):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    serials = [frame.serial for frame in frames(tmp_path)]
    done = compact(tmp_path, FOREVER, 0)
    newest = max(segment_numbers(tmp_path))
    assert done.snapshot == newest
    assert done.archived == tuple(range(1, first))
    assert not segment_path(tmp_path, 1).exists()
    assert packed(segment_path(tmp_path, 1)).exists()
    assert segment_path(tmp_path, first).exists(), "in case the newest snapshot is damaged"
    assert [frame.serial for frame in frames(tmp_path)] == serials
    index = read_index(tmp_path, 1)
    assert index is not None
    assert (index.first_serial, index.from_ms, index.contacts[0]) == (1, 1_000_000, "c0")
    assert (
        index.last_serial == [frame.serial for name, frame in history(tmp_path, 1, 1) if isinstance(frame, Frame)][-1]
    )
    snapshot_path(tmp_path, newest).write_bytes(b"KAKJNL1\nrubbish")
    contents = load(tmp_path)
    assert contents.base == first
    assert "snapshot" in contents.remarks[0]
    assert contents.lost == []
    assert digest_of(tmp_path) == desk.core.digest()


def test_history_goes_by_age_and_by_size_but_never_what_a_start_needs(tmp_path: Path) -> None:
    desk = day(tmp_path, 30)
    desk.journal.close()
    state = desk.core.digest()
    numbers = segment_numbers(tmp_path)
    compact(tmp_path, FOREVER, 0)
    serial = frames(tmp_path)[-1].serial + 1
    begun = encode_frame(serial, b'{"at_ms":1,"generation":1,"k":"segment"}')
    segment_path(tmp_path, numbers[-1] + 1).write_bytes(SEGMENT_MAGIC + begun)
    compact(tmp_path, FOREVER, 0)
    assert read_index(tmp_path, 1) is not None
    end_ms = desk.now_ms
    assert compact(tmp_path, Keep(days=1), end_ms + DAY_MS - 1_000).dropped == ()
    size = sum(path.stat().st_size for path in tmp_path.glob("*-0*"))
    dropped = compact(tmp_path, Keep(total_bytes=size - 1), 0).dropped
    assert dropped == (1,)
    assert not packed(segment_path(tmp_path, 1)).exists()
    assert not index_path(tmp_path, 1).exists()
    assert compact(tmp_path, Keep(days=1), end_ms + 2 * DAY_MS).dropped == tuple(numbers[1:-1])
    assert segment_numbers(tmp_path) == [numbers[-1], numbers[-1] + 1]
    assert digest_of(tmp_path) == state


def test_damage_is_told_exactly_and_nothing_is_compacted_over_it(tmp_path: Path) -> None:
    desk = day(tmp_path)
    desk.journal.close()
    path = segment_path(tmp_path, 2)
    data = bytearray(path.read_bytes())
    victim = next(
        frame for name, frame in history(tmp_path, 2, 2) if isinstance(frame, Frame) and b"Arrived" in frame.payload
    )
    contact = victim.record["data"]["contact"]
    data[data.index(b"Arrived", victim.offset)] ^= 1
    path.write_bytes(data)
    done = compact(tmp_path, FOREVER, 0)
    (lost,) = done.lost
    assert (lost.first, lost.records, lost.contacts) == (victim.serial, 1, (contact,))
    assert f"record {victim.serial} lost: a record's checksum is wrong" in str(lost)
    assert f"it concerned contact {contact}" in str(lost)
    assert snapshot_numbers(tmp_path) == []


def test_after_a_checkpoint_damage_before_it_is_no_matter(tmp_path: Path) -> None:
    desk = day(tmp_path)
    path = segment_path(tmp_path, 2)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert compact(tmp_path, FOREVER, 0).lost
    desk.journal.checkpoint(desk.core.snapshot())
    desk.journal.close()
    assert compact(tmp_path, FOREVER, 0).lost == ()
    assert digest_of(tmp_path) == desk.core.digest()


def test_only_one_at_a_time(tmp_path: Path) -> None:
    day(tmp_path).journal.close()
    fd = os.open(tmp_path / "compacting", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with pytest.raises(BusyError):
        compact(tmp_path, FOREVER, 0)
    os.close(fd)
    assert compact(tmp_path, FOREVER, 0).snapshot is not None


class PowerCut(BaseException):
    """The process is gone."""


class Fragile(Files):
    """The power goes at the nth thing that is asked."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def _tick(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise PowerCut

    def create(self, path: Path) -> int:
        self._tick()
        return super().create(path)

    def write(self, fd: int, data: memoryview) -> int:
        self._tick()
        return super().write(fd, data[: max(1, len(data) // 2)])

    def rename(self, old: Path, new: Path) -> None:
        self._tick()
        super().rename(old, new)
        self._tick()


def test_a_compaction_killed_anywhere_changes_nothing_a_start_or_a_reader_sees(tmp_path: Path) -> None:
    source = tmp_path / "source"
    desk = day(source)
    compact(source, FOREVER, 0)
    for number in range(20, 36):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    state, serials = desk.core.digest(), [frame.serial for frame in frames(source)]
    counted = Fragile(0)
    shutil.copytree(source, tmp_path / "whole")
    done = compact(tmp_path / "whole", FOREVER, 0, counted)
    assert done.archived
    assert done.snapshot
    for at in range(1, counted.count + 1):
        folder = tmp_path / f"cut-{at}"
        shutil.copytree(source, folder)
        with pytest.raises(PowerCut):
            compact(folder, FOREVER, 0, Fragile(at))
        assert digest_of(folder) == state, at
        assert [frame.serial for frame in frames(folder)] == serials, at
        assert compact(folder, FOREVER, 0).lost == ()
        assert digest_of(folder) == state, at


def run_once(folder: Path, keep: Keep = FOREVER) -> Outcome:
    """Through the thread and the process."""
    outcomes: list[Outcome] = []
    told = threading.Event()

    def on_done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        told.set()

    compactor = ProcessCompactor(folder, keep)
    compactor.start(on_done)
    compactor.ask()
    assert told.wait(60)
    compactor.stop()
    return outcomes[0]


def test_a_process_of_its_own_does_it(tmp_path: Path) -> None:
    desk = day(tmp_path)
    newest = max(segment_numbers(tmp_path))
    assert run_once(tmp_path) == Outcome(Compacted(snapshot=newest))
    snapshot = read_snapshot(tmp_path, newest)
    assert snapshot is not None
    desk.journal.close()
    assert digest_of(tmp_path) == desk.core.digest()
    data = bytearray(segment_path(tmp_path, 1).read_bytes())
    data[-5] ^= 1
    segment_path(tmp_path, 1).write_bytes(data)
    snapshot_path(tmp_path, newest).unlink()
    outcome = run_once(tmp_path)
    assert [lost.segment for lost in outcome.lost] == ["journal-00000001.kj"]


def test_a_stop_is_no_failure_of_it(tmp_path: Path) -> None:
    """As the server stops: the process that starts others is closed, then a checkpoint asks once more."""
    nursery = Nursery()
    nursery.start()
    seen: list[JournalAlarm] = []
    compactor = ProcessCompactor(tmp_path, FOREVER, nursery)
    journal, _ = Journal.open(tmp_path, now_ms=1, on_alarm=seen.append, compactor=compactor)
    nursery.close()
    assert journal.checkpoint({"n": 1})
    journal.close()
    said = [(alarm.kind, alarm.text) for alarm in seen if alarm.kind not in ("sync-lag", "caught-up")]  # a busy disk
    assert said == [("compaction-left", LEFT)]


def test_one_under_way_is_left_by_a_stop(tmp_path: Path) -> None:
    nursery = Nursery()
    nursery.start()
    outcomes: list[Outcome] = []
    compactor = ProcessCompactor(tmp_path, FOREVER, nursery)
    compactor._argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    compactor.start(outcomes.append)
    compactor.ask()
    deadline = time.monotonic() + 20
    while not nursery._answers and time.monotonic() < deadline:
        time.sleep(0.02)
    nursery.close()
    compactor.ask()
    compactor.stop()
    assert outcomes == [Outcome(stopped=True)]


def test_it_is_not_done_with_other_sources_than_the_servers(tmp_path: Path) -> None:
    day(tmp_path).journal.close()
    argv = [sys.executable, "-m", "kak_server.runtime.compaction", str(tmp_path)]
    argv += ["--keep-days", "1", "--keep-bytes", "1"]

    done = subprocess.run([*argv, "--fingerprint", "other"], capture_output=True, check=False, timeout=60)
    outcome = read_outcome(done.returncode, done.stdout, done.stderr)
    assert "another version of kak-server has been installed" in outcome.problem
    assert snapshot_numbers(tmp_path) == []
    assert fingerprint() == fingerprint()


def test_a_process_that_breaks_is_told() -> None:
    outcome = read_outcome(-9, b"", b"Traceback\nMemoryError\n")
    assert outcome.problem == "the journal was not compacted: the process ended with -9: MemoryError"
    assert read_outcome(1, b'{"problem":"no space"}', b"").problem == "the journal was not compacted: no space"


def test_a_full_disk_leaves_the_plain_files(tmp_path: Path) -> None:
    class Full(Files):
        def write(self, fd: int, data: memoryview) -> int:
            raise OSError(28, "No space left on device")

    desk = day(tmp_path)
    desk.journal.close()
    with pytest.raises(OSError, match="No space"):
        compact(tmp_path, FOREVER, 0, Full())
    assert list(tmp_path.glob("*.new")) == []
    assert digest_of(tmp_path) == desk.core.digest()
