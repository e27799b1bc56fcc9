"""How often something may happen: token buckets by key, in bounded memory, on a clock of the caller's."""

from collections import OrderedDict

from kak_server.model.light import frozen

KEYS_MAX = 4_096


@frozen
class Rate:
    """`per_s` a second in the long run, `burst` at once. No rate at all (`per_s` 0): as often as one likes."""

    per_s: float = 0.0
    burst: float = 1.0


class Buckets:
    """One bucket a key. In any time of `t` seconds a key is granted at most `burst + per_s * t` times, unless more
    than `keys_max` keys take turns: then the longest unused is forgotten, and starts full when it comes back."""

    def __init__(self, rate: Rate, keys_max: int = KEYS_MAX) -> None:
        self.rate = rate
        self._keys_max = keys_max
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()  # tokens, and when they were counted

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now_ms: int) -> bool:
        """Whether it may happen now; if so it counts. A clock that went back stands still."""
        rate = self.rate
        if not rate.per_s:
            return True
        tokens, at_ms = self._buckets.pop(key, (rate.burst, now_ms))
        if now_ms > at_ms:
            tokens = min(rate.burst, tokens + (now_ms - at_ms) * rate.per_s / 1000)
            at_ms = now_ms
        granted = tokens >= 1
        if len(self._buckets) >= self._keys_max:
            self._buckets.popitem(last=False)
        self._buckets[key] = (tokens - 1 if granted else tokens, at_ms)
        return granted
