"""Whether a target's work is linear: at ten times the size at most twice the CPU time a byte.

Two kinds of input: those the target says it can be hurt with (`GROWING`), and those the fuzzer found, a stretch of them
repeated until they are large. CPU time and not counted lines, since most of the work is in regular expressions and
other C code that counts no lines.
"""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fuzz.targets.index import Target

TIMES_A_BYTE_MAX = 2.0
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


def ratio_of(check: Callable[[bytes], None], small: bytes, large: bytes) -> float:
    """Time a byte of `large` over time a byte of `small`; the best of several attempts, the machine being shared."""
    best = float("inf")
    for _ in range(_ATTEMPTS):
        small_s, large_s = seconds_of(check, small), seconds_of(check, large)
        best = min(best, (large_s / max(1, len(large))) / (small_s / max(1, len(small))))
        if best <= TIMES_A_BYTE_MAX:
            break
    return best


def pumped(corpus: list[bytes], small_bytes: int, seed: int) -> Iterable[tuple[str, bytes, bytes]]:
    """Inputs of the corpus with a stretch repeated: to `small_bytes`, and to ten times that."""
    source = random.Random(seed)
    for number in range(_PUMPS if corpus else 0):
        data = source.choice(corpus)[:small_bytes]
        start = source.randrange(len(data) + 1)
        piece = data[start : start + source.choice((1, 2, 3, 8, 30, 100))] or b" "
        times = max(1, (small_bytes - len(data)) // len(piece))
        yield (
            f"pump {number}",
            data[:start] + piece * times + data[start:],
            data[:start] + piece * 10 * times + data[start:],
        )


def measure(target: Target, corpus: list[bytes], pumps_s: float, seed: int = 1) -> list[Slow]:
    """Every family of the target, and pumped inputs of the corpus for about `pumps_s`. Those that are not linear."""
    small_bytes = target.MAX_BYTES // 10
    families = [(name, grow(small_bytes), grow(10 * small_bytes)) for name, grow in target.GROWING.items()]
    slow = []
    for name, small, large in families:
        ratio = ratio_of(target.check, small, large)
        if ratio > TIMES_A_BYTE_MAX:
            slow.append(Slow(name, len(small), ratio, large))
    until_s = time.monotonic() + pumps_s
    for name, small, large in pumped(corpus, small_bytes, seed):
        if time.monotonic() > until_s:
            break
        ratio = ratio_of(target.check, small, large)
        if ratio > TIMES_A_BYTE_MAX:
            slow.append(Slow(name, len(small), ratio, large))
    return slow
