"""Geolocation and PIDF-LO."""

import pytest

from kak_server.sip.api import IncomingCall, Location
from kak_server.sip.bodies import Part, parts_of
from kak_server.sip.location import locations_of, read_pidf
from kak_server.sip.parser import Request, parse
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Caller

NAMESPACES = (
    'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" '
    'xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0" '
    'xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"'
)
CIRCLE = (
    '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>59.9139 10.7522</gml:pos>'
    '<gs:radius uom="urn:ogc:def:uom:EPSG::9001">35.5</gs:radius></gs:Circle>'
)
POINT = '<gml:Point srsName="urn:ogc:def:crs:EPSG::4979"><gml:pos>60.39 5.32 12</gml:pos></gml:Point>'
CIVIC = (
    "<ca:civicAddress><ca:country>NO</ca:country><ca:A3>Oslo</ca:A3><ca:RD>Storgata</ca:RD>"
    "<ca:HNO>1</ca:HNO></ca:civicAddress>"
)


def pidf(shape: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><presence {NAMESPACES} entity="pres:x@y"><tuple id="a"><status>'
        f"<gp:geopriv><gp:location-info>{shape}</gp:location-info><gp:usage-rules/><gp:method>GPS</gp:method>"
        f"</gp:geopriv></status><timestamp>2026-01-01T12:00:00Z</timestamp></tuple></presence>"
    ).encode()


def test_circle_point_and_civic() -> None:
    known = ("GPS", "2026-01-01T12:00:00Z")
    assert read_pidf(pidf(CIRCLE)) == (Location(59.9139, 10.7522, 35.5, *known, shape="circle"),)
    assert read_pidf(pidf(POINT)) == (Location(60.39, 5.32, None, *known, shape="point"),)
    assert read_pidf(pidf(CIVIC))[0].civic == "Storgata 1, Oslo, NO"
    (both,) = read_pidf(pidf(POINT + CIVIC))
    assert (both.latitude, both.civic, both.areas) == (60.39, "Storgata 1, Oslo, NO", ("Oslo",))


def test_a_broken_position_leaves_the_address_and_the_other_positions() -> None:
    broken = POINT.replace("60.39", "north")
    (civic,) = read_pidf(pidf(broken + CIVIC))
    assert (civic.latitude, civic.civic, civic.problem) == (None, "Storgata 1, Oslo, NO", "")
    tuples = "".join(
        f"<tuple id='{name}'><status><gp:geopriv><gp:location-info>{shape}</gp:location-info><gp:method>{name}"
        f"</gp:method></gp:geopriv></status><timestamp>2026-01-0{day}T12:00:00Z</timestamp></tuple>"
        for day, (name, shape) in enumerate((("Cell", CIRCLE), ("GPS", broken), ("Manual", CIVIC)), 1)
    )
    found = read_pidf(f"<presence {NAMESPACES}>{tuples}</presence>".encode())
    assert [(one.method, one.timestamp[:10], bool(one.problem)) for one in found] == [
        ("Cell", "2026-01-01", False),
        ("", "", True),
        ("Manual", "2026-01-03", False),
    ]
    many = f"<presence {NAMESPACES}>{tuples * 20}</presence>".encode()
    assert len(read_pidf(many)) == 8


def test_the_time_of_a_device() -> None:
    device = (
        f'<presence {NAMESPACES} xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"><dm:device id="d"><gp:geopriv>'
        f"<gp:location-info>{POINT}</gp:location-info></gp:geopriv><dm:timestamp>2026-01-02T03:04:05Z</dm:timestamp>"
        "</dm:device></presence>"
    )
    assert read_pidf(device.encode())[0].timestamp == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not well-formed"),
        (b"<a>", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b"<!DOCTYPE a><a/>", "document type"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "document type"),
        (b"<a/>", "no position"),
        (pidf(""), "no position"),
        (pidf(POINT.replace("4979", "32633")), "reference system"),
        (pidf(POINT.replace("60.39 5.32 12", "60.39")), "two or three"),
        (pidf(POINT.replace("60.39 5.32 12", "")), "two or three"),
        (pidf(POINT.replace("60.39", "north")), "not a number"),
        (pidf(POINT.replace("60.39", "nan")), "not a number"),
        (pidf(POINT.replace("60.39", "1_0")), "not a number"),
        (pidf(POINT.replace("60.39", "160.39")), "outside the earth"),
        (pidf(CIRCLE.replace("35.5", "-1")), "impossible radius"),
        (pidf(CIRCLE.replace("35.5", "")), "not a number"),
        (pidf(CIRCLE.replace("EPSG::9001", "EPSG::9002")), "instead of metres"),
        (pidf(CIRCLE) + b" " * 40_000, "too large"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, problem: str) -> None:
    (location,) = read_pidf(data)
    assert location.problem.startswith("location could not be read: ")
    assert problem in location.problem
    assert location.latitude is None


def invite(*headers: str, parts: tuple[tuple[str, str, bytes], ...] = ()) -> tuple[Request, list[Part]]:
    body = f"--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n"
    for content_type, content_id, data in parts:
        body += f"--b\r\nContent-Type: {content_type}\r\nContent-ID: <{content_id}>\r\n\r\n{data.decode()}\r\n"
    text = Caller().invite(body=body + "--b--\r\n", extra=headers, content_type='multipart/mixed;boundary="b"')
    request = parse(text.encode())
    assert isinstance(request, Request)
    return request, parts_of(request)


def test_every_geolocation_value_is_kept_in_order() -> None:
    request, parts = invite(
        "Geolocation: <https://lis.example.com/d492>, <cid:one@x>",
        "Geolocation: <cid:missing@x>",
        parts=(
            ("application/pidf+xml", "one@x", pidf(CIRCLE)),
            ("application/pidf+xml", "unasked@x", pidf(POINT)),
        ),
    )
    found = locations_of(request, parts, 32_768)
    assert [location.reference for location in found] == ["https://lis.example.com/d492", "", "", ""]
    assert [location.latitude for location in found] == [None, 59.9139, None, 60.39]
    assert found[2].problem == "location could not be read: no body part with Content-ID missing@x"


def test_broken_geolocation_headers() -> None:
    request, parts = invite("Geolocation: <cid:one@x", "Geolocation: nonsense")
    assert [bool(location.problem) for location in locations_of(request, parts)] == [True, True]
    request, parts = invite('Geolocation: "open')
    assert [bool(location.problem) for location in locations_of(request, parts)] == [True]
    request, parts = invite("Geolocation: " + ", ".join(["<https://x/>"] * 50))
    assert len(locations_of(request, parts)) == 8
    request, parts = invite()
    assert locations_of(request, parts) == ()


@pytest.mark.parametrize("uri", ["sip:lis@example.com", "pres:x@example.com", "ftp://example.com/x", "data:,x"])
def test_references_that_are_not_fetched_say_so(uri: str) -> None:
    request, parts = invite(f"Geolocation: <{uri}>")
    (location,) = locations_of(request, parts)
    assert "not supported" in location.problem
    assert location.reference == ""


def test_our_answers_tell_of_a_location_that_could_not_be_read() -> None:
    broken = Caller(uri="sip:113@198.51.100.1").invite(extra=("Geolocation: <cid:nowhere@x>",))
    for text, told in ((broken, True), (Caller(uri="sip:113@198.51.100.1").invite(), False)):
        bench = Bench()
        bench.receive(text)
        incoming = bench.event(IncomingCall)
        assert isinstance(incoming, IncomingCall)
        bench.core.ring(incoming.call, bench.now_ms)
        bench.core.answer(incoming.call, ANSWER, bench.now_ms)
        bench.drain()
        answers = [reply for _, reply in bench.sent if reply.status > 100]
        assert [reply.status for reply in answers] == [180, 200]
        for reply in answers:
            assert reply.all("geolocation-error") == (['100;code="Cannot Process Location"'] if told else [])


@pytest.mark.parametrize(("header", "by_location"), [("yes", True), ("No", False), ("no;x=1", False), ("", True)])
def test_whether_the_location_may_decide_who_answers(header: str, by_location: bool) -> None:
    bench = Bench()
    bench.receive(Caller().invite(extra=(f"Geolocation-Routing: {header}",) if header else ()))
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.route_by_location == by_location
