"""From a journal on disk to old and new beside each other."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kak_server import cli
from kak_server.model.ids import QueueId
from kak_server.routing.api import ContactClass
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.folder import packed, segment_path, snapshot_path
from kak_server.runtime.journal import Journal
from kak_server.runtime.whatif.cli import time_of
from kak_server.runtime.whatif.run import as_text, compare, observe
from tests.unit.routing.desk import Desk, queue
from tests.unit.runtime.whatif.days import QUEUES, Day, rules

FAR_MS = 1 << 50
NEW = """
rooms: [{id: oslo, name: Oslo, positions: 2}, {id: bergen, name: Bergen, positions: 2}]
queues:
  - {id: "113", name: "113", class: emergency, rooms: [oslo, bergen], wrap_up_ms: 10000}
"""


def journalled(folder: Path, desk: Desk) -> Path:
    journal, _ = Journal.open(folder / "journal", now_ms=1)
    for event in desk.events:
        journal.append_event(event)
    journal.close()
    return folder / "journal"


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """Oslo alone for a minute, one operator there, one in Bergen; two callers, the second of whom gives up."""
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=60_000, wrap_up_ms=10_000))
    desk.sit("ada", "oslo")
    desk.sit("cia", "bergen")
    desk.ring("first")
    desk.ring("second")
    desk.wait(3_000)
    desk.talk("ada", "first")
    desk.wait(27_000)
    desk.gone("second")
    desk.wait(60_000)
    desk.hang_up("ada", "first")
    desk.wait(60_000)
    journalled(tmp_path, desk)
    return tmp_path


def test_the_same_rules_reproduce_every_wait(tmp_path: Path) -> None:
    day = Day(3)
    day.open_up()
    day.live(300)
    observed = observe(journalled(tmp_path, day), 0, FAR_MS)
    assert observed is not None
    told = compare(observed, FAR_MS, None)
    assert told["reproduced"] == told["contacts"] > 50
    assert all(pair["old"] == pair["new"] for pair in [*told["queues"].values(), *told["rooms"].values()])
    assert told["changed"] == []


def test_a_part_of_the_day_begins_in_the_middle_of_it(tmp_path: Path) -> None:
    day = Day(4)
    day.open_up()
    day.live(200)
    from_ms = day.now_ms
    day.live(200)
    until_ms = day.now_ms
    day.live(100)
    observed = observe(journalled(tmp_path, day), from_ms, until_ms)
    assert observed is not None
    told = compare(observed, until_ms, None)
    arrived = [row.arrived_ms for row in observed.tally.rows.values() if row.arrived_ms < until_ms]
    assert told["contacts"] == told["reproduced"] == len(arrived)
    assert min(arrived) >= from_ms


def test_reading_begins_with_the_newest_state_before_the_time_asked_for(tmp_path: Path) -> None:
    day = Day(4)
    day.open_up()
    folder = tmp_path / "journal"
    journal, _ = Journal.open(folder, now_ms=1)
    written = 0
    for segment in (2, 3, 4, 0):
        day.live(30)
        from_ms = day.now_ms
        day.live(30)
        for event in day.events[written:]:
            journal.append_event(event)
        written = len(day.events)
        if segment == 3:
            journal.checkpoint(day.core.snapshot())
        elif segment:
            journal._roll([{"k": "segment", "generation": 1, "at_ms": 0}], [])
            compact(folder, Keep(), 0)
    journal.close()
    whole = observe(folder, 0, FAR_MS)
    part = observe(folder, from_ms, FAR_MS)
    assert whole is not None
    assert part is not None
    assert (whole.segment, part.segment) == (0, 4)
    snapshot_path(folder, 4).write_bytes(b"damaged")
    earlier = observe(folder, from_ms, FAR_MS)
    assert earlier is not None
    assert earlier.segment == 3
    for observed in (part, earlier):
        assert observed.problems == ()
        assert observed.tally.rows == {
            contact: row for contact, row in whole.tally.rows.items() if row.arrived_ms >= from_ms
        }
        told = compare(observed, FAR_MS, None)
        assert told["contacts"] == told["reproduced"] > 0
        assert f"read from segment {observed.segment} on" in as_text(told, "")
    assert "read from the journal's first record on" in as_text(compare(whole, FAR_MS, None), "")


def test_old_and_new_beside_each_other(quiet: Path) -> None:
    observed = observe(quiet / "journal", 0, FAR_MS)
    assert observed is not None
    assert observed.thresholds == {QueueId("113"): 10_000}
    told = compare(observed, FAR_MS, rules(queue("113", "oslo", "bergen", wrap_up_ms=10_000)))
    pair = told["queues"]["113"]
    assert (pair["old"]["answered"], pair["old"]["abandoned"], pair["old"]["in_time"]) == (1, 1, 50.0)
    assert (pair["new"]["answered"], pair["new"]["abandoned"], pair["new"]["in_time"]) == (2, 0, 100.0)
    assert (pair["old"]["asa_ms"], pair["old"]["max_ms"], pair["new"]["max_ms"]) == (3_000, 30_000, 3_000)
    assert set(told["rooms"]) == {"oslo", "bergen"}
    assert [one["contact"] for one in told["changed"]] == ["second"]
    text = as_text(told, "new.yaml")
    assert "second 113: abandoned after 30.0 s -> answered after 3.0 s" in text
    assert "2 contacts; by the rules as they were 2 of them come out as they did" in text
    assert "  - callers call when they did" in text


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["replay", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_command(quiet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(NEW)
    code, out, _ = run(capsys, "--data-dir", str(quiet), "--config", str(new), "--json")
    told: dict[str, Any] = json.loads(out)
    assert (code, told["contacts"], told["reproduced"], told["all"]["new"]["answered"]) == (0, 2, 2, 2)
    assert [one["contact"] for one in told["changed"]] == ["second"]
    table = tmp_path / "waits.csv"
    code, out, _ = run(capsys, "--data-dir", str(quiet), "--config", str(new), "--contacts", str(table))
    assert (code, "of 1 that change" in out) == (0, True)
    with table.open(newline="") as opened:
        rows = {row["contact"]: row for row in csv.DictReader(opened)}
    assert (rows["first"]["wait_ms_old"], rows["first"]["wait_ms_new"]) == ("3000", "3000")
    assert (rows["second"]["outcome_old"], rows["second"]["outcome_new"]) == ("abandoned", "answered")
    assert (rows["second"]["wait_ms_old"], rows["second"]["room_new"]) == ("30000", "bergen")
    code, _, err = run(capsys, "--data-dir", str(quiet), "--contacts", str(tmp_path / "nowhere" / "waits.csv"))
    assert (code, "No such file" in err) == (2, True)
    code, out, _ = run(capsys, "--data-dir", str(quiet))
    assert code == 0
    assert "waits that change most" not in out
    code, _, err = run(capsys, "--data-dir", str(quiet), "--from", "2030-01-01")
    assert (code, err) == (1, "the journal holds nothing of that time\n")
    code, _, err = run(capsys, "--data-dir", str(quiet), "--from", "1970-01-01T00:18", "--to", "1970-01-01T00:18:01")
    assert (code, err) == (1, "nobody called in that time\n")
    code, _, err = run(capsys, "--data-dir", str(tmp_path / "nothing"))
    assert (code, "no journal in" in err) == (2, True)
    code, _, err = run(capsys, "--data-dir", str(quiet), "--from", "yesterday")
    assert (code, "no time such as" in err) == (2, True)


def test_times_are_utc_unless_said() -> None:
    assert time_of("1970-01-01T00:00:01") == time_of("1970-01-01T01:00:01+01:00") == 1_000


def test_a_hole_in_the_journal_is_told(tmp_path: Path) -> None:
    day = Day(5, *QUEUES)
    day.open_up()
    day.live(60)
    folder = journalled(tmp_path, day)
    segment = next(folder.glob("journal-*.kj"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    observed = observe(folder, 0, FAR_MS)
    assert observed is not None
    assert observed.problems
    assert "warning:" in as_text(compare(observed, FAR_MS, None), "")


def test_a_hole_before_the_first_event_is_told(tmp_path: Path) -> None:
    day = Day(5, *QUEUES)
    day.open_up()
    day.live(60)
    folder = tmp_path / "journal"
    journal, _ = Journal.open(folder, now_ms=1)
    for event in day.events[:40]:
        journal.append_event(event)
    journal._roll([{"k": "segment", "generation": 1, "at_ms": 0}], [])
    compact(folder, Keep(), 0)
    for event in day.events[40:]:
        journal.append_event(event)
    journal.close()
    first = segment_path(folder, 1)
    (first if first.exists() else packed(first)).write_bytes(b"nothing of it is left")
    observed = observe(folder, 0, FAR_MS)
    assert observed is not None
    text = as_text(compare(observed, FAR_MS, None), "")
    assert "warning: journal-00000001.kj at byte 0" in text


def test_who_was_turned_away_stays_in_the_comparison(tmp_path: Path) -> None:
    """Too many contacts at once by the new rules: that is worse than a long wait, and may not look better."""
    desk = Desk(queue("113", "oslo", klass=ContactClass.NORMAL, wrap_up_ms=0))
    desk.sit("ada", "oslo")
    for name in ("a", "b", "c"):
        desk.ring(name)
    desk.wait(5_000)
    desk.talk("ada", "a")
    desk.wait(5_000)
    desk.hang_up("ada", "a")
    desk.wait(60_000)
    observed = observe(journalled(tmp_path, desk), 0, FAR_MS)
    assert observed is not None
    few = replace(rules(queue("113", "oslo", klass=ContactClass.NORMAL, wrap_up_ms=0)), max_contacts=1)
    told = compare(observed, FAR_MS, few)
    new = told["all"]["new"]
    assert (new["contacts"], new["turned_away"], told["unplaced"]) == (3, 2, 0)
    assert new["in_time"] == 33.3
    assert {one["new"]["outcome"] for one in told["changed"]} == {"turned away"}
    assert "queues that" not in as_text(told, "")


EXPORTED = """
rooms: [{id: oslo, name: Oslo, positions: 2}, {id: bergen, name: Bergen, positions: 2}]
queues:
  - {id: "113", name: "113", class: emergency, rooms: [oslo, bergen]}
operators:
  - {username: ada, name: Ada, rooms: [oslo]}
"""


def test_an_exported_version_has_no_passwords_and_will_do(
    quiet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = tmp_path / "exported.yaml"
    exported.write_text(EXPORTED)
    code, out, err = run(capsys, "--data-dir", str(quiet), "--config", str(exported))
    assert (code, "2 contacts" in out) == (0, True), err
