"""Targets that did not answer: tried last for a while (RFC 3263 section 4.3, failover)."""

from kak_server.sip.api import Target, Transport

MAX_DEAD = 1024
_Place = tuple[Transport, str, int]


class DeadTargets:
    """A list of places with the time until which each counts as dead. Times are UTC milliseconds."""

    def __init__(self, keep_ms: int) -> None:
        self._keep_ms = keep_ms
        self._until_ms: dict[_Place, int] = {}

    def __len__(self) -> int:
        return len(self._until_ms)

    def mark(self, target: Target, now_ms: int) -> None:
        """It did not answer, or could not be reached."""
        place = _place(target)
        self._until_ms.pop(place, None)
        if len(self._until_ms) >= MAX_DEAD:
            self._expire(now_ms)
        if len(self._until_ms) >= MAX_DEAD:
            del self._until_ms[next(iter(self._until_ms))]  # the oldest
        self._until_ms[place] = now_ms + self._keep_ms

    def clear(self, target: Target) -> None:
        """It answered."""
        self._until_ms.pop(_place(target), None)

    def order(self, targets: tuple[Target, ...], now_ms: int) -> tuple[Target, ...]:
        """The living first, otherwise as they were; the dead stay: better a try than none at all."""
        if not self._until_ms:
            return targets
        return tuple(sorted(targets, key=lambda target: self._until_ms.get(_place(target), 0) > now_ms))

    def _expire(self, now_ms: int) -> None:
        self._until_ms = {place: until_ms for place, until_ms in self._until_ms.items() if until_ms > now_ms}


def _place(target: Target) -> _Place:
    return target.transport, target.host, target.port
