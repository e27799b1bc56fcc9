"""A thread that writes recordings: blocks as they come, files that are complete brought to the disk together."""

import os
import queue
import threading
import time
from collections.abc import Callable

from kak_server.media.worker.wav import WavFile, sync_folder
from kak_server.model.light import frozen

JOBS_MAX = 16_384  # ten seconds of the tracks of 600 calls
GATHER_S = 0.1  # nobody waits for a writer: what comes meanwhile is done on the same waking
CLOSE_TOGETHER_S = 1.0
IDLE_ROUNDS = 20  # without a job; then it sleeps until one comes

Job = Callable[[], None]
Outcome = tuple[int, str] | OSError  # bytes and sha256 of a file that is on the disk, or why it is not


@frozen
class Closing:
    """A track whose last block is in its file; `told` hears what came of it, in this thread."""

    file: WavFile
    told: Callable[[Outcome], None]


class DiskWriter(threading.Thread):
    """Runs jobs in order until told to stop (None). A job may leave its file in `closings`: about once a second all of
    those are brought to the disk, and the first sync takes the file system's journal along for the others. While there
    is work the thread wakes by itself ten times a second, so that nobody who gives it a job has to wake it."""

    def __init__(self, on_closed: Callable[[], None]) -> None:
        """`on_closed` follows when a round of `told` is through, in this thread."""
        super().__init__(name="recording", daemon=True)
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.closings: list[Closing] = []  # the thread's own
        self._on_closed = on_closed
        self._unhurried = threading.Lock()  # held until there is no time to gather; an Event costs twice as much
        self._unhurried.acquire()
        self._hurried = False  # the loop's own
        self._close_at_s = 0.0
        self._idle_rounds = 0

    def give(self, job: Job, *, always: bool = False) -> bool:
        """A job from the loop. False when there is no room, but for one that must come (`always`): no more than one for
        each file whose opening found room."""
        if not always and self.jobs.qsize() >= JOBS_MAX:
            return False
        self.jobs.put(job)
        return True

    def hurry(self) -> None:
        """From now on nothing is gathered."""
        if not self._hurried:
            self._hurried = True
            self._unhurried.release()

    def finish(self) -> None:
        """The last job; the thread ends after it."""
        self.hurry()
        self.jobs.put(None)

    def run(self) -> None:
        """The thread."""
        while self._serve():
            pass
        self._close_all()

    def _serve(self) -> bool:
        """One waking; False when it was the last."""
        first: Job | None = None
        if self._idle_rounds >= IDLE_ROUNDS:
            first = self.jobs.get()
            if first is None:
                return False
        waiting = bool(self.closings)
        in_a_hurry = self._gather()
        if first is not None:
            first()
        worked, more = self._work_off()
        self._idle_rounds = 0 if worked or first is not None or self.closings else self._idle_rounds + 1
        if self.closings:
            now_s = time.monotonic()
            if not waiting:
                self._close_at_s = now_s + CLOSE_TOGETHER_S
            if in_a_hurry or now_s >= self._close_at_s:
                self._close_all()
        return more

    def _gather(self) -> bool:
        """Let jobs come together for a while; whether there is no time for that."""
        if not self._unhurried.acquire(timeout=GATHER_S):
            return False
        self._unhurried.release()
        if self.jobs.empty() and not self.closings:
            self._idle_rounds = IDLE_ROUNDS  # with nothing to gather for it would turn round and round
        return True

    def _work_off(self) -> tuple[bool, bool]:
        """Whether there was a job, and whether there will be more."""
        worked = False
        while not self.jobs.empty():
            job = self.jobs.get()
            if job is None:
                return worked, False
            job()
            worked = True
        return worked, True

    def _close_all(self) -> None:
        closings, self.closings = self.closings, []
        if not closings:
            return
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
        self._on_closed()


def _sync_problem(folder: str) -> OSError | None:
    try:
        sync_folder(folder)
    except OSError as problem:
        return problem
    return None
