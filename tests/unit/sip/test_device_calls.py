"""Calls to phones of ours: over the flow they registered from, and given up soon where nobody is there."""

from dataclasses import replace

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, CallView
from kak_server.sip.api_legs import CallAnswered, Dial
from tests.unit.sip.phone import PHONE, Phone, make_bench
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Reply

KEY = "sip:legevakt2@10.0.0.7:5062"
CALL = CallId("ours")


def dial(bench: Bench, contact: str = KEY) -> list[Reply]:
    before = len(bench.sent)
    order = Dial(CALL, "desk-1", OFFER, caller="113", attempt_timeout_ms=2_000, device="desk-1", contact=contact)
    assert bench.core.dial(order, bench.now_ms)
    bench.drain()
    return [reply for _, reply in bench.sent[before:]]


def answer(request: Reply, status: int, body: str = "", contact: str = "<sip:legevakt2@10.0.0.7:5062>") -> str:
    lines = [f"SIP/2.0 {status} OK", *(f"Via: {value}" for value in request.all("via"))]
    to = request["to"] + ("" if ";tag=" in request["to"] or status == 100 else ";tag=phone")
    lines += [f"From: {request['from']}", f"To: {to}", f"Call-ID: {request['call-id']}", f"CSeq: {request['cseq']}"]
    lines += [f"Contact: {contact}"]
    if body:
        lines.append("Content-Type: application/sdp")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body


def ended(bench: Bench) -> CallEnded:
    event = bench.event(CallEnded)
    assert isinstance(event, CallEnded)
    return event


def test_it_rings_where_it_registered_from_and_so_goes_all_that_follows() -> None:
    bench = make_bench()
    Phone(bench).register()
    (invite,) = dial(bench)
    assert bench.sent[-1][0] == PHONE
    assert invite.start == f"INVITE {KEY} SIP/2.0"
    bench.receive(answer(invite, 180), PHONE)
    bench.receive(answer(invite, 200, ANSWER), PHONE)
    assert isinstance(bench.event(CallAnswered), CallAnswered)
    assert (bench.sent[-1][0], bench.sent[-1][1].method) == (PHONE, "ACK"), "its contact is behind a NAT"
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    assert (bench.sent[-1][0], bench.sent[-1][1].method) == (PHONE, "BYE")


def test_after_a_kill_too() -> None:
    bench = make_bench()
    Phone(bench).register()
    (invite,) = dial(bench)
    bench.receive(answer(invite, 200, ANSWER), PHONE)
    reborn = make_bench(prefix="x")
    reborn.core.restore(bench.records, bench.now_ms)
    reborn.drain()
    assert isinstance(reborn.core.calls()[CALL], CallView)
    reborn.core.hangup(CALL, bench.now_ms)
    reborn.drain()
    assert (reborn.sent[-1][0], reborn.sent[-1][1].method) == (PHONE, "BYE")


def test_over_its_connection() -> None:
    bench = make_bench()
    flow = replace(PHONE, transport="tcp", connection=4, port=49_000)
    Phone(bench, flow=flow).register()
    dial(bench)
    assert bench.sent[-1][0] == flow


def test_a_connection_that_is_gone_leaves_its_contact() -> None:
    bench = make_bench()
    flow = replace(PHONE, transport="tcp", connection=4, port=49_000)
    Phone(bench, flow=flow, contact="<sip:legevakt2@198.18.0.5:5070;transport=tcp>").register()
    bench.core.stream_closed(flow, bench.now_ms)
    dial(bench, "sip:legevakt2@198.18.0.5:5070")
    place = bench.sent[-1][0]
    assert (place.transport, place.host, place.port, place.connection) == ("tcp", "198.18.0.5", 5070, 0)


def test_silence_is_noticed_soon() -> None:
    bench = make_bench()
    Phone(bench).register()
    dial(bench)
    bench.advance(1_999)
    assert not [event for event in bench.events if isinstance(event, CallEnded)]
    bench.advance(1)
    assert ended(bench).cause == "unreachable"


def test_a_phone_that_rings_is_given_its_time() -> None:
    bench = make_bench()
    Phone(bench).register()
    (invite,) = dial(bench)
    bench.receive(answer(invite, 180), PHONE)
    bench.advance(60_000)
    assert not [event for event in bench.events if isinstance(event, CallEnded)]


def test_a_contact_that_has_gone_cannot_be_rung() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.register()
    phone.register(f"{phone.contact};expires=0")
    assert dial(bench) == []
    assert ended(bench).cause == "unreachable"


@pytest.mark.parametrize(("status", "cause"), [(486, "busy"), (603, "refused"), (480, "no-answer"), (408, "no-answer")])
def test_what_it_says_is_told(status: int, cause: str) -> None:
    bench = make_bench()
    Phone(bench).register()
    (invite,) = dial(bench)
    bench.receive(answer(invite, status), PHONE)
    assert ended(bench).cause == cause


def test_headers_in_a_contact_are_not_sent() -> None:
    """RFC 4475 3.3.14: the contact is kept whole; in a request they would be the phone's word in our mouth."""
    bench = make_bench()
    Phone(bench, contact="<sip:legevakt2@10.0.0.7:5062?Route=%3Csip:sip.example.com%3E>").register()
    (invite,) = dial(bench)
    assert invite.start == f"INVITE {KEY} SIP/2.0"
    assert invite.all("route") == []
