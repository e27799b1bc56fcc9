"""The house's records in a real database: what the outputs say is what people find."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kak_server.bridges.house import House
from kak_server.bridges.names import seat_leg
from kak_server.bridges.outputs import SalvageTrack, StoreCall, StoreGap, StoreTrack
from kak_server.console.requests import RecentCall
from kak_server.media import rpc
from kak_server.model.ids import ContactId, PositionId, RecordingId
from tests.unit.app.desk import Desk
from tests.unit.records.test_salvage import alaw

CONTACT = ContactId("c1")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def found(look: Callable[[], Any]) -> Any:
    """Rows are written by a thread of their own."""
    deadline_s = time.monotonic() + 5
    while not (rows := look()) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return rows


def recent(desk: Desk) -> Any:
    return desk.store.recent(10, desk.house.calls.queues, {"kari": "Kari Nordmann"})


def fails(failed: rpc.RecordFailed, house: House, now_ms: int) -> None:
    house.media_event(failed, now_ms)


def track(name: str = "caller", at_ms: int = 1_000) -> rpc.RecordClosed:
    return rpc.RecordClosed(
        RecordingId(f"{CONTACT}.{name}.1"),
        f"{name}-{CONTACT}",
        name,
        f"{CONTACT}/{name}.1.wav",
        at_ms,
        at_ms + 2_000,
        2_000,
        1_980,
        "ab" * 32,
        16_044,
        "alaw-8000",
        (rpc.Gap(100, 20),),
    )


async def test_a_call_is_found_with_its_times_operator_and_cause(desk: Desk) -> None:
    kari = desk.sit("kari")
    contact = desk.ring()
    desk.now_ms += 7_000
    await desk.answer(kari)
    desk.now_ms += 60_000
    desk.backend.execute(kari, "contact.hangup", {"contact": contact}, desk.now_ms)
    (row,) = found(lambda: recent(desk))
    assert row["contact"] == contact
    assert (row["queue"], row["queue_name"], row["caller"]) == ("nod", "Medisinsk nødtelefon", "+4799999999")
    assert (row["operator_name"], row["cause"]) == ("Kari Nordmann", "operator-hangup")
    assert row["answered_at_ms"] - row["arrived_at_ms"] == 7_000
    assert row["ended_at_ms"] - row["answered_at_ms"] == 60_000


async def test_a_complete_track_gets_its_row_and_is_found_on_disk(desk: Desk) -> None:
    desk.store.track(StoreTrack(CONTACT, track()))
    desk.store.track(StoreTrack(CONTACT, track()))  # said twice after a crash: one row
    desk.store.track(StoreTrack(CONTACT, track("operator-1", 1_500)))
    files = found(lambda: len(desk.store.tracks(CONTACT)) == 2 and desk.store.tracks(CONTACT))
    assert [file.label for file in files] == ["caller", "operator-1"]
    one = desk.store.track_file(f"{CONTACT}.caller.1")
    assert one is not None
    assert one.path == str(desk.settings.recordings_dir.absolute() / "c1/caller.1.wav")
    assert (one.started_at_ms, one.stored_ms) == (1_000, 1_980)
    assert desk.store.track_file("nobody") is None


async def test_a_dead_workers_track_is_repaired_hashed_and_entered(desk: Desk) -> None:
    path = desk.settings.recordings_dir / "c1" / "caller.1.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(alaw(b"\xd5" * 8_000, said=160))
    record = rpc.StartRecord(RecordingId("c1.caller.1"), "caller-c1", "c1/caller.1.wav", "caller")
    desk.store.salvage(SalvageTrack(CONTACT, record, 5_000, 6_500))
    (file,) = found(lambda: desk.store.tracks(CONTACT))
    assert (file.started_at_ms, file.stored_ms) == (5_000, 1_000)
    desk.store.call(call())
    (row,) = found(lambda: recent(desk))
    (shown,) = row["tracks"]
    assert shown["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert shown["expected_ms"] == 1_500


async def test_an_operators_track_says_where_the_operator_sat(desk: Desk) -> None:
    desk.store.call(call())
    desk.store.track(StoreTrack(CONTACT, track()))
    desk.store.track(StoreTrack(CONTACT, replace(track("operator"), source=seat_leg(PositionId("amk-1")))))
    row = found(lambda: next((row for row in recent(desk) if len(row["tracks"]) == 2), None))
    assert [(one["label"], one["position"]) for one in row["tracks"]] == [("caller", None), ("operator", "amk-1")]


async def test_what_no_disk_took_is_shown_and_is_no_file(desk: Desk) -> None:
    gap = StoreGap(
        CONTACT, RecordingId("c1.caller.gap-2"), "caller-c1", "caller", 2_000, 9_500, "full: OSError: no room"
    )
    desk.store.gap(gap)
    desk.store.gap(gap)  # said twice after a crash
    desk.store.track(StoreTrack(CONTACT, track()))
    desk.store.call(call())
    (row,) = found(lambda: recent(desk))
    assert [one["recording"] for one in row["tracks"]] == ["c1.caller.1"]
    assert row["recording_gaps"] == [{"label": "caller", "from_ms": 2_000, "to_ms": 9_500, "code": "full"}]
    assert [file.recording for file in desk.store.tracks(CONTACT)] == ["c1.caller.1"]
    assert desk.store.track_file("c1.caller.gap-2") is None
    RecentCall.model_validate(row)


async def test_not_ready_is_not_what_a_disk_without_room_for_recordings_makes_of_it(desk: Desk) -> None:
    kari = desk.sit("kari")
    desk.ring()
    await desk.answer(kari)
    assert not [remark for remark in desk.readiness.remarks() if "recording" in remark]
    orders = list(desk.house.ctx.desk.desired().recordings)
    for name in orders:
        desk.dispatcher.feed(partial(fails, rpc.RecordFailed(name, "no room")))
    before = desk.readiness.reasons()
    (remark,) = [remark for remark in desk.readiness.remarks() if "recording" in remark]
    assert remark == f"recording fails: {len(orders)} tracks of calls that are up are not being stored"
    assert desk.readiness.reasons() == before


async def test_a_track_that_cannot_be_saved_is_told_and_is_a_row_of_what_is_missing(desk: Desk) -> None:
    record = rpc.StartRecord(RecordingId("c1.caller.1"), "caller-c1", "c1/caller.1.wav", "caller")
    desk.store.salvage(SalvageTrack(CONTACT, record, 5_000, 6_500))
    assert found(lambda: [note for note in desk.notes if note.name == "salvage_failed"])
    assert desk.store.tracks(CONTACT) == []
    desk.store.call(call())
    (row,) = found(lambda: recent(desk))
    assert row["recording_gaps"] == [{"label": "caller", "from_ms": 5_000, "to_ms": 6_500, "code": "disk"}]


def call() -> StoreCall:
    values = {
        "queue": "nod",
        "caller": "",
        "arrived_at_ms": 1,
        "answered_at_ms": None,
        "ended_at_ms": 2,
        "operator": None,
        "position": None,
        "room": None,
        "cause": "bye",
    }
    return StoreCall(CONTACT, {"direction": "in", "parties": [], **values})
