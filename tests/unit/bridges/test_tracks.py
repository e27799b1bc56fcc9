"""No track without a ledger row, whoever dies when."""

import pytest

from kak_server.bridges.outputs import SalvageTrack, StoreTrack
from kak_server.media import rpc
from kak_server.model.ids import ContactId, RecordingId
from tests.unit.bridges.test_recovery import after_restart
from tests.unit.bridges.world import World, world


@pytest.fixture
def w() -> World:
    made = world()
    made.sit()
    made.answer(made.ring())
    return made


def contact_of(w: World) -> ContactId:
    return next(iter(w.house.calls.lines))


def closed(record: rpc.StartRecord) -> rpc.RecordClosed:
    return rpc.RecordClosed(
        record.recording, record.source, record.label, record.path, 0, 9, 9, 9, "00", 44, "alaw-8000"
    )


def open_records(w: World) -> set[str]:
    return {key.removeprefix("track/") for key in w.records if key.startswith("track/")}


def new_worker(w: World) -> list[SalvageTrack]:
    w.outputs.clear()
    w.house.worker_lost("killed", w.now_ms)
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    return [o for o in w.outputs if isinstance(o, SalvageTrack)]


def test_a_track_is_noted_before_it_is_ordered_and_dropped_with_its_row(w: World) -> None:
    records = w.commands(rpc.StartRecord)
    assert open_records(w) == {record.recording for record in records}
    for record in records:
        new = w.media(closed(record))
        assert [o.track.recording for o in new if isinstance(o, StoreTrack)] == [record.recording]
    assert open_records(w) == set()


def test_tracks_of_a_call_that_ended_while_the_worker_was_dead_are_salvaged(w: World) -> None:
    paths = {record.path for record in w.commands(rpc.StartRecord)}
    w.house.worker_lost("killed", w.now_ms)
    w.do("contact.hangup", {"contact": contact_of(w)})
    assert {o.recording.path for o in new_worker(w)} == paths
    assert open_records(w) == set()


def test_tracks_the_dead_worker_was_about_to_close_are_salvaged(w: World) -> None:
    """Stopped, but its word of that died with it."""
    w.do("contact.hangup", {"contact": contact_of(w)})
    assert len(w.commands(rpc.StopRecord)) == 2
    salvaged = new_worker(w)
    assert {o.recording.label for o in salvaged} == {"caller", "operator"}
    assert {o.started_at_ms for o in salvaged} == {w.now_ms}


def test_a_worker_that_only_lost_its_socket_closes_its_own_tracks(w: World) -> None:
    records = w.commands(rpc.StartRecord)
    w.house.worker_lost("socket", w.now_ms)
    w.do("contact.hangup", {"contact": contact_of(w)})
    w.outputs.clear()
    census = rpc.Census(recordings=tuple(record.recording for record in records))
    w.house.worker_attached(census, "boot-1", w.now_ms)
    w.pump()
    assert not [o for o in w.outputs if isinstance(o, SalvageTrack)]
    assert {c.recording for c in w.commands(rpc.StopRecord)} == {record.recording for record in records}
    assert open_records(w) != set()


def test_open_tracks_outlive_control(w: World) -> None:
    w.do("contact.hangup", {"contact": contact_of(w)})
    started = {record.recording for record in w.commands(rpc.StartRecord)}
    new = after_restart(w)
    assert {o.recording.recording for o in new_worker(new)} == started


def test_a_failed_track_is_told_once_and_not_salvaged(w: World) -> None:
    name = w.commands(rpc.StartRecord)[0].recording
    w.media(rpc.RecordFailed(name, "disk full"))
    assert name not in open_records(w)
    assert name not in {o.recording.recording for o in new_worker(w)}


def test_a_track_nobody_noted_still_gets_its_row(w: World) -> None:
    stray = rpc.StartRecord(RecordingId("c9.caller.1"), "caller-c9", "c9/caller.1.wav", "caller")
    assert [o.contact for o in w.media(closed(stray)) if isinstance(o, StoreTrack)] == ["c9"]


def test_nothing_is_noted_of_tracks_that_were_never_ordered() -> None:
    """No worker, no file: there is nothing to salvage afterwards."""
    w = world()
    w.house.worker_lost("socket", w.now_ms)
    w.ring(number="116117")
    assert open_records(w) == set()
