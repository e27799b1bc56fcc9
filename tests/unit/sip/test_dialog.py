"""Dialogs and requests inside them."""

from dataclasses import replace

import pytest

from kak_server.sip.api import Flow
from kak_server.sip.dialog import Dialog, accepts_cseq, contact_uri, from_invite, next_request
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request, parse
from tests.unit.sip.uac import PEER, SETTINGS, Caller, Reply


def request(text: str) -> Request:
    parsed = parse(text.encode())
    assert isinstance(parsed, Request)
    return parsed


def dialog(*extra: str, contact: str = "<sip:caller@192.0.2.10:5060>", flow: Flow = PEER) -> Dialog:
    return from_invite(request(Caller(contact=contact).invite(extra=extra)), "ours", flow)


def test_what_an_invite_makes() -> None:
    made = dialog("Record-Route: <sip:a;lr>, <sip:b;lr>", "Record-Route: <sip:c;lr>")
    assert made == Dialog(
        call_id="c1@192.0.2.10",
        local_tag="ours",
        remote_tag="caller",
        local="<sip:113@198.51.100.1>",
        remote='"Kari Nordmann" <sip:+4722000001@192.0.2.10>;tag=caller',
        target="sip:caller@192.0.2.10:5060",
        routes=("<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>"),
        local_cseq=0,
        remote_cseq=1,
        flow=PEER,
    )
    assert accepts_cseq(made, 1)
    assert not accepts_cseq(made, 0)


def test_a_request_straight_to_the_target() -> None:
    moved, outgoing = next_request(dialog(), "BYE", "z9hG4bKq", SETTINGS, (("X-Y", "z"),))
    sent = Reply.of(outgoing.data)
    assert sent.start == "BYE sip:caller@192.0.2.10:5060 SIP/2.0"
    assert sent["from"] == "<sip:113@198.51.100.1>;tag=ours"
    assert sent["to"].endswith(";tag=caller")
    assert (sent["cseq"], sent["max-forwards"], sent["x-y"]) == ("1 BYE", "70", "z")
    assert sent.all("route") == []
    assert (moved.local_cseq, outgoing.flow, outgoing.redial) == (1, Flow("udp", "192.0.2.10", 5060), None)
    assert Reply.of(next_request(moved, "OPTIONS", "z9hG4bKr", SETTINGS)[1].data)["cseq"] == "2 OPTIONS"


def test_strict_routing() -> None:
    _, outgoing = next_request(dialog("Record-Route: <sip:192.0.2.1:5070>, <sip:b;lr>"), "BYE", "z9hG4bKq", SETTINGS)
    sent = Reply.of(outgoing.data)
    assert sent.start == "BYE sip:192.0.2.1:5070 SIP/2.0"
    assert sent.all("route") == ["<sip:b;lr>", "<sip:caller@192.0.2.10:5060>"]
    assert (outgoing.flow.host, outgoing.flow.port) == ("192.0.2.1", 5070)


@pytest.mark.parametrize(
    ("contact", "host", "port"),
    [
        ("<sip:x@198.18.0.1>", "198.18.0.1", 5060),
        ("<sip:x@[2001:db8::7]:5099>", "2001:db8::7", 5099),
        ("<sip:x@sbc.example.com:5099>", "192.0.2.10", 5060),
        ("<tel:+4722>", "192.0.2.10", 5060),
    ],
)
def test_where_it_goes_over_udp(contact: str, host: str, port: int) -> None:
    _, outgoing = next_request(dialog(contact=contact), "BYE", "z9hG4bKq", SETTINGS)
    assert (outgoing.flow.host, outgoing.flow.port) == (host, port)


def test_over_tcp_by_the_peers_connection_else_a_new_one() -> None:
    flow = Flow("tcp", "192.0.2.10", 49152, connection=3)
    _, outgoing = next_request(dialog(flow=flow), "BYE", "z9hG4bKq", SETTINGS)
    assert outgoing.flow == flow
    assert outgoing.redial == Flow("tcp", "192.0.2.10", 5060)
    assert b"SIP/2.0/TCP 198.51.100.1:5060;branch=z9hG4bKq;rport" in outgoing.data


@pytest.mark.parametrize(
    "extra", [("Contact: <sip:second@x>",), ("Record-Route: <sip:",), ("Record-Route: <sip:p;lr>",) * 33]
)
def test_invites_that_make_no_dialog(extra: tuple[str, ...]) -> None:
    with pytest.raises(ParseError):
        dialog(*extra)


def test_contacts() -> None:
    assert contact_uri(request(Caller(contact="sip:x@y;expires=5").invite())) == "sip:x@y"
    for broken in ("*", "", "<mailto:x@y>"):
        with pytest.raises(ParseError):
            contact_uri(request(Caller(contact=broken).invite()))


def test_a_peer_of_the_old_rfc_has_no_tag() -> None:
    text = Caller().invite().replace(";tag=caller", "")
    assert from_invite(request(text), "ours", PEER).remote_tag == ""
    assert replace(dialog(), remote_tag="") != dialog()
