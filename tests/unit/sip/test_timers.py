"""The timers of the room."""

from hypothesis import given
from hypothesis import strategies as st

from kak_server.sip.timers import Timers


def test_due_in_order_of_time_then_of_arming() -> None:
    timers: Timers[str] = Timers()
    timers.arm("late", 30)
    timers.arm("b", 20)
    timers.arm("a", 20)
    assert timers.next_due_ms() == 20
    assert list(timers.due(20)) == ["b", "a"]
    assert timers.next_due_ms() == 30
    assert list(timers.due(29)) == []


def test_arming_again_moves_and_disarming_forgets() -> None:
    timers: Timers[str] = Timers()
    timers.arm("x", 10)
    timers.arm("x", 50)
    timers.arm("y", 20)
    timers.disarm("y")
    timers.disarm("never")
    assert len(timers) == 1
    assert "x" in timers
    assert "y" not in timers
    assert list(timers.due(49)) == []
    assert list(timers.due(50)) == ["x"]
    assert timers.next_due_ms() is None


def test_what_is_armed_for_the_past_while_running_comes_in_the_same_run() -> None:
    timers: Timers[str] = Timers()
    timers.arm("a", 10)
    seen = []
    for key in timers.due(100):
        seen.append(key)
        if key == "a":
            timers.arm("b", 50)
            timers.arm("c", 150)
    assert seen == ["a", "b"]


def test_milliseconds_nobody_waits_for_do_not_pile_up() -> None:
    timers: Timers[int] = Timers()
    for round_number in range(10_000):
        timers.arm(1, round_number)
    assert len(timers._heap) < 200
    assert len(timers._places) == 1
    assert list(timers.due(20_000)) == [1]
    assert (timers._heap, timers._places) == ([], {})


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("arm"), st.integers(0, 9), st.integers(0, 40)),
            st.tuples(st.just("disarm"), st.integers(0, 9), st.just(0)),
            st.tuples(st.just("due"), st.just(0), st.integers(0, 40)),
        ),
        max_size=80,
    )
)
def test_as_a_list_that_is_sorted_each_time(steps: list[tuple[str, int, int]]) -> None:
    timers: Timers[int] = Timers()
    plain: list[tuple[int, int, int]] = []  # due, serial of the arming, key
    for serial, (what, key, at_ms) in enumerate(steps):
        if what != "due":
            plain = [entry for entry in plain if entry[2] != key]
        if what == "arm":
            timers.arm(key, at_ms)
            plain.append((at_ms, serial, key))
        elif what == "disarm":
            timers.disarm(key)
        else:
            assert list(timers.due(at_ms)) == [entry[2] for entry in sorted(plain) if entry[0] <= at_ms]
            plain = [entry for entry in plain if entry[0] > at_ms]
        assert len(timers) == len(plain)
        assert timers.next_due_ms() == min((entry[0] for entry in plain), default=None)
