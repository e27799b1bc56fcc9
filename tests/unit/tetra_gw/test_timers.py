"""Named deadlines."""

from kak_server.tetra_gw.timers import Timers


def test_deadlines_come_in_order_and_once() -> None:
    timers = Timers()
    timers.set("late", 30)
    timers.set("early", 10)
    assert timers.next_at_ms() == 10
    assert timers.pop_due(9) is None
    assert timers.pop_due(30) == "early"
    assert timers.pop_due(30) == "late"
    assert timers.pop_due(1_000) is None
    assert timers.next_at_ms() is None


def test_a_deadline_moves() -> None:
    timers = Timers()
    timers.set("a", 10)
    timers.set("a", 50)
    assert timers.pop_due(20) is None
    timers.set("a", 5)
    assert timers.pop_due(5) == "a"
    assert timers.pop_due(100) is None


def test_a_cancelled_deadline_does_not_come() -> None:
    timers = Timers()
    timers.set(("command", "c1"), 10)
    timers.cancel(("command", "c1"))
    timers.cancel("never set")
    assert timers.next_at_ms() is None
    timers.set("b", 20)
    timers.clear()
    assert timers.next_at_ms() is None


def test_moving_one_deadline_for_ever_does_not_grow_the_heap() -> None:
    timers = Timers()
    for at_ms in range(10_000):
        timers.set("ping", at_ms)
    assert len(timers._heap) < 200
    assert timers.next_at_ms() == 9_999
