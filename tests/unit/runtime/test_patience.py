"""Later each time, up to a bound, and from the beginning when it worked."""

from kak_server.runtime.patience import Patience


def test_it_waits_longer_each_time_and_starts_over_when_it_worked() -> None:
    patience, now_s, waits = Patience(1.0, 5.0), 100.0, []
    assert patience.over(now_s)
    for _ in range(4):
        patience.refused(now_s)
        waits.append(next(s for s in (1, 2, 4, 5) if patience.over(now_s + s)))
        assert not patience.over(now_s + waits[-1] - 0.1)
    assert waits == [1, 2, 4, 5]
    assert patience.failing
    assert patience.done()
    assert patience.over(now_s)
    assert not patience.done()
