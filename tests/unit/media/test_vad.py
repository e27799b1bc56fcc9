"""Talk detection with hysteresis."""

import numpy as np
import pytest

from kak_server.media.engine.vad import OFF_MS, ON_MS, TalkDetector, energy_of, level_dbov
from tests.support.media_peers import sine

LOUD, SOFT, BETWEEN = (energy_of(sine(400.0, 160, level=level)) for level in (0.3, 0.0005, 0.0075))


def test_levels() -> None:
    assert level_dbov(energy_of(sine(1_000.0, 160, level=1.0))) == pytest.approx(-3.0, abs=0.1)
    assert level_dbov(energy_of(sine(1_000.0, 160, level=0.1))) == pytest.approx(-23.0, abs=0.1)
    assert level_dbov(energy_of(np.zeros(160, dtype=np.int16))) == -96.0


def test_talk_begins_and_ends_with_patience() -> None:
    detector = TalkDetector()
    assert [detector.feed(LOUD) for _ in range(ON_MS // 20)] == [False] * (ON_MS // 20 - 1) + [True]
    assert detector.talking
    assert not any(detector.feed(None) for _ in range(OFF_MS // 20 - 1))
    assert detector.feed(SOFT)
    assert not detector.talking


def test_a_pause_between_words_is_no_end() -> None:
    detector = TalkDetector()
    for _ in range(3):
        detector.feed(LOUD)
    for _ in range(5):
        assert not any(detector.feed(None) for _ in range(10))
        assert not detector.feed(LOUD)


def test_between_the_thresholds_nothing_changes() -> None:
    detector = TalkDetector()
    assert not any(detector.feed(BETWEEN) for _ in range(50))
    for _ in range(3):
        detector.feed(LOUD)
    assert not any(detector.feed(BETWEEN) for _ in range(50))
    assert detector.talking


def test_a_click_is_no_talk() -> None:
    detector = TalkDetector()
    assert not detector.feed(LOUD)
    assert not any(detector.feed(SOFT) for _ in range(10))
