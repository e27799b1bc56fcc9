"""Caller's position out of an INVITE (RFC 6442 Geolocation, RFC 4119 PIDF-LO, RFC 5491).

Every Geolocation value of several is kept, and every position of a document. Whatever is broken becomes a Location with
`problem`: the call proceeds.
"""

from urllib.parse import unquote

from lxml import etree

from kak_server.sip.api import IncomingCall, Location
from kak_server.sip.bodies import PIDF, Part
from kak_server.sip.civic import civic_areas, civic_line
from kak_server.sip.errors import ParseError
from kak_server.sip.geodetic import find_shape
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request
from kak_server.sip.xml_safe import MAX_BYTES, one_line, own_text, read_xml

MAX_LOCATIONS = 8
CANNOT_PROCESS = ("Geolocation-Error", '100;code="Cannot Process Location"')  # RFC 6442 4.4
UNREADABLE = "location could not be read: "
_GEOPRIV = "{urn:ietf:params:xml:ns:pidf:geopriv10}"
_CIVIC = "{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}civicAddress"
_TIMESTAMPS = ("{urn:ietf:params:xml:ns:pidf}timestamp", "{urn:ietf:params:xml:ns:pidf:data-model}timestamp")
_FETCHED = ("http", "https")
_SUBSCRIBED = ("sip", "sips", "pres")  # RFC 6442 4.1: by subscription to presence


def locations_of(request: Request, parts: list[Part], max_bytes: int = MAX_BYTES) -> tuple[Location, ...]:
    """Every location of the request, in the order of its Geolocation values; a PIDF-LO nobody points to counts too."""
    found: list[Location] = []
    used: set[int] = set()
    try:
        values = request.items("geolocation")
    except ParseError as problem:
        values = []
        found.append(unreadable(problem.problem))
    for value in values[:MAX_LOCATIONS]:
        try:
            uri = parse_name_addr(value).uri
        except ParseError as problem:
            found.append(unreadable(problem.problem))
            continue
        if uri.scheme in _FETCHED:
            found.append(Location(reference=str(uri)[:1_000]))
            continue
        if uri.scheme != "cid":
            kind = "by subscription is" if uri.scheme in _SUBSCRIBED else f"of scheme {uri.scheme[:20]} is"
            found.append(unreadable(f"a location {kind} not supported ({str(uri)[:100]})"))
            continue
        wanted = unquote(uri.rest)
        index = next((number for number, part in enumerate(parts) if part.content_id == wanted), None)
        if index is None:
            found.append(unreadable(f"no body part with Content-ID {wanted[:80]}"))
            continue
        if index not in used:
            used.add(index)
            found += read_pidf(parts[index].data, max_bytes)
    for number, part in enumerate(parts):
        if part.media_type == PIDF and number not in used and len(found) < MAX_LOCATIONS:
            found += read_pidf(part.data, max_bytes)
    return tuple(found[:MAX_LOCATIONS])


def read_pidf(data: bytes, max_bytes: int = MAX_BYTES) -> tuple[Location, ...]:
    """The positions of a PIDF-LO document in their order, at least one and at most MAX_LOCATIONS. Never raises: a fault
    goes into `problem`, and costs no position beside it."""
    try:
        root = read_xml(data, max_bytes)
    except ValueError as problem:
        return (unreadable(str(problem)),)
    # RFC 5491 section 3.4: one geopriv element is one location, of two forms perhaps; several are several locations
    holders = [node for _, node in zip(range(MAX_LOCATIONS), root.iter(f"{_GEOPRIV}geopriv"), strict=False)]
    if not holders:
        return (unreadable("no position and no civic address"),)
    return tuple(_read(holder) for holder in holders)


def answer_headers(incoming: IncomingCall | None) -> tuple[tuple[str, str], ...]:
    """What our answers to a call say of locations that could not be read: the call goes on, and the sender learns of it
    (RFC 6442 4.4)."""
    broken = incoming is not None and any(location.problem for location in incoming.locations)
    return (CANNOT_PROCESS,) if broken else ()


def unreadable(reason: str) -> Location:
    """A location that could not be read, and why."""
    return Location(problem=f"{UNREADABLE}{one_line(reason, 160)}")


def _read(holder: etree._Element) -> Location:
    method = own_text(holder.find(f"{_GEOPRIV}method"), 40)
    timestamp = _timestamp(holder)
    address = next(holder.iter(_CIVIC), None)
    civic = civic_line(address) if address is not None else ""
    areas = civic_areas(address) if address is not None else ()
    try:
        shape = find_shape(holder)
    except ValueError as problem:
        if not civic:
            return unreadable(str(problem))
        return Location(None, None, None, method, timestamp, civic, areas=areas)
    if shape is None and not civic:
        return unreadable("no position and no civic address")
    if shape is None:
        return Location(None, None, None, method, timestamp, civic, areas=areas)
    return Location(
        shape.latitude, shape.longitude, shape.radius_m, method, timestamp, civic, shape=shape.name, areas=areas
    )


def _timestamp(holder: etree._Element) -> str:
    """Of the tuple, device or person that the location belongs to (RFC 4479, RFC 4119)."""
    node = holder.getparent()
    while node is not None:
        for name in _TIMESTAMPS:
            found = node.find(name)
            if found is not None:
                return own_text(found, 40)
        node = node.getparent()
    return ""
