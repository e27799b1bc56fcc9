"""Trunks by address, and what is refused."""

from dataclasses import replace

import pytest

from kak_server.sip.admission import Admission, Admitted, Refusal, offer_of, refusal_headers
from kak_server.sip.api import IncomingCall, TrunkSettings
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request, parse
from tests.unit.sip.uac import OFFER, SETTINGS, STRANGER, Bench, Caller, make_core


def request(text: str) -> Request:
    parsed = parse(text.encode())
    assert isinstance(parsed, Request)
    return parsed


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.77", "carrier"),
        ("192.0.3.1", "plain"),
        ("192.0.3.2", None),
        ("::ffff:192.0.2.77", "carrier"),
        ("2001:db8:1::5", "carrier"),
        ("2001:db9::5%eth0", None),
        ("not an address", None),
    ],
)
def test_trunks_by_source_address(host: str, name: str | None) -> None:
    admission = Admission(SETTINGS)
    for _ in range(2):  # the second time from the cache
        trunk = admission.trunk(host)
        assert (trunk.name if trunk else None) == name


def test_the_narrower_network_wins_and_the_cache_is_bounded() -> None:
    settings = replace(
        SETTINGS, trunks=(TrunkSettings("wide", ("10.0.0.0/8",)), TrunkSettings("narrow", ("10.1.2.0/24",)))
    )
    admission = Admission(settings)
    for number in range(10_000):
        admission.trunk(f"172.16.{number // 256}.{number % 256}")
    assert len(admission._cache) <= 4096
    assert admission.trunk("10.1.2.3") == settings.trunks[1]
    assert admission.trunk("10.1.3.3") == settings.trunks[0]


@pytest.mark.parametrize(
    ("uri", "called"),
    [
        ("sip:113@198.51.100.1", "113"),
        ("sip:113;phone-context=+47@198.51.100.1;user=phone", "113"),
        ("sip:1%31%33@198.51.100.1", "113"),
        ("tel:113;phone-context=+47", "113"),
        ("tel:116-117", "116117"),
        ("urn:service:sos.ambulance", "urn:service:sos.ambulance"),
        ("URN:Service:SOS", "urn:service:sos"),
        ("urn:service:sos.police.local", "urn:service:sos"),
        ("urn:service:counseling", None),
        ("sip:1130@198.51.100.1", None),
    ],
)
def test_numbers_and_urns(uri: str, called: str | None) -> None:
    verdict = Admission(SETTINGS).invite(request(Caller(uri=uri).invite()))
    if called is None:
        assert isinstance(verdict, Refusal)
        assert verdict.status == 404
    else:
        assert isinstance(verdict, Admitted)
        assert (verdict.called, verdict.offer_sdp) == (called, OFFER)


def test_full_is_503_with_retry_after() -> None:
    bench = Bench(make_core(replace(SETTINGS, max_calls=1)))
    bench.receive(Caller().invite())
    (reply,) = bench.receive(Caller(call_id="other@x", branch="z9hG4bKother").invite())
    assert reply.status == 503
    assert 5 <= int(reply["retry-after"]) <= 15


def test_refusals_say_what_would_do() -> None:
    bench = Bench()
    (refused,) = bench.receive(Caller().invite(extra=("Require: precondition, geolocation-sip",)))
    assert (refused.status, refused["unsupported"]) == (420, "precondition")
    (refused,) = bench.receive(Caller(branch="z9hG4bKb").request("SUBSCRIBE"))
    assert refused.status == 405
    assert "INVITE" in refused["allow"]
    (refused,) = bench.receive(Caller(branch="z9hG4bKc").invite(content_type="text/html"))
    assert refused.status == 415
    assert refused["accept-encoding"] == "identity"
    assert refusal_headers(400) == ()


def test_required_extensions_an_emergency_network_names_are_taken() -> None:
    bench = Bench()
    caller = Caller(uri="urn:service:sos.ambulance")
    headers = (
        "Route: <sip:198.51.100.1;lr>",
        "Require: geolocation-sip, resource-priority",
        "Resource-Priority: esnet.1",
    )
    assert [reply.status for reply in bench.receive(caller.invite(extra=headers))] == [100]
    assert isinstance(incoming := bench.event(IncomingCall), IncomingCall)
    assert incoming.called == "urn:service:sos.ambulance"


def test_bodies() -> None:
    optional = request(
        Caller().invite(content_type="text/html", extra=("Content-Disposition: render;handling=optional",))
    )
    assert offer_of(optional)[1] is None
    gzip = ("Content-Encoding: gzip", "Content-Disposition: session;handling=optional")
    assert offer_of(request(Caller().invite(extra=gzip))) == ([], None)
    with pytest.raises(ParseError):
        offer_of(request(Caller().invite(extra=gzip[:1])))
    mixed = f"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b--"
    assert offer_of(request(Caller().invite(body=mixed, content_type="multipart/mixed;boundary=b")))[1] == OFFER


def test_unknown_peers_can_be_dropped() -> None:
    bench = Bench(make_core(replace(SETTINGS, unknown_peers="drop")))
    assert bench.receive(Caller().invite(), STRANGER) == []
    assert bench.receive(b"nonsense\r\n\r\n", STRANGER) == []
    assert {count.name for count in bench.counts} == {"sip_unknown_peer"}


@pytest.mark.parametrize(
    ("body", "content_type", "extra", "status", "offer"),
    [
        (f"--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b--", "multipart/mixed", (), 400, OFFER),
        (f"--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--c--", "multipart/mixed;boundary=x", (), 400, OFFER),
        ("--b\r\n\r\nx\r\n" * 40 + "--b--", "multipart/mixed;boundary=b", (), 400, None),
        (OFFER, "application/sdp", ("Content-Encoding: gzip",), 415, OFFER),
        ("<html/>", "text/html", (), 415, None),
        ("v=0\r\n", "multipart/mixed", (), 400, None),
    ],
)
def test_a_body_that_cannot_be_opened_costs_no_emergency_call(
    body: str, content_type: str, extra: tuple[str, ...], status: int, offer: str | None
) -> None:
    bench = Bench()
    (reply,) = bench.receive(Caller().invite(body=body, content_type=content_type, extra=extra))
    assert reply.status == status, "any other call"
    bench = Bench()
    text = Caller(uri="urn:service:sos").invite(body=body, content_type=content_type, extra=extra)
    assert [reply.status for reply in bench.receive(text)] == [100]
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.offer_sdp == offer
    assert "sip_body_salvaged" in {count.name for count in bench.counts}
