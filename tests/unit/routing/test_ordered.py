"""The ordered set."""

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
    assert ordered.first() == min(keys, default=None)
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
