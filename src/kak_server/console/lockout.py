"""How often sign-in may be tried: a limit per user name and address, and one per address.

Never per user name alone: a stranger who mistypes a name on purpose must not be able to lock an emergency operator out.
An attempt counts when it begins and is given back when it succeeds, so that a volley in parallel counts in full.
"""

from collections import OrderedDict, deque

from kak_server.model.light import frozen


@frozen
class LockoutLimits:
    """Failures allowed within the window, which slides."""

    window_ms: int = 300_000
    per_user_and_address: int = 8
    per_address: int = 100
    entries_max: int = 20_000


class Lockout:
    """Counts attempts. Bounded: when full, the keys that have been quiet longest are forgotten."""

    def __init__(self, limits: LockoutLimits = LockoutLimits()) -> None:
        self._limits = limits
        self._attempts: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._attempts)

    def try_begin(self, address: str, username: str, now_ms: int) -> int:
        """Count an attempt. Returns 0 when it may go on, else for how many ms it must wait (and it is not counted)."""
        waits = [
            self._wait_ms((address, username), self._limits.per_user_and_address, now_ms),
            self._wait_ms((address, ""), self._limits.per_address, now_ms),
        ]
        if max(waits) > 0:
            return max(waits)
        for key in ((address, username), (address, "")):
            self._attempts.setdefault(key, deque()).append(now_ms)
            self._attempts.move_to_end(key)
        while len(self._attempts) > self._limits.entries_max:
            self._attempts.popitem(last=False)
        return 0

    def succeeded(self, address: str, username: str) -> None:
        """The attempt was right: the name's failures are forgiven, and the address gets this attempt back."""
        self._attempts.pop((address, username), None)
        common = self._attempts.get((address, ""))
        if common:
            common.pop()
            if not common:
                del self._attempts[(address, "")]

    def _wait_ms(self, key: tuple[str, str], allowed: int, now_ms: int) -> int:
        attempts = self._attempts.get(key)
        if attempts is None:
            return 0
        while attempts and now_ms - attempts[0] >= self._limits.window_ms:
            attempts.popleft()
        if not attempts:
            del self._attempts[key]
            return 0
        return attempts[0] + self._limits.window_ms - now_ms if len(attempts) >= allowed else 0
