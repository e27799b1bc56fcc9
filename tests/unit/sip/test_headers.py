"""Single header fields."""

import pytest

from kak_server.sip.errors import ParseError
from kak_server.sip.headers import (
    CSeq,
    parse_cseq,
    parse_media_type,
    parse_name_addr,
    parse_params,
    parse_via,
    quote_string,
    split_list,
    unquote_string,
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
