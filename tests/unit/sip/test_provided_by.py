"""Additional data within a location."""

from kak_server.sip.api import DataReference, Detail, IncomingCall
from kak_server.sip.bodies import Part
from kak_server.sip.provided_by import MAX_FOUND, provided_by
from tests.unit.sip.test_additional import COMMENT, PROVIDER
from tests.unit.sip.test_location import CIRCLE, pidf
from tests.unit.sip.uac import OFFER, Bench, Caller


def within(*inner: str) -> Part:
    whole = pidf(CIRCLE).replace(
        b"</gp:geopriv>",
        f'<gp:provided-by><x:EmergencyCallData xmlns:x="urn:x">{"".join(inner)}'.encode()
        + b"</x:EmergencyCallData></gp:provided-by></gp:geopriv>",
    )
    return Part("application/pidf+xml", whole, "place@x")


def value(block: bytes) -> str:
    return f"<x:EmergencyCallDataValue>{block.decode()}</x:EmergencyCallDataValue>"


def reference(purpose: str, uri: str) -> str:
    return f'<x:EmergencyCallDataReference purpose="{purpose}" ref="{uri}"/>'


def test_blocks_and_references() -> None:
    part = within(
        value(PROVIDER),
        reference("EmergencyCallData.SubscriberInfo", "https://data.example/1?a=b"),
        reference("EmergencyCallData.SubscriberInfo", "cid:elsewhere@x"),
        reference("icon", "https://data.example/icon"),
        value(b"<something-else/>"),
        value(b"<EmergencyCallData.eCall.MSD>AA</EmergencyCallData.eCall.MSD>"),
    )
    details, references = provided_by([part])
    assert [detail.label for detail in details] == ["provider", "other-data"]
    assert details[0].text.startswith("Eksempel Mobil AS")
    assert details[1] == Detail("other-data", "ecall.msd")
    assert references == (DataReference("subscriberinfo", "https://data.example/1?a=b"),)


def test_nothing_and_what_cannot_be_read() -> None:
    plain = Part("application/pidf+xml", pidf(CIRCLE))
    broken = Part("application/pidf+xml", b"<EmergencyCallData")
    other = Part("text/plain", within(value(PROVIDER)).data)
    assert provided_by([plain, broken, other]) == ((), ())


def test_their_number_is_bounded() -> None:
    part = within(*[value(COMMENT)] * 50, *[reference("EmergencyCallData.Comment", "https://x/")] * 50)
    details, references = provided_by([part])
    assert len(details) <= MAX_FOUND
    assert len(references) <= MAX_FOUND


def test_a_call_brings_them_along() -> None:
    part = within(value(PROVIDER))
    body = (
        f"--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b\r\nContent-Type: application/pidf+xml\r\n"
        f"Content-ID: <place@x>\r\n\r\n{part.data.decode()}\r\n--b--\r\n"
    )
    bench = Bench()
    bench.receive(
        Caller().invite(body=body, content_type="multipart/mixed;boundary=b", extra=("Geolocation: <cid:place@x>",))
    )
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.locations[0].latitude == 59.9139
    assert [detail.label for detail in incoming.details] == ["provider"]
