"""A small ordered set of tuples: the one index structure of the core that can be read in order.

Sorted blocks of bounded length with binary search among and in them: adding and removing move some kilobytes at most,
however many keys there are. What it buys over a heap: removal from the middle, reading in order for the consoles, the
rank of a key, and no leftovers, so that equal contents are equal objects.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=tuple[Any, ...])

BLOCK_MAX = 512
"""Keys of one block; a longer one is split in the middle."""


class Ordered(Generic[K]):
    """Unique keys in ascending order. `first`: the smallest, or None."""

    __slots__ = ("_blocks", "_count", "_lasts", "first")

    def __init__(self) -> None:
        self._blocks: list[list[K]] = [[]]  # none but the only one is empty
        self._lasts: list[K] = []  # the greatest key of each block but the last
        self._count = 0
        self.first: K | None = None

    def add(self, key: K) -> None:
        """Put `key` in; adding one that is there is a bug of ours (AssertionError)."""
        number = bisect_left(self._lasts, key) if self._lasts else 0
        block = self._blocks[number]
        if not block or key > block[-1]:
            block.append(key)
        else:
            at = bisect_left(block, key)
            assert block[at] != key, f"{key!r} is in the index already"
            block.insert(at, key)
        if self.first is None or key < self.first:
            self.first = key
        self._count += 1
        if len(block) > BLOCK_MAX:
            half = block[BLOCK_MAX // 2 :]
            del block[BLOCK_MAX // 2 :]
            self._blocks.insert(number + 1, half)
            insort(self._lasts, block[-1])

    def remove(self, key: K) -> None:
        """Take `key` out; removing one that is not there is a bug of ours (AssertionError)."""
        number = bisect_left(self._lasts, key) if self._lasts else 0
        block = self._blocks[number]
        at = bisect_left(block, key)
        there = at < len(block) and block[at] == key
        assert there, f"{key!r} is not in the index"
        del block[at]
        self._count -= 1
        if not block and self._lasts:
            del self._blocks[number]
            del self._lasts[min(number, len(self._lasts) - 1)]
        if at == 0:
            head = self._blocks[0]
            self.first = head[0] if head else None

    def rank(self, key: K) -> int:
        """How many keys are smaller."""
        number = bisect_left(self._lasts, key)
        return sum(map(len, self._blocks[:number])) + bisect_left(self._blocks[number], key)

    def __iter__(self) -> Iterator[K]:
        for block in self._blocks:
            yield from block

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: K) -> bool:
        block = self._blocks[bisect_left(self._lasts, key)]
        at = bisect_left(block, key)
        return at < len(block) and block[at] == key
