"""Whether a target's work is linear: at ten times the size at most twice the CPU time a byte.

Two kinds of input: those the target says it can be hurt with (`GROWING`), and those the fuzzer found, a stretch of them
repeated until they are large. CPU time and not counted lines, since most of the work is in regular expressions and
other C code that counts no lines.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fuzz.targets.index import Target

TIMES_A_BYTE_MAX = 2.0
_TIMES_FROM_HALF_MAX = 1.35
_ATTEMPTS = 4
_SHORTEST_S = 0.004  # a measurement is repeated until it took so long
_PUMPS = 150


@dataclass(frozen=True, slots=True)
class Slow:
    """An input family whose work grows faster than its size."""

    name: str
    small_bytes: int
    ratio: float
    sample: bytes


def seconds_of(check: Callable[[bytes], None], data: bytes) -> float:
    """CPU time of one check: the best of three, each long enough to measure."""
    best = float("inf")
    for _ in range(3):
        rounds, spent = 0, 0.0
        while spent < _SHORTEST_S:
            start = time.process_time()
            check(data)
            spent += time.process_time() - start
            rounds += 1
        best = min(best, spent / rounds)
    return best


def ratio_of(check: Callable[[bytes], None], small: bytes, large: bytes, enough: float) -> float:
    """Time a byte of `large` over time a byte of `small`; the best of several attempts, the
    machine being shared, and of no more once it is `enough`."""
    best = float("inf")
    for _ in range(_ATTEMPTS):
        small_s, large_s = seconds_of(check, small), seconds_of(check, large)
        best = min(best, (large_s / max(1, len(large))) / (small_s / max(1, len(small))))
        if best <= enough:
            break
    return best


def grows(check: Callable[[bytes], None], small: bytes, middle: bytes, large: bytes) -> float:
    """By how much the time a byte grows from `small` to ten times that, 0 for a growth that is none.

    From `middle`, half of `large`, it must grow too: otherwise a limit lies between (a message that is whole at last),
    and the work is another, not more of the same.
    """
    ratio = ratio_of(check, small, large, TIMES_A_BYTE_MAX)
    if ratio <= TIMES_A_BYTE_MAX or ratio_of(check, middle, large, _TIMES_FROM_HALF_MAX) <= _TIMES_FROM_HALF_MAX:
        return 0.0
    return ratio


def pumped(corpus: list[bytes], small_bytes: int, seed: int) -> Iterable[tuple[str, bytes, bytes, bytes]]:
    """Inputs of the corpus with a stretch repeated: to `small_bytes`, to five and to ten times that."""
    source = random.Random(seed)
    for number in range(_PUMPS if corpus else 0):
        data = source.choice(corpus)[: small_bytes // 2]
        start = source.randrange(len(data) + 1)
        piece = data[start : start + source.choice((1, 2, 3, 8, 30, 100))] or b" "
        sizes = (small_bytes, 5 * small_bytes, 10 * small_bytes)
        small, middle, large = (
            data[:start] + piece * max(1, (size - len(data)) // len(piece)) + data[start:] for size in sizes
        )
        yield f"pump {number}", small, middle, large


def measure(target: Target, corpus: list[bytes], pumps_s: float, seed: int = 1) -> list[Slow]:
    """Every family of the target, and pumped inputs of the corpus for about `pumps_s`. Those that are not linear."""
    small_bytes = target.MAX_BYTES // 10
    families = [
        (name, grow(small_bytes), grow(5 * small_bytes), grow(10 * small_bytes))
        for name, grow in target.GROWING.items()
    ]
    until_s = time.monotonic() + pumps_s
    slow = []
    for name, small, middle, large in itertools.chain(families, pumped(corpus, small_bytes, seed)):
        if name.startswith("pump ") and time.monotonic() > until_s:
            break
        ratio = grows(target.check, small, middle, large)
        if ratio:
            slow.append(Slow(name, len(small), ratio, large))
    return slow
