"""Shapes of PIDF-LO (RFC 5491 section 5.2, OGC 06-142r1) as a point and the circle around it that holds the shape."""

import math
import re
from collections.abc import Callable

from lxml import etree

from kak_server.model.light import frozen
from kak_server.sip.xml_safe import local_name

GML = "{http://www.opengis.net/gml}"
GS = "{http://www.opengis.net/pidflo/1.0}"
MAX_VERTICES = 200
_WGS84 = ("4326", "4979")  # RFC 5491 section 5.1: two and three dimensions
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,2})?\Z")
_METRE, _RADIAN, _DEGREE = (f"urn:ogc:def:uom:EPSG::{code}" for code in ("9001", "9101", "9102"))
_LENGTH_MAX_M = 20_100_000  # half the earth's circumference
_M_PER_DEGREE = 111_320.0


@frozen
class Shape:
    """Where, and how exact. `radius_m` None: the sender said nothing of it."""

    name: str  # "point", "circle", "ellipse", "polygon", "arc-band", "sphere", "ellipsoid", "prism"
    latitude: float
    longitude: float
    radius_m: float | None = None


def find_shape(node: etree._Element) -> Shape | None:
    """The first shape below an element; None when there is none. Raises ValueError for one that cannot be read."""
    for candidate in node.iter(*_READERS):
        return _READERS[str(candidate.tag)](candidate)
    return None


def _point(shape: etree._Element) -> Shape:
    return Shape("point", *_position(shape, shape))


def _circle(shape: etree._Element) -> Shape:
    name = local_name(shape).lower()
    return Shape(name, *_position(shape, shape), _length_m(shape, "radius"))


def _ellipse(shape: etree._Element) -> Shape:
    return Shape(local_name(shape).lower(), *_position(shape, shape), _length_m(shape, "semiMajorAxis"))


def _polygon(shape: etree._Element) -> Shape:
    """The middle of the vertices, and a circle that holds them all."""
    _wgs84(shape)
    words = [word for node in shape.iter(f"{GML}pos", f"{GML}posList") for word in (node.text or "").split()]
    pairs = next(shape.iter(f"{GML}posList"), None) is not None
    size = 3 if shape.get("srsName", "").endswith("4979") else 2
    if pairs and (listed := next(shape.iter(f"{GML}posList"))).get("srsDimension") in ("2", "3"):
        size = int(listed.get("srsDimension", "2"))
    if not pairs:
        size = len((next(shape.iter(f"{GML}pos"), shape).text or "").split())
    if size not in (2, 3) or len(words) % size or not 4 * size <= len(words) <= MAX_VERTICES * size:
        raise ValueError("a polygon without four to 200 vertices")
    vertices = [_latlon(words[at], words[at + 1]) for at in range(0, len(words), size)][:-1]  # the last is the first
    east = [(longitude - vertices[0][1] + 540) % 360 - 180 for _, longitude in vertices]  # over the date line
    latitude = sum(vertex[0] for vertex in vertices) / len(vertices)
    longitude = (vertices[0][1] + sum(east) / len(east) + 540) % 360 - 180
    name = "prism" if local_name(shape) == "Prism" else "polygon"
    return Shape(name, latitude, longitude, max(_distance_m((latitude, longitude), one) for one in vertices))


def _arc_band(shape: etree._Element) -> Shape:
    """The middle of the band between two radii and two bearings (a cell's sector), and a circle that holds it."""
    centre = _position(shape, shape)
    inner_m, outer_m = _length_m(shape, "innerRadius"), _length_m(shape, "outerRadius")
    start, opening = _degrees(shape, "startAngle"), _degrees(shape, "openingAngle")
    if outer_m < inner_m or opening > 360:
        raise ValueError("an impossible arc band")
    if opening >= 180:  # more around the mast than beside it
        return Shape("arc-band", *centre, outer_m)
    middle = _moved(centre, (inner_m + outer_m) / 2, start + opening / 2)
    corners = [(radius_m, start + part) for radius_m in (inner_m, outer_m) for part in (0, opening / 2, opening)]
    radius_m = max(_distance_m(middle, _moved(centre, *corner)) for corner in corners)
    return Shape("arc-band", *middle, radius_m)


_READERS: dict[str, Callable[[etree._Element], Shape]] = {
    f"{GML}Point": _point,
    f"{GS}Circle": _circle,
    f"{GS}Sphere": _circle,
    f"{GS}Ellipse": _ellipse,
    f"{GS}Ellipsoid": _ellipse,
    f"{GML}Polygon": _polygon,
    f"{GS}Prism": _polygon,
    f"{GS}ArcBand": _arc_band,
}


def _wgs84(shape: etree._Element) -> None:
    srs = shape.get("srsName", "urn:ogc:def:crs:EPSG::4326")
    if srs.rpartition(":")[2] not in _WGS84:
        raise ValueError(f"reference system {srs[:60]} instead of EPSG:4326")


def _position(shape: etree._Element, holder: etree._Element) -> tuple[float, float]:
    _wgs84(shape)
    found = next(holder.iter(f"{GML}pos"), None)
    words = ((found.text if found is not None else "") or "").split()
    if len(words) not in (2, 3):
        raise ValueError("gml:pos without two or three numbers")
    return _latlon(words[0], words[1])


def _latlon(latitude_text: str, longitude_text: str) -> tuple[float, float]:
    latitude, longitude = number(latitude_text), number(longitude_text)  # EPSG:4326: latitude first
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("position outside the earth")
    return latitude, longitude


def _length_m(shape: etree._Element, name: str) -> float:
    node = shape.find(f"{GS}{name}")
    if node is None:
        raise ValueError(f"no {name}")
    if node.get("uom", _METRE) != _METRE:
        raise ValueError(f"{name} in {node.get('uom', '')[:60]} instead of metres")
    metres = number((node.text or "").strip())
    if not 0 <= metres <= _LENGTH_MAX_M:
        raise ValueError(f"impossible {name}")
    return metres


def _degrees(shape: etree._Element, name: str) -> float:
    node = shape.find(f"{GS}{name}")
    if node is None:
        raise ValueError(f"no {name}")
    unit = node.get("uom", _DEGREE)
    if unit not in (_DEGREE, _RADIAN):
        raise ValueError(f"{name} in {unit[:60]} instead of degrees")
    angle = number((node.text or "").strip())
    degrees = math.degrees(angle) if unit == _RADIAN else angle
    if not 0 <= degrees <= 360:
        raise ValueError(f"impossible {name}")
    return degrees


def number(text: str) -> float:
    """A decimal number. Raises ValueError; float() alone would take "1_0", "nan" and "infinity"."""
    if not _DECIMAL.match(text):
        raise ValueError(f"not a number: {text[:40]!r}")
    return float(text)


def _distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle (haversine)."""
    lat1, lat2 = math.radians(one[0]), math.radians(other[0])
    half_lat, half_lon = (lat2 - lat1) / 2, math.radians(other[1] - one[1]) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * math.degrees(math.asin(math.sqrt(min(1.0, chord)))) * _M_PER_DEGREE


def _moved(start: tuple[float, float], distance_m: float, bearing: float) -> tuple[float, float]:
    """So far along a bearing in degrees, clockwise from north."""
    angle, direction, lat = math.radians(distance_m / _M_PER_DEGREE), math.radians(bearing), math.radians(start[0])
    sine = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(direction)
    latitude = math.asin(max(-1.0, min(1.0, sine)))
    east = math.atan2(
        math.sin(direction) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * math.sin(latitude)
    )
    return math.degrees(latitude), (start[1] + math.degrees(east) + 540) % 360 - 180
