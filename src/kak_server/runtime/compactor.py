"""Has the journal compacted in a process of its own, so that the loop never stops for it: a snapshot of 10,000 waiting
contacts is some 0.2 s of work.

A thread starts the process and waits for it; a request that comes meanwhile is done after it. The process is of
low priority and may be killed at any time: files appear whole or not at all.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kak_server.model.codec import CodecError, from_json, loads
from kak_server.model.light import frozen
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import EXIT_LOST, Compacted, fingerprint
from kak_server.runtime.losses import Lost
from kak_server.runtime.nursery import Nursery

TIMEOUT_S = 600.0
LEFT = "the server stops: the journal is compacted on while the next one runs"


@frozen
class Outcome:
    """`problem`: why it could not be done, "" if it was. `lost`: what it could not read, and so did not compact.
    `stopped`: it was asked for or under way when it was stopped."""

    done: Compacted | None = None
    lost: tuple[Lost, ...] = ()
    problem: str = ""
    stopped: bool = False


class Compactor(Protocol):
    """Whatever compacts for a journal."""

    def start(self, on_done: Callable[[Outcome], None]) -> None:
        """Before the first `ask`. `on_done` may be called from another thread."""

    def ask(self) -> None:
        """Soon; never blocks."""

    def stop(self) -> None:
        """No more of it; one under way is given up."""


class ProcessCompactor:
    """See the module."""

    def __init__(
        self, folder: Path, keep: Keep, nursery: Nursery | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        """`nursery`: the server's, who closes it before it stops this; one of its own when left out."""
        self._argv = [sys.executable, "-m", "kak_server.runtime.compaction", str(folder)]
        self._argv += ["--keep-days", str(keep.days), "--keep-bytes", str(keep.total_bytes)]
        self._argv += ["--fingerprint", fingerprint()]
        self._timeout_s = timeout_s
        self._nursery = nursery or Nursery()
        self._owned = nursery is None
        self._wake = threading.Condition()
        self._wanted = self._stopping = False
        self._thread: threading.Thread | None = None
        self._on_done: Callable[[Outcome], None]

    def start(self, on_done: Callable[[Outcome], None]) -> None:
        """See the protocol."""
        self._on_done = on_done
        self._thread = threading.Thread(target=self._run, name="journal-compact", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """See the protocol."""
        with self._wake:
            self._wanted = True
            self._wake.notify_all()

    def stop(self) -> None:
        """See the protocol."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._owned:
            self._nursery.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._wanted or self._stopping)
                if not self._wanted:
                    return
                self._wanted = False
            outcome = Outcome(stopped=True) if self._stopping else self._once()
            self._on_done(outcome)
            if outcome.stopped:
                return

    def _once(self) -> Outcome:
        ran = self._nursery.run(self._argv, self._timeout_s)
        if ran.stopped:
            return Outcome(stopped=True)
        if ran.problem:
            return Outcome(problem=f"the journal was not compacted: {ran.problem}")
        return read_outcome(ran.code, ran.out, ran.err)


def read_outcome(code: int, out: bytes, err: bytes) -> Outcome:
    """What the process said."""
    try:
        said = loads(out)
        if code in (0, EXIT_LOST):
            done = from_json(Compacted, said)
            return Outcome(done, lost=done.lost)
        return Outcome(problem=f"the journal was not compacted: {said['problem']}")
    except (ValueError, KeyError, TypeError, CodecError):
        last = err.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        return Outcome(problem=f"the journal was not compacted: the process ended with {code}: {last}")
