"""URIs as SIP carries them: sip and sips in parts, all others as scheme and rest (RFC 3261 sections 19.1, 25.1)."""

import ipaddress
import re
from dataclasses import field
from functools import lru_cache
from urllib.parse import unquote

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError

_REMEMBERED_CHARS = 128
_REMEMBERED_URIS = 4096
_ADDRESS_CHARS = 64  # more than any address has, with a zone
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_USER = re.compile(r"(?:[A-Za-z0-9_.!~*'()&=+$,;?/-]|%[0-9A-Fa-f]{2})+\Z")
_PASSWORD = re.compile(r"(?:[A-Za-z0-9_.!~*'()&=+$,-]|%[0-9A-Fa-f]{2})*\Z")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?\Z")
_PARAMETER = re.compile(r"(?:[\[\]/:&+$A-Za-z0-9_.!~*'()-]|%[0-9A-Fa-f]{2})+\Z")
_OPAQUE = re.compile(r"[\x21-\x7e]+\Z")
# RFC 5118 4.10: RFC 3261's grammar let a third colon stand before an IPv4 tail; both spellings must be taken
_THREE_COLONS = re.compile(r"(?<!:):::(?=[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z)")
_SEPARATORS = str.maketrans("", "", "-.() ")  # RFC 3966 visual separators mean nothing
_PHONE = re.compile(r"\+?[0-9*#A-Da-d]+\Z")


@frozen
class Uri:
    """A parsed URI. For sip and sips the parts are filled; for others only `scheme` and `rest`."""

    scheme: str  # lower case
    rest: str  # what follows the colon, as it came
    user: str = ""  # unescaped, without password
    host: str = ""  # lower case, an IPv6 address without brackets
    port: int | None = None
    params: dict[str, str] = field(default_factory=dict)  # names lower case; "" for a flag

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


def parse_uri(text: str) -> Uri:
    """Parse a URI. Raises ParseError where the grammar is broken.

    The same few come in every message of a call, so short ones are remembered; treat `params` as read-only.
    """
    return _parse_remembered(text) if len(text) <= _REMEMBERED_CHARS else _parse(text)


def _parse(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if not colon or not _SCHEME.match(scheme) or not rest or not _OPAQUE.match(rest):
        raise ParseError(f"not a URI: {text[:80]!r}")
    scheme = scheme.lower()
    if scheme not in ("sip", "sips"):
        if "<" in rest or ">" in rest or '"' in rest:
            raise ParseError("delimiter in a URI")
        return Uri(scheme, rest)
    userinfo, at, hostpart = rest.rpartition("@")
    user = _parse_user(userinfo) if at else ""
    hostpart = hostpart.partition("?")[0]  # headers in a URI are for forming requests (19.1.5), not for us
    hostport, *params = hostpart.split(";")
    host, port = parse_hostport(hostport)
    return Uri(scheme, rest, user, host, port, _parse_params(params))


_parse_remembered = lru_cache(_REMEMBERED_URIS)(_parse)


def _parse_user(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    if not _USER.match(user) or not _PASSWORD.match(password):
        raise ParseError(f"bad user part in a SIP URI: {userinfo[:80]!r}")
    return unquote(user, errors="replace")


def _parse_params(items: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not _PARAMETER.match(name) or (equals and not _PARAMETER.match(value)):
            raise ParseError(f"bad parameter in a SIP URI: {item[:80]!r}")
        if name.lower() in params:
            raise ParseError(f"parameter given twice in a SIP URI: {name[:80]!r}")  # 19.1.1
        params[name.lower()] = value
    return params


def parse_hostport(text: str) -> tuple[str, int | None]:
    """`host[:port]` with an IPv6 address in brackets; the port None when absent. Raises ParseError."""
    if text.startswith("["):
        host, bracket, port_text = text[1:].partition("]")
        try:
            host = str(ipaddress.IPv6Address(_THREE_COLONS.sub("::", host)))
        except ValueError:
            raise ParseError(f"bad IPv6 reference: {text[:80]!r}") from None
        if not bracket or (port_text and not port_text.startswith(":")):
            raise ParseError(f"bad IPv6 reference: {text[:80]!r}")
        return host, _parse_port(port_text[1:]) if port_text else None
    host, colon, port_text = text.partition(":")
    if not _HOST.match(host) or len(host) > 255:
        raise ParseError(f"bad host: {host[:80]!r}")
    return host.lower(), _parse_port(port_text) if colon else None


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65_536):
        raise ParseError(f"bad port: {text[:20]!r}")
    return int(text)


def is_ip(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 literal (without brackets)."""
    return len(host) <= _ADDRESS_CHARS and _is_ip(host)


@lru_cache(_REMEMBERED_URIS)
def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_unspecified(host: str) -> bool:
    """Whether `host` is 0.0.0.0 or ::, however that is written."""
    return host[:1] in "0:" and is_ip(host) and ipaddress.ip_address(host).is_unspecified


def bracketed(host: str) -> str:
    """A host as it stands in a URI or a Via: an IPv6 address gets its brackets."""
    return f"[{host}]" if ":" in host else host


def number_of(uri: Uri) -> str:
    """The telephone number or user name of a URI: separators and parameters removed (RFC 3966 section 3).

    For a URN the whole URN in lower case (service URNs compare without case, RFC 5031 section 4).
    """
    if uri.scheme in ("sip", "sips"):
        text = uri.user.partition(";")[0]  # a telephone-subscriber keeps its parameters in the user part (19.1.6)
    elif uri.scheme == "tel":
        text = uri.rest.partition(";")[0]
    else:
        return str(uri).lower()
    plain = text.translate(_SEPARATORS)
    return plain if _PHONE.match(plain) else text
