"""Entropy for the pure rooms."""

import secrets
import time

_AT_ONCE = 64


class RandomIds:
    """Ids that are unique without asking anybody: the time in front for people and for sorting, randomness behind."""

    def __init__(self) -> None:
        self._random: list[str] = []

    def new(self, kind: str) -> str:
        """A fresh id: `c20261122-103015-9f2ab4` for a contact, a long unguessable token for a video link."""
        if kind == "contact":
            return f"c{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
        if kind == "video":
            return secrets.token_urlsafe(18)
        # The system is asked for many at once: a call takes several
        if not self._random:
            fresh = secrets.token_bytes(_AT_ONCE * 8)
            self._random = [fresh[start : start + 8].hex() for start in range(0, len(fresh), 8)]
        return f"{kind[:1]}-{self._random.pop()}"

    def bits(self, count: int) -> int:
        """`count` random bits."""
        return secrets.randbits(count)
