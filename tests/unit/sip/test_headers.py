"""Single header fields."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.sip import headers
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import (
    CSeq,
    _parse_name_addr,
    parse_cseq,
    parse_media_type,
    parse_name_addr,
    parse_params,
    parse_via,
    quote_string,
    split_list,
    unquote_string,
)

_USUAL_VIAS = (
    "SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bK-1",
    "SIP/2.0/TLS sbc-1.Example.net:5061;rport;branch=z9hG4bKa",
    "SIP/2.0/TCP a:65535;branch=z9hG4bKa;rport",
    "SIP/2.0/UDP h:65536;branch=a",
)
_USUAL_ADDRESSES = (
    "<sip:+4722334455@host.example:5060;transport=udp>;tag=a.b",
    '"Kari N" <sip:kari@host.example>;tag=x',
    '""<tel:+4722334455;x=1>',
    "Kari <sip:kari@host>",
)


def test_lists_split_outside_quotes_and_brackets() -> None:
    assert split_list(['"a, b" <sip:x,y@z>, <sip:q>', "sip:r,,"]) == ['"a, b" <sip:x,y@z>', "<sip:q>", "sip:r"]
    assert split_list(['"esc \\", still" <sip:a>, b']) == ['"esc \\", still" <sip:a>', "b"]
    with pytest.raises(ParseError):
        split_list(['"open, <sip:a>'])
    with pytest.raises(ParseError):
        split_list(["a," * 200])


def test_via() -> None:
    via = parse_via("SIP / 2.0 / UDP\t first.example.com: 4000 ;ttl=16 ;branch=z9hG4bKa7c ;received=192.0.2.1")
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "first.example.com", 4000, "z9hG4bKa7c")
    assert via.sent_by == "first.example.com:4000"
    assert parse_via("SIP/2.0/TCP [2001:db8::9]").sent_by == "2001:db8::9:5060"
    for broken in ("", "SIP/2.0/UDP", "SIP/3.0/UDP h", "SIP/2.0/UDP h:p", "SIP/2.0/UDP h;branch=a;branch=b"):
        with pytest.raises(ParseError):
            parse_via(broken)


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"A. G. Bell" <sip:agb@bell.example> ;tag=a48s', "A. G. Bell", "sip:agb@bell.example", "a48s"),
        ("sip:+12125551212@phone.example;tag=887s", "", "sip:+12125551212@phone.example", "887s"),
        ("Anonymous <sip:c8o@x;lr?a=b>;TAG=h", "Anonymous", "sip:c8o@x;lr?a=b", "h"),
        ('"quote \\" and ; <x>" <sip:a@b>', 'quote " and ; <x>', "sip:a@b", ""),
        ("<tel:+4722>", "", "tel:+4722", ""),
    ],
)
def test_name_addr(text: str, display: str, uri: str, tag: str) -> None:
    parsed = parse_name_addr(text)
    assert (parsed.display, str(parsed.uri), parsed.tag) == (display, uri, tag)
    assert parsed.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:a@b",
        '"open <sip:a@b>',
        '"name" sip:a@b',
        "Watson, Thomas <sip:t@b>",
        "sip:a@b?subject=x",
        "<sip:a@b> trailing",
        "<sip:a@b>;=x",
        "<sip:a@b>;tag=",
        "<sip:a@b>;tag=a;tag=b",
        "<>",
    ],
)
def test_broken_name_addr(text: str) -> None:
    with pytest.raises(ParseError):
        parse_name_addr(text)


def test_cseq() -> None:
    assert parse_cseq("0009  INVITE") == CSeq(9, "INVITE")
    for broken in ("", "1", "INVITE", "-1 X", "1.5 X", "2147483648 X", "1 X Y"):
        with pytest.raises(ParseError):
            parse_cseq(broken)


def test_params_and_strings() -> None:
    assert parse_params('; a = b ;Flag;c="x;y"') == {"a": "b", "flag": "", "c": "x;y"}
    assert unquote_string('"a\\"b"') == 'a"b'
    assert quote_string('a"b\\c\r\nd') == '"a\\"b\\\\c  d"'
    with pytest.raises(ParseError):
        parse_params("x;a=b")
    with pytest.raises(ParseError):
        unquote_string('"a')


def test_media_type() -> None:
    assert parse_media_type('Multipart/Mixed; boundary="a b"') == ("multipart/mixed", {"boundary": "a b"})
    with pytest.raises(ParseError):
        parse_media_type("text")


@pytest.mark.parametrize("parse", [parse_via, _parse_name_addr])
@given(data=st.data())
def test_the_usual_forms_read_as_the_long_way_reads_them(parse: Callable[[str], object], data: st.DataObject) -> None:
    """Each example is a usual spelling with some letters changed, so that both sides of the border are met."""
    letters = list(data.draw(st.sampled_from(_USUAL_VIAS if parse is parse_via else _USUAL_ADDRESSES)))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(letters)))
        letters[at : at + data.draw(st.integers(0, 1))] = data.draw(st.text('ab0:;<>"\\ \t\n=.,@-_[]é', max_size=1))
    text = "".join(letters)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_USUAL_VIA", "_USUAL_ADDRESS"):
            patch.setattr(headers, name, re.compile(r"(?!)"))
        the_long_way = _outcome(parse, text)
    assert _outcome(parse, text) == the_long_way


def _outcome(parse: Callable[[str], object], text: str) -> object:
    try:
        return parse(text)
    except ParseError as problem:
        return problem.problem, problem.status
