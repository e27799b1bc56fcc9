"""Recording: a tap per source, one frame every tick, written by a thread of its own.

The tick only appends to a list. Each second the list becomes one job of a writer thread; a disk that does not
keep up, or takes nothing, fails the recording (record.failed), never the call. What is in the file by then is closed
like any other track; whether and when another file is begun is for control to say.
"""

import asyncio
import contextlib
import errno
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
from kak_server.model.light import frozen

FLUSH_TICKS = 50
BACKLOG_JOBS_MAX = 30  # of one track: 30 s that the disk is behind
CONTINUE_WITHIN_MS = 60_000  # a worker is started anew within seconds
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@frozen
class Failure:
    """Why a track goes no further. `frames`: what is in its file, or will be; -1: unknown."""

    code: str
    reason: str
    frames: int


class Track:
    """One recording on the loop's side: frames in, blocks of bytes out."""

    def __init__(self, args: rpc.StartRecord, encoding: Encoding, started_at_ms: int, tape: AnyTape) -> None:
        self.args = args
        self.encoding = encoding
        self.started_at_ms = started_at_ms
        self.tape = tape  # what the engine fills
        self.phase = 0  # of its blocks
        self.failure: rpc.RecordFailed | None = None  # told to control; set by the loop alone
        self.begun = False  # the first of it is in the file; set by the loop alone
        self.handed = 0  # frames given to the writer; counted by the loop alone
        self.lost_from_ms = 0  # with `failure`
        self.stopped_at_ms = 0  # 0: it goes on
        self.broken = False  # nothing more is written; set by the writer alone
        self.submitted = 0  # jobs given to the writer; counted by the loop alone
        self.written = 0  # jobs done; counted by the writer alone

    def continue_from(self, frames: int, ended_at_ms: int, now_ms: int) -> None:
        """This many frames are in the file; what came between their end and now was lost."""
        self.tape.frames = frames
        self.started_at_ms = ended_at_ms - frames * TICK_MS
        self.tape.skip((now_ms - ended_at_ms) // TICK_MS)

    def gaps(self, frames: int) -> tuple[rpc.Gap, ...]:
        """Where nothing came in the first so many frames, the last gap closed."""
        self.tape.end_gap()
        return tuple(
            rpc.Gap(first * TICK_MS, min(count, frames - first) * TICK_MS)
            for first, count in self.tape.gaps
            if first < frames
        )


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
        if not self._submit(track, file, lambda: file.open(continued_frames)):
            self._fail(track, Failure("slow", "too many tracks wait for the disk", 0))
        return track

    def stop(self, recording: RecordingId, now_ms: int) -> bool:
        """Close a track; record.closed follows. False if there is none."""
        track = self.tracks.pop(recording, None)
        if track is None:
            return False
        del self._due[track.phase][recording]
        file = self._files.pop(recording)
        if track.failure is not None:
            return True
        track.tape.stopped = True
        track.stopped_at_ms = now_ms
        data = track.tape.block()
        self._closing += 1
        self._submit(track, file, lambda: self._close(track, file, data, now_ms), closing=True)
        return True

    def end_tick(self, index: int) -> None:
        """After each tick: hand over what is due."""
        for track in self._due[index % FLUSH_TICKS].values():
            if track.failure is None:
                self._flush(track)

    def tell_again(self, args: rpc.StartRecord) -> None:
        """Ordered once more: control may not have heard what became of it."""
        track = self.tracks[args.recording]
        if track.failure is not None:
            self._emit(track.failure)
        elif args.tell and track.begun:
            self._emit(rpc.RecordBegun(args.recording, track.started_at_ms))

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
        file = self._files[track.args.recording]
        if track.submitted - track.written > BACKLOG_JOBS_MAX:
            self._give_up(track, file, "the disk does not keep up")
            return
        data = track.tape.block()
        first = bool(data) and not track.handed and track.args.tell
        work = partial(self._append_first, track, file, data) if first else partial(file.append, data)
        if self._submit(track, file, work):
            track.handed = track.tape.frames
        else:
            self._give_up(track, file, "too many tracks wait for the disk")

    def _append_first(self, track: Track, file: WavFile, data: bytes) -> None:
        """In the writer thread."""
        file.append(data)
        self._loop.call_soon_threadsafe(self._first_is_in, track)

    def _first_is_in(self, track: Track) -> None:
        track.begun = True
        if track.failure is None:
            self._emit(rpc.RecordBegun(track.args.recording, track.started_at_ms))

    def _submit(self, track: Track, file: WavFile, work: Job, closing: bool = False) -> bool:
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
        return self._writer.give(job, always=closing)

    def _give_up(self, track: Track, file: WavFile, reason: str) -> None:
        """What was handed to the writer will be in the file once the disk has taken it; no more than that."""
        self._fail(track, Failure("slow", reason, track.handed))
        self._closing += 1
        self._submit(track, file, lambda: self._end(track, file), closing=True)

    def _break(self, track: Track, file: WavFile, problem: Exception) -> None:
        """In the writer thread: the track is lost from here on. What is in the file is closed."""
        track.broken = True
        frames = file.cut()
        code = "full" if isinstance(problem, OSError) and problem.errno in _NO_ROOM else "disk"
        failure = Failure(code, f"{type(problem).__name__}: {problem}", frames)
        self._loop.call_soon_threadsafe(self._broke, track, failure)
        if frames > 0:
            self._close_later(track, file, frames)

    def _broke(self, track: Track, failure: Failure) -> None:
        self._closing += failure.frames > 0
        self._fail(track, failure)

    def _end(self, track: Track, file: WavFile) -> None:
        """In the writer thread: the file of a track that was given up."""
        track.broken = True
        frames = file.cut()
        if frames > 0:
            self._close_later(track, file, frames)
        else:
            self._loop.call_soon_threadsafe(self._nothing_left, track, frames)

    def _nothing_left(self, track: Track, frames: int) -> None:
        """Told before the writer knew: there is no file after all, or one that nobody can close."""
        if track.handed or frames < 0:
            self._tell_failed(track, Failure("slow", "nothing of it reached the disk", frames))
        self._closed()

    def _closed(self) -> None:
        self._closing -= 1
        if self.is_idle:
            self._idle.set()

    def _fail(self, track: Track, failure: Failure) -> None:
        """On the loop, once a track."""
        if track.failure is None:
            track.tape.stopped = True  # nobody takes its blocks any more
            track.lost_from_ms = track.started_at_ms + max(0, failure.frames) * TICK_MS
            self._tell_failed(track, failure)

    def _tell_failed(self, track: Track, failure: Failure) -> None:
        track.failure = rpc.RecordFailed(
            track.args.recording,
            failure.reason,
            failure.code,
            track.lost_from_ms,
            failure.frames * TICK_MS if failure.frames > 0 else failure.frames,
            track.stopped_at_ms,
        )
        self._emit(track.failure)

    def _close(self, track: Track, file: WavFile, data: bytes, ended_at_ms: int) -> None:
        """In the writer thread."""
        file.append(data)
        self._closings(track, file, partial(self._complete, track, ended_at_ms, track.tape.frames))

    def _close_later(self, track: Track, file: WavFile, frames: int) -> None:
        """In the writer thread: the file of a track that failed, which ends where it was lost."""
        self._closings(track, file, partial(self._complete, track, 0, frames))

    def _closings(self, track: Track, file: WavFile, complete: Callable[[tuple[int, str]], None]) -> None:
        """In the writer thread: to the disk with the others."""

        def told(outcome: Outcome) -> None:
            if isinstance(outcome, OSError):
                track.broken = True
                file.abandon()
                failure = Failure("disk", f"{type(outcome).__name__}: {outcome}", -1)
                self._finished += [partial(self._let_go, track, failure), self._closed]
            else:
                self._finished.append(partial(complete, outcome))

        self._writer.closings.append(Closing(file, told))

    def _let_go(self, track: Track, failure: Failure) -> None:
        """It could not be closed: the file stays as it is."""
        if track.failure is None:
            track.lost_from_ms = track.started_at_ms + track.tape.frames * TICK_MS
        self._tell_failed(track, failure)

    def _tell(self) -> None:
        """In the writer thread, after a round of closings: one waking of the loop for all of them."""
        finished, self._finished = self._finished, []
        self._loop.call_soon_threadsafe(self._each, finished)

    def _each(self, jobs: list[Callable[[], None]]) -> None:
        for job in jobs:
            self._loop.call_soon(job)  # a turn of its own: one that failed would take the others along

    def _complete(self, track: Track, ended_at_ms: int, frames: int, outcome: tuple[int, str]) -> None:
        """`ended_at_ms`: 0 for a track that failed."""
        size, digest = outcome
        ended_at_ms = ended_at_ms or track.lost_from_ms
        self._emit(
            rpc.RecordClosed(
                recording=track.args.recording,
                source=track.args.source,
                label=track.args.label,
                path=track.args.path,
                started_at_ms=track.started_at_ms,
                ended_at_ms=ended_at_ms,
                expected_ms=ended_at_ms - track.started_at_ms,
                stored_ms=frames * TICK_MS,
                sha256=digest,
                bytes=size,
                encoding=track.encoding,
                gaps=track.gaps(frames),
            )
        )
        self._closed()
