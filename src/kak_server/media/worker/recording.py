"""Recording: a tap per source, one frame every tick, written by a thread of its own.

The tick only appends to a list. Each second the list becomes one job of a writer thread; a disk that does not
keep up fails the recording (record.failed), never the call.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.media.engine.frames import TICK_MS
from kak_server.media.engine.ports import Tape as AnyTape
from kak_server.media.worker.disk_writer import Closing, DiskWriter, Job, Outcome
from kak_server.media.worker.recording_paths import BadPathError as BadPathError
from kak_server.media.worker.recording_paths import Places
from kak_server.media.worker.wav import ALAW, PCM16, Encoding, WavFile
from kak_server.model.ids import RecordingId

FLUSH_TICKS = 50
BACKLOG_JOBS_MAX = 30  # of one track: 30 s that the disk is behind
CONTINUE_WITHIN_MS = 60_000  # a worker is started anew within seconds


class Track:
    """One recording on the loop's side: frames in, blocks of bytes out."""

    def __init__(self, args: rpc.StartRecord, encoding: Encoding, started_at_ms: int, tape: AnyTape) -> None:
        self.args = args
        self.encoding = encoding
        self.started_at_ms = started_at_ms
        self.tape = tape  # what the engine fills
        self.phase = 0  # of its blocks
        self.failed = False  # told to control; set by the loop alone
        self.broken = False  # nothing more is written; set by the writer alone
        self.submitted = 0  # jobs given to the writer; counted by the loop alone
        self.written = 0  # jobs done; counted by the writer alone

    def continue_from(self, frames: int, ended_at_ms: int, now_ms: int) -> None:
        """This many frames are in the file; what came between their end and now was lost."""
        self.tape.frames = frames
        self.started_at_ms = ended_at_ms - frames * TICK_MS
        self.tape.skip((now_ms - ended_at_ms) // TICK_MS)

    def gaps(self) -> tuple[rpc.Gap, ...]:
        """Where nothing came, the last gap closed."""
        self.tape.end_gap()
        return tuple(rpc.Gap(first * TICK_MS, count * TICK_MS) for first, count in self.tape.gaps)


class Recorder:
    """All recordings of a worker."""

    def __init__(self, folder: Path, emit: Callable[[rpc.Event], None], tape: Callable[[bool], AnyTape]) -> None:
        self.tracks: dict[RecordingId, Track] = {}
        self._due: list[dict[RecordingId, Track]] = [{} for _ in range(FLUSH_TICKS)]  # by the tick that flushes them
        self._started = 0
        self._tape = tape
        self._places = Places(str(folder))
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._files: dict[RecordingId, WavFile] = {}
        self._writer = DiskWriter(self._tell)  # one: files that are complete share a commit of the file system
        self._finished: list[Callable[[], None]] = []  # for the loop, after a round; the writer's own
        self._closing = 0
        self._idle = asyncio.Event()
        self._writer.start()

    @property
    def is_idle(self) -> bool:
        """No track open and none being closed."""
        return not self.tracks and not self._closing

    def start(self, args: rpc.StartRecord, law: g711.Law | None, now_ms: int) -> Track:
        """Open a track, or go on with the one a killed worker left, the time between noted as a gap.

        Raises BadPathError; what the disk says comes later, as record.failed.
        """
        path, known = self._places.of(args.path, now_ms)
        encoding = ALAW if law == "PCMA" else PCM16
        track = Track(args, encoding, now_ms, self._tape(encoding == ALAW))
        file = WavFile(path, track.encoding)
        left = file.left_over() if known else None
        if left is not None and 0 <= now_ms - left.ended_at_ms <= CONTINUE_WITHIN_MS:
            track.continue_from(left.frames, left.ended_at_ms, now_ms)
            continued_frames: int | None = left.frames
        else:
            continued_frames = None
        self.tracks[args.recording] = track
        track.phase = self._started % FLUSH_TICKS
        self._started += 1
        self._due[track.phase][args.recording] = track
        self._files[args.recording] = file
        self._submit(track, file, lambda: file.open(continued_frames))
        return track

    def stop(self, recording: RecordingId, now_ms: int) -> bool:
        """Close a track; record.closed follows. False if there is none."""
        track = self.tracks.pop(recording, None)
        if track is None:
            return False
        del self._due[track.phase][recording]
        file = self._files.pop(recording)
        if track.failed:
            self._submit(track, file, file.abandon)
            return True
        track.tape.stopped = True
        data = track.tape.block()
        self._closing += 1
        self._submit(track, file, lambda: self._close(track, file, data, now_ms), closing=True)
        return True

    def end_tick(self, index: int) -> None:
        """After each tick: hand over what is due."""
        for track in self._due[index % FLUSH_TICKS].values():
            if not track.failed:
                self._flush(track)

    def skip(self, ticks: int) -> None:
        """The worker stood still."""
        for track in self.tracks.values():
            track.tape.skip(ticks)

    async def finish(self, now_ms: int, timeout_s: float) -> None:
        """Stop every track and wait until their files are complete, at most so long."""
        for recording in list(self.tracks):
            self.stop(recording, now_ms)
        if self._closing:
            self._writer.hurry()
            self._idle.clear()
            with contextlib.suppress(TimeoutError):  # the disk had its time; the files are readable as they are
                await asyncio.wait_for(self._idle.wait(), timeout_s)

    def close(self, timeout_s: float) -> None:
        """End the thread, waiting at most `timeout_s` for it."""
        self._writer.finish()
        self._writer.join(timeout_s)

    def _flush(self, track: Track) -> None:
        if track.submitted - track.written > BACKLOG_JOBS_MAX:
            self._fail(track, "the disk does not keep up")
            return
        file, data = self._files[track.args.recording], track.tape.block()
        self._submit(track, file, lambda: file.append(data))

    def _submit(self, track: Track, file: WavFile, work: Job, closing: bool = False) -> None:
        def job() -> None:
            try:
                if not track.broken:
                    work()
                elif closing:
                    self._loop.call_soon_threadsafe(self._closed)
            except Exception as problem:  # noqa: BLE001  told as record.failed; the thread serves other tracks too
                self._break(track, file, problem)
                if closing:
                    self._loop.call_soon_threadsafe(self._closed)
            finally:
                track.written += 1

        track.submitted += 1
        if not self._writer.give(job):
            self._closing -= closing
            self._fail(track, "too many tracks wait for the disk")

    def _break(self, track: Track, file: WavFile, problem: Exception) -> None:
        """In the writer thread: the track is lost from here on."""
        track.broken = True
        file.abandon()
        self._loop.call_soon_threadsafe(self._fail, track, f"{type(problem).__name__}: {problem}")

    def _closed(self) -> None:
        self._closing -= 1
        if self.is_idle:
            self._idle.set()

    def _fail(self, track: Track, reason: str) -> None:
        if not track.failed:
            track.failed = track.tape.stopped = True  # nobody takes its blocks any more
            self._emit(rpc.RecordFailed(track.args.recording, reason))

    def _close(self, track: Track, file: WavFile, data: bytes, ended_at_ms: int) -> None:
        """In the writer thread."""

        def told(outcome: Outcome) -> None:
            if isinstance(outcome, OSError):
                self._break(track, file, outcome)
                self._finished.append(self._closed)
            else:
                self._finished.append(partial(self._complete, track, ended_at_ms, outcome))

        file.append(data)
        self._writer.closings.append(Closing(file, told))

    def _tell(self) -> None:
        """In the writer thread, after a round of closings: one waking of the loop for all of them."""
        finished, self._finished = self._finished, []
        self._loop.call_soon_threadsafe(self._each, finished)

    def _each(self, jobs: list[Callable[[], None]]) -> None:
        for job in jobs:
            self._loop.call_soon(job)  # a turn of its own: one that failed would take the others along

    def _complete(self, track: Track, ended_at_ms: int, outcome: tuple[int, str]) -> None:
        size, digest = outcome
        self._emit(
            rpc.RecordClosed(
                recording=track.args.recording,
                source=track.args.source,
                label=track.args.label,
                path=track.args.path,
                started_at_ms=track.started_at_ms,
                ended_at_ms=ended_at_ms,
                expected_ms=ended_at_ms - track.started_at_ms,
                stored_ms=track.tape.frames * TICK_MS,
                sha256=digest,
                bytes=size,
                encoding=track.encoding,
                gaps=track.gaps(),
            )
        )
        self._closed()
