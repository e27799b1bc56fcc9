"""Token buckets on a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from kak_server.sip.rates import Buckets, Rate


def test_a_burst_and_then_the_rate() -> None:
    buckets = Buckets(Rate(2.0, 3.0))
    assert [buckets.take("a", 0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("a", 500), buckets.take("a", 500)] == [True, False]
    assert buckets.take("b", 500), "another key has a bucket of its own"


def test_no_rate_is_no_limit_and_no_memory() -> None:
    buckets = Buckets(Rate())
    assert all(buckets.take(str(number), 0) for number in range(10_000))
    assert len(buckets) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(Rate(1.0, 1.0))
    assert buckets.take("a", 10_000)
    assert not buckets.take("a", 0)
    assert not buckets.take("a", 10_500)
    assert buckets.take("a", 11_000)


def test_keys_are_bounded() -> None:
    buckets = Buckets(Rate(1.0, 1.0), keys_max=10)
    for number in range(1_000):
        buckets.take(str(number), number)
    assert len(buckets) == 10


@given(
    per_s=st.floats(0.1, 1_000),
    burst=st.floats(1, 50),
    steps=st.lists(st.integers(0, 2_000), min_size=1, max_size=200),
)
def test_never_more_than_burst_and_rate_in_any_window(per_s: float, burst: float, steps: list[int]) -> None:
    buckets = Buckets(Rate(per_s, burst))
    now_ms = 0
    granted: list[int] = []
    for step in steps:
        now_ms += step
        if buckets.take("a", now_ms):
            granted.append(now_ms)
    for first in range(len(granted)):
        for last in range(first, len(granted)):
            window_s = (granted[last] - granted[first]) / 1000
            assert last - first + 1 <= burst + per_s * window_s + 1e-6
