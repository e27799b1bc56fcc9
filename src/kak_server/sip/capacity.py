"""How many calls are let in, and how fast: above capacity emergency calls still get in, others hear 503 with a time to
come back. Refusals cost no transaction and no call (RFC 3261 8.2.7, 21.5.4; RFC 5390 on why they must be cheap)."""

import hashlib
from collections.abc import Callable

from kak_server.sip.admission import Refusal
from kak_server.sip.api import SipSettings, TrunkSettings
from kak_server.sip.devices import DEVICES
from kak_server.sip.rates import Buckets, Rate

LATE_SAMPLES = 3
_TRANSACTIONS_SHARE = 0.9  # of all transactions; the rest is for emergency calls


class Capacity:
    """Asked once for each INVITE outside a dialog. `active` tells the calls that are up, of a trunk or ("") of all."""

    def __init__(self, settings: SipSettings, active: Callable[[str], int]) -> None:
        self._settings = settings
        self._active = active
        peers = (*settings.trunks, DEVICES)
        self._by_trunk = {trunk.name: Buckets(trunk.rate, 1) for trunk in peers}
        self._by_source = {trunk.name: Buckets(trunk.source_rate) for trunk in peers}
        self._late = False
        self._late_samples = 0

    def lag(self, lag_ms: int, waiting_bytes: int = 0) -> None:
        """How late the event loop ran last, and how much stands in the sockets that nobody has read: a loop that takes
        a little at a time is on time, and its calls are not. One stall is no overload: it takes LATE_SAMPLES in a
        row."""
        load = self._settings.load
        if not self._late:
            late = load.lag_ms > 0 and (lag_ms > load.lag_ms or waiting_bytes > load.waiting_bytes)
            self._late_samples = self._late_samples + 1 if late else 0
            self._late = self._late_samples >= LATE_SAMPLES
        elif lag_ms <= load.lag_ms / 2 and waiting_bytes <= load.waiting_bytes / 2:
            self._late, self._late_samples = False, 0

    def refusal(self, trunk: TrunkSettings, host: str, *, emergency: bool, used: float, now_ms: int) -> str:
        """Why a new call from `host` is not let in; "" when it is. `used`: share of the transactions that are taken."""
        settings = self._settings
        everything = self._active("")
        if emergency:
            return "full" if everything >= settings.max_calls or used >= 1 else ""
        if everything >= settings.max_calls - settings.load.reserve_calls or used >= _TRANSACTIONS_SHARE:
            return "full"
        if trunk.max_calls and self._active(trunk.name) >= trunk.max_calls:
            return "trunk-full"
        if self._late:
            return "late"
        # The source first: one that is too fast does not use up its trunk's rate
        if trunk.name not in self._by_trunk:
            return ""  # of a device of ours
        if not self._by_source[trunk.name].take(host, now_ms):
            return "source-rate"
        if not self._by_trunk[trunk.name].take("", now_ms):
            return "trunk-rate"
        return ""

    def too_busy(self, why: str, entropy: str) -> Refusal:
        """The 503. `entropy`: a fresh random token, which spreads the returns."""
        least_s = self._settings.load.retry_after_s
        spread = int.from_bytes(hashlib.blake2s(entropy.encode(), digest_size=4).digest()) % (2 * least_s + 1)
        return Refusal(503, why, (("Retry-After", str(least_s + spread)),))


class Strangers:
    """Answers to peers we do not know: few, and never more bytes than came, so that nobody is hit by way of us."""

    def __init__(self, one: Rate, everybody: Rate) -> None:
        self._one = Buckets(one)
        self._everybody = Buckets(everybody, 1)

    def may_answer(self, host: str, now_ms: int) -> bool:
        """Whether an answer may go to `host` now."""
        return self._one.take(host, now_ms) and self._everybody.take("", now_ms)
