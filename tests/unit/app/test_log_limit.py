"""Strangers cannot fill the log."""

from kak_server.app.log_limit import LogLimit


def test_lines_of_one_name_are_bounded_and_the_rest_is_counted() -> None:
    now_ms = 0
    limit = LogLimit(lambda: now_ms, 3)
    assert [limit.admits("a") for _ in range(5)] == [(True, 0)] * 3 + [(False, 0)] * 2
    assert limit.admits("b") == (True, 0)
    now_ms = 1_000
    assert limit.admits("a") == (True, 2)
    assert limit.admits("a") == (True, 0)
