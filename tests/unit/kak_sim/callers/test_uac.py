"""The caller's SIP machine against a scripted server: who sends what, when, and how often."""

import itertools
from collections.abc import Callable

import pytest

from kak_server.sip.parser import Request, Response, parse
from kak_sim.callers.location import Place
from kak_sim.callers.uac import Answered, Ended, MediaChanged, Ringing, Uac
from kak_sim.callers.wire import Line

SDP = (
    "v=0\r\no=s 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def tokens() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"t{next(numbers):04d}"


def phone(**extra: object) -> Uac:
    line = Line("113", "+4791500001", "127.0.0.1", 5060, "127.0.0.1", 5070, **extra)  # type: ignore[arg-type]
    return Uac(line, 40000, tokens())


def sent(uac: Uac) -> list[Request | Response]:
    return [parse(data) for data in uac.drain()[0]]


def methods(messages: list[Request | Response]) -> list[str]:
    return [message.method if isinstance(message, Request) else str(message.status) for message in messages]


def answer(request: Request | Response, status: int, *, sdp: str = "", tag: str = "srv", extra: str = "") -> bytes:
    """The server's answer to a request of ours."""
    to = request.fields["to"][0]
    to = to if ";tag=" in to or status == 100 else f"{to};tag={tag}"
    kind = "Content-Type: application/sdp\r\n" if sdp else ""
    return (
        f"SIP/2.0 {status} Whatever\r\nVia: {request.fields['via'][0]}\r\n"
        f"From: {request.fields['from'][0]}\r\nTo: {to}\r\n"
        f"Call-ID: {request.call_id}\r\nCSeq: {request.fields['cseq'][0]}\r\nContact: <sip:kak@127.0.0.1:5060>\r\n"
        f"{extra}{kind}Content-Length: {len(sdp)}\r\n\r\n{sdp}"
    ).encode()


def from_server(uac: Uac, method: str, invite: Request | Response, sdp: str = "") -> bytes:
    """A request of the server in the dialog."""
    return (
        f"{method} {uac.line.contact} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKs{method}\r\n"
        f"From: <sip:113@127.0.0.1>;tag=srv\r\nTo: {invite.fields['from'][0]}\r\nCall-ID: {uac.call_id}\r\n"
        f"CSeq: 7 {method}\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    ).encode()


def answered(uac: Uac) -> Request | Response:
    """Bring a call to answered; gives the INVITE."""
    uac.start(0)
    (invite,) = sent(uac)
    uac.receive(answer(invite, 180), 10)
    uac.receive(answer(invite, 200, sdp=SDP), 20)
    uac.drain()
    return invite


def test_a_call_rings_is_answered_and_hung_up() -> None:
    uac = phone(asserted="+4791500002")
    uac.start(0)
    (invite,) = sent(uac)
    assert invite.fields["p-asserted-identity"] == ["<sip:+4791500002@127.0.0.1>"]
    uac.receive(answer(invite, 100), 5)
    uac.receive(answer(invite, 180), 10)
    assert uac.state == "ringing"
    uac.receive(answer(invite, 200, sdp=SDP), 20)
    out, events = uac.drain()
    assert methods([parse(data) for data in out]) == ["ACK"]
    assert [type(event) for event in events] == [Ringing, Answered]
    assert isinstance(events[1], Answered)
    assert (events[1].media.port, events[1].media.dtmf_payload_type) == (30000, 101)
    uac.hang_up(1000)
    (bye,) = sent(uac)
    assert isinstance(bye, Request)
    assert (bye.method, bye.cseq.number, bye.uri_text) == ("BYE", 2, "sip:kak@127.0.0.1:5060")
    uac.receive(answer(bye, 200), 1010)
    assert uac.drain()[1] == [Ended("hung-up", 200)]
    assert uac.next_timer_at_ms() is None


def test_invite_is_repeated_until_somebody_answers_then_never_again() -> None:
    uac = phone()
    uac.start(0)
    (invite,) = sent(uac)
    times = []
    while (at_ms := uac.next_timer_at_ms()) is not None and at_ms < 4000:
        uac.timer(at_ms)
        times.append(at_ms)
    assert times == [500, 1500, 3500]
    assert len(uac.drain()[0]) == 3
    uac.receive(answer(invite, 100), 3600)
    assert uac.next_timer_at_ms() is None


def test_a_dead_server_ends_the_call_after_64_t1() -> None:
    uac = phone()
    uac.start(0)
    last_ms = 0
    while (at_ms := uac.next_timer_at_ms()) is not None:
        uac.timer(at_ms)
        last_ms = at_ms
    assert last_ms == 32_000
    assert uac.drain()[1] == [Ended("timeout")]


def test_a_repeated_200_is_acknowledged_again_with_the_same_ack() -> None:
    uac = phone()
    uac.start(0)
    (invite,) = sent(uac)
    ok = answer(invite, 200, sdp=SDP, extra="Record-Route: <sip:edge2;lr>\r\nRecord-Route: <sip:edge1;lr>\r\n")
    uac.receive(ok, 10)
    (first,), _ = uac.drain()
    uac.receive(ok, 500)
    assert uac.drain() == ([first], [])
    ack = parse(first)
    assert ack.fields["route"] == ["<sip:edge1;lr>", "<sip:edge2;lr>"]
    assert ack.via.branch != invite.via.branch


def test_a_refusal_is_acknowledged_in_its_transaction() -> None:
    uac = phone()
    uac.start(0)
    (invite,) = sent(uac)
    for _ in range(2):
        uac.receive(answer(invite, 404), 10)
        (ack,) = [parse(data) for data in uac.drain()[0]]
        assert isinstance(ack, Request)
        assert (ack.method, ack.via.branch) == ("ACK", invite.via.branch)
    assert (uac.state, uac.status) == ("ended", 404)


def test_cancel_waits_for_a_provisional_answer() -> None:
    uac = phone()
    uac.start(0)
    (invite,) = sent(uac)
    uac.hang_up(5)
    assert uac.drain() == ([], [])
    uac.receive(answer(invite, 180), 10)
    (cancel,) = sent(uac)
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.via.branch, cancel.cseq.number) == ("CANCEL", invite.via.branch, 1)
    uac.receive(answer(cancel, 200), 15)
    uac.receive(answer(invite, 487), 20)
    out, events = uac.drain()
    assert methods([parse(data) for data in out]) == ["ACK"]
    assert events == [Ended("cancelled", 487)]


def test_an_answer_that_overtakes_the_cancel_is_hung_up() -> None:
    uac = phone()
    uac.start(0)
    (invite,) = sent(uac)
    uac.receive(answer(invite, 180), 10)
    uac.hang_up(11)
    uac.drain()
    uac.receive(answer(invite, 200, sdp=SDP), 12)
    assert methods(sent(uac)) == ["ACK", "BYE"]


def test_the_other_end_hangs_up_and_a_repeated_bye_is_answered_too() -> None:
    uac = phone()
    invite = answered(uac)
    bye = from_server(uac, "BYE", invite)
    uac.receive(bye, 100)
    out, events = uac.drain()
    assert methods([parse(data) for data in out]) == ["200"]
    assert events == [Ended("bye")]
    uac.receive(bye, 600)
    assert methods(sent(uac)) == ["200"]


@pytest.mark.parametrize(("forgetful", "status"), [(False, "200"), (True, "481")])
def test_a_probe_is_answered_unless_the_telephone_forgot(forgetful: bool, status: str) -> None:
    uac = phone()
    invite = answered(uac)
    uac.forgetful = forgetful
    uac.receive(from_server(uac, "OPTIONS", invite), 100)
    assert methods(sent(uac)) == [status]


def test_a_reinvite_moves_the_audio() -> None:
    uac = phone()
    invite = answered(uac)
    uac.receive(from_server(uac, "INVITE", invite, SDP.replace("30000", "30002")), 100)
    out, events = uac.drain()
    assert methods([parse(data) for data in out]) == ["200"]
    assert isinstance(events[0], MediaChanged)
    assert events[0].media.port == 30002


def test_location_travels_as_multipart() -> None:
    uac = phone(place=Place(59.91, 10.75))
    uac.start(0)
    (invite,) = sent(uac)
    content_id = invite.fields["geolocation"][0].removeprefix("<cid:").removesuffix(">")
    assert f"Content-ID: <{content_id}>".encode() in invite.body
    assert b"<gml:pos>59.91 10.75</gml:pos>" in invite.body
    assert invite.fields["content-type"][0].startswith("multipart/mixed;boundary=")


def test_a_hidden_number_is_anonymous() -> None:
    line = Line("urn:service:sos.ambulance", "", "127.0.0.1", 5060, "127.0.0.1", 5070)
    uac = Uac(line, 40000, tokens())
    uac.start(0)
    (invite,) = sent(uac)
    assert isinstance(invite, Request)
    assert invite.uri_text == "urn:service:sos.ambulance"
    assert "anonymous.invalid" in invite.fields["from"][0]
    assert invite.fields["privacy"] == ["id"]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"rubbish", b"SIP/2.0 200 OK\r\n\r\n", b"\xff" * 100])
def test_rubbish_changes_nothing(data: bytes) -> None:
    uac = phone()
    answered(uac)
    uac.receive(data, 100)
    assert uac.drain() == ([], [])
    assert uac.state == "answered"


def test_another_calls_message_is_not_ours() -> None:
    uac = phone()
    invite = answered(uac)
    uac.receive(from_server(uac, "BYE", invite).replace(uac.call_id.encode(), b"somebody@else"), 100)
    assert uac.drain() == ([], [])
