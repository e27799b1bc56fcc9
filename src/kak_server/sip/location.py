"""Caller's position out of an INVITE (RFC 6442 Geolocation, RFC 4119 PIDF-LO, RFC 5491 shapes).

Every Geolocation value of several is kept. Whatever is broken becomes a Location with `problem`: the call proceeds.
"""

import re
from urllib.parse import unquote

from lxml import etree

from kak_server.sip.api import Location
from kak_server.sip.bodies import PIDF, Part
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request

MAX_LOCATIONS = 8
MAX_PIDF_BYTES = 32_768
_NS = {
    "gp": "urn:ietf:params:xml:ns:pidf:geopriv10",
    "gml": "http://www.opengis.net/gml",
    "gs": "http://www.opengis.net/pidflo/1.0",
    "ca": "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr",
    "p": "urn:ietf:params:xml:ns:pidf",
    "dm": "urn:ietf:params:xml:ns:pidf:data-model",
}
_WGS84 = ("4326", "4979")  # RFC 5491 section 5.1: two and three dimensions
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,2})?\Z")
_METRE = "urn:ogc:def:uom:EPSG::9001"
_CIVIC_ORDER = ("A6", "RD", "HNO", "HNS", "LMK", "LOC", "FLR", "ROOM", "NAM", "PC", "A3", "A2", "A1", "country")


def locations_of(request: Request, parts: list[Part]) -> tuple[Location, ...]:
    """Every location of the request, in the order of its Geolocation values; a PIDF-LO nobody points to counts too."""
    found: list[Location] = []
    used: set[int] = set()
    try:
        values = request.items("geolocation")
    except ParseError as problem:
        return (_unreadable(problem.problem),)
    for value in values[:MAX_LOCATIONS]:
        try:
            uri = parse_name_addr(value).uri
        except ParseError as problem:
            found.append(_unreadable(problem.problem))
            continue
        if uri.scheme != "cid":
            found.append(Location(reference=str(uri)[:500]))
            continue
        wanted = unquote(uri.rest)
        index = next((number for number, part in enumerate(parts) if part.content_id == wanted), None)
        if index is None:
            found.append(_unreadable(f"no body part with Content-ID {wanted[:80]}"))
            continue
        used.add(index)
        found.append(read_pidf(parts[index].data))
    for number, part in enumerate(parts):
        if part.media_type == PIDF and number not in used and len(found) < MAX_LOCATIONS:
            found.append(read_pidf(part.data))
    return tuple(found)


def read_pidf(data: bytes) -> Location:
    """The first position or civic address of a PIDF-LO document. Never raises: the fault goes into `problem`."""
    if len(data) > MAX_PIDF_BYTES:
        return _unreadable("PIDF-LO too large")
    # No entities, no DTD, no network: the document comes from a stranger
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        return _unreadable(f"not well-formed: {str(problem)[:120]}")
    if root.getroottree().docinfo.internalDTD is not None:
        return _unreadable("a document type in a PIDF-LO")
    try:
        return _read(root)
    except ValueError as problem:
        return _unreadable(str(problem)[:160])


def _read(root: etree._Element) -> Location:
    method = _text(root, ".//gp:method")
    timestamp = _text(root, ".//p:timestamp") or _text(root, ".//dm:timestamp")
    civic = _civic(root)
    latitude = longitude = radius_m = None
    shape = _first(root, ".//gs:Circle")
    if shape is None:
        shape = _first(root, ".//gml:Point")
    if shape is not None:
        latitude, longitude = _position(shape)
        radius_m = _radius_m(shape)
    elif not civic:
        raise ValueError("no Point, Circle or civic address")
    return Location(latitude, longitude, radius_m, method[:40], timestamp[:40], civic)


def _position(shape: etree._Element) -> tuple[float, float]:
    srs = shape.get("srsName", "urn:ogc:def:crs:EPSG::4326")
    if srs.rpartition(":")[2] not in _WGS84:
        raise ValueError(f"reference system {srs[:60]} instead of EPSG:4326")
    words = _text(shape, ".//gml:pos").split()
    if len(words) not in (2, 3):
        raise ValueError("gml:pos without two or three numbers")
    latitude, longitude = _number(words[0]), _number(words[1])  # EPSG:4326: latitude first
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("position outside the earth")
    return latitude, longitude


def _radius_m(shape: etree._Element) -> float | None:
    radius = _first(shape, "./gs:radius")
    if radius is None:
        return None
    if radius.get("uom", _METRE) != _METRE:
        raise ValueError(f"radius in {radius.get('uom', '')[:60]} instead of metres")
    metres = _number((radius.text or "").strip())
    if not 0 <= metres <= 20_100_000:
        raise ValueError("impossible radius")
    return metres


def _number(text: str) -> float:
    if not _DECIMAL.match(text):  # float() alone would take "1_0", "nan" and "infinity"
        raise ValueError(f"not a number: {text[:40]!r}")
    return float(text)


def _civic(root: etree._Element) -> str:
    address = _first(root, ".//ca:civicAddress")
    if address is None:
        return ""
    pieces = []
    for name in _CIVIC_ORDER:
        text = _text(address, f"./ca:{name}")
        if text:
            pieces.append(text)
    return ", ".join(pieces)[:400]


def _first(node: etree._Element, path: str) -> etree._Element | None:
    return node.find(path, _NS)


def _text(node: etree._Element, path: str) -> str:
    found = _first(node, path)
    return (found.text or "").strip() if found is not None else ""


def _unreadable(reason: str) -> Location:
    return Location(problem=f"location could not be read: {reason}")
