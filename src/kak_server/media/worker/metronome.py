"""A beat of the kernel's: a timer that comes again by itself (timerfd_create(2), Linux), on a grid that does not drift.

An event loop's own timer is made, sorted in and thrown away for every beat; woken fifty times a second out of an idle
processor, that costs more than what most ticks do.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC are these
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_NS = 1_000_000_000

_libc = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Metronome:
    """Calls `on_beat` on the running loop at `first_s` (of time.monotonic) and every `every_ms` from then on. Beats
    that the loop was too busy for are one call."""

    def __init__(self, first_s: float, every_ms: int, on_beat: Callable[[], None]) -> None:
        """Raises OSError when the system has no timer left."""
        self._on_beat = on_beat
        self._loop = asyncio.get_running_loop()
        self._descriptor = _checked(_libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
        first = _timespec(max(1, round(first_s * _NS)))  # zero would mean: never
        beats = _Itimerspec(_timespec(every_ms * 1_000_000), first)
        _checked(_libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(beats), None))
        self._loop.add_reader(self._descriptor, self._beat)

    def stop(self) -> None:
        """No more beats. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)

    def _beat(self) -> None:
        if self._descriptor < 0:
            return
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # it was read with the beat before
            return
        self._on_beat()


def _timespec(ns: int) -> _Timespec:
    return _Timespec(ns // _NS, ns % _NS)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
