"""URIs and single header fields (RFC 3261 section 25.1): URI, name-addr, Via, CSeq, media type, lists, parameters.

Invariant: only ParseError comes out. A URI or an address written out parses to an equal one; a quoted string read back
is the text it was made of, but for control characters.
"""

from collections.abc import Callable

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip import headers
from kak_server.sip.errors import ParseError
from kak_server.sip.uri import bracketed, is_ip, number_of, parse_uri

MAX_BYTES = 65_536

GROWING: Growing = {
    "user": repeated(b"1", b"sip:", b"@h"),
    "escapes": repeated(b"%41", b"sip:", b"@h"),
    "hosts": repeated(b"a.", b"sip:x@", b"h"),
    "dashes": repeated(b"-", b"sip:x@a", b"-"),
    "parameters": repeated(b";a", b"sip:x@h"),
    "different parameters": lambda size: b"sip:x@h" + b"".join(b";p%d=1" % n for n in range(size // 7)),
    "ats": repeated(b"@", b"sip:"),
    "colons": repeated(b":", b"sip:x@["),
    "commas": repeated(b",", b"<sip:x@h>"),
    "brackets": repeated(b"<>", b'"a"'),
    "quotes": repeated(b'""', b""),
    "escaped quotes": repeated(b'\\"', b'"'),
    "via": repeated(b" ", b"SIP / 2.0 / UDP ", b"h:1 ;branch=x"),
    "via slashes": repeated(b"/ ", b"SIP ", b""),
    "media type": repeated(b"a/", b""),
    "cseq": repeated(b"1", b"", b" INVITE"),
    "separators": repeated(b"-", b"tel:+4", b"7"),
}


def _uri(text: str) -> None:
    uri = parse_uri(text)
    again = parse_uri(str(uri))
    assert again == uri
    assert number_of(again) == number_of(uri)
    if uri.host and is_ip(uri.host):
        assert parse_uri(f"sip:{bracketed(uri.host)}").host == uri.host


def _name_addr(text: str) -> None:
    address = headers.parse_name_addr(text)
    assert headers.parse_name_addr(address.text) == address
    shown = headers.parse_name_addr(f"{headers.quote_string(address.display)} <{address.uri}>")
    assert shown.uri == address.uri


def _via(text: str) -> None:
    via = headers.parse_via(text)
    assert via.host
    assert headers.parse_via(via.text) == via
    lenient = headers.parse_via_leniently(text)
    assert (lenient.host, lenient.port, lenient.transport) == (via.host, via.port, via.transport)


def _list(text: str) -> None:
    for item in headers.split_list([text]):
        assert item
        assert headers.split_list([item]) == [item]


def _quoted(text: str) -> None:
    clean = "".join(character if character.isprintable() else " " for character in text)
    assert headers.unquote_string(headers.quote_string(text)) == clean


READERS: tuple[Callable[[str], object], ...] = (
    _uri,
    _name_addr,
    _via,
    _list,
    _quoted,
    headers.parse_cseq,
    headers.parse_media_type,
    headers.parse_params,
    headers.parse_via_leniently,
)


def check(data: bytes) -> None:
    """See above."""
    text = data.decode("utf-8", "replace")
    for read in READERS:
        try:
            read(text)
        except ParseError as problem:
            assert problem.status == 400
