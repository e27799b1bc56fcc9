"""Entropy for the pure rooms."""

import secrets
import time

_AT_ONCE_BYTES = 1_024


class RandomIds:
    """Ids that are unique without asking anybody: the time in front for people and for sorting, randomness behind."""

    def __init__(self) -> None:
        self._random = b""  # of the system, which is asked for many at once: a call takes several
        self._used = 0

    def new(self, kind: str) -> str:
        """A fresh id: `c20261122-103015-9f2ab4` for a contact, a long unguessable token for a video link."""
        if kind == "contact":
            return f"c{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
        if kind == "video":
            return secrets.token_urlsafe(18)
        return f"{kind[:1]}-{self._bytes(8).hex()}"

    def bits(self, count: int) -> int:
        """`count` random bits."""
        count_bytes = (count + 7) // 8
        return int.from_bytes(self._bytes(count_bytes)) >> (8 * count_bytes - count)

    def _bytes(self, count: int) -> bytes:
        """So many that nobody has had."""
        begin, self._used = self._used, self._used + count
        if self._used > len(self._random):
            self._random = secrets.token_bytes(max(_AT_ONCE_BYTES, count))
            begin, self._used = 0, count
        return self._random[begin : self._used]
