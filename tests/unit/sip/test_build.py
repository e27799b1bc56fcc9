"""Messages of ours."""

from dataclasses import replace

import pytest

from kak_server.sip import build
from kak_server.sip.api import Flow
from kak_server.sip.parser import Request, parse
from tests.unit.sip.uac import PEER, SETTINGS, Caller, Reply


def request(text: str | bytes) -> Request:
    parsed = parse(text if isinstance(text, bytes) else text.encode())
    assert isinstance(parsed, Request)
    return parsed


def test_what_a_response_copies() -> None:
    text = Caller().invite(extra=("Timestamp: 54.1", "Record-Route: <sip:p;lr>", "Via: SIP/2.0/TCP h2;branch=z9hG4bK2"))
    trying = Reply.of(build.response(request(text), 100, PEER, to_tag="ours"))
    assert trying.start == "SIP/2.0 100 Trying"
    assert trying.all("via") == ["SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKinv1", "SIP/2.0/TCP h2;branch=z9hG4bK2"]
    assert trying["timestamp"] == "54.1"
    assert trying.to_tag == ""  # 8.2.6.2: not in a 100
    assert trying.all("record-route") == []
    ringing = Reply.of(build.response(request(text), 180, PEER, to_tag="ours", server="s"))
    assert ringing.to_tag == "ours"
    assert ringing["record-route"] == "<sip:p;lr>"
    assert ringing["server"] == "s"
    assert Reply.of(build.response(request(text), 486, PEER, to_tag="ours")).all("record-route") == []


def test_a_to_tag_of_the_request_stays() -> None:
    reply = Reply.of(build.response(request(Caller(to_tag="theirs").request("BYE")), 200, PEER, to_tag="ours"))
    assert reply.to_tag == "theirs"


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        ("192.0.2.10;branch=b", "192.0.2.10;branch=b"),
        ("pc.example;branch=b", "pc.example;branch=b;received=192.0.2.10"),
        ("pc.example;received=6.6.6.6;branch=b", "pc.example;branch=b;received=192.0.2.10"),
        ("192.0.2.10;rport;branch=b", "192.0.2.10;rport=5060;branch=b;received=192.0.2.10"),
        ("pc.example;branch=b, SIP/2.0/UDP next", "pc.example;branch=b;received=192.0.2.10, SIP/2.0/UDP next"),
    ],
)
def test_received_and_rport(via: str, expected: str) -> None:
    text = Caller().request("OPTIONS").replace("192.0.2.10:5060;branch=z9hG4bKinv1", via, 1)
    assert Reply.of(build.response(request(text), 200, PEER)).all("via") == [f"SIP/2.0/UDP {expected}"]


def test_the_charset_of_the_request_is_kept() -> None:
    text = Caller().request("OPTIONS").replace("Kari", "Bjørn").encode("latin-1")
    assert '"Bjørn Nordmann"'.encode("latin-1") in build.response(request(text), 200, PEER)


def test_phrases() -> None:
    for status, phrase in ((404, "Not Found"), (499, "Client Failure"), (699, "Global Failure"), (299, "Unknown")):
        assert build.response(request(Caller().invite()), status, PEER).startswith(
            f"SIP/2.0 {status} {phrase}".encode()
        )


def test_our_addresses() -> None:
    assert build.via(SETTINGS, "udp", "z9hG4bKx") == "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKx;rport"
    assert build.contact(SETTINGS, "tcp") == "<sip:198.51.100.1:5060;transport=tcp>"
    v6 = replace(SETTINGS, advertised_host="2001:db8::1")
    assert build.contact(v6, "udp") == "<sip:[2001:db8::1]:5060>"
    six = request(Caller().request("OPTIONS"))
    reply = Reply.of(build.response(six, 200, Flow("udp", "2001:db8::9", 5060)))
    assert reply["via"].endswith(";received=2001:db8::9")
