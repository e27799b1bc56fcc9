"""The journal on a real disk: what is written comes back, and what does not is named."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kak_server.model.ids import ContactId, QueueId
from kak_server.routing.api import ContactArrived, ContactGone
from kak_server.runtime.compactor import Outcome
from kak_server.runtime.folder import JournalError, JournalLockedError, segment_numbers, segment_path
from kak_server.runtime.frames import HEAD_BYTES, Frame, scan
from kak_server.runtime.journal import Journal, JournalAlarm, JournalSettings
from kak_server.runtime.losses import Lost
from kak_server.runtime.segments import Replay, history


def arrived(number: int) -> ContactArrived:
    return ContactArrived(number, ContactId(f"c{number}"), QueueId("113"), "+4790000000", {"place": "Brønnøysund"})


def reopen(folder: Path) -> Replay:
    journal, replay = Journal.open(folder, now_ms=2)
    journal.close()
    return replay


def test_events_and_values_come_back_in_a_new_generation(tmp_path: Path) -> None:
    journal, replay = Journal.open(tmp_path, now_ms=1)
    assert replay == Replay(1, None, (), {}, (), 0)
    journal.append_event(arrived(1))
    journal.put("dialog:1", {"cseq": 1})
    journal.put("dialog:2", {"cseq": 1})
    journal.put("dialog:1", {"cseq": 2})
    journal.append_event(ContactGone(5, ContactId("c1"), "bye"))
    journal.delete("dialog:2")
    journal.close()
    replay = reopen(tmp_path)
    assert replay.generation == 2
    assert replay.events == (arrived(1), ContactGone(5, ContactId("c1"), "bye"))
    assert replay.values == {"dialog:1": {"cseq": 2}}
    assert replay.lost == ()
    assert reopen(tmp_path).generation == 3


def test_the_same_value_again_and_an_unknown_delete_write_nothing(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.put("k", {"v": [1, 2]})
    size = segment_path(tmp_path, 1).stat().st_size
    journal.put("k", {"v": [1, 2]})
    journal.delete("other")
    assert segment_path(tmp_path, 1).stat().st_size == size
    assert set(journal.live()) == {"k"}
    journal.close()


def test_a_record_is_with_the_system_when_the_call_returns(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.put("k", "unmistakable")
    assert b"unmistakable" in segment_path(tmp_path, 1).read_bytes()
    journal.close()


def test_held_records_are_written_at_the_flush_and_at_the_last_release(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)

    def written() -> list[bytes]:
        data = segment_path(tmp_path, 1).read_bytes()
        return [word for word in (b"first", b"second", b"third") if word in data]

    journal.hold()
    journal.hold()
    journal.put("a", "first")
    assert written() == []
    journal.flush()
    assert written() == [b"first"]
    journal.put("b", "second")
    journal.release()
    assert written() == [b"first"]
    journal.put("c", "third")
    journal.release()
    assert written() == [b"first", b"second", b"third"]
    journal.close()
    assert reopen(tmp_path).values == {"a": "first", "b": "second", "c": "third"}


def test_of_several_values_of_a_key_while_held_the_last_is_written(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.hold()
    journal.put("call", {"state": "pending"})
    journal.append_event(arrived(1))
    journal.put("other", 1)
    journal.put("call", {"state": "accepted"})
    journal.release()
    journal.put("call", {"state": "confirmed"})  # what was released stays in the file
    journal.hold()
    journal.put("other", 2)
    journal.delete("other")
    journal.release()
    journal.close()
    found = [(record.get("key"), record["k"], record.get("value")) for record in _records(tmp_path)]
    assert found == [
        (None, "boot", None),
        (None, "event", None),
        ("other", "put", 1),
        ("call", "put", {"state": "accepted"}),
        ("call", "put", {"state": "confirmed"}),
        ("other", "put", 2),
        ("other", "del", None),
    ]
    replay = reopen(tmp_path)
    assert (replay.values, replay.lost) == ({"call": {"state": "confirmed"}}, ())


def _records(folder: Path) -> list[dict[str, Any]]:
    frames = list(scan(segment_path(folder, 1).read_bytes()))
    assert all(isinstance(frame, Frame) for frame in frames)
    assert [frame.serial for frame in frames if isinstance(frame, Frame)] == list(range(1, len(frames) + 1))
    return [frame.record for frame in frames if isinstance(frame, Frame)]


def test_what_is_held_at_the_end_is_written(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.hold()
    journal.append_event(arrived(1))
    journal.close()
    assert reopen(tmp_path).events == (arrived(1),)


def test_a_second_server_is_told_who_has_the_folder(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    with pytest.raises(JournalLockedError, match=f"process {os.getpid()}"):
        Journal.open(tmp_path, now_ms=1)
    journal.close()
    assert reopen(tmp_path).generation == 2


def test_an_unusable_folder_is_a_readable_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot use data folder"):
        Journal.open(tmp_path / "file" / "journal", now_ms=1)


def test_a_torn_end_is_cut_off_kept_and_named(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.append_event(arrived(1))
    journal.append_event(arrived(2))
    journal.close()
    path = segment_path(tmp_path, 1)
    size = path.stat().st_size
    os.truncate(path, size - 10)
    last = [item for _, item in history(tmp_path) if isinstance(item, Frame)][-1].end
    replay = reopen(tmp_path)
    assert replay.events == (arrived(1),)
    (lost,) = replay.lost
    assert (lost.segment, lost.offset, lost.bytes, lost.records) == (path.name, last, size - 10 - last, None)
    assert "torn" in str(lost)
    assert (tmp_path / f"torn-00000001-{last}.bin").stat().st_size == lost.bytes
    again = reopen(tmp_path)
    assert again.lost == ()
    assert again.events == (arrived(1),)


def test_a_damaged_record_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    for number in (1, 2, 3):
        journal.append_event(arrived(number))
    journal.close()
    path = segment_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[data.index(b'"c2"') + 1] ^= 0xFF
    path.write_bytes(data)
    replay = reopen(tmp_path)
    assert replay.events == (arrived(1), arrived(3))
    assert [lost.records for lost in replay.lost] == [1]


def test_an_event_of_a_newer_version_stops_the_start_unless_told_to_skip_it(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal._append(json.dumps({"k": "event", "type": "Teleported", "data": {}}).encode())
    journal.append_event(arrived(1))
    journal.close()
    with pytest.raises(
        JournalError, match=r"newer kak-server: unknown routing event 'Teleported' \(record 2 of journal-"
    ):
        Journal.open(tmp_path, now_ms=2)
    skipping, replay = Journal.open(tmp_path, JournalSettings(newer="skip"), now_ms=2)
    skipping.close()
    assert replay.events == (arrived(1),)
    assert "Teleported" in str(replay.lost[0])


def test_a_checkpoint_begins_a_segment_and_replay_begins_there(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, JournalSettings(segment_bytes=500), now_ms=1)
    due = [journal.upkeep_due]
    for number in range(5):
        journal.append_event(arrived(number))
        journal.put(f"dialog:{number}", number)
    due.append(journal.upkeep_due)
    assert journal.checkpoint({"state": "after five"})
    due.append(journal.upkeep_due)
    assert due == [False, True, False]
    journal.append_event(arrived(6))
    journal.delete("dialog:0")
    journal.close()
    replay = reopen(tmp_path)
    assert replay.routing == {"state": "after five"}
    assert replay.events == (arrived(6),)
    assert replay.values == {f"dialog:{number}": number for number in (1, 2, 3, 4)}
    assert replay.lost == ()
    everything = [item for _, item in history(tmp_path) if isinstance(item, Frame)]
    assert [frame.serial for frame in everything] == list(range(1, len(everything) + 1))


def test_a_big_checkpoint_makes_a_bigger_segment(tmp_path: Path) -> None:
    """Otherwise thousands of waiting contacts would mean checkpoint after checkpoint."""
    journal, _ = Journal.open(tmp_path, JournalSettings(segment_bytes=1_000), now_ms=1)
    journal.checkpoint({"much": "x" * 2_000})
    due = [journal.upkeep_due]
    journal.put("a", "x" * 4_000)
    due.append(journal.upkeep_due)
    journal.put("b", "x" * 4_000)
    due.append(journal.upkeep_due)
    assert due == [False, False, True]
    journal.close()


def test_a_full_segment_is_followed_by_another_without_a_checkpoint_where_somebody_compacts(tmp_path: Path) -> None:
    asked: list[str] = []

    class Idle:
        def start(self, on_done: Callable[[Outcome], None]) -> None:
            asked.append("started")

        def ask(self) -> None:
            asked.append("asked")

        def stop(self) -> None:
            asked.append("stopped")

    def snapshot() -> object:
        raise AssertionError("the loop must not make one")

    journal, _ = Journal.open(tmp_path, JournalSettings(segment_bytes=500), now_ms=1, compactor=Idle())
    for number in range(10):
        journal.append_event(arrived(number))
        journal.put(f"dialog:{number}", number)
        if journal.upkeep_due:
            journal.upkeep(snapshot)
    journal.close()
    assert len(segment_numbers(tmp_path)) > 2
    assert asked == ["started", *["asked"] * (len(segment_numbers(tmp_path)) - 1), "stopped"]
    replay = reopen(tmp_path)
    assert replay.events == tuple(arrived(number) for number in range(10))
    assert replay.values == {f"dialog:{number}": number for number in range(10)}
    assert replay.lost == ()


@pytest.mark.parametrize(
    ("outcome", "alarms"),
    [
        (Outcome(lost=(Lost("s", 7, 9, 1, "torn", 12, ("c1",)),)), ["lost"]),
        (Outcome(problem="no process"), ["not-compacted"] * 3),
    ],
)
def test_what_nobody_can_compact_is_healed_by_a_checkpoint(tmp_path: Path, outcome: Outcome, alarms: list[str]) -> None:
    class Failing:
        def start(self, on_done: Callable[[Outcome], None]) -> None:
            self.on_done = on_done

        def ask(self) -> None:
            self.on_done(outcome)

        def stop(self) -> None:
            pass

    seen: list[JournalAlarm] = []
    settings = JournalSettings(segment_bytes=300)
    journal, _ = Journal.open(tmp_path, settings, now_ms=1, on_alarm=seen.append, compactor=Failing())
    snapshots = 0

    def snapshot() -> object:
        nonlocal snapshots
        snapshots += 1
        return {"routing": snapshots}

    number = 0
    while not snapshots and number < 100:
        number += 1
        journal.append_event(arrived(number))
        if journal.upkeep_due:
            journal.upkeep(snapshot)
    journal.close()
    assert [alarm.kind for alarm in seen][: len(alarms)] == alarms
    replay = reopen(tmp_path)
    assert (replay.routing, replay.events) == ({"routing": 1}, ())


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(tmp_path: Path) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    journal.put("old", 1)
    journal.checkpoint({"n": 1})
    journal.append_event(arrived(1))
    journal.put("mid", 2)
    journal.checkpoint({"n": 2, "mark": "x" * 50})
    journal.append_event(arrived(2))
    journal.put("new", 3)
    journal.close()
    path = segment_path(tmp_path, 3)
    data = bytearray(path.read_bytes())
    data[data.index(b"xxxxx")] ^= 1
    path.write_bytes(data)
    replay = reopen(tmp_path)
    assert replay.routing == {"n": 1}
    assert replay.events == (arrived(1), arrived(2))
    assert replay.values == {"old": 1, "mid": 2, "new": 3}
    assert len(replay.lost) == 1


def test_the_generation_never_goes_back_even_without_segments(tmp_path: Path) -> None:
    for _ in range(3):
        reopen(tmp_path)
    for number in segment_numbers(tmp_path):
        segment_path(tmp_path, number).unlink()
    assert reopen(tmp_path).generation == 4
    (tmp_path / "generation").write_text("rubbish")
    assert reopen(tmp_path).generation == 5


def test_durability_disk_waits_for_the_disk(tmp_path: Path) -> None:
    lags: list[float] = []
    journal, _ = Journal.open(
        tmp_path, JournalSettings(durability="disk", wait_ms=30_000), now_ms=1, on_sync_lag=lags.append
    )
    for number in range(3):
        journal.append_event(arrived(number))
        assert journal.sync_lag_ms == 0.0
    assert len(lags) >= 3
    journal.close()


def test_a_disk_that_is_too_slow_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms: list[JournalAlarm] = []
    journal, _ = Journal.open(
        tmp_path, JournalSettings(durability="disk", wait_ms=20), now_ms=1, on_alarm=alarms.append
    )
    alarms.clear()
    disk_works = threading.Event()
    real_sync = os.fdatasync

    def slow_sync(fd: int) -> None:
        disk_works.wait(10)
        real_sync(fd)

    monkeypatch.setattr("kak_server.runtime.files.os.fdatasync", slow_sync)
    journal.append_event(arrived(1))
    journal.append_event(arrived(2))
    kinds = [alarm.kind for alarm in alarms if alarm.kind != "sync-lag"]  # a busy machine's own
    assert kinds == ["not-waited"], "the second is not held up any more"
    assert journal.sync_lag_ms >= 20
    disk_works.set()
    deadline = time.monotonic() + 10
    number = 2
    while "waiting-again" not in [alarm.kind for alarm in alarms] and time.monotonic() < deadline:
        number += 1
        journal.append_event(arrived(number))
        time.sleep(0.01)
    assert "waiting-again" in [alarm.kind for alarm in alarms]
    journal.close()
    assert reopen(tmp_path).events == tuple(arrived(at) for at in range(1, number + 1))


def test_kill_9_loses_no_record_whose_call_returned(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from kak_server.runtime.journal import Journal
        journal, _ = Journal.open(Path(sys.argv[1]), now_ms=1)
        for number in range(200):
            journal.put(f"k{number}", number)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -9
    replay = reopen(tmp_path)
    assert replay.values == {f"k{number}": number for number in range(200)}
    assert replay.lost == ()


FULL_DISK = """
import json, resource, signal, sys, time
from pathlib import Path
from kak_server.runtime.journal import Journal, JournalSettings

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
alarms = []
journal, _ = Journal.open(
    Path(sys.argv[1]), JournalSettings(pending_limit_bytes=int(sys.argv[2])), now_ms=1, on_alarm=alarms.append
)
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
journal.put("before", 1)
limit(300)  # the system now refuses to let any file grow beyond this: a full disk for us
for number in range(30):
    journal.put(f"k{number}", number)
seen = {"degraded": journal.degraded, "pending": journal.pending_records, "due_checkpoint": journal.dropped_records > 0}
limit(resource.RLIM_INFINITY)
deadline = time.monotonic() + 10
while journal.pending_records and time.monotonic() < deadline:
    time.sleep(0.02)
seen["after"] = journal.pending_records
if seen["due_checkpoint"]:
    seen["healed"] = journal.checkpoint({"healed": True})
seen["alarms"] = [alarm.kind for alarm in alarms if alarm.kind != "sync-lag"]
print(json.dumps(seen))
journal.close()
"""


def run_on_full_disk(folder: Path, pending_limit_bytes: int) -> dict[str, object]:
    command = [sys.executable, "-c", FULL_DISK, str(folder), str(pending_limit_bytes)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60, text=True)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_a_full_disk_degrades_alarms_and_recovers_without_loss(tmp_path: Path) -> None:
    seen = run_on_full_disk(tmp_path, 1_000_000)
    assert seen["degraded"] is True
    assert seen["pending"]
    assert seen["after"] == 0
    assert seen["alarms"] == ["degraded", "recovered"]
    replay = reopen(tmp_path)
    assert replay.lost == ()
    assert replay.values == {"before": 1, **{f"k{number}": number for number in range(30)}}


def test_what_memory_cannot_hold_is_healed_by_a_checkpoint(tmp_path: Path) -> None:
    seen = run_on_full_disk(tmp_path, 10 * (HEAD_BYTES + 40))
    assert seen["due_checkpoint"] is True
    assert seen["healed"] is True
    assert seen["alarms"] == ["degraded", "overflow", "lost", "recovered"]
    replay = reopen(tmp_path)
    assert replay.routing == {"healed": True}
    assert replay.values == {"before": 1, **{f"k{number}": number for number in range(30)}}
    assert replay.lost == ()
