"""Entropy for the pure rooms."""

import secrets
import time


class RandomIds:
    """Ids that are unique without asking anybody: the time in front for people and for sorting, randomness behind."""

    def new(self, kind: str) -> str:
        """A fresh id: `c20261122-103015-9f2ab4` for a contact, a long unguessable token for a video link."""
        if kind == "contact":
            return f"c{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
        if kind == "video":
            return secrets.token_urlsafe(18)
        return f"{kind[:1]}-{secrets.token_hex(8)}"

    def bits(self, count: int) -> int:
        """`count` random bits."""
        return secrets.randbits(count)
