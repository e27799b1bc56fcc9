"""Shapes as a point and a circle around it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kak_server.sip.geodetic import Shape, find_shape

HEAD = '<x xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0">'
METRE, DEGREE, RADIAN = (f'uom="urn:ogc:def:uom:EPSG::{code}"' for code in (9001, 9102, 9101))
SRS2, SRS3 = (f'srsName="urn:ogc:def:crs:EPSG::{code}"' for code in (4326, 4979))


def shape(text: str) -> Shape | None:
    return find_shape(etree.fromstring(f"{HEAD}{text}</x>"))


def arc_band(inner: float, outer: float, start: str, opening: str) -> str:
    return (
        f"<gs:ArcBand {SRS2}><gml:pos>60 10</gml:pos><gs:innerRadius {METRE}>{inner}</gs:innerRadius>"
        f"<gs:outerRadius {METRE}>{outer}</gs:outerRadius><gs:startAngle {start}</gs:startAngle>"
        f"<gs:openingAngle {opening}</gs:openingAngle></gs:ArcBand>"
    )


def polygon(*corners: str, srs: str = SRS2) -> str:
    return (
        f"<gml:Polygon {srs}><gml:exterior><gml:LinearRing>{''.join(f'<gml:pos>{c}</gml:pos>' for c in corners)}"
        "</gml:LinearRing></gml:exterior></gml:Polygon>"
    )


def test_plain_shapes() -> None:
    assert shape("") is None
    assert shape(f"<gml:Point {SRS3}><gml:pos>60.1 10.2 99</gml:pos></gml:Point>") == Shape("point", 60.1, 10.2)
    assert shape("<gml:Point><gml:pos>60.1 10.2</gml:pos></gml:Point>") == Shape("point", 60.1, 10.2)
    circle = f"<gs:Circle {SRS2}><gml:pos>60 10</gml:pos><gs:radius {METRE}>850</gs:radius></gs:Circle>"
    assert shape(circle) == Shape("circle", 60.0, 10.0, 850.0)
    sphere = f"<gs:Sphere {SRS3}><gml:pos>60 10 5</gml:pos><gs:radius {METRE}>85</gs:radius></gs:Sphere>"
    assert shape(sphere) == Shape("sphere", 60.0, 10.0, 85.0)
    ellipse = (
        f"<gs:Ellipse {SRS2}><gml:pos>60 10</gml:pos><gs:semiMajorAxis {METRE}>7.5</gs:semiMajorAxis>"
        f"<gs:semiMinorAxis {METRE}>3</gs:semiMinorAxis><gs:orientation {DEGREE}>20</gs:orientation></gs:Ellipse>"
    )
    assert shape(ellipse) == Shape("ellipse", 60.0, 10.0, 7.5)


def test_a_polygon_is_its_middle_and_reaches_its_corners() -> None:
    corners = ("60 10", "60 10.02", "60.01 10.02", "60.01 10", "60 10")
    for text in (
        polygon(*corners),
        polygon(*(f"{corner} 12" for corner in corners), srs=SRS3),
        f"<gml:Polygon {SRS2}><gml:posList>{' '.join(corners)}</gml:posList></gml:Polygon>",
    ):
        found = shape(text)
        assert found is not None
        assert (round(found.latitude, 6), round(found.longitude, 6)) == (60.005, 10.01)
        assert found.radius_m == pytest.approx(786, rel=0.01)
    prism = f"<gs:Prism {SRS3}><gs:base>{polygon(*(f'{c} 12' for c in corners), srs=SRS3)}</gs:base></gs:Prism>"
    found = shape(prism)
    assert found is not None
    assert found.name == "prism"


def test_a_polygon_across_the_date_line() -> None:
    found = shape(polygon("-17 179.9", "-17 -179.9", "-16.9 -179.9", "-16.9 179.9", "-17 179.9"))
    assert found is not None
    assert abs(abs(found.longitude) - 180) < 0.001
    assert found.radius_m is not None
    assert found.radius_m < 20_000


def test_the_sector_of_a_cell() -> None:
    found = shape(arc_band(1000, 2000, f"{DEGREE}>0", f"{DEGREE}>90"))
    assert found is not None
    assert found.latitude > 60
    assert found.longitude > 10  # north-east of the mast
    assert found.radius_m == pytest.approx(1417, rel=0.01)  # to the far corners, 2 km out at 45 degrees from the middle
    same = shape(arc_band(1000, 2000, f"{RADIAN}>0", f"{RADIAN}>{math.pi / 2}"))
    assert same is not None
    assert same.latitude == pytest.approx(found.latitude)
    around = shape(arc_band(0, 500, f"{DEGREE}>0", f"{DEGREE}>360"))
    assert around == Shape("arc-band", 60.0, 10.0, 500.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (polygon("60 10", "60 11", "60 10"), "four to 200"),
        (polygon("60 10 1", "60 11", "61 11", "60 10"), "four to 200"),
        (polygon(*["60 10"] * 300), "four to 200"),
        (polygon("60 10", "x 11", "61 11", "60 10"), "not a number"),
        (arc_band(2000, 1000, f"{DEGREE}>0", f"{DEGREE}>90"), "impossible arc band"),
        (arc_band(1, 2, f"{DEGREE}>0", f"{DEGREE}>400"), "impossible openingAngle"),
        (arc_band(1, 2, f"{METRE}>0", f"{DEGREE}>4"), "instead of degrees"),
        (f"<gs:Circle {SRS2}><gml:pos>60 10</gml:pos></gs:Circle>", "no radius"),
        (f"<gs:Ellipse {SRS2}><gml:pos>60 10</gml:pos></gs:Ellipse>", "no semiMajorAxis"),
        (polygon("60 10", "60 11", "61 11", "60 10", srs='srsName="urn:ogc:def:crs:EPSG::32633"'), "reference system"),
    ],
)
def test_what_cannot_be_read(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        shape(text)


@given(
    inner=st.floats(0, 30_000),
    width=st.floats(0, 30_000),
    start=st.floats(0, 360),
    opening=st.floats(0, 360),
)
def test_every_arc_band_gives_a_place_on_earth_no_farther_than_its_rim(
    inner: float, width: float, start: float, opening: float
) -> None:
    numbers = [f"{value:.6f}" for value in (inner, inner + width, start, opening)]
    text = arc_band(float(numbers[0]), float(numbers[1]), f"{DEGREE}>{numbers[2]}", f"{DEGREE}>{numbers[3]}")
    found = shape(text.replace("e-", "E-"))
    assert found is not None
    assert found.radius_m is not None
    assert -90 <= found.latitude <= 90
    assert -180 <= found.longitude <= 180
    assert 0 <= found.radius_m <= 2 * (inner + width) + 1
