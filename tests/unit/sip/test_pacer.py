"""A pace."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.sip.pacer import Pacer


def test_the_first_goes_at_once_and_the_rest_a_step_apart() -> None:
    pacer = Pacer(1_000)
    assert [pacer.slot(500) for _ in range(4)] == [500, 501, 502, 503]
    assert pacer.slot(502) == 504
    assert pacer.slot(10_000) == 10_000  # nothing is saved up while nobody asks
    assert pacer.slot(10_000) == 10_001


def test_a_pace_that_does_not_divide_a_second() -> None:
    pacer = Pacer(3)
    assert [pacer.slot(0) for _ in range(7)] == [0, 333, 666, 1000, 1333, 1666, 2000]


def test_faster_than_a_millisecond() -> None:
    pacer = Pacer(4_000)
    assert [pacer.slot(7) for _ in range(9)] == [7, 7, 7, 7, 8, 8, 8, 8, 9]


def test_no_pace_at_all_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a pace of 0"):
        Pacer(0)


@given(st.integers(1, 3_000), st.lists(st.integers(0, 2_000), min_size=1, max_size=400))
def test_never_more_than_the_pace_in_any_second_and_never_before_asked(per_second: int, steps_ms: list[int]) -> None:
    pacer, now_ms, slots = Pacer(per_second), 1_000_000, []
    for step_ms in steps_ms:
        now_ms += step_ms
        slots.append(pacer.slot(now_ms))
        assert slots[-1] >= now_ms
    assert slots == sorted(slots)
    by_ms = Counter(slots)
    for start in by_ms:
        # a slot may stand anywhere in its millisecond: hence the two
        assert sum(count for slot, count in by_ms.items() if start <= slot < start + 1_000) <= per_second + 2


def test_two_thousand_calls_at_a_thousand_a_second_take_two_seconds() -> None:
    pacer = Pacer(1_000)
    slots = [pacer.slot(0) for _ in range(2_000)]
    assert slots[-1] == 1_999
