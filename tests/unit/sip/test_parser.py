"""The parser, with messages in the spirit of RFC 4475."""

import pytest

from kak_server.sip.errors import ParseError
from kak_server.sip.headers import CSeq
from kak_server.sip.parser import (
    BrokenMessageError,
    Request,
    Response,
    answerable,
    check_request,
    check_response,
    parse,
    parse_text,
)

# 3.1.1.1: short names, folding, strange spacing, unknown headers, two Vias in one line
TORTUOUS = (
    "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    "TO :\r\n"
    " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
    'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n'
    "  ;\r\n"
    "  tag = 98asjd8\r\n"
    "MaX-fOrWaRdS: 0068\r\n"
    "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
    "Content-Length   : 5\r\n"
    "cseq: 0009\r\n"
    "  INVITE\r\n"
    "Via  : SIP  /   2.0\r\n"
    " /UDP\r\n"
    "    192.0.2.2;branch=390skdjuw, SIP/2.0/TCP 192.0.2.3;branch=x\r\n"
    "s :\r\n"
    "NewFangledHeader:   newfangled value\r\n"
    " continued newfangled value\r\n"
    "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
    "  branch  =   z9hG4bK9ikj8  , SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
    " z9hG4bK30239\r\n"
    'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n'
    "      newvalue ;\r\n"
    "  secondparam ; q = 0.33\r\n"
    "\r\nhello and bytes beyond"
)


def test_a_tortuous_invite() -> None:
    request = parse(TORTUOUS.encode())
    assert isinstance(request, Request)
    check_request(request)
    assert request.method == "INVITE"
    assert request.body == b"hello"  # 18.3: what is beyond the length is dropped
    assert request.cseq == CSeq(9, "INVITE")
    assert request.sender.display == 'J Rosenberg \\"'
    assert request.sender.tag == "98asjd8"
    assert request.to.tag == "1918181833n"
    assert request.via.branch == "390skdjuw"
    assert len(request.items("via")) == 4
    assert request.get("newfangledheader") == "newfangled value continued newfangled value"
    assert request.get("subject") == ""
    assert request.get("absent") is None
    assert request.items("absent") == []


def test_a_message_may_have_line_ends_before_it_and_no_length_in_a_datagram() -> None:
    request = parse(b"\r\n\r\nOPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\nbody")
    assert request.body == b"body"
    with pytest.raises(BrokenMessageError, match="no Content-Length"):
        parse(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\nbody", stream=True)


def test_old_exchanges_send_latin_1() -> None:
    request = parse("OPTIONS sip:x SIP/2.0\r\nFrom: Bjørn <sip:b@x>\r\n\r\n".encode("latin-1"))
    assert request.charset == "latin-1"
    assert request.sender.display == "Bjørn"
    assert parse("OPTIONS sip:x SIP/2.0\r\nFrom: Bjørn <sip:b@x>\r\n\r\n".encode()).sender.display == "Bjørn"


def test_3_1_1_2_escaped_control_characters_in_a_quoted_string() -> None:
    request = parse(b'OPTIONS sip:x SIP/2.0\r\nTo: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@b>\r\n\r\n')
    assert request.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"


def test_a_response() -> None:
    response = parse(b"SIP/2.0 180 \r\nVia: SIP/2.0/UDP h;branch=b\r\nCSeq: 1 BYE\r\nl: 0\r\n\r\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (180, "")
    check_response(response)
    with pytest.raises(ParseError):
        check_response(parse(b"SIP/2.0 200 OK\r\n\r\n"))  # type: ignore[arg-type]


def test_the_journalled_head_of_an_invite() -> None:
    whole = parse(TORTUOUS.encode())
    again = parse_text(whole.head, b"", whole.charset, headers_only=True)
    assert isinstance(again, Request)
    assert again.fields == whole.fields
    assert again.uri_text == "sip:vivekg@chair-dnrc.example.com;unknownparam"


def test_what_can_be_answered() -> None:
    assert not answerable(None)
    broken = Request("INVITE", "sip:x", "2.0", {}, b"", "utf-8", "")
    assert not answerable(broken)
    fields = {"via": ["SIP/2.0/UDP h"], "from": ["<x"], "to": ["y"], "call-id": ["z"], "cseq": ["1"]}
    assert answerable(Request("INVITE", "sip:x", "2.0", fields, b"", "utf-8", ""))
    assert not answerable(Request("ACK", "sip:x", "2.0", fields, b"", "utf-8", ""))
    assert answerable(Request("INVITE", "sip:x", "2.0", {"via": ["SIP/2.0/UDP h"]}, b"", "utf-8", ""))
    assert answerable(Request("INVITE", "sip:x", "7.0", {**fields, "via": ["SIP/7.0/UDP h;;,"]}, b"", "utf-8", ""))
    for via in ("h", "SIP/2.0/UDP", 'SIP/2.0/UDP h;x="', "SIP/2.0/UDP [h"):
        assert not answerable(Request("INVITE", "sip:x", "2.0", {**fields, "via": [via]}, b"", "utf-8", ""))
    assert not answerable(Request("INVITE", "sip:x", "2.0", {**fields, "to": ["a\nb"]}, b"", "utf-8", ""))


def test_too_many_headers_still_name_the_request() -> None:
    text = "OPTIONS sip:x SIP/2.0\r\n" + "X: y\r\n" * 20 + "\r\n"
    with pytest.raises(BrokenMessageError, match="more than 10") as caught:
        parse(text.encode(), max_headers=10)
    assert caught.value.request is not None


def test_what_has_been_let_go_leaves_what_a_transaction_needs() -> None:
    request = parse(TORTUOUS.encode())
    assert isinstance(request, Request)
    request.forget()
    assert (request.cseq, request.to.tag) == (CSeq(9, "INVITE"), "1918181833n")
    assert (request.fields, request.head, request.body) == ({}, "", b"")


def test_a_fold_and_the_spaces_around_it_are_one_space() -> None:
    request = parse(
        b"OPTIONS sip:113@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\n"
        b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nSubject: one  two \t\r\n\t three\r\n \r\n  four\r\nContent-Length: 0\r\n\r\n"
    )
    assert request.fields["subject"] == ["one  two three four"]
