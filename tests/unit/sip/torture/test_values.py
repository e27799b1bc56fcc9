"""What the torture messages say, read right: the values their RFCs draw attention to."""

import pytest

from kak_server.sip.bodies import parts_of
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr, parse_via
from kak_server.sip.parser import Request, Response, check_request, check_response, parse
from kak_server.sip.sdp import negotiate
from kak_server.sip.sdp_text import parse_session
from kak_server.sip.uri import number_of, parse_uri
from tests.unit.sip.torture.corpus import expand, message


def request(name: str) -> Request:
    parsed = parse(message(name))
    assert isinstance(parsed, Request)
    check_request(parsed)
    return parsed


def response(name: str) -> Response:
    parsed = parse(message(name))
    assert isinstance(parsed, Response)
    check_response(parsed)
    return parsed


def test_the_notation_of_the_messages() -> None:
    assert expand("a<hex>00 0D</hex>\n<repeat count=3>xy</repeat>") == b"a\x00\x0d\r\nxyxyxy"
    assert expand("<allOneLine>\na\n b\n</allOneLine>\n") == b"a b\r\n"


def test_wsinv() -> None:
    found = request("wsinv")
    assert found.uri.params == {"unknownparam": ""}
    assert found.to.tag == "1918181833n"
    assert (found.sender.display, found.sender.tag) == ('J Rosenberg \\"', "98asjd8")
    assert found.get("max-forwards") == "0068"
    assert (found.cseq.number, found.cseq.method) == (9, "INVITE")
    assert found.get("subject") == ""
    assert found.get("newfangledheader") == "newfangled value continued newfangled value"
    assert found.get("unknownheaderwithunusualvalue") == ";;,,;;,;"
    vias = [parse_via(item) for item in found.items("via")]
    assert [(via.transport, via.host, via.branch) for via in vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    contact = parse_name_addr(found.items("contact")[0])
    assert contact.display == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": "", "q": "0.33"}
    assert len(found.body) == 150


def test_intmeth() -> None:
    found = request("intmeth")
    assert found.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert found.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert found.uri.host == "example.com"
    assert found.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert found.sender.display == "token1~` token2'+_ token3*%!.-"
    assert found.sender.params["fromparam''~+*_!.-%"] == "работающий"
    assert found.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert found.get("extensionheader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_resolved_in_the_user_part_only() -> None:
    found = request("esc01")
    assert (found.uri.user, found.uri.host) == ("sips:user@example.com", "example.net")
    assert found.to.uri.user == "user"
    assert found.sender.uri.user == "I have spaces"
    contact = parse_name_addr(found.items("contact")[0]).uri
    assert contact.user == "caller"
    assert contact.params == {"%6c%72": "", "n%61me": "v%61lue%25%34%31"}


def test_a_null_does_not_end_a_user_name() -> None:
    found = request("escnull")
    assert found.to.uri.user == "null-\x00-null"
    assert [parse_name_addr(item).uri.user for item in found.items("contact")] == ["\x00", "\x00\x00"]


def test_percent_elsewhere_is_a_percent() -> None:
    found = request("esc02")
    assert (found.method, found.to.display) == ("RE%47IST%45R", "%Z%45")
    assert len(found.items("contact")) == 2
    assert found.via.branch == "z9hG4bK209%fzsnel234"


def test_a_display_name_right_before_the_bracket() -> None:
    found = request("lwsdisp")
    assert (found.sender.display, found.sender.uri.user) == ("caller", "caller")


def test_longreq() -> None:
    found = request("longreq")
    assert found.to.display == f"I have a user name of {'extreme' * 10} proportion"
    assert len(found.to.uri.params) == 3
    assert found.sender.tag == f"12{'982' * 50}424"
    assert len(found.items("via")) == 34
    assert found.via.branch == ""
    assert found.get(f"unknown-{'long' * 20}-name") is not None


def test_the_rest_of_a_datagram_is_not_a_body() -> None:
    found = request("dblreq")
    assert (found.method, found.body) == ("REGISTER", b"")


def test_a_semicolon_in_the_user_part_begins_no_parameter_of_the_uri() -> None:
    found = request("semiuri")
    assert (found.uri.user, found.uri.host, found.uri.params) == ("user;par=u@example.net", "example.com", {})
    assert number_of(found.uri) == "user"


def test_transports() -> None:
    found = request("transports")
    assert [parse_via(item).transport for item in found.items("via")] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01() -> None:
    text, binary = parts_of(request("mpart01"))
    assert (text.media_type, text.data) == ("text/plain", b"Hello")
    assert binary.media_type == "application/octet-stream"
    assert len(binary.data) == 342
    assert b"\x00" in binary.data
    assert b"San Jose" in binary.data


def test_reasons() -> None:
    assert response("unreason").reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert (response("noreason").status, response("noreason").reason) == (100, "")


@pytest.mark.parametrize("name", ["scalarlg", "bigcode", "bcast"])
def test_responses_to_discard(name: str) -> None:
    with pytest.raises(ParseError):
        response(name)


def test_escaped_headers_in_the_request_uri_become_no_headers() -> None:
    found = request("escruri")
    assert number_of(found.uri) == "user"
    assert "route" not in found.fields


def test_a_contact_with_a_question_mark_needs_brackets() -> None:
    with pytest.raises(ParseError, match="angle brackets"):
        parse_name_addr(request("regbadct").items("contact")[0])
    assert parse_name_addr(request("regescrt").items("contact")[0]).uri.host == "example.com"


def test_where_a_contacts_parameter_belongs() -> None:
    header, uri = (parse_name_addr(request(name).items("contact")[0]) for name in ("cparam01", "cparam02"))
    assert (header.params, header.uri.params) == ({"unknownparam": ""}, {})
    assert (uri.params, uri.uri.params) == ({}, {"unknownparam": ""})


def test_spaces_around_an_address() -> None:
    assert str(request("badaspec").to.uri) == "sip:t.watson@example.org"


def test_schemes_nobody_knows() -> None:
    found = request("unksm2")
    assert (found.to.uri.scheme, found.sender.uri.scheme) == ("isbn", "http")
    assert request("novelsc").uri.scheme == "soap.beep"


@pytest.mark.parametrize("name", ["wsinv", "esc01", "longreq", "escruri", "baddate", "sdp01", "inv2543"])
def test_offers_of_rfc_4475_are_answered(name: str) -> None:
    result = negotiate(request(name).body.decode(), "198.51.100.1", 30_000, 1)
    assert (result.codec, result.peer_port) == ("PCMU", 49_217)


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("ipv6-good", "2001:db8::10", None),
        ("port-ambiguous", "2001:db8::10:5070", None),
        ("port-unambiguous", "2001:db8::10", 5070),
        ("ipv6-bug-abnf-3-colons", "2001:db8::c000:201", None),
        ("ipv6-correct-abnf-2-colons", "2001:db8::c000:201", None),
    ],
)
def test_ipv6_in_the_request_uri(name: str, host: str, port: int | None) -> None:
    found = request(name)
    assert (found.uri.host, found.uri.port) == (host, port)


def test_an_ipv6_address_without_brackets() -> None:
    with pytest.raises(ParseError):
        request("ipv6-bad")


@pytest.mark.parametrize("text", ["[2001:db8:::1]", "[:::1]", "[1::::192.0.2.1]", "[1:::2:::192.0.2.1]", "[::1"])
def test_three_colons_stand_only_before_an_ipv4_tail(text: str) -> None:
    with pytest.raises(ParseError):
        parse_uri(f"sip:user@{text}")


def test_received_with_and_without_brackets() -> None:
    assert request("via-received-param-with-delim").via.params["received"] == "[2001:db8::9:255]"
    assert request("via-received-param-no-delim").via.params["received"] == "2001:db8::9:255"


def test_vias_of_both_families() -> None:
    vias = [parse_via(item) for item in request("mult-ip-in-header").items("via")]
    assert [(via.host, via.port) for via in vias] == [
        ("2001:db8::9:1", 6050),
        ("192.0.2.1", None),
        ("2001:db8::9:255", None),
    ]
    assert vias[2].params["received"] == "192.0.2.200"


def test_mapped_addresses() -> None:
    found = request("ipv4-mapped-ipv6")
    assert [parse_via(item).port for item in found.items("via")] == [19823, None]
    contact = parse_name_addr(found.items("contact")[0]).uri
    texts = [("c000:20a", "c000:202"), ("192.0.2.10", "192.0.2.2")]  # before Python 3.13, and since
    assert contact.host in [found.via.host.replace(*text) for text in texts if text[0] in found.via.host]
    assert parse_session(found.body.decode()).host == "::ffff:192.0.2.2"


def test_sdp_with_ipv6() -> None:
    session = parse_session(request("ipv6-in-sdp").body.decode())
    assert [session.host_of(media) for media in session.media] == ["2001:db8::20"] * 2
    assert session.media[0].values("rtpmap") == ["2 G726-32/8000"]


def test_sdp_with_both_families() -> None:
    body = request("mult-ip-in-sdp").body.decode()
    session = parse_session(body)
    assert [session.host_of(media) for media in session.media] == ["192.0.2.1", "2001:db8::1"]
    assert negotiate(body, "198.51.100.1", 30_000, 1).peer_host == "192.0.2.1"
