"""The ordered set of the core with blocks of a few keys, so that they split and go all the time.

Against a sorted list.
"""

from bisect import insort
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from kak_server.routing.ordered import Ordered

keys = st.integers(0, 40)


@given(st.lists(keys, max_size=120))
def test_any_order_of_coming_and_going_is_a_sorted_list(toggled: list[int]) -> None:
    """Each key comes when it is not there and goes when it is; after each step everything that can be read is right."""
    line: Ordered[tuple[int]] = Ordered()
    plain: list[tuple[int]] = []
    with patch("kak_server.routing.ordered.BLOCK_MAX", 4):
        for number in toggled:
            key = (number,)
            if key in plain:
                line.remove(key)
                plain.remove(key)
            else:
                line.add(key)
                insort(plain, key)
            assert list(line) == plain
            assert (len(line), line.first) == (len(plain), plain[0] if plain else None)
            assert [line.rank((other,)) for other in range(41)] == [
                sum(there < (other,) for there in plain) for other in range(41)
            ]
            assert [(other,) in line for other in range(41)] == [(other,) in plain for other in range(41)]


@given(st.permutations(range(24)), st.permutations(range(24)), st.integers(0, 24))
def test_whatever_block_empties_first_the_rest_is_found(comes: list[int], goes: list[int], in_order: int) -> None:
    """All come, then all go; from some point on the greatest first, so that the last block empties among many."""
    line: Ordered[tuple[int]] = Ordered()
    left = set(range(24))
    with patch("kak_server.routing.ordered.BLOCK_MAX", 4):
        for number in comes:
            line.add((number,))
        for number in (*goes[:in_order], *sorted(goes[in_order:], reverse=True)):
            line.remove((number,))
            left.remove(number)
            assert list(line) == [(other,) for other in sorted(left)]
            assert all(((other,) in line) == (other in left) for other in range(24))
