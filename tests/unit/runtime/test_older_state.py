"""A start where this program cannot read the newest snapshots: older ones and the records do; none is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kak_server.model.codec import dumps
from kak_server.model.ids import ContactId, QueueId
from kak_server.routing.api import ContactArrived
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.counted import Counted
from kak_server.runtime.folder import segment_numbers, segment_path, snapshot_numbers, snapshot_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Frame, encode_frame, scan
from kak_server.runtime.journal import Journal
from kak_server.runtime.restoring import PROBLEMS_MAX, Restoring, readable
from kak_server.runtime.segments import Replay, is_base, load
from tests.unit.runtime.journaled import JournaledDesk
from tests.unit.runtime.test_check import cli
from tests.unit.runtime.test_compaction import FOREVER, day


def written(folder: Path) -> JournaledDesk:
    """A day with a snapshot in its middle and one before its newest segment."""
    desk = day(folder)
    compact(folder, FOREVER, 0)
    for number in range(20, 40):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    compact(folder, FOREVER, 0)
    assert len(snapshot_numbers(folder)) == 2
    return desk


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The file's first record, changed."""
    head, *rest = (item for item in scan(path.read_bytes()) if isinstance(item, Frame))
    change(head.record)
    frames = [encode_frame(head.serial, dumps(head.record)), *(encode_frame(one.serial, one.payload) for one in rest)]
    path.write_bytes(SEGMENT_MAGIC + b"".join(frames))


def of_the_future(record: dict[str, Any]) -> None:
    record["routing"] = {"format": 99, "something": "else"}


def contradictory(record: dict[str, Any]) -> None:
    record["routing"]["contacts"][0]["queue"] = "nowhere"


def start(folder: Path) -> tuple[Replay, Counted, list[str]]:
    """As the server starts."""
    restoring = Restoring()
    journal, replay = Journal.open(folder, now_ms=1, reads=restoring.reads)
    journal.close()
    return replay, restoring.replayed(replay), restoring.problems


@pytest.mark.parametrize("change", [of_the_future, contradictory])
def test_where_the_newest_snapshot_cannot_be_read_an_older_one_and_the_records_give_the_same_state(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    desk = written(tmp_path)
    whole = load(tmp_path)
    older, newest = snapshot_numbers(tmp_path)
    rewrite(snapshot_path(tmp_path, newest), change)
    assert load(tmp_path, reads=readable).base == older
    replay, counted, problems = start(tmp_path)
    assert counted.core.digest() == desk.core.digest()
    assert replay.values == whole.values
    assert (replay.lost, problems) == ((), [])
    (remark,) = replay.remarks
    assert remark.startswith(f"snapshot {newest} cannot be read: ")
    assert remark.endswith("; an older one is used")


def test_without_any_snapshot_that_can_be_read_the_records_are_replayed_from_the_first_that_is_kept(
    tmp_path: Path,
) -> None:
    desk = written(tmp_path)
    for number in snapshot_numbers(tmp_path):
        rewrite(snapshot_path(tmp_path, number), of_the_future)
    replay, counted, _ = start(tmp_path)
    assert counted.core.digest() == desk.core.digest()
    assert replay.lost == ()
    assert [remark.split(":")[0] for remark in replay.remarks] == [
        f"snapshot {number} cannot be read" for number in reversed(snapshot_numbers(tmp_path))
    ] + ["no snapshot could be read"]


def test_where_the_first_records_are_kept_no_more_what_is_lost_is_said_and_the_live_values_are_those_of_then(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    whole = load(tmp_path)
    older = snapshot_numbers(tmp_path)[0]
    assert whole.values
    for path in tmp_path.glob("journal-*"):
        if int(path.name[8:16]) < older:
            path.unlink()
    for number in snapshot_numbers(tmp_path):
        rewrite(snapshot_path(tmp_path, number), of_the_future)
    first = next(item.serial for item in scan(segment_path(tmp_path, older).read_bytes()) if isinstance(item, Frame))
    replay, counted, problems = start(tmp_path)
    (lost,) = replay.lost
    assert (lost.first, lost.records) == (1, first - 1)
    assert f"records 1-{first - 1} lost: they are not there" in str(lost)
    assert replay.values == whole.values, "calls, seats and dialogs are known all the same"
    assert problems == []
    assert not any(half_hour.complete for half_hour in (counted.reducer.book.now,)), "figures with a gap say so"


def test_a_checkpoint_that_cannot_be_read_is_passed_over_too(tmp_path: Path) -> None:
    desk = written(tmp_path)
    restoring = Restoring()
    journal, replay = Journal.open(tmp_path, now_ms=1, reads=restoring.reads)
    journal.checkpoint(restoring.replayed(replay).snapshot())
    journal.close()
    newest = max(segment_numbers(tmp_path))
    assert is_base(tmp_path, newest, readable)
    rewrite(segment_path(tmp_path, newest), of_the_future)
    assert not is_base(tmp_path, newest, readable)
    replay, counted, _ = start(tmp_path)
    assert counted.core.digest() == desk.core.digest()
    assert replay.remarks[0].startswith(f"the checkpoint of segment {newest} cannot be read: a routing snapshot of")
    assert replay.lost == ()


def test_the_next_snapshot_is_made_anew_and_what_it_takes_is_kept(tmp_path: Path) -> None:
    desk = written(tmp_path)
    older, newest = snapshot_numbers(tmp_path)
    for number in (older, newest):
        rewrite(snapshot_path(tmp_path, number), of_the_future)
    done = compact(tmp_path, Keep(total_bytes=1), 0)
    assert (done.snapshot, done.dropped) == (newest, ())
    replay, counted, _ = start(tmp_path)
    assert (replay.remarks, counted.core.digest()) == ((), desk.core.digest())
    assert load(tmp_path, reads=readable).base == newest
    assert cli(tmp_path, "check") == 1, "the older one is still what it is"


def test_events_that_do_not_fit_the_state_are_told_and_the_others_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Counted.step

    def choking(self: Counted, event: Any) -> Any:
        if event.contact == "bad":
            raise KeyError("bad")
        return step(self, event)

    monkeypatch.setattr(Counted, "step", choking)
    names = ["c1", *["bad"] * (PROBLEMS_MAX + 2), "c2"]
    events = tuple(ContactArrived(5, ContactId(name), QueueId("113")) for name in names)
    restoring = Restoring()
    counted = restoring.replayed(Replay(1, None, events, {}, (), 2))
    assert len(restoring.problems) == PROBLEMS_MAX + 1
    assert restoring.problems[0] == "ContactArrived at 5: KeyError('bad')"
    assert restoring.problems[-1] == "and 2 more events"
    assert counted.core.now_ms == 5


def test_a_state_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    restore = Counted.restore

    def counting(routing: Any) -> Counted:
        made.append(routing)
        return restore(routing)

    monkeypatch.setattr(Counted, "restore", counting)
    restoring, snapshot = Restoring(), restore(None).snapshot()
    assert restoring.reads(snapshot) == ""
    restoring.replayed(Replay(1, snapshot, (), {}, (), 0))
    assert made == [snapshot]


def test_whatever_goes_wrong_with_a_snapshot_it_is_one_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_routing: Any) -> Counted:
        raise KeyError("operator")

    monkeypatch.setattr(Counted, "restore", broken)
    assert readable({"format": 1}) == "KeyError('operator')"
