"""A track's frames: every tick one, silence where none came, gaps noted. The native one is compared elsewhere."""

import numpy as np
import pytest

from kak_server.media.engine import g711
from kak_server.media.engine.tape import GAPS_MAX, Tape
from tests.support.media_peers import sine

VOICE = g711.encode("PCMA", sine(440.0, 160))


@pytest.mark.parametrize("alaw", [True, False])
def test_a_tape_keeps_time_and_notes_gaps(alaw: bool) -> None:
    tape = Tape(alaw)
    for frame in (None, VOICE, VOICE, None, None, VOICE):
        tape.take(frame, "PCMA" if frame else None)
    tape.skip(3)
    tape.end_gap()
    assert tape.frames == 9
    assert tape.gaps == [(0, 1), (3, 2), (6, 3)]
    block = tape.block()
    assert len(block) == 9 * 160 * (1 if alaw else 2)
    assert tape.block() == b""


def test_sources_of_another_kind_are_converted() -> None:
    linear = sine(440.0, 160)
    for alaw in (True, False):
        tape = Tape(alaw)
        tape.take(linear, None)
        tape.take(g711.encode("PCMA", linear), "PCMA")
        tape.take(g711.encode("PCMU", linear), "PCMU")
        data = tape.block()
        samples = g711.decode("PCMA", data) if alaw else np.frombuffer(data, dtype=np.int16)
        for frame in np.split(samples.astype(np.int32), 3):
            assert np.abs(frame - linear).max() < 700


def test_gaps_are_bounded() -> None:
    tape = Tape(True)
    for _ in range(GAPS_MAX + 50):
        tape.take(None, None)
        tape.take(VOICE, "PCMA")
    tape.end_gap()
    assert len(tape.gaps) == GAPS_MAX
    begin, count = tape.gaps[-1]
    assert begin + count == tape.frames - 1


def test_a_stopped_tape_takes_nothing() -> None:
    tape = Tape(True)
    tape.take(VOICE, "PCMA")
    tape.stopped = True
    tape.take(VOICE, "PCMA")
    tape.skip(3)
    assert (tape.frames, tape.block()) == (1, VOICE)
