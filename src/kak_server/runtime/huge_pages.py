"""A big heap on big pages (Linux), so that the processor finds its way in it without looking every page up.

With ten thousand callers waiting the control process holds some hundred megabytes, and what one call touches lies
scattered in them: with pages of four kilobytes a good part of its time went into translating addresses. Python takes
its memory in arenas of one megabyte, for which no kernel gives a big page by itself (two megabytes). So now and then,
when the process has grown, what is full is gathered into big pages by a thread: MADV_COLLAPSE, Linux 6.1. Where the
machine's owner has forbidden them ("never"), or the kernel is older, nothing happens.
"""

import ctypes
import mmap
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kak_server.model.light import frozen

PAGE_BYTES = 4_096
HUGE_BYTES = 2 * 1024 * 1024
_PAGES = HUGE_BYTES // PAGE_BYTES
_MADV_COLLAPSE = 25
_ALLOWED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPS, _STATM = Path("/proc/self/maps"), Path("/proc/self/statm")
_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ 00:00 0 *(\[heap\])?$")

OnPass = Callable[[int, float], None]


@frozen
class HugePageRules:
    """When it looks, and how gently."""

    look_s: float = 5.0
    grown_bytes: int = 16 * 1024 * 1024  # since the last pass; less is not worth one ...
    grown_share: float = 0.125  # ... nor less than this of what is held: a pass looks at all of it
    full_share: float = 0.75  # of a big page that is in use already: stacks of threads and the like stay as they are
    pause_s: float = 0.02  # after each big page, which takes some milliseconds of this thread's


def regions(maps: str) -> Iterator[range]:
    """The starts of all big pages that lie whole in private memory of no file, out of /proc/PID/maps."""
    for line in maps.splitlines():
        found = _REGION.match(line)
        if found is not None:
            begin, end = int(found[1], 16), int(found[2], 16)
            yield range(-(-begin // HUGE_BYTES) * HUGE_BYTES, end - HUGE_BYTES + 1, HUGE_BYTES)


def allowed() -> bool:
    """Whether this machine has big pages of this size and its owner lets programs ask for them."""
    try:
        return mmap.PAGESIZE == PAGE_BYTES and "[never]" not in _ALLOWED.read_text()
    except OSError:
        return False


def resident_bytes() -> int:
    """What the process holds of the machine's memory. Raises OSError where there is no /proc."""
    return int(_STATM.read_text().split()[1]) * PAGE_BYTES


class HugePages:
    """One thread; `start`, then `stop`. `on_pass(gathered, seconds)` is called from it."""

    def __init__(self, on_pass: OnPass = lambda _gathered, _seconds: None, rules: HugePageRules | None = None) -> None:
        self._on_pass = on_pass
        self._rules = rules or HugePageRules()
        self._libc = ctypes.CDLL(None, use_errno=True)  # its calls leave the interpreter to the loop
        self._stopping = threading.Event()
        self._passed_bytes = 0
        self._thread = threading.Thread(target=self._run, name="huge-pages", daemon=True)

    def start(self) -> None:
        """Begin, where it is allowed."""
        if allowed():
            self._thread.start()

    def stop(self) -> None:
        """End; what is gathered stays so."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._rules.look_s):
            try:
                if self._has_grown() and self.gather() == 0:
                    return  # the kernel knows nothing of it
            except OSError:
                return  # no /proc

    def _has_grown(self) -> bool:
        rules, held_bytes = self._rules, resident_bytes()
        return held_bytes - self._passed_bytes >= max(rules.grown_bytes, rules.grown_share * held_bytes)

    def gather(self) -> int | None:
        """One pass over the whole process. How many big pages there are now of those that were full; None: none was."""
        began_s = time.monotonic()
        tried = done = 0
        for starts in regions(_MAPS.read_text()):
            for start in starts:
                if self._stopping.is_set():
                    return done
                if self._is_full(start):
                    tried += 1
                    done += self._collapse(start)
        self._passed_bytes = resident_bytes()
        self._on_pass(done, time.monotonic() - began_s)
        return done if tried else None

    def _is_full(self, start: int) -> bool:
        """Also when it is a big page already, and no longer there is not full."""
        present = (ctypes.c_ubyte * _PAGES)()
        if self._libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(HUGE_BYTES), present) != 0:
            return False
        return bytes(present).count(1) >= self._rules.full_share * _PAGES

    def _collapse(self, start: int) -> bool:
        """Contents stay; whoever touches them meanwhile waits for a moment. A big page is left as it is."""
        began_s = time.thread_time()
        done: int = self._libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(HUGE_BYTES), _MADV_COLLAPSE)
        if time.thread_time() - began_s > self._rules.pause_s / 100:  # it was work
            self._stopping.wait(self._rules.pause_s)
        return done == 0
