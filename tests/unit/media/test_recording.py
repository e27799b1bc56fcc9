"""Tracks and WAV files: every tick a frame, gaps noted, failures told, files readable at any moment."""

import asyncio
import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.media.engine.tape import Tape
from kak_server.media.worker.recording import BadPathError, Recorder, Track
from kak_server.media.worker.wav import ALAW, PCM16, Encoding, WavFile
from kak_server.model.ids import RecordingId
from tests.support.media_peers import read_wav, sine, until


def order(path: str, name: str = "r1") -> rpc.StartRecord:
    return rpc.StartRecord(RecordingId(name), "caller", path, "label")


VOICE = g711.encode("PCMA", sine(440.0, 160))


@pytest.mark.parametrize(("encoding", "tag"), [(ALAW, 6), (PCM16, 1)])
def test_a_file_is_readable_while_it_grows(tmp_path: Path, encoding: Encoding, tag: int) -> None:
    file = WavFile(tmp_path / "a" / "b.wav", encoding)
    file.open()
    part = tmp_path / "a" / "b.wav.part"
    assert part.read_bytes() == b""
    for size in (320, 640):
        file.append(bytes(320))
        assert read_wav(part) == (tag, bytes(size))
    size, digest = file.sync()
    file.publish()
    whole = (tmp_path / "a" / "b.wav").read_bytes()
    assert (size, digest) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert not part.exists()


def test_what_a_killed_worker_left_is_kept(tmp_path: Path) -> None:
    for _ in range(3):
        file = WavFile(tmp_path / "b.wav", ALAW)
        file.open()
        file.append(bytes(160))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.cut1.wav", "b.cut2.wav", "b.wav.part"]


async def test_the_recorder_from_start_to_event(tmp_path: Path) -> None:
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    track = recorder.start(order("2026/a.wav"), "PCMA", 1_000)
    for index in range(60):
        track.tape.take(VOICE, "PCMA")
        recorder.end_tick(index)
    assert recorder.stop(RecordingId("r1"), 2_200)
    assert not recorder.stop(RecordingId("r1"), 2_200)
    await until(lambda: events, 5.0)
    assert recorder.is_idle
    (closed,) = events
    assert isinstance(closed, rpc.RecordClosed)
    assert (closed.expected_ms, closed.stored_ms, closed.gaps) == (1_200, 1_200, ())
    assert read_wav(tmp_path / closed.path) == (6, VOICE * 60)
    with pytest.raises(BadPathError):
        recorder.start(order("2026/a.wav", "again"), "PCMA", 0)
    recorder.close(5.0)


async def test_paths_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "in", lambda event: None, Tape)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    for path in ("../a.wav", "/a.wav", "a/../../b.wav", "link/a.wav", "a.txt", "", "a\0.wav", "x" * 600 + ".wav"):
        with pytest.raises(BadPathError):
            recorder.start(order(path), "PCMA", 0)
    assert not recorder.tracks
    recorder.close(5.0)


async def test_a_failing_disk_fails_the_recording_only(tmp_path: Path) -> None:
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    (tmp_path / "blocked").write_text("a file where a folder should be")
    track = recorder.start(order("blocked/a.wav"), "PCMA", 0)
    good = recorder.start(order("good.wav", "r2"), "PCMA", 0)
    for index in range(60):
        track.tape.take(VOICE, "PCMA")
        good.tape.take(VOICE, "PCMA")
        recorder.end_tick(index)
    await until(lambda: events, 5.0)
    assert [type(event) for event in events] == [rpc.RecordFailed]
    recorder.stop(RecordingId("r1"), 0)
    recorder.stop(RecordingId("r2"), 1_200)
    await until(lambda: len(events) == 2, 5.0)
    assert isinstance(events[1], rpc.RecordClosed)
    recorder.close(5.0)
    await asyncio.sleep(0)
    assert [type(event) for event in events] == [rpc.RecordFailed, rpc.RecordClosed]


async def test_a_disk_that_fails_even_to_close_costs_no_other_track(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """close(2): EIO, and the descriptor is gone all the same. The thread that met it writes on for the others."""
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    real_close, broken = os.close, set[int]()

    def append(self: WavFile, data: bytes) -> None:
        if self.path.endswith("/bad.wav"):
            broken.add(self._descriptor)
            raise OSError(errno.EIO, "the disk is gone")
        real_append(self, data)

    def close(descriptor: int) -> None:
        real_close(descriptor)
        if descriptor in broken:
            broken.discard(descriptor)
            raise OSError(errno.EIO, "the disk is gone")

    real_append = WavFile.append
    monkeypatch.setattr(WavFile, "append", append)
    monkeypatch.setattr(os, "close", close)
    bad = recorder.start(order("call/bad.wav"), "PCMA", 0)
    good = recorder.start(order("call/good.wav", "r2"), "PCMA", 0)
    for index in range(60):
        bad.tape.take(VOICE, "PCMA")
        good.tape.take(VOICE, "PCMA")
        recorder.end_tick(index)
    await until(lambda: events, 5.0)
    recorder.stop(RecordingId("r1"), 1_200)
    recorder.stop(RecordingId("r2"), 1_200)
    await until(lambda: len(events) == 2, 5.0)
    recorder.close(5.0)
    assert [type(event) for event in events] == [rpc.RecordFailed, rpc.RecordClosed]


class Disk:
    """Takes this many bytes of each file, then says what the kernel says of a disk without room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        real = WavFile._write

        def write(file: WavFile, data: bytes) -> None:
            if self.room is None:
                real(file, data)
                return
            real(file, data[: self.room])
            with open("/dev/full", "wb", buffering=0) as full:
                full.write(data[self.room :])

        monkeypatch.setattr(WavFile, "_write", write)


def speak(recorder: Recorder, track: Track, ticks: int, begin: int = 0) -> None:
    for index in range(begin, begin + ticks):
        track.tape.take(VOICE, "PCMA")
        recorder.end_tick(index)


async def test_what_a_full_disk_took_is_a_whole_file_with_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[rpc.Event] = []
    recorder, disk = Recorder(tmp_path, events.append, Tape), Disk(monkeypatch)
    track = recorder.start(order("a.wav"), "PCMA", 10_000)
    speak(recorder, track, 51)  # at tick 0 a block of one frame, at tick 50 one of fifty
    await until(lambda: track.written == 3, 5.0)
    disk.room = 10 * len(VOICE) + 7
    speak(recorder, track, 50, 51)
    await until(lambda: len(events) == 2, 5.0)
    failed, closed = events
    assert isinstance(failed, rpc.RecordFailed)
    assert (failed.code, failed.lost_from_ms, failed.stored_ms) == ("full", 11_220, 1_220)
    assert failed.until_ms == 0
    assert isinstance(closed, rpc.RecordClosed)
    assert (closed.started_at_ms, closed.ended_at_ms) == (10_000, 11_220)
    assert (closed.stored_ms, closed.expected_ms) == (1_220, 1_220)
    assert read_wav(tmp_path / "a.wav") == (6, VOICE * 61)
    assert closed.sha256 == hashlib.sha256((tmp_path / "a.wav").read_bytes()).hexdigest()
    recorder.tell_again(order("a.wav"))
    assert events[2] == failed
    recorder.stop(RecordingId("r1"), 13_000)
    assert recorder.is_idle
    recorder.close(5.0)
    await asyncio.sleep(0)
    assert len(events) == 3


async def test_a_disk_that_takes_nothing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[rpc.Event] = []
    recorder, disk = Recorder(tmp_path, events.append, Tape), Disk(monkeypatch)
    disk.room = 60  # half a header and no frame
    track = recorder.start(order("a.wav"), "PCMA", 10_000)
    speak(recorder, track, 60)
    await until(lambda: events, 5.0)
    (failed,) = events
    assert isinstance(failed, rpc.RecordFailed)
    assert (failed.code, failed.lost_from_ms, failed.stored_ms) == ("full", 10_000, 0)
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240
    recorder.close(5.0)


async def test_one_that_is_to_tell_tells_with_its_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    args = rpc.StartRecord(RecordingId("r1"), "caller", "a.wav", "label", tell=True)
    track = recorder.start(args, "PCMA", 10_000)
    recorder.end_tick(0)  # nothing came yet
    await until(lambda: track.written == 2, 5.0)
    await asyncio.sleep(0)
    assert not events
    speak(recorder, track, 120)
    await until(lambda: events, 5.0)
    recorder.tell_again(order("a.wav"))  # one that does not ask is told nothing
    recorder.tell_again(args)
    assert events == [rpc.RecordBegun(RecordingId("r1"), 10_000)] * 2
    await recorder.finish(12_400, 5.0)
    recorder.close(5.0)


async def test_the_last_block_that_finds_no_room_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[rpc.Event] = []
    recorder, disk = Recorder(tmp_path, events.append, Tape), Disk(monkeypatch)
    track = recorder.start(order("a.wav"), "PCMA", 10_000)
    speak(recorder, track, 75)
    await until(lambda: track.written == 3, 5.0)
    disk.room = 0
    recorder.stop(RecordingId("r1"), 11_500)
    await recorder.finish(11_500, 5.0)
    failed, closed = events
    assert isinstance(failed, rpc.RecordFailed)
    assert (failed.lost_from_ms, failed.until_ms, failed.stored_ms) == (11_020, 11_500, 1_020)
    assert isinstance(closed, rpc.RecordClosed)
    assert (closed.ended_at_ms, closed.stored_ms) == (11_020, 1_020)
    assert recorder.is_idle
    recorder.close(5.0)


async def test_a_disk_that_stands_still_fails_the_track_and_has_what_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    moves = threading.Event()
    real = WavFile._write

    def write(file: WavFile, data: bytes) -> None:
        moves.wait(20.0)
        real(file, data)

    monkeypatch.setattr(WavFile, "_write", write)
    track = recorder.start(order("a.wav"), "PCMA", 10_000)
    speak(recorder, track, 50 * 40)
    (failed,) = events
    assert isinstance(failed, rpc.RecordFailed)
    assert (failed.code, failed.stored_ms, failed.lost_from_ms) == ("slow", 29_020, 39_020)
    moves.set()
    await until(lambda: len(events) == 2, 20.0)
    closed = events[1]
    assert isinstance(closed, rpc.RecordClosed)
    assert (closed.stored_ms, closed.expected_ms, closed.ended_at_ms) == (29_020, 29_020, failed.lost_from_ms)
    assert read_wav(tmp_path / "a.wav") == (6, VOICE * 1_451)
    recorder.close(5.0)


async def test_another_worker_goes_on_with_the_track(tmp_path: Path) -> None:
    events: list[rpc.Event] = []
    killed = WavFile(tmp_path / "a.wav", ALAW)
    killed.open()
    killed.append(VOICE * 50 + VOICE[:30])
    killed.abandon()
    written_ms = killed.left_over()
    assert written_ms is not None
    assert written_ms.frames == 50
    now_ms = written_ms.ended_at_ms + 405
    recorder = Recorder(tmp_path, events.append, Tape)
    track = recorder.start(order("a.wav"), "PCMA", now_ms)
    for _ in range(30):
        track.tape.take(VOICE, "PCMA")
    await recorder.finish(now_ms + 600, 5.0)
    await until(lambda: events, 5.0)
    (closed,) = events
    assert isinstance(closed, rpc.RecordClosed)
    assert closed.gaps == (rpc.Gap(1_000, 400),)
    assert (closed.stored_ms, closed.expected_ms) == (2_000, 2_005)
    assert read_wav(tmp_path / "a.wav")[1] == VOICE * 50 + g711.SILENCE["PCMA"] * 20 + VOICE * 30
    recorder.close(5.0)


async def test_one_that_was_killed_before_its_first_block_is_a_gap_from_the_start(tmp_path: Path) -> None:
    events: list[rpc.Event] = []
    killed = WavFile(tmp_path / "a.wav", ALAW)
    killed.open()
    killed.abandon()
    left = killed.left_over()
    assert left is not None
    assert left.frames == 0
    recorder = Recorder(tmp_path, events.append, Tape)
    track = recorder.start(order("a.wav"), "PCMA", left.ended_at_ms + 400)
    track.tape.take(VOICE, "PCMA")
    await recorder.finish(left.ended_at_ms + 420, 5.0)
    await until(lambda: events, 5.0)
    (closed,) = events
    assert isinstance(closed, rpc.RecordClosed)
    assert (closed.gaps, closed.started_at_ms) == ((rpc.Gap(0, 400),), left.ended_at_ms)
    assert read_wav(tmp_path / "a.wav")[1] == g711.SILENCE["PCMA"] * 20 + VOICE
    recorder.close(5.0)


async def test_a_track_of_nothing_is_a_whole_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda event: None, Tape)
    recorder.start(order("a.wav"), "PCMA", 0)
    await recorder.finish(0, 5.0)
    assert read_wav(tmp_path / "a.wav") == (6, b"")
    recorder.close(5.0)


async def test_what_cannot_be_continued_is_kept_apart(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda event: None, Tape)
    old = WavFile(tmp_path / "a.wav", PCM16)
    old.open()
    old.append(bytes(640))
    old.abandon()
    (tmp_path / "b.wav.part").write_bytes(b"rubbish")
    recorder.start(order("a.wav"), "PCMA", 10**15)
    recorder.start(order("b.wav", "r2"), None, 10**15)
    await recorder.finish(10**15, 5.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.cut1.wav", "a.wav", "b.cut1.wav", "b.wav"]  # noqa: ASYNC240
    recorder.close(5.0)


async def test_finishing_completes_every_track(tmp_path: Path) -> None:
    events: list[rpc.Event] = []
    recorder = Recorder(tmp_path, events.append, Tape)
    tracks = [recorder.start(order(f"{n}.wav", f"r{n}"), "PCMA", 0) for n in range(9)]
    for track in tracks:
        track.tape.take(VOICE, "PCMA")
    await recorder.finish(20, 5.0)
    recorder.close(5.0)
    assert recorder.is_idle
    await until(lambda: len(events) == 9, 1.0)
    assert all((tmp_path / f"{n}.wav").exists() for n in range(9))
    await recorder.finish(20, 5.0)
