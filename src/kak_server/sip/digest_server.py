"""Digest authentication, our side as a server: nonces, replays, verdicts (RFC 3261 22, RFC 7616 3.4-3.6, RFC 8760).

A nonce carries its own time and proof, so that a challenge costs no memory. Only a nonce that was used with the right
password is remembered, with the counts it was used with.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.digest import ALGORITHMS, algorithm_named, parse_params, response_of
from kak_server.sip.errors import ParseError
from kak_server.sip.uri import parse_uri

_NONCE = re.compile(r"([0-9a-f]{1,14})-([A-Za-z0-9]{1,64})-([0-9a-f]{32})\Z")
_COUNT = re.compile(r"[0-9A-Fa-f]{8}\Z")
_WINDOW = 64  # requests may overtake each other by so many counts


@frozen
class Answer:
    """The credentials of an Authorization or Proxy-Authorization header."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str  # lower case
    algorithm: str
    qop: bool
    cnonce: str = ""
    nc: str = ""  # as it came: eight hexadecimal digits


def parse_answer(text: str) -> Answer | None:
    """Credentials; None for a scheme, algorithm or qop that we never offer. Raises ParseError."""
    params = parse_params(text)
    if params is None:
        return None
    if any(name not in params for name in ("username", "realm", "nonce", "uri", "response")):
        raise ParseError("credentials are not complete")
    algorithm = algorithm_named(params.get("algorithm"))
    qop = params.get("qop")
    if algorithm is None or (qop is not None and qop.lower() != "auth"):
        return None
    if qop is not None and (not params.get("cnonce") or not _COUNT.match(params.get("nc", ""))):
        raise ParseError("credentials with qop, but without cnonce or nc")
    return Answer(
        params["username"],
        params["realm"],
        params["nonce"],
        params["uri"],
        params["response"].lower(),
        algorithm,
        qop is not None,
        params.get("cnonce", ""),
        params.get("nc", ""),
    )


def answer_for(values: Iterable[str], realm: str) -> Answer | None:
    """The credentials for our realm among the values of a header, each one line; of several the strongest.

    None: there are none. Raises ParseError when a line cannot be read.
    """
    answers = [found for value in values if (found := parse_answer(value)) is not None and found.realm == realm]
    return min(answers, key=lambda one: ALGORITHMS.index(one.algorithm), default=None)


Verdict = Literal["right", "wrong", "stale"]


class DigestServer:
    """Challenges of one realm, and the judgement of what is answered.

    `secret` proves our nonces; a new one after a restart only makes them stale. `scope` is whom a nonce is for, the
    source address say: used by another it is stale.
    """

    def __init__(self, realm: str, secret: bytes, *, lifetime_ms: int = 300_000, remembered: int = 4_096) -> None:
        self.realm = realm
        self._secret = secret
        self._lifetime_ms = lifetime_ms
        self._remembered = remembered
        self._used: dict[str, tuple[int, int]] = {}  # nonce: highest count, bit n set: that count minus n was used
        self._floor_ms = -1  # nonces issued until then are stale, for the counts of some were forgotten

    def __len__(self) -> int:
        return len(self._used)

    def nonce(self, now_ms: int, token: str, scope: str) -> str:
        """A new nonce; `token` (letters and digits) makes it unique."""
        issued = f"{now_ms:x}"
        return f"{issued}-{token}-{self._proof(issued, token, scope)}"

    def challenges(self, nonce: str, *, stale: bool = False, algorithms: Iterable[str] = ALGORITHMS) -> list[str]:
        """WWW-Authenticate values for a nonce, the preferred algorithm first (RFC 8760 2.3), one header line each."""
        late = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self.realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{late}'
            for algorithm in algorithms
        ]

    def judge(self, answer: Answer, ha1: Mapping[str, str], method: str, uri: str, now_ms: int, scope: str) -> Verdict:
        """Whether the credentials are those of the user whose hashes by algorithm are `ha1`.

        "stale": the nonce is too old, not ours, somebody else's, or used before: challenge again with stale=true. The
        password is not even looked at then, so that a nonce of one's own is no way to try passwords, and a forged
        source address, which never hears a nonce, cannot make anybody fail. "wrong" is a failure to be counted. A right
        answer uses its count up.
        """
        if not self._alive(answer.nonce, now_ms, scope):
            return "stale"
        expected = ha1.get(answer.algorithm)
        if expected is None:
            return "wrong"
        right = response_of(
            answer.algorithm,
            expected,
            answer.nonce,
            method,
            answer.uri,
            nc=answer.nc,
            cnonce=answer.cnonce,
            qop="auth" if answer.qop else "",
        )
        if not hmac.compare_digest(right.encode(), answer.response.encode()) or not _same(answer.uri, uri):
            return "wrong"
        return "right" if self._use(answer) else "stale"

    def _proof(self, issued: str, token: str, scope: str) -> str:
        return hmac.new(self._secret, f"{issued}-{token}-{scope}".encode(), hashlib.sha256).hexdigest()[:32]

    def _alive(self, nonce: str, now_ms: int, scope: str) -> bool:
        found = _NONCE.match(nonce)
        if found is None:
            return False
        issued, token, proof = found.groups()
        issued_ms = int(issued, 16)
        return (
            hmac.compare_digest(proof, self._proof(issued, token, scope))
            and self._floor_ms < issued_ms <= now_ms
            and now_ms - issued_ms <= self._lifetime_ms
        )

    def _use(self, answer: Answer) -> bool:
        """RFC 7616 3.4: each count once; without qop there is none, and the nonce serves once."""
        count = int(answer.nc, 16) if answer.qop else 0
        highest, seen = self._used.get(answer.nonce, (-1, 0))
        if count > highest:
            shift = count - highest
            seen = ((seen << shift) if shift < _WINDOW else 0) & ((1 << _WINDOW) - 1) | 1
            self._remember(answer.nonce, count, seen)
            return True
        behind = highest - count
        if behind >= _WINDOW or seen >> behind & 1:
            return False
        self._remember(answer.nonce, highest, seen | 1 << behind)
        return True

    def _remember(self, nonce: str, highest: int, seen: int) -> None:
        if nonce not in self._used and len(self._used) >= self._remembered:
            oldest = min(self._used, key=_issued_ms)
            del self._used[oldest]
            self._floor_ms = max(self._floor_ms, _issued_ms(oldest))
        self._used[nonce] = (highest, seen)

    def forget_old(self, now_ms: int) -> None:
        """Drop what was remembered of nonces that are too old to be used again."""
        self._used = {
            nonce: used for nonce, used in self._used.items() if now_ms - _issued_ms(nonce) <= self._lifetime_ms
        }


def _issued_ms(nonce: str) -> int:
    return int(nonce.partition("-")[0], 16)


def _same(claimed: str, actual: str) -> bool:
    """RFC 7616 3.4.6: the uri parameter and the Request-URI name the same resource; phones differ in parameters."""
    if claimed == actual:
        return True
    try:
        one, other = parse_uri(claimed), parse_uri(actual)
    except ParseError:
        return False
    return (one.scheme, one.user, one.host, one.port) == (other.scheme, other.user, other.host, other.port)
