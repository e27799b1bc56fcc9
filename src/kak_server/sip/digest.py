"""Digest authentication: the hashes, and our side as a client (RFC 3261 section 22, RFC 7616, RFC 8760).

A challenge is read with `parse_challenge`, the strongest of several is found by `strongest`, and `authorization` writes
the header that answers it. The server's side is `digest_server`. Quoted values are kept as they came, escapes and all:
that is what both the header and the hash want (unq() of RFC 7616 3.4 removes the quotes and nothing else).
"""

import hashlib
import re
from collections.abc import Callable, Iterable

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError

MAX_HEADER_CHARACTERS = 4_096
MAX_PARAMS = 32
MAX_VALUE_CHARACTERS = 1_024
_SCHEME = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+)[ \t]+")
# A backslash outside of quotes is no token's (RFC 3261 25.1): inside our own quotes it would escape what follows it
_PARAM = re.compile(r'[ \t]*([A-Za-z0-9.!%*_+`\'~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t,"\\]+))[ \t]*(?:,|\Z)')
_EMPTY = re.compile(r"[ \t]*(?:,|\Z)")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha512_256(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def _hashes() -> dict[str, Callable[[bytes], str]]:
    """What this Python can compute, the strongest first. MD5 stays for peers that know nothing else (RFC 8760 2.1)."""
    found: dict[str, Callable[[bytes], str]] = {}
    if "sha512_256" in hashlib.algorithms_available:
        found["SHA-512-256"] = _sha512_256
    return found | {"SHA-256": _sha256, "MD5": _md5}


_HASHES = _hashes()
ALGORITHMS = tuple(_HASHES)


@frozen
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate value that we can answer."""

    realm: str
    nonce: str
    algorithm: str = "MD5"  # of ALGORITHMS; MD5 when the peer named none (RFC 7616 3.3)
    qop: bool = True  # it offers "auth"; False: it knows no qop (RFC 2069)
    opaque: str | None = None
    stale: bool = False  # the password was right, the nonce too old: answer again with this one


def parse_params(text: str) -> dict[str, str] | None:
    """Parameters of a challenge or of credentials, quotes removed, escapes kept; None for another scheme than Digest.

    Raises ParseError: bad grammar, a parameter given twice, too much of it.
    """
    text = text.strip(" \t")
    if len(text) > MAX_HEADER_CHARACTERS:
        raise ParseError("credentials are too long")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise ParseError("credentials without a scheme")
    if scheme[1].lower() != "digest":
        return None
    params: dict[str, str] = {}
    position = scheme.end()
    while position < len(text):
        empty = _EMPTY.match(text, position)
        if empty is not None:  # a list may have empty elements
            position = empty.end()
            continue
        found = _PARAM.match(text, position)
        if found is None:
            raise ParseError("bad parameter of credentials")
        name = found[1].lower()
        value = found[2] if found[2] is not None else found[3]
        if name in params:
            raise ParseError("a parameter of credentials is given twice")
        if len(params) >= MAX_PARAMS or len(value) > MAX_VALUE_CHARACTERS:
            raise ParseError("credentials are too long")
        params[name] = value
        position = found.end()
    return params


def algorithm_named(text: str | None) -> str | None:
    """Our name of an algorithm parameter; None for one that we do not have (among them the -sess variants)."""
    if text is None:
        return "MD5"
    return next((name for name in ALGORITHMS if name.lower() == text.lower()), None)


def parse_challenge(text: str) -> Challenge | None:
    """A challenge; None for one that is well-formed but beyond us: another scheme, algorithm or qop.

    Raises ParseError.
    """
    params = parse_params(text)
    if params is None:
        return None
    if "realm" not in params or "nonce" not in params:
        raise ParseError("a challenge without realm or nonce")
    algorithm = algorithm_named(params.get("algorithm"))
    qops = [option.strip().lower() for option in params.get("qop", "").split(",")] if "qop" in params else None
    if algorithm is None or (qops is not None and "auth" not in qops):
        return None
    return Challenge(
        params["realm"],
        params["nonce"],
        algorithm,
        qops is not None,
        params.get("opaque"),
        params.get("stale", "").lower() == "true",
    )


def strongest(values: Iterable[str]) -> Challenge | None:
    """The challenge to answer among the values of a header, each one line (they are not comma-separated, RFC 3261
    7.3.1): the strongest algorithm, then the topmost (RFC 8760 2.4). None: none of them can be answered."""
    best: Challenge | None = None
    for value in values:
        try:
            found = parse_challenge(value)
        except ParseError:
            continue  # one line that cannot be read takes nothing from the others
        if found is not None and (best is None or ALGORITHMS.index(found.algorithm) < ALGORITHMS.index(best.algorithm)):
            best = found
    return best


def hashed(algorithm: str, username: str, realm: str, password: str) -> str:
    """HA1 (RFC 7616 3.4.2), which stands for the password in one realm and for one algorithm, in hexadecimal."""
    return _HASHES[algorithm](f"{username}:{realm}:{password}".encode())


def stored(username: str, realm: str, password: str) -> dict[str, str]:
    """HA1 for each algorithm of ours: what a server needs to keep instead of the password."""
    return {algorithm: hashed(algorithm, username, realm, password) for algorithm in ALGORITHMS}


def response_of(
    algorithm: str, ha1: str, nonce: str, method: str, uri: str, *, nc: str = "", cnonce: str = "", qop: str = ""
) -> str:
    """The response parameter (RFC 7616 3.4.1); without `qop` that of RFC 2069."""
    hash_of = _HASHES[algorithm]
    ha2 = hash_of(f"{method}:{uri}".encode())
    middle = f"{nc}:{cnonce}:{qop}:" if qop else ""
    return hash_of(f"{ha1}:{nonce}:{middle}{ha2}".encode())


def authorization(
    challenge: Challenge, username: str, password: str, method: str, uri: str, *, cnonce: str, count: int = 1
) -> str:
    """The value of Authorization (for a WWW-Authenticate) or Proxy-Authorization that answers a challenge.

    `uri` is the Request-URI as it is sent, `cnonce` a fresh random token, `count` how many requests have used this
    nonce, this one included (RFC 7616 3.4: nc).
    """
    username = _escaped(username)
    ha1 = hashed(challenge.algorithm, username, challenge.realm, password)
    nc, qop = (f"{count:08x}", "auth") if challenge.qop else ("", "")
    response = response_of(
        challenge.algorithm, ha1, challenge.nonce, method, uri, nc=nc, cnonce=cnonce if qop else "", qop=qop
    )
    parts = [
        f'username="{username}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",  # not quoted, as nc and qop (RFC 7616 3.4)
    ]
    if qop:
        parts += [f'cnonce="{cnonce}"', f"nc={nc}", f"qop={qop}"]
    if challenge.opaque is not None:
        parts.append(f'opaque="{challenge.opaque}"')
    return "Digest " + ", ".join(parts)


def _escaped(text: str) -> str:
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean.replace("\\", "\\\\").replace('"', '\\"')
