"""URIs."""

import pytest

from kak_server.sip.errors import ParseError
from kak_server.sip.uri import bracketed, is_ip, number_of, parse_uri


def test_the_parts_of_a_sip_uri() -> None:
    uri = parse_uri("SIP:+47%32%32;phone-context=x:secret@Host.Example:5070;transport=TCP;lr?subject=hi")
    assert (uri.scheme, uri.user, uri.host, uri.port) == ("sip", "+4722;phone-context=x", "host.example", 5070)
    assert uri.params == {"transport": "TCP", "lr": ""}
    assert number_of(uri) == "+4722"


def test_ipv6_and_no_user() -> None:
    uri = parse_uri("sip:[2001:DB8::1]:5061")
    assert (uri.user, uri.host, uri.port) == ("", "2001:db8::1", 5061)
    assert bracketed(uri.host) == "[2001:db8::1]"
    assert bracketed("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+47-22.00(00)01;phone-context=+47", "+4722000001"),
        ("sip:113@x", "113"),
        ("sip:kari.nordmann@x", "kari.nordmann"),
        ("urn:service:SOS.Ambulance", "urn:service:sos.ambulance"),
        ("sip:x", ""),
    ],
)
def test_the_number_of_a_uri(text: str, number: str) -> None:
    assert number_of(parse_uri(text)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        ":x",
        "1sip:x",
        "sip:@host",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@ho st",
        "sip:a@-",
        "sip:a@host:",
        "sip:a@host:0",
        "sip:a@host:65536",
        "sip:a@host:x",
        "sip:a@[::1",
        "sip:a@[nonsense]",
        "sip:a@[::1]x",
        "sip:a@host;lr;lr",
        "sip:a@host;=x",
        "sip:a@host;x=",
        "sip:%zz@host",
        'tel:"1"',
        "sip:a@host\x00",
        "sip:blåbær@host",
    ],
)
def test_broken_uris(text: str) -> None:
    with pytest.raises(ParseError):
        parse_uri(text)


def test_ip_literals() -> None:
    assert is_ip("192.0.2.1")
    assert is_ip("2001:db8::1")
    assert not is_ip("host.example")
