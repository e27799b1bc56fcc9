"""Message bodies: multipart (RFC 2046, RFC 5621) and positions (RFC 4119 PIDF-LO). The first line is the Content-Type.

Invariant: only ParseError comes out of cutting a body in parts, with 400 or 415; the parts are no longer than the body.
Reading positions raises nothing: what cannot be read is a location with a problem and without numbers.
"""

import math

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip.bodies import MAX_PARTS, PIDF, Part, parts_of, salvaged_sdp
from kak_server.sip.errors import ParseError
from kak_server.sip.location import MAX_LOCATIONS, locations_of, read_pidf
from kak_server.sip.parser import Request
from kak_server.sip.provided_by import MAX_FOUND, provided_by

MAX_BYTES = 65_536
_MIXED = b"multipart/mixed;boundary=b\r\n"
_GEOLOCATION = ["<cid:here>, <https://example.org/x>", "<cid:there>"]

GROWING: Growing = {
    "parts": repeated(b"--b\r\n\r\nx\r\n", _MIXED, b"--b--"),
    "headers of a part": repeated(b"X: y\r\n", _MIXED + b"--b\r\n", b"\r\nx\r\n--b--"),
    "almost boundaries": repeated(b"\r\n--", _MIXED),
    "boundary and spaces": repeated(b" ", _MIXED + b"--b", b"x\r\n"),
    "many boundaries and spaces": repeated(b"\r\n--b \t \t", _MIXED),
    "folds": repeated(b"\r\n ", _MIXED + b"--b\r\nX: y", b"\r\n\r\nx\r\n--b--"),
    "parameters": repeated(b";a=b", b"multipart/mixed", b"\r\nx"),
    "elements": repeated(b"<a>", b"application/pidf+xml\r\n"),
    "siblings": repeated(b"<a/>", b"application/pidf+xml\r\n<p>", b"</p>"),
    "entities": repeated(b"&a;", b"application/pidf+xml\r\n<!DOCTYPE a [<!ENTITY a 'b'>]><p>", b"</p>"),
    "session descriptions": repeated(b"v=0\r\na=", _MIXED),
    "lines of one": repeated(b"a=b\n", _MIXED + b"v=0\n"),
    "digits": repeated(b"1", b"application/pidf+xml\r\n<p>", b"</p>"),
}


def check(data: bytes) -> None:
    """See above."""
    first, _, body = data.partition(b"\r\n")
    fields = {"content-type": [first.decode("utf-8", "replace")], "geolocation": _GEOLOCATION}
    request = Request("INVITE", "sip:113@x", "2.0", fields, body, "utf-8", "")
    try:
        parts = parts_of(request)
    except ParseError as problem:
        assert problem.status in (400, 415)
        parts = []
    assert len(parts) <= MAX_PARTS
    assert sum(len(part.data) for part in parts) <= len(body)
    for location in (*locations_of(request, parts), *read_pidf(body)):
        numbers = (location.latitude, location.longitude, location.radius_m)
        assert all(number is None or math.isfinite(number) for number in numbers)
        assert not location.problem or numbers == (None, None, None)
    assert len(locations_of(request, parts)) <= MAX_LOCATIONS
    salvaged = salvaged_sdp(body)
    assert salvaged is None or salvaged.startswith("v=0")
    details, references = provided_by([*parts, Part(PIDF, body)])
    assert len(details) <= MAX_FOUND
    assert len(references) <= MAX_FOUND
    assert all(detail.text.isprintable() for detail in details)
