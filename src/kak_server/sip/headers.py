"""Grammar of single header fields: lists, parameters, Via, name-addr, CSeq (RFC 3261 sections 7.3 and 25.1)."""

import re
from functools import lru_cache
from typing import NamedTuple

from kak_server.sip.errors import ParseError
from kak_server.sip.uri import Uri, parse_hostport, parse_uri

MAX_LIST_ITEMS = 128
MAX_PARAMS = 64
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+\Z")
_VIA = re.compile(
    r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z0-9.!%*_+`'~-]+)[ \t]+([^;]+)(.*)\Z", re.IGNORECASE | re.DOTALL
)
# What nearly every peer writes, read in one step; whatever else there is goes the long way
_USUAL_VIA = re.compile(
    r"SIP/2\.0/(UDP|TCP|TLS) ([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?):([1-9][0-9]{0,3}|[1-5][0-9]{4})"
    r"(;rport)?;branch=([A-Za-z0-9.!%*_+`'~-]+)(;rport)?\Z"
)
_USUAL_ADDRESS = re.compile(r'(?:"([^"\\]*)" ?)?<([^<>"\s]+)>(?:;tag=([A-Za-z0-9.!%*_+`\'~-]+))?\Z')
_ANY_VIA = re.compile(r"(SIP[ \t]*/[ \t]*[0-9.]{1,7}[ \t]*/[ \t]*[A-Za-z0-9.!%*_+`'~-]+[ \t]+)([^;,]+)", re.IGNORECASE)
_CSEQ = re.compile(r"([0-9]{1,12})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)\Z")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_MARKS = {separator: re.compile(f'["<{separator}]') for separator in ",;"}
_REMEMBERED_CHARS = 160
_REMEMBERED = 4096
_UNESCAPE = re.compile(r"\\(.)", re.DOTALL)


_NOTHING: dict[str, str] = {}  # read-only, as all parameters


class Via(NamedTuple):
    """One hop (20.42)."""

    transport: str  # upper case
    host: str
    port: int | None
    params: dict[str, str]
    text: str  # as it came
    branch: str  # the parameter, "" when absent (an RFC 2543 peer)

    @property
    def sent_by(self) -> str:
        """host:port of the hop, the default port filled in, for matching (17.2.3)."""
        return f"{self.host}:{self.port or (5061 if self.transport == 'TLS' else 5060)}"


class NameAddr(NamedTuple):
    """From, To, Contact, Route and the like: display name, URI, header parameters (20.10)."""

    display: str
    uri: Uri
    params: dict[str, str] = _NOTHING
    text: str = ""  # as it came
    tag: str = ""  # the parameter, "" when absent


class CSeq(NamedTuple):
    """Sequence number and method (20.16)."""

    number: int
    method: str


def split_outside(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside quotes and angle brackets. Raises ParseError on an open quote."""
    if '"' not in text and ("<" not in text or separator not in text):
        return text.split(separator)
    parts: list[str] = []
    start, position = 0, 0
    marks = _MARKS[separator]
    while (mark := marks.search(text, position)) is not None:
        character, position = mark.group(), mark.end()
        if character == separator:
            parts.append(text[start : position - 1])
            start = position
        elif character == "<":
            position = text.find(">", position) + 1
            if not position:
                break
        else:
            quoted = _QUOTED.match(text, position - 1)
            if quoted is None:
                raise ParseError("quoted string without an end")
            position = quoted.end()
    parts.append(text[start:])
    return parts


def split_list(values: list[str]) -> list[str]:
    """The items of a comma-separated header over all its lines, in order (7.3.1). Empty items are dropped."""
    items = [item.strip() for value in values for item in split_outside(value, ",")]
    if len(items) > MAX_LIST_ITEMS:
        raise ParseError("too many values in one header")
    return [item for item in items if item]


def parse_params(text: str) -> dict[str, str]:
    """`;name=value;flag` to a dict, names lower case, quotes removed. Raises ParseError."""
    if not text.strip():
        return {}
    pieces = split_outside(text, ";")
    if pieces[0].strip() or len(pieces) > MAX_PARAMS:
        raise ParseError(f"bad parameters: {text[:80]!r}")
    params: dict[str, str] = {}
    for piece in pieces[1:]:
        name, equals, value = piece.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not _TOKEN.match(name) or (equals and not value):
            raise ParseError(f"bad parameter: {piece[:80]!r}")
        if name in params and name in ("tag", "branch"):
            raise ParseError(f"{name} given twice")
        params[name] = unquote_string(value)
    return params


def unquote_string(value: str) -> str:
    """The inside of a quoted string, escapes resolved; anything else unchanged."""
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise ParseError("quoted string without an end")
        return _UNESCAPE.sub(r"\1", quoted.group(1))
    return value


def quote_string(text: str) -> str:
    """`text` as a quoted string; line breaks and control characters become spaces."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_via(text: str) -> Via:
    """One Via value. Raises ParseError."""
    usual = _USUAL_VIA.match(text)
    if usual is not None and not (usual[4] and usual[6]):  # rport twice is the long way's to judge
        transport, host, port, rport, branch, rport_behind = usual.groups()
        params = {"branch": branch, "rport": ""} if rport or rport_behind else {"branch": branch}
        return Via(transport, host.lower(), int(port), params, text, branch)
    match = _VIA.match(text.strip())
    if match is None:
        raise ParseError(f"bad Via: {text[:80]!r}")
    transport, sent_by, params_text = match.groups()
    host, number = parse_hostport("".join(sent_by.split()))
    params = parse_params(params_text)
    return Via(transport.upper(), host, number, params, text.strip(), params.get("branch", ""))


def parse_via_leniently(text: str) -> Via:
    """Protocol and sent-by of a Via whose version or parameters cannot be read: enough to say what was wrong with the
    request (21.4.1, 21.5.6). `text` may be a list. Raises ParseError."""
    first = split_outside(text.strip(), ",")[0]
    match = _ANY_VIA.match(first)
    if match is None:
        raise ParseError(f"bad Via: {text[:80]!r}")
    host, port = parse_hostport("".join(match[2].split()))
    return Via(match[1].rpartition("/")[2].strip().upper(), host, port, {}, first, "")


def parse_name_addr(text: str) -> NameAddr:
    """`"Name" <uri>;params`, `<uri>;params` or `uri;params`. Raises ParseError.

    From, To and Contact come again in every message of a call, so short ones are remembered; treat `params` as
    read-only.
    """
    return _remembered(text) if len(text) <= _REMEMBERED_CHARS else _parse_name_addr(text)


def _parse_name_addr(text: str) -> NameAddr:
    usual = _USUAL_ADDRESS.match(text)
    if usual is not None:
        display, uri_text, tag = usual.groups()
        return NameAddr(display or "", parse_uri(uri_text), {"tag": tag} if tag else _NOTHING, text, tag or "")
    text = text.strip()
    display = ""
    rest = text
    if text.startswith('"'):
        quoted = _QUOTED.match(text)
        if quoted is None:
            raise ParseError("quoted string without an end")
        display = _UNESCAPE.sub(r"\1", quoted.group(1))
        rest = text[quoted.end() :].lstrip()
        if not rest.startswith("<"):
            raise ParseError(f"no address after a display name: {text[:80]!r}")
    if "<" in rest:
        before, _, after = rest.partition("<")
        uri_text, closed, params_text = after.partition(">")
        if not closed:
            raise ParseError(f"address without an end: {text[:80]!r}")
        if before.strip():
            if any(character in before for character in ',;:"@'):
                raise ParseError(f"bad display name: {before[:80]!r}")
            display = before.strip()
    else:
        # 20.10: without angle brackets everything after a semicolon is a header parameter, and a comma or
        # question mark would be ambiguous
        uri_text, semicolon, params_text = rest.partition(";")
        params_text = semicolon + params_text
        if "?" in uri_text or "," in uri_text:
            raise ParseError("a URI with a comma or question mark needs angle brackets")
    params = parse_params(params_text)
    return NameAddr(display, parse_uri(uri_text.strip()), params, text, params.get("tag", ""))


_remembered = lru_cache(_REMEMBERED)(_parse_name_addr)


def parse_cseq(text: str) -> CSeq:
    """The CSeq value; the number is below 2**31 (8.1.1.5). Raises ParseError."""
    match = _CSEQ.match(text.strip())
    number = int(match[1]) if match is not None else 2**31
    if match is None or number >= 2**31:
        raise ParseError(f"bad CSeq: {text[:80]!r}")
    return CSeq(number, match[2])


def parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    """`type/subtype;params` of Content-Type, the type in lower case. Raises ParseError."""
    kind, semicolon, params = text.partition(";")
    main, slash, sub = (part.strip() for part in kind.partition("/"))
    if not slash or not _TOKEN.match(main) or not _TOKEN.match(sub):
        raise ParseError(f"bad media type: {text[:80]!r}")
    return f"{main}/{sub}".lower(), parse_params(semicolon + params)
