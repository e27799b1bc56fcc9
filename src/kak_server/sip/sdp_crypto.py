"""Keys in session descriptions: a=crypto lines (RFC 4568) with the suites of RFC 4568 6.2 and RFC 7714 12.

A key is for one direction: the line in our description says what we send with, the peer's what it sends with. Keys
never show in a repr or an error; `hide_keys` takes them out of a message that is to be shown.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.sdp_text import Media

Suite = Literal["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_32"]

KEY_BYTES: dict[Suite, int] = {  # master key and salt
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AEAD_AES_128_GCM": 28,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
SUITES: tuple[Suite, ...] = tuple(KEY_BYTES)  # in our order of preference: what everybody has comes first
OFFERED: tuple[Suite, ...] = ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM")
SECRET_BITS = 8 * sum(KEY_BYTES.values())  # of entropy for all keys of one description
_CHANCE_BITS = 64
MAX_LINES = 32  # more crypto lines of one stream are not looked at
MKI_BYTES_MAX = 128
_LIFETIME_MAX = 1 << 48  # RFC 3711 9.2, packets of RTP
_TAG = re.compile(r"[0-9]{1,9}\Z")
_MKI = re.compile(r"([0-9]{1,39}):([0-9]{1,3})\Z")
_LIFETIME = re.compile(r"(?:2\^([0-9]{1,2})|([0-9]{1,15}))\Z")
_SHOWN = re.compile(rb"(?i)(inline:[ \t]*)([^\s|;]+)")


@frozen
class Crypto:
    """One usable a=crypto line. `mki_bytes`: so long a master key identifier is in each packet (0: none)."""

    tag: int
    suite: Suite
    key: bytes = field(repr=False)
    lifetime: int = _LIFETIME_MAX
    mki: int = 0
    mki_bytes: int = 0

    def value(self) -> str:
        """The attribute's value as we write it: no lifetime, no identifier, no parameters."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode('ascii')}"


@frozen
class SrtpKeys:
    """What both sides agreed on, seen from us. Keys are master key and salt."""

    suite: Suite
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)
    receive_mki_bytes: int = 0


def cryptos_of(media: Media) -> Iterator[Crypto]:
    """The lines we can use, in the peer's order of preference; others are passed over (RFC 4568 5.1.2)."""
    for value in media.values("crypto")[:MAX_LINES]:
        found = parse_crypto(value)
        if found is not None:
            yield found


def chosen_crypto(media: Media, keep: Suite | None = None) -> Crypto | None:
    """The line to answer: the suite in use if it is there, else ours by preference."""
    usable = {one.suite: one for one in reversed(list(cryptos_of(media)))}
    order = (keep, *SUITES) if keep else SUITES
    return next((usable[suite] for suite in order if suite in usable), None)


def parse_crypto(value: str) -> Crypto | None:
    """One attribute value (RFC 4568 9.2); None for what is malformed, and for what we must not accept: an unknown
    suite, several keys, a parameter that weakens the stream or that we do not know (6.3.7)."""
    words = value.split()
    if len(words) < 3 or not _TAG.match(words[0]):
        return None
    suite = next((one for one in SUITES if one == words[1]), None)
    if suite is None or not all(map(_acceptable, words[3:])):
        return None
    method, _, info = words[2].partition(":")
    if method.lower() != "inline" or ";" in info:
        return None
    encoded, *rest = info.split("|")
    key = _key(encoded, KEY_BYTES[suite])
    if key is None or len(rest) > 2:
        return None
    lifetime, mki, mki_bytes = _LIFETIME_MAX, 0, 0
    for text in rest:
        if match := _MKI.match(text):
            mki, mki_bytes = int(match.group(1)), int(match.group(2))
            if not 1 <= mki_bytes <= MKI_BYTES_MAX or mki >= 1 << (8 * mki_bytes):
                return None
        elif match := _LIFETIME.match(text):
            lifetime = 1 << int(match.group(1)) if match.group(1) else int(match.group(2))
            if not 1 <= lifetime <= _LIFETIME_MAX:
                return None
        else:
            return None
    return Crypto(int(words[0]), suite, key, lifetime, mki, mki_bytes)


def _acceptable(parameter: str) -> bool:
    """6.3: a hint at the replay window's size changes nothing here; one marked "-" may be ignored; all else must be
    done or the line refused."""
    return parameter.upper().startswith(("WSH=", "-"))


def _key(encoded: str, size: int) -> bytes | None:
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)  # some peers leave padding out
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == size else None


def our_key(suite: Suite, secret: int) -> bytes:
    """Our key for a suite out of SECRET_BITS of entropy: no two suites share a bit of it. Raises ValueError for a
    number that small chance would not give: the caller's mistake, and never a key of zeros."""
    if not secret >> (SECRET_BITS - _CHANCE_BITS):
        raise ValueError(f"SRTP needs a secret of {SECRET_BITS} random bits")
    at = sum(KEY_BYTES[one] for one in SUITES[: SUITES.index(suite)])
    return secret.to_bytes(SECRET_BITS // 8, "big")[at : at + KEY_BYTES[suite]]


def derived_key(suite: Suite, key: bytes) -> bytes:
    """A key for another suite out of one we have, one way."""
    return hashlib.sha512(suite.encode() + b"|" + key).digest()[: KEY_BYTES[suite]]


def hide_keys(message: bytes) -> bytes:
    """A SIP message without the keys in it, and as long as it was."""
    if b"inline:" not in message.lower():
        return message
    return _SHOWN.sub(lambda match: match.group(1) + b"*" * len(match.group(2)), message)
