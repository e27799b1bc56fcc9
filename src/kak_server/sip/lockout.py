"""Wrong passwords counted by key; too many within a while, and nothing more is tried for as long."""

from collections import OrderedDict

MAX_KEYS = 4_096
Key = tuple[str, str]  # ("address", host) or ("device", id)


class Lockout:
    """Bounded: beyond MAX_KEYS the key that failed longest ago is forgotten."""

    def __init__(self, failures: int, lock_ms: int) -> None:
        self._failures = failures
        self._lock_ms = lock_ms
        self._failed_ms: OrderedDict[Key, list[int]] = OrderedDict()
        self._until_ms: OrderedDict[Key, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed_ms) + len(self._until_ms)

    def left_ms(self, key: Key, now_ms: int) -> int:
        """For how long the key is still locked; 0: it is not."""
        until_ms = self._until_ms.get(key, 0)
        if until_ms and until_ms <= now_ms:
            del self._until_ms[key]
        return max(0, until_ms - now_ms)

    def failed(self, key: Key, now_ms: int) -> bool:
        """One more failure; True when it locks the key. While locked nothing counts, so that a lock always ends."""
        if self.left_ms(key, now_ms):
            return False
        recent = [at_ms for at_ms in self._failed_ms.pop(key, []) if now_ms - at_ms < self._lock_ms]
        recent.append(now_ms)
        if len(recent) < self._failures:
            _put(self._failed_ms, key, recent)
            return False
        _put(self._until_ms, key, now_ms + self._lock_ms)
        return True


def _put(table: OrderedDict[Key, list[int]] | OrderedDict[Key, int], key: Key, value: list[int] | int) -> None:
    table.pop(key, None)
    while len(table) >= MAX_KEYS:
        table.popitem(last=False)
    table[key] = value  # type: ignore[assignment]
