"""RFC 4733 digits: one event a digit, with losses and repetitions."""

from kak_server.media.engine.dtmf import LOST_END_MS, DtmfDetector


def event(digit: int, end: bool, duration: int) -> bytes:
    return bytes((digit, 0x8A if end else 0x0A)) + duration.to_bytes(2, "big")


def test_a_digit_with_three_ends() -> None:
    detector = DtmfDetector()
    said = []
    for end, duration in ((False, 160), (False, 320), (True, 800), (True, 800), (True, 800)):
        said += detector.feed(1_000, event(1, end, duration), 0)
    assert said == [("1", 100)]


def test_the_same_digit_twice() -> None:
    detector = DtmfDetector()
    said = detector.feed(1_000, event(5, True, 400), 0) + detector.feed(9_000, event(5, True, 480), 100)
    assert said == [("5", 50), ("5", 60)]


def test_an_end_that_was_lost() -> None:
    detector = DtmfDetector()
    assert detector.feed(1_000, event(10, False, 640), 50) == []
    assert detector.poll(50 + LOST_END_MS - 1) == []
    assert detector.poll(50 + LOST_END_MS) == [("*", 80)]
    assert detector.poll(9_999) == []
    assert detector.feed(1_000, event(10, True, 640), 60) == [], "an end that comes late says nothing new"


def test_the_next_digit_ends_the_one_before() -> None:
    detector = DtmfDetector()
    detector.feed(1_000, event(1, False, 160), 0)
    assert detector.feed(5_000, event(2, False, 160), 100) == [("1", 20)]


def test_rubbish_is_nothing() -> None:
    detector = DtmfDetector()
    assert detector.feed(1, b"", 0) == []
    assert detector.feed(1, event(99, True, 5), 0) == []
