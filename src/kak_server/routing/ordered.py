"""A small ordered set of tuples: the one index structure of the core.

A plain sorted list with binary search. Finding is O(log n) comparisons; inserting also moves memory, which for the
10,000 waiting contacts of a disaster is about 80 kB, some microseconds. What it buys over a heap: removal from the
middle, ordered reading for the consoles, and no leftovers, so that equal contents are equal objects.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=tuple[Any, ...])


class Ordered(Generic[K]):
    """Unique keys in ascending order."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[K] = []

    def add(self, key: K) -> None:
        """Put `key` in; adding one that is there is a bug of ours (AssertionError)."""
        at = bisect_left(self._keys, key)
        assert at == len(self._keys) or self._keys[at] != key, f"{key!r} is in the index already"
        self._keys.insert(at, key)

    def remove(self, key: K) -> None:
        """Take `key` out; removing one that is not there is a bug of ours (AssertionError)."""
        at = bisect_left(self._keys, key)
        assert self._keys[at : at + 1] == [key], f"{key!r} is not in the index"
        del self._keys[at]

    def first(self) -> K | None:
        """The smallest key, or None."""
        return self._keys[0] if self._keys else None

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: K) -> bool:
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key
