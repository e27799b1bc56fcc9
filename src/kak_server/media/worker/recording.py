"""Recording: a tap per source, one frame every tick, written by a thread of its own.

The tick only appends to a list. Each second the list becomes one job of a writer thread; a disk that does not
keep up fails the recording (record.failed), never the call.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.media.engine.frames import FRAME_SAMPLES, TICK_MS, Pcm
from kak_server.media.worker.disk_writer import Closing, DiskWriter, Job
from kak_server.media.worker.wav import ALAW, PCM16, Encoding, WavFile
from kak_server.model.ids import RecordingId

FLUSH_TICKS = 50
BACKLOG_JOBS_MAX = 30  # of one track: 30 s that the disk is behind
GAPS_MAX = 1_000
LOOK_AGAIN_MS = 1_000
CONTINUE_WITHIN_MS = 60_000  # a worker is started anew within seconds
_SILENCE = {ALAW: g711.SILENCE["PCMA"], PCM16: bytes(2 * FRAME_SAMPLES)}


class BadPathError(ValueError):
    """The path leaves the recordings folder, has the wrong suffix, or is taken."""


class Track:
    """One recording on the loop's side: frames in, blocks of bytes out."""

    def __init__(self, args: rpc.StartRecord, encoding: Encoding, started_at_ms: int) -> None:
        self.args = args
        self.encoding = encoding
        self.started_at_ms = started_at_ms
        self.phase = 0  # of its blocks
        self.frames = 0
        self.gaps: list[rpc.Gap] = []
        self.failed = False  # told to control; set by the loop alone
        self.broken = False  # nothing more is written; set by the writer alone
        self.submitted = 0  # jobs given to the writer; counted by the loop alone
        self.written = 0  # jobs done; counted by the writer alone
        self._as_it_comes = "PCMA" if encoding == ALAW else "none"
        self._block: list[bytes] = []
        self._gap_from: int | None = None

    def continue_from(self, frames: int, ended_at_ms: int, now_ms: int) -> None:
        """This many frames are in the file; what came between their end and now was lost."""
        self.frames = frames
        self.started_at_ms = ended_at_ms - frames * TICK_MS
        self.skip((now_ms - ended_at_ms) // TICK_MS)

    def take(self, frame: bytes | Pcm | None, law: g711.Law | None) -> None:
        """One tick of the source."""
        if frame is None:
            if self._gap_from is None:
                self._gap_from = self.frames
            self._block.append(_SILENCE[self.encoding])
        else:
            if self._gap_from is not None:
                self._end_gap()
            self._block.append(frame if law == self._as_it_comes else self._encode(frame, law))  # type: ignore[arg-type]
        self.frames += 1

    def skip(self, ticks: int) -> None:
        """The worker stood still for so many ticks: silence, noted as a gap."""
        for _ in range(ticks):
            self.take(None, None)

    def block(self) -> bytes:
        """What has been gathered since the last call."""
        data = b"".join(self._block)
        self._block.clear()
        return data

    def finish(self) -> None:
        """Close the gap that is open, if one is."""
        self._end_gap()

    def _end_gap(self) -> None:
        if self._gap_from is None:
            return
        begin_ms, length_ms = self._gap_from * TICK_MS, (self.frames - self._gap_from) * TICK_MS
        self._gap_from = None
        if len(self.gaps) < GAPS_MAX:
            self.gaps.append(rpc.Gap(begin_ms, length_ms))
        else:  # bounded: the last one stands for all that follow, and says too much rather than too little
            last = self.gaps[-1]
            self.gaps[-1] = rpc.Gap(last.at_ms, begin_ms + length_ms - last.at_ms)

    def _encode(self, frame: bytes | Pcm, law: g711.Law | None) -> bytes:
        if isinstance(frame, bytes):
            if self.encoding == ALAW:
                return frame if law == "PCMA" else frame.translate(g711.TRANSCODE["PCMU", "PCMA"])
            return g711.decode(law or "PCMA", frame).tobytes()
        return frame.tobytes() if self.encoding == PCM16 else g711.encode("PCMA", frame)


class Recorder:
    """All recordings of a worker."""

    def __init__(self, folder: Path, emit: Callable[[rpc.Event], None]) -> None:
        self.tracks: dict[RecordingId, Track] = {}
        self._due: list[dict[RecordingId, Track]] = [{} for _ in range(FLUSH_TICKS)]  # by the tick that flushes them
        self._started = 0
        self._root = str(folder)
        self._good_folders: list[str] = []  # of the path that was looked at last
        self._good_until_ms = 0
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._files: dict[RecordingId, WavFile] = {}
        self._writer = DiskWriter()  # one: files that are complete share a commit of the file system
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
        path = self._resolve(args.path, now_ms)
        track = Track(args, ALAW if law == "PCMA" else PCM16, now_ms)
        file = WavFile(path, track.encoding)
        left = file.left_over()
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

    def _resolve(self, name: str, now_ms: int) -> str:
        *folders, last = name.split("/")
        if not last.endswith(".wav") or not {"", ".", ".."}.isdisjoint(folders) or "\0" in name or len(name) > 512:
            raise BadPathError(f"not a relative .wav path: {name!r}")
        if folders != self._good_folders or now_ms >= self._good_until_ms:
            way = self._root
            for folder in folders:
                way = f"{way}/{folder}"
                if os.path.islink(way):  # a link that somebody put into the folder may lead away
                    raise BadPathError(f"outside of the recordings folder: {name!r}")
            self._good_folders, self._good_until_ms = folders, now_ms + LOOK_AGAIN_MS
        full = "/".join((self._root, *folders, last))
        if os.path.lexists(full):
            raise BadPathError(f"taken: {name!r}")
        return full

    def stop(self, recording: RecordingId, now_ms: int) -> bool:
        """Close a track; record.closed follows. False if there is none."""
        track = self.tracks.pop(recording, None)
        if track is None:
            return False
        del self._due[track.phase][recording]
        file = self._files.pop(recording)
        track.finish()
        if track.failed:
            self._submit(track, file, file.abandon)
            return True
        data = track.block()
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
            track.skip(ticks)

    async def finish(self, now_ms: int, timeout_s: float) -> None:
        """Stop every track and wait until their files are complete, at most so long."""
        for recording in list(self.tracks):
            self.stop(recording, now_ms)
        if self._closing:
            self._writer.hurry.set()
            self._idle.clear()
            with contextlib.suppress(TimeoutError):  # the disk had its time; the files are readable as they are
                await asyncio.wait_for(self._idle.wait(), timeout_s)

    def close(self, timeout_s: float) -> None:
        """End the thread, waiting at most `timeout_s` for it."""
        self._writer.hurry.set()
        self._writer.jobs.put(None)
        self._writer.join(timeout_s)

    def _flush(self, track: Track) -> None:
        if track.submitted - track.written > BACKLOG_JOBS_MAX:
            self._fail(track, "the disk does not keep up")
            return
        file, data = self._files[track.args.recording], track.block()
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
            track.failed = True
            self._emit(rpc.RecordFailed(track.args.recording, reason))

    def _close(self, track: Track, file: WavFile, data: bytes, ended_at_ms: int) -> None:
        """In the writer thread."""

        def told(result: tuple[int, str] | OSError) -> None:
            if isinstance(result, OSError):
                self._break(track, file, result)
                self._loop.call_soon_threadsafe(self._closed)
            else:
                self._loop.call_soon_threadsafe(self._complete, track, ended_at_ms, result)

        file.append(data)
        self._writer.closings.append(Closing(file, told))

    def _complete(self, track: Track, ended_at_ms: int, result: tuple[int, str]) -> None:
        size, digest = result
        self._emit(
            rpc.RecordClosed(
                recording=track.args.recording,
                source=track.args.source,
                label=track.args.label,
                path=track.args.path,
                started_at_ms=track.started_at_ms,
                ended_at_ms=ended_at_ms,
                expected_ms=ended_at_ms - track.started_at_ms,
                stored_ms=track.frames * TICK_MS,
                sha256=digest,
                bytes=size,
                encoding=track.encoding,
                gaps=tuple(track.gaps),
            )
        )
        self._closed()
