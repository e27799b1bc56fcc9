"""Restarts: at once after a long life, slower and slower in a crash loop."""

from kak_server.supervisor.policy import DELAYS_MS, STABLE_MS, RestartPolicy


def test_after_a_long_life_at_once() -> None:
    policy = RestartPolicy()
    assert [policy.delay_ms(STABLE_MS) for _ in range(3)] == [0, 0, 0]


def test_a_crash_loop_slows_down_to_a_limit() -> None:
    policy = RestartPolicy()
    delays = [policy.delay_ms(5) for _ in range(8)]
    assert delays[: len(DELAYS_MS)] == list(DELAYS_MS)
    assert set(delays[len(DELAYS_MS) :]) == {DELAYS_MS[-1]}


def test_a_long_life_forgives() -> None:
    policy = RestartPolicy()
    for _ in range(5):
        policy.delay_ms(5)
    assert policy.delay_ms(STABLE_MS) == 0
    assert policy.delay_ms(5) == DELAYS_MS[1]
