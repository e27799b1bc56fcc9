"""Where the caller is, as a network sends it along: PIDF-LO (RFC 4119, RFC 5491) in a multipart body (RFC 6442)."""

from kak_server.model.light import frozen


@frozen
class Place:
    """A point on the earth (WGS 84 degrees) and how sure one is of it."""

    latitude: float
    longitude: float
    radius_m: float = 50.0

    @classmethod
    def parse(cls, text: str) -> "Place":
        """`59.91,10.75` or `59.91,10.75,30`. Raises ValueError."""
        numbers = [float(part) for part in text.split(",")]
        if len(numbers) not in (2, 3) or not (-90 <= numbers[0] <= 90 and -180 <= numbers[1] <= 180):
            raise ValueError(f"not a place: {text!r}; write latitude,longitude[,radius in metres]")
        return cls(*numbers)


def pidf_lo(place: Place, entity: str, timestamp: str) -> str:
    """The presence document: a circle, EPSG:4326."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n'
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"'
        ' xmlns:gs="http://www.opengis.net/pidflo/1.0" xmlns:gml="http://www.opengis.net/gml"'
        ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" entity="pres:' + entity + '">'
        '<dm:device id="phone"><gp:geopriv><gp:location-info>'
        '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<gml:pos>{place.latitude} {place.longitude}</gml:pos>"
        f'<gs:radius uom="urn:ogc:def:uom:EPSG::9001">{place.radius_m}</gs:radius>'
        "</gs:Circle></gp:location-info><gp:usage-rules/><gp:method>GPS</gp:method></gp:geopriv>"
        f"<dm:timestamp>{timestamp}</dm:timestamp></dm:device></presence>\r\n"
    )


def multipart(sdp: str, document: str, content_id: str, boundary: str = "kak-sim-part") -> tuple[str, str]:
    """Content-Type and body that carry a session description and the location together (RFC 5621)."""
    parts = (
        f"--{boundary}\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n"
        f"--{boundary}\r\nContent-Type: application/pidf+xml\r\nContent-ID: <{content_id}>\r\n"
        f"Content-Disposition: by-reference;handling=optional\r\n\r\n{document}\r\n"
        f"--{boundary}--\r\n"
    )
    return f"multipart/mixed;boundary={boundary}", parts
