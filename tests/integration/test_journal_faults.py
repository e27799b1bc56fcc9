"""The journal on bad disks: the routing goes on, people are told, and what is lost is said exactly, if anything is.

Full disks are real small file systems; slow and broken ones are made at the journal's file layer (`Files`), since a
kernel does not break to order.
"""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kak_server.runtime.archive import Keep
from kak_server.runtime.compactor import ProcessCompactor
from kak_server.runtime.folder import segment_numbers, segment_path, snapshot_path
from kak_server.runtime.frames import Frame
from kak_server.runtime.journal import Journal, JournalAlarm, JournalSettings
from kak_server.runtime.segments import Contents, history, load
from tests.support.disk import BadDisk, filled, small_disk
from tests.unit.runtime.journaled import JournaledDesk, rebuilt

MEBIBYTE = 1 << 20


class Room:
    """A desk on a journal that is told about."""

    def __init__(
        self,
        folder: Path,
        disk: BadDisk | None = None,
        settings: JournalSettings | None = None,
        compactor: ProcessCompactor | None = None,
    ) -> None:
        self.folder = folder
        self.alarms: list[JournalAlarm] = []
        self.disk = disk or BadDisk()
        self.journal, self.replay = Journal.open(
            folder,
            settings or JournalSettings(),
            now_ms=1,
            on_alarm=self.alarms.append,
            files=self.disk,
            compactor=compactor,
        )
        if self.replay.events or self.replay.routing:
            self.desk = JournaledDesk.resumed(self.journal, self.replay, 2_000_000)
        else:
            self.desk = JournaledDesk(folder, journal=self.journal)
        self.desk.sit("kari", at="p1")
        self.calls = len(self.replay.events)
        self.slowest_s = 0.0

    def call(self, count: int = 1) -> None:
        """Somebody rings, is answered, hangs up, with the records of a dialog."""
        for _ in range(count):
            self.calls += 1
            name = f"c-{self.calls}"
            began = time.monotonic()
            self.desk.ring(name)
            self.journal.put(f"sip/{name}", {"contact": name, "text": "x" * 500})
            if self.desk.contact(name).operator == "kari":
                self.desk.talk("kari", name)
                self.desk.hang_up("kari", name)
                self.desk.done("kari")
            self.journal.delete(f"sip/{name}")
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            if self.journal.upkeep_due:
                self.journal.upkeep(self.desk.core.snapshot)

    def kinds(self) -> list[str]:
        """What was told, but for the lags of a busy machine."""
        return [alarm.kind for alarm in self.alarms if alarm.kind not in ("sync-lag", "caught-up")]

    def text(self, kind: str) -> str:
        """The newest alarm of a kind."""
        return [alarm.text for alarm in self.alarms if alarm.kind == kind][-1]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it, with calls going on."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.alarms
            self.call()
            time.sleep(0.02)

    def whole(self) -> Contents:
        """Closed and read again: the state is the one in memory."""
        self.journal.close()
        contents = load(self.folder)
        assert rebuilt(contents).digest() == self.desk.core.digest()
        assert contents.lost == []
        return contents


def test_a_real_full_disk_costs_nothing_once_there_is_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2 * MEBIBYTE) as folder:
        room = Room(folder)
        room.call(5)
        with filled(folder):
            room.call(20)
            assert room.journal.degraded
            assert room.kinds() == ["degraded"]
            assert "No space left on device" in room.text("degraded")
        room.until(lambda: not room.journal.degraded)
        assert room.text("recovered").endswith("nothing is lost")
        room.whole()
        assert room.slowest_s < 1.0


def test_a_real_full_disk_and_a_full_memory_lose_history_by_name_and_no_state(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2 * MEBIBYTE) as folder:
        room = Room(folder, settings=JournalSettings(pending_limit_bytes=8_000))
        room.call(5)
        with filled(folder):
            room.call(20)
            assert room.kinds() == ["degraded", "overflow"]
            dropped = room.journal.dropped_records
            assert dropped
        room.until(lambda: "lost" in room.kinds() and not room.journal.degraded)
        assert f"{dropped:,}" not in room.text("recovered"), "records are named, not counted"
        told = room.text("recovered")
        room.whole()
        holes = [item for _, item in history(folder) if not isinstance(item, Frame)]
        assert len(holes) == 1
        first, many = holes[0].first, holes[0].records
        assert first is not None
        assert many is not None
        assert f"records {first:,}-{first + many - 1:,} (contacts c-" in told
        assert "are missing from its history" in told


@pytest.mark.alone
def test_a_disk_of_200_ms_slows_nobody_down(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk)
    disk.sync_s = 0.2
    began = time.monotonic()
    room.call(200)
    assert time.monotonic() - began < 5.0
    assert room.slowest_s < 0.2
    room.until(lambda: "sync-lag" in [alarm.kind for alarm in room.alarms])
    disk.sync_s = 0.0
    room.until(lambda: "caught-up" in [alarm.kind for alarm in room.alarms])
    room.whole()


def test_a_disk_of_200_ms_is_waited_for_once_with_durability_disk(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk, JournalSettings(durability="disk", wait_ms=50))
    room.call(3)
    disk.sync_s = 0.2
    room.call(100)
    assert room.kinds() == ["not-waited"]
    disk.sync_s = 0.0
    room.until(lambda: "waiting-again" in room.kinds())
    syncs = disk.syncs
    room.call(3)
    assert disk.syncs - syncs >= 3 * 4, "each record is on the disk again before anything follows from it"
    room.whole()


def test_writes_that_fail_with_eio_wait_in_memory(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk)
    disk.refuse = errno.EIO
    room.call(10)
    assert room.kinds() == ["degraded"]
    assert "Input/output error" in room.text("degraded")
    disk.refuse = 0
    room.until(lambda: not room.journal.degraded)
    room.whole()


def test_after_a_sync_that_failed_only_a_checkpoint_is_trusted(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk)
    disk.refuse_sync = errno.EIO
    room.until(lambda: "sync-error" in room.kinds())
    assert len(segment_numbers(tmp_path)) == 1
    disk.refuse_sync = 0
    room.until(lambda: len(segment_numbers(tmp_path)) == 2)
    assert room.kinds()[-1] == "recovered", "the notice ends"
    contents = room.whole()
    assert contents.base == 2


@pytest.mark.alone
def test_after_a_sync_that_failed_the_snapshot_is_made_beside_the_server(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk, compactor=ProcessCompactor(tmp_path, Keep()))
    room.call(5)
    disk.refuse_sync = errno.EIO
    room.until(lambda: "sync-error" in room.kinds())
    disk.refuse_sync = 0
    # The file for the next segment may have been refused as well, and says so when it could be made
    healed = "a snapshot has made the journal whole for a start"
    room.until(lambda: ("recovered", healed) in [(alarm.kind, alarm.text) for alarm in room.alarms])
    assert snapshot_path(tmp_path, 2).exists()
    begun = [frame for _, frame in history(tmp_path, 2) if isinstance(frame, Frame)]
    assert begun[0].record["k"] == "segment", "the loop has written no checkpoint"
    assert room.slowest_s < 0.2
    contents = room.whole()
    assert contents.base == 2


def test_a_write_that_is_half_done_leaves_no_half_record(tmp_path: Path) -> None:
    disk = BadDisk()
    room = Room(tmp_path, disk)
    disk.room_bytes = 700
    room.call(5)
    assert room.kinds() == ["degraded"]
    assert [item for _, item in history(tmp_path) if not isinstance(item, Frame)] == []
    disk.room_bytes = None
    room.until(lambda: not room.journal.degraded)
    room.whole()


def test_a_torn_tail_is_cut_named_and_kept(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.call(3)
    before = room.desk.core.digest()
    room.desk.ring("c-torn")
    room.journal.close()
    path = segment_path(tmp_path, 1)
    frames = [item for _, item in history(tmp_path) if isinstance(item, Frame)]
    path.write_bytes(path.read_bytes()[:-6])
    again = Room(tmp_path)
    (lost,) = again.replay.lost
    assert str(lost).startswith(f"journal-00000001.kj at byte {frames[-1].offset}:")
    assert f"an unknown number of records from {frames[-1].serial} on lost" in str(lost)
    assert str(lost).endswith("it concerned contact c-torn")
    assert [path.name for path in tmp_path.glob("torn-*")] == [f"torn-00000001-{frames[-1].offset}.bin"]
    assert before
    again.call(3)
    assert segment_numbers(tmp_path) == [1, 2], "a start that lost something begins with a checkpoint"
    again.whole()


def test_a_damaged_middle_is_found_while_the_server_runs_and_healed_from_memory(tmp_path: Path) -> None:
    compactor = ProcessCompactor(tmp_path, Keep())
    room = Room(tmp_path, settings=JournalSettings(segment_bytes=20_000), compactor=compactor)
    room.call(3)
    path = segment_path(tmp_path, 1)
    frames = [item for _, item in history(tmp_path) if isinstance(item, Frame)]
    victim = next(frame for frame in frames if b'"ContactArrived"' in frame.payload)
    with path.open("r+b") as file:
        file.seek(victim.offset + 60)
        file.write(b"\xff")
    room.until(lambda: "lost" in room.kinds())
    told = room.text("lost")
    assert f"journal-00000001.kj at byte {victim.offset}" in told
    assert f"record {victim.serial} lost: a record's checksum is wrong" in told
    room.until(lambda: load(tmp_path).lost == [])
    room.until(lambda: not room.journal.upkeep_due)
    room.whole()
    assert room.slowest_s < 1.0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_start_on_a_disk_that_refuses_takes_calls(tmp_path: Path, code: int) -> None:
    room = Room(tmp_path)
    room.call(2)
    room.desk.ring("c-up")
    room.journal.close()
    disk = BadDisk()
    disk.refuse = code
    again = Room(tmp_path, disk)
    assert len(again.replay.events) == len(room.desk.events)
    again.call(5)
    assert again.journal.degraded
    assert again.kinds() == ["degraded"]
    disk.refuse = 0
    again.until(lambda: not again.journal.degraded)
    again.journal.close()
    assert load(tmp_path).lost == []


def test_a_disk_without_room_for_a_segment_is_asked_seldom_and_its_alarm_ends(tmp_path: Path) -> None:
    class NoNewFiles(BadDisk):
        refused = 0
        refusing = True

        def create(self, path: Path) -> int:
            if self.refusing and path.name.startswith("journal-00000002"):
                self.refused += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().create(path)

    disk = NoNewFiles()
    room = Room(tmp_path, disk, JournalSettings(segment_bytes=3_000))
    room.call(150)
    assert room.kinds() == ["degraded"]
    assert 1 <= disk.refused <= 5
    disk.refusing = False
    room.until(lambda: "recovered" in room.kinds())
    assert room.text("recovered") == "a new segment could be begun again"
    room.whole()
