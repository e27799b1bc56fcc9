"""Whatever is refused outside a dialog is refused inside one too, with the headers it owes, and the call goes on; and
the rules of RFC 3261 with RFC 6026 for the side that serves, each by its name."""

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallConfirmed, CallEnded, CallMediaChanged, IncomingCall
from tests.unit.sip.uac import ANSWER, OFFER, PEER, Bench, Caller, established


def call_of(bench: Bench) -> CallId:
    return next(iter(bench.core.calls()))


REFUSALS = [
    # method, other options of the request, status, header that must be there
    ("MESSAGE", {}, 405, "allow"),
    ("PUBLISH", {}, 405, "allow"),
    ("REGISTER", {}, 405, "allow"),
    ("SUBSCRIBE", {"extra": ("Event: refer", "Expires: 0")}, 405, "allow"),
    ("NONSENSE", {}, 501, "allow"),
    ("INVITE", {"body": OFFER, "extra": ("Require: nothing, 100rel",)}, 420, "unsupported"),
    ("UPDATE", {"extra": ("Require: nothing",)}, 420, "unsupported"),
    ("BYE", {"extra": ("Require: nothing",)}, 420, "unsupported"),
    ("INVITE", {"body": "x", "content_type": "text/plain"}, 415, "accept"),
    ("UPDATE", {"body": "x", "content_type": "text/plain"}, 415, "accept"),
    ("INVITE", {"body": OFFER, "extra": ("Content-Encoding: gzip",)}, 415, "accept-encoding"),
    ("INVITE", {"extra": ("Accept: text/html",)}, 406, ""),
    ("INVITE", {"body": OFFER, "extra": ("Accept: text/html, application/isup",)}, 406, ""),
    ("UPDATE", {"body": OFFER, "extra": ("Accept: text/html",)}, 406, ""),
    ("INVITE", {"body": OFFER, "uri": "mailto:x@y"}, 416, ""),
    ("UPDATE", {"uri": "http://198.51.100.1/"}, 416, ""),
    ("INVITE", {"body": "nonsense"}, 488, ""),
    ("INVITE", {"body": OFFER, "extra": ('Accept: "',)}, 400, ""),
    ("UPDATE", {"extra": ('Require: "',)}, 400, ""),
    ("NOTIFY", {"extra": ("Event: presence", "Subscription-State: active")}, 489, "allow-events"),
    ("INFO", {"extra": ("Info-Package: x",)}, 469, "recv-info"),
]


@pytest.mark.parametrize(("method", "options", "status", "header"), REFUSALS)
def test_refused_and_the_call_goes_on(method: str, options: dict[str, str], status: int, header: str) -> None:
    bench = Bench()
    caller = established(bench)
    (reply,) = bench.receive(caller.later(method, **options))
    assert reply.status == status
    if header:
        assert reply.all(header), reply.headers
    assert len(bench.core.calls()) == 1
    assert not [event for event in bench.events if isinstance(event, CallMediaChanged | CallEnded)]
    if method == "INVITE":
        bench.receive(caller.request("ACK", branch=f"{caller.branch}-INVITE{caller.cseq}"))
    assert [reply.status for reply in bench.receive(caller.later("OPTIONS"))] == [200]


def test_a_bye_is_taken_whatever_it_is_addressed_to() -> None:
    bench = Bench()
    caller = established(bench)
    assert [reply.status for reply in bench.receive(caller.later("BYE", uri="http://198.51.100.1/"))] == [200]
    assert bench.event(CallEnded)


def test_another_version_is_505() -> None:
    bench = Bench()
    caller = established(bench)
    text = caller.later("OPTIONS").replace(" SIP/2.0\r\nVia", " SIP/3.0\r\nVia")
    assert [reply.status for reply in bench.receive(text)] == [505]
    assert len(bench.core.calls()) == 1


@pytest.mark.parametrize(("hops", "status"), [("0", 200), ("70", 200), ("256", 400), ("x", 400)])
def test_max_forwards(hops: str, status: int) -> None:
    """8.1.1.6: it counts hops between proxies; who is asked himself serves a request that has none left. What cannot
    be read is 400. 483 is said by proxies (16.3), which this is not."""
    bench = Bench()
    caller = established(bench)
    text = caller.later("OPTIONS").replace("Max-Forwards: 70", f"Max-Forwards: {hops}")
    assert [reply.status for reply in bench.receive(text)] == [status]


def test_an_accept_that_takes_descriptions_is_fine() -> None:
    bench = Bench()
    caller = established(bench)
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER, extra=("Accept: application/sdp;level=1, text/html",)))
    assert reply.status == 200
    (reply,) = bench.receive(caller.later("BYE", extra=("Accept: text/html",)))
    assert reply.status == 200  # whose answer has no body


def test_rfc_6026_accepted_absorbs_copies_of_the_invite_for_64_t1() -> None:
    bench = Bench()
    caller = Caller()
    invite = caller.invite()
    bench.receive(invite)
    bench.core.answer(call_of(bench), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack())
    for _ in range(3):
        bench.advance(10_000)
        assert bench.receive(invite) == []  # 7.1: no 481, no second call
    assert len([event for event in bench.events if isinstance(event, IncomingCall | CallConfirmed)]) == 2
    bench.advance(2_001)
    assert bench.core.census()["transactions"] == 0  # timer L


def test_rfc_6026_an_ack_with_another_branch_reaches_the_call() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.answer(call_of(bench), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    assert bench.receive(caller.ack(branch="z9hG4bKquiteanother")) == []
    assert bench.event(CallConfirmed)
    assert bench.receive(caller.ack(branch="z9hG4bKquiteanother")) == []  # repeated: nothing


def test_merged_requests_are_482_while_the_first_is_remembered() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    for number in range(3):
        (reply,) = bench.receive(caller.invite(branch=f"z9hG4bKpath{number}"))
        assert reply.status == 482
        bench.receive(caller.request("ACK", branch=f"z9hG4bKpath{number}", to_tag=reply.to_tag))
    assert len(bench.core.calls()) == 1
    call = call_of(bench)
    bench.core.answer(call, ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack())
    assert [reply.status for reply in bench.receive(caller.invite(branch="z9hG4bKlate", to_tag=""))] == [482]


ROUTES = ("Record-Route: <sip:p2.example;lr>, <sip:192.0.2.7:5070;lr>", "Record-Route: <sip:192.0.2.8;lr;x=y>")


@pytest.mark.parametrize("order", ["reoffer", "refer", "probe", "hangup"])
def test_loose_routing_of_every_request_of_ours(order: str) -> None:
    """12.1.1, 12.2.1.1: the Record-Route of the INVITE, in its order, the target in the Request-URI."""
    bench = Bench()
    caller = established_over(bench, ("Record-Route: <sip:192.0.2.7:5070;lr>, <sip:p2.example;lr>", ROUTES[1]))
    act(bench, order)
    flow, request = bench.drain().sent[-1]
    assert request.start.split()[1] == "sip:caller@192.0.2.10:5060"
    assert request.all("route") == ["<sip:192.0.2.7:5070;lr>", "<sip:p2.example;lr>", "<sip:192.0.2.8;lr;x=y>"]
    assert (flow.host, flow.port) == ("192.0.2.7", 5070)
    assert caller.to_tag in request["from"]


def test_a_strict_router_first_gets_itself_and_the_target_goes_last() -> None:
    """12.2.1.1, for a proxy of RFC 2543, and the ACK of our own re-INVITE likewise."""
    bench = Bench()
    caller = established_over(bench, ("Record-Route: <sip:192.0.2.7:5070>, <sip:192.0.2.8;lr>",))
    act(bench, "reoffer")
    flow, invite = bench.drain().sent[-1]
    expected = ["<sip:192.0.2.8;lr>", "<sip:caller@192.0.2.10:5060>"]
    assert (invite.start.split()[1], invite.all("route")) == ("sip:192.0.2.7:5070", expected)
    assert (flow.host, flow.port) == ("192.0.2.7", 5070)
    answer = OFFER.replace("RTP/AVP 0 8 101", "RTP/AVP 8 101")
    bench.receive(caller.respond(invite, 200, extra=("Contact: <sip:moved@192.0.2.99>",), body=answer))
    ack = bench.sent[-1][1]
    assert (ack.start.split()[1], ack.all("route")[-1]) == ("sip:192.0.2.7:5070", "<sip:moved@192.0.2.99>")


def test_the_route_set_stays_when_the_target_moves() -> None:
    """12.2: a target refresh changes the target alone, whatever Record-Route it carries."""
    bench = Bench()
    caller = established_over(bench, ("Record-Route: <sip:192.0.2.7:5070;lr>",))
    caller.contact = "<sip:moved@192.0.2.99:5099>"
    bench.receive(caller.later("INVITE", body=OFFER, extra=("Record-Route: <sip:192.0.2.66;lr>",)))
    bench.receive(caller.ack())
    act(bench, "hangup")
    request = bench.drain().sent[-1][1]
    assert request.start.split()[1] == "sip:moved@192.0.2.99:5099"
    assert request.all("route") == ["<sip:192.0.2.7:5070;lr>"]


def test_record_route_goes_back_in_answers_that_make_dialogs_only() -> None:
    bench = Bench()
    caller = established_over(bench, ROUTES)
    made = [reply for _, reply in bench.sent if reply.status == 200]
    assert made[0].all("record-route") == [route.partition(": ")[2] for route in ROUTES]
    (options,) = bench.receive(caller.later("OPTIONS", extra=ROUTES))
    assert options.all("record-route") == []


def established_over(bench: Bench, routes: tuple[str, ...]) -> Caller:
    caller = Caller()
    bench.receive(caller.invite(extra=routes), PEER)
    bench.core.answer(call_of(bench), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack())
    return caller


def act(bench: Bench, order: str) -> None:
    call = call_of(bench)
    if order == "reoffer":
        assert bench.core.reoffer(call, ANSWER, bench.now_ms)
    elif order == "refer":
        assert bench.core.refer(call, "110", bench.now_ms)
    elif order == "probe":
        assert bench.core.probe(call, bench.now_ms)
    else:
        assert bench.core.hangup(call, bench.now_ms)
