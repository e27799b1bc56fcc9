"""`journal check` finds what is damaged, missing or contradictory, and says it exactly; `compact` and `migrate`."""

import argparse
from pathlib import Path

import pytest

from kak_server.model.codec import dumps, loads
from kak_server.routing import codec, upgrades
from kak_server.runtime import migrate as migration
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.folder import packed, segment_numbers, segment_path, snapshot_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Frame, encode_frame, scan
from kak_server.runtime.journal import Journal
from kak_server.runtime.journal_cli import main
from kak_server.runtime.segments import load
from tests.unit.runtime.journaled import digest_of
from tests.unit.runtime.test_compaction import FOREVER, day, frames


def cli(folder: Path, action: str, **more: object) -> int:
    return main(argparse.Namespace(data_dir=folder, action=action, **more))


def rewrite(path: Path, change: dict[int, bytes | None]) -> None:
    """The segment with other payloads for these serials; None leaves the frame out."""
    kept = [item for item in scan(path.read_bytes()) if isinstance(item, Frame)]
    parts = [SEGMENT_MAGIC]
    for frame in kept:
        payload = change.get(frame.serial, frame.payload)
        if payload is not None:
            parts.append(encode_frame(frame.serial, payload))
    path.write_bytes(b"".join(parts))


def test_a_whole_journal_with_snapshots_and_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = day(tmp_path)
    compact(tmp_path, FOREVER, 0)
    for number in range(20, 40):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    compact(tmp_path, FOREVER, 0)
    assert packed(segment_path(tmp_path, 1)).exists()
    assert cli(tmp_path, "check") == 0
    out = capsys.readouterr().out
    assert "the journal is whole" in out
    assert "2 snapshot(s) compared" in out


def test_a_hole_is_named_by_records_and_a_later_snapshot_makes_it_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = day(tmp_path)
    compact(tmp_path, FOREVER, 0)
    desk.journal.close()
    serials = [frame.serial for frame in frames(tmp_path, 1)]
    rewrite(segment_path(tmp_path, 1), {serials[3]: None, serials[4]: None})
    assert cli(tmp_path, "check") == 1
    out = capsys.readouterr().out
    assert f"records {serials[3]}-{serials[4]} lost: they are not there" in out
    assert "A later snapshot holds the state: a start loses nothing by it" in out
    assert "1 problem(s)" in out, "what follows the hole is not blamed"


def test_a_damaged_tail_names_the_contact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = day(tmp_path)
    desk.ring("c-last")
    desk.journal.close()
    path = segment_path(tmp_path, max(segment_numbers(tmp_path)))
    path.write_bytes(path.read_bytes()[:-4])
    assert cli(tmp_path, "check") == 1
    out = capsys.readouterr().out
    assert "an unknown number of records from " in out
    assert "it concerned contact c-last" in out
    assert "No later snapshot holds the state: a start goes on without these records" in out


def test_a_snapshot_that_lies_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = day(tmp_path)
    desk.journal.close()
    newest = compact(tmp_path, FOREVER, 0).snapshot
    assert newest is not None
    path = snapshot_path(tmp_path, newest)
    (head, *live) = [item for item in scan(path.read_bytes()) if isinstance(item, Frame)]
    lie = loads(head.payload)
    lie["routing"]["operators"][0]["missed"] = 99
    rewrite(path, {1: dumps(lie), 2: dumps({"k": "put", "key": live[0].record["key"], "value": "other"})})
    assert cli(tmp_path, "check") == 1
    out = capsys.readouterr().out
    assert f"PROBLEM snapshot {newest} differs from the replay up to it" in out
    assert f"PROBLEM snapshot {newest} has other live values than the records before it" in out
    path.write_bytes(path.read_bytes()[:-3])
    assert cli(tmp_path, "check") == 1
    assert f"PROBLEM snapshot-{newest:08d}.kj is damaged at byte" in capsys.readouterr().out


def test_what_memory_had_to_drop_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = day(tmp_path)
    desk.journal._append(dumps({"k": "lost", "first": 1204, "records": 6, "contacts": ["c-12", "c-15"]}))
    desk.journal.close()
    assert cli(tmp_path, "check") == 0
    assert "NOTE records 1,204-1,209 never came to the disk (contacts c-12, c-15)" in capsys.readouterr().out


def test_compacting_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = day(tmp_path)
    desk.journal.close()
    assert cli(tmp_path, "compact", keep_days=0, keep_bytes=0) == 0
    newest = max(segment_numbers(tmp_path))
    assert f"state before segment {newest} written; 0 segment(s) put away, 0 removed" in capsys.readouterr().out
    snapshot_path(tmp_path, newest).unlink()
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-4])
    assert cli(tmp_path, "compact", keep_days=0, keep_bytes=0) == 1
    assert "nothing was compacted" in capsys.readouterr().out


def renamed_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if arrivals had had their caller under another name, and none at all at first."""
    versions = {"ContactArrived": 3}
    steps = {
        ("ContactArrived", 1): lambda data: {**data, "from": "unknown"},
        ("ContactArrived", 2): lambda data: {**data, "caller": data["from"]},
    }

    def decode(name: str, version: int, data: object) -> object:
        return upgrades.upgraded(name, version, data, versions, steps)

    monkeypatch.setattr(codec, "upgraded", decode)
    monkeypatch.setattr(codec, "VERSIONS", versions)


def test_old_events_are_upgraded_when_read_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = day(tmp_path)
    desk.journal.close()
    arrivals = sum(b"Arrived" in frame.payload for frame in frames(tmp_path))
    renamed_caller(monkeypatch)
    before = load(tmp_path)
    assert {getattr(event, "caller", "unknown") for event in before.events} == {"unknown"}
    state, serials = digest_of(tmp_path), [frame.serial for frame in frames(tmp_path)]
    assert cli(tmp_path, "migrate") == 0
    out = capsys.readouterr().out
    assert sum(int(line.split(": ")[1].split(" ")[0]) for line in out.splitlines()) == arrivals
    assert load(tmp_path).events == before.events
    assert [frame.serial for frame in frames(tmp_path)] == serials
    assert digest_of(tmp_path) == state
    kept = tmp_path / migration.KEPT
    assert {path.name for path in kept.iterdir()} == {path.name for path in tmp_path.glob("journal-*")}
    assert cli(tmp_path, "migrate") == 0
    assert all(": 0 of" in line for line in capsys.readouterr().out.splitlines())


def test_an_archived_segment_is_migrated_and_a_damaged_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = day(tmp_path, 30)
    compact(tmp_path, FOREVER, 0)
    for number in range(40, 60):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    compact(tmp_path, Keep(), 0)
    damaged = segment_path(tmp_path, max(segment_numbers(tmp_path)))
    damaged.write_bytes(damaged.read_bytes()[:-4])
    renamed_caller(monkeypatch)
    assert cli(tmp_path, "migrate") == 1
    assert f"PROBLEM {damaged.name} is damaged and stays as it is" in capsys.readouterr().out
    assert any(frame.record.get("v") == 3 for frame in frames(tmp_path, 1))
    assert packed(segment_path(tmp_path, 1)).exists()


def test_a_running_server_is_not_migrated_under(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal, _ = Journal.open(tmp_path, now_ms=1)
    assert cli(tmp_path, "migrate") == 1
    assert "in use by another server" in capsys.readouterr().err
    journal.close()
