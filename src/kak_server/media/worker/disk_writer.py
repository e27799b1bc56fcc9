"""A thread that writes recordings: blocks as they come, files that are complete brought to the disk together."""

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media.worker.wav import WavFile, sync_folder

JOBS_MAX = 16_384  # ten seconds of the tracks of 600 calls
GATHER_S = 0.1  # nobody waits for a writer: what comes meanwhile is done on the same waking
CLOSE_TOGETHER_S = 1.0

Job = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Closing:
    """A track whose last block is in its file; `told` hears (bytes, sha256) when it is on the disk, or why not."""

    file: WavFile
    told: Callable[[tuple[int, str] | OSError], None]


class DiskWriter(threading.Thread):
    """Runs jobs in order until told to stop (None). A job may leave its file in `closings`: a few times a second all of
    those are brought to the disk, and the first sync takes the file system's journal along for the others."""

    def __init__(self) -> None:
        super().__init__(name="recording", daemon=True)
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.closings: list[Closing] = []  # the thread's own
        self.hurry = threading.Event()
        self._close_at_s = 0.0

    def give(self, job: Job) -> bool:
        """A job from the loop. False when there is no room."""
        if self.jobs.qsize() >= JOBS_MAX:
            return False
        self.jobs.put(job)
        return True

    def run(self) -> None:
        """The thread."""
        while self._serve():
            pass
        self._close_all()

    def _serve(self) -> bool:
        """One waking; False when it was the last."""
        wait_s = max(0.0, self._close_at_s - time.monotonic()) if self.closings else None
        try:
            job = self.jobs.get(timeout=wait_s)
        except queue.Empty:
            self._close_all()
            return True
        if job is None:
            return False
        self.hurry.wait(GATHER_S)
        waiting = bool(self.closings)
        job()
        more = self._work_off()
        if self.closings and not waiting:
            self._close_at_s = time.monotonic() + CLOSE_TOGETHER_S
        if self.closings and (self.hurry.is_set() or time.monotonic() >= self._close_at_s):
            self._close_all()
        return more

    def _work_off(self) -> bool:
        while not self.jobs.empty():
            job = self.jobs.get()
            if job is None:
                return False
            job()
        return True

    def _close_all(self) -> None:
        closings, self.closings = self.closings, []
        for closing in closings:
            closing.file.begin_sync()
        synced: list[tuple[Closing, tuple[int, str]]] = []
        for closing in closings:
            try:
                synced.append((closing, closing.file.sync()))
            except OSError as problem:
                closing.told(problem)
        named: dict[str, list[tuple[Closing, tuple[int, str]]]] = {}
        for closing, result in synced:  # after all syncs: a name changed between two would cost one more
            try:
                closing.file.publish()
            except OSError as problem:
                closing.told(problem)
            else:
                named.setdefault(os.path.dirname(closing.file.path), []).append((closing, result))
        for folder, finished in named.items():
            problem_with_folder = _sync_problem(folder)
            for closing, result in finished:
                closing.told(problem_with_folder or result)


def _sync_problem(folder: str) -> OSError | None:
    try:
        sync_folder(folder)
    except OSError as problem:
        return problem
    return None
