"""The kernel's beat: on its grid, one call for what was missed, none after the end."""

import asyncio
import time

from kak_server.media.worker.metronome import Metronome
from tests.support.media_peers import until


async def test_beats_keep_to_their_grid() -> None:
    beats: list[float] = []
    begin_s = time.monotonic() + 0.05
    metronome = Metronome(begin_s, 10, lambda: beats.append(time.monotonic()))
    await until(lambda: len(beats) >= 20, 20.0)
    metronome.stop()
    metronome.stop()
    count = len(beats)
    assert beats[0] >= begin_s
    assert beats[19] >= begin_s + 0.19
    await asyncio.sleep(0.05)
    assert len(beats) == count


async def test_beats_that_were_missed_are_one_call() -> None:
    beats: list[float] = []
    metronome = Metronome(time.monotonic() + 0.01, 1_000_000, lambda: beats.append(0.0))
    metronome.stop()
    metronome = Metronome(time.monotonic() - 1.0, 60_000, lambda: beats.append(0.0))  # due at once, then in a minute
    time.sleep(0.02)  # noqa: ASYNC251  the stall is the point
    await until(lambda: beats, 20.0)
    await asyncio.sleep(0.03)
    metronome.stop()
    assert len(beats) == 1


async def test_one_may_stop_itself() -> None:
    beats: list[float] = []

    def once() -> None:
        beats.append(0.0)
        metronome.stop()

    metronome = Metronome(time.monotonic(), 5, once)
    await until(lambda: beats, 20.0)
    await asyncio.sleep(0.03)
    assert len(beats) == 1
