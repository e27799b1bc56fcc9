"""The ordered set."""

import random
from bisect import insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.routing.ordered import Ordered


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.data())
def test_it_is_a_sorted_set(keys: set[tuple[int, int]], data: st.DataObject) -> None:
    ordered: Ordered[tuple[int, int]] = Ordered()
    for key in data.draw(st.permutations(sorted(keys))):
        ordered.add(key)
    assert list(ordered) == sorted(keys)
    assert len(ordered) == len(keys)
    assert ordered.first == min(keys, default=None)
    if keys:
        gone = data.draw(st.sampled_from(sorted(keys)))
        assert gone in ordered
        ordered.remove(gone)
        assert gone not in ordered
        assert list(ordered) == sorted(keys - {gone})


def test_adding_twice_or_removing_what_is_not_there_is_our_bug() -> None:
    ordered: Ordered[tuple[int]] = Ordered()
    with pytest.raises(AssertionError):
        ordered.remove((1,))
    ordered.add((1,))
    with pytest.raises(AssertionError):
        ordered.add((1,))
    with pytest.raises(AssertionError):
        ordered.remove((0,))


def test_blocks_split_and_go_and_keep_the_order() -> None:
    """More keys than a block holds, in an order of no sense, against a sorted list."""
    die = random.Random(5)
    line: Ordered[tuple[int]] = Ordered()
    plain: list[tuple[int]] = []
    for _ in range(6_000):
        key = (die.randrange(100_000),)
        if key in line:
            line.remove(key)
            plain.remove(key)
        else:
            line.add(key)
            insort(plain, key)
    assert list(line) == plain
    assert [line.rank(key) for key in plain[::97]] == list(range(0, len(plain), 97))
    for key in plain[:-1]:
        line.remove(key)
    assert (list(line), len(line), line.first) == (plain[-1:], 1, plain[-1])
