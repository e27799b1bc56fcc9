"""The measuring instrument itself."""

import numpy as np
import pytest

from kak_sim.audio import Samples, silence, steady_tone, tone_at
from kak_sim.callers.heard import Heard, HeardPacket

MS = 1_000_000


def hear(heard: Heard, start_ms: int, frames: int, sound: Samples, *, ssrc: int = 1, timestamp: int = 0) -> None:
    for number in range(frames):
        at_ms = start_ms + 20 * number
        offset = number * 160 % len(sound)
        heard.add(HeardPacket(at_ms * MS, number, timestamp + number * 160, ssrc, sound[offset : offset + 160]))


def test_gaps_are_measured_at_the_edges_too() -> None:
    heard = Heard()
    hear(heard, 1000, 10, steady_tone(440))
    hear(heard, 1500, 10, silence(1000))
    assert heard.longest_gap_ms(1000 * MS, 1700 * MS) == pytest.approx(320)
    assert heard.longest_gap_ms(500 * MS, 1100 * MS) == pytest.approx(500)
    assert heard.longest_gap_ms(5000 * MS, 6000 * MS) == pytest.approx(1000)
    assert heard.longest_tone_gap_ms(440, 1000 * MS, 1700 * MS) == pytest.approx(520)


def test_a_tone_is_present_only_while_it_sounds() -> None:
    heard = Heard()
    hear(heard, 0, 50, steady_tone(440))
    hear(heard, 1000, 50, steady_tone(880))
    assert heard.tone_present(440, 0, 1000)
    assert not heard.tone_present(440, 500 * MS, 1000)
    assert heard.tone_present(880, 1000 * MS, 1000)
    assert not heard.tone_present(880, 1900 * MS, 1000), "missing packets are silence"
    assert heard.tone_sequence([440, 880]) == [440, 880]
    assert heard.tone_started_ns(880) == 1000 * MS


def test_the_timeline_has_silence_where_packets_are_missing() -> None:
    heard = Heard()
    hear(heard, 0, 50, steady_tone(440))
    hear(heard, 2000, 50, steady_tone(440), timestamp=16000)
    line = heard.timeline()
    assert len(line) == 8000 * 3
    assert tone_at(line[8000:16000], [440]) is None
    hear(heard, 4000, 50, steady_tone(440), ssrc=2, timestamp=5)
    assert len(heard.timeline()) == 8000 * 4


def test_a_late_packet_moves_nothing() -> None:
    heard = Heard()
    hear(heard, 0, 2, steady_tone(440), timestamp=1600)
    hear(heard, 40, 1, steady_tone(440), timestamp=0)
    assert len(heard.timeline()) == 320


def test_memory_is_bounded() -> None:
    heard = Heard(max_packets=10)
    hear(heard, 0, 15, np.zeros(160, dtype=np.int16))
    assert (heard.count, heard.forgotten, len(heard.between())) == (15, 5, 10)
    assert heard.first_ns == 0
    assert heard.first_sound_ns is None
    assert heard.last_ns == 14 * 20 * MS


def test_onsets_of_a_pulsing_tone() -> None:
    heard = Heard()
    for start_ms in (0, 1000, 2000):
        hear(heard, start_ms, 15, steady_tone(440))
        hear(heard, start_ms + 300, 35, silence(1000))
    assert heard.tone_onsets_ns(440) == [1000 * MS, 2000 * MS], "the first has no silence before it"
