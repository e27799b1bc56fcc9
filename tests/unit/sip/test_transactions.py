"""Matching messages to transactions, old peers, and connections that come and go."""

from dataclasses import replace

import pytest

from kak_server.sip import transactions
from kak_server.sip.api import CallConfirmed, CallEnded, Flow, IncomingCall
from kak_server.sip.context import response_route
from kak_server.sip.parser import Request, parse
from kak_server.sip.transactions import server_key
from tests.unit.sip.uac import ANSWER, PEER, Bench, Caller, established


def request(text: str) -> Request:
    parsed = parse(text.encode())
    assert isinstance(parsed, Request)
    return parsed


def test_keys() -> None:
    invite = request(Caller().invite())
    assert server_key(invite) == server_key(request(Caller().request("ACK")))  # 17.2.3
    assert server_key(invite) == server_key(request(Caller().request("CANCEL")), "INVITE")
    assert server_key(invite) != server_key(request(Caller().request("CANCEL")))
    assert server_key(invite) != server_key(request(Caller(branch="z9hG4bKother").invite()))
    elsewhere = Caller().invite().replace("UDP 192.0.2.10:5060", "UDP 192.0.2.11:5060")
    assert server_key(invite) != server_key(request(elsewhere))  # the same branch of another hop


def test_a_peer_of_the_old_rfc_without_the_magic_cookie() -> None:
    bench = Bench()
    caller = Caller(branch="1")
    bench.receive(caller.invite())
    assert [reply.status for reply in bench.receive(caller.invite())] == [100]
    call = next(iter(bench.core.calls()))
    bench.core.reject(call, 486, bench.now_ms)
    refusal = bench.drain().sent[-1][1]
    bench.receive(caller.request("ACK", to_tag=refusal.to_tag))
    assert bench.advance(4_000) == []
    bench.advance(60_000)
    assert not any(bench.core.census().values())


def test_an_ack_to_a_200_that_keeps_the_branch() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.answer(next(iter(bench.core.calls())), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack(branch=caller.branch))
    assert bench.event(CallConfirmed)
    assert bench.advance(60_000) == []


def test_when_there_is_no_room_requests_are_refused_without_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_TRANSACTIONS", 1)
    bench = Bench()
    bench.receive(Caller().invite())
    (reply,) = bench.receive(Caller(call_id="other@x", branch="z9hG4bKother").invite())
    assert reply.status == 503
    assert bench.core.census()["transactions"] == 1


def test_an_answer_with_the_wrong_method_answers_nothing() -> None:
    bench = Bench()
    caller = established(bench)
    bench.core.probe(next(iter(bench.core.calls())), bench.now_ms)
    probe = bench.drain().sent[-1][1]
    bench.receive(caller.respond(probe, 481).replace("OPTIONS", "BYE"))
    bench.receive(caller.respond(probe, 481).replace("z9hG4bK", "z9hG4bKx", 1))
    bench.receive(caller.respond(probe, 100))
    assert not [event for event in bench.events if isinstance(event, CallEnded)]
    assert [count.name for count in bench.counts].count("sip_stray_response") == 2


def test_where_responses_go() -> None:
    invite = request(Caller().invite())
    assert response_route(invite, replace(PEER, port=1024)) == (PEER, None)  # the Via's port
    rport = request(Caller().invite().replace("5060;branch", "5060;rport;branch"))
    assert response_route(rport, replace(PEER, port=1024)) == (replace(PEER, port=1024), None)
    bare = request(Caller().invite().replace("10:5060;branch", "10;branch"))
    assert response_route(bare, replace(PEER, port=1024)) == (PEER, None)  # the default port
    stream = Flow("tcp", "192.0.2.10", 1024, connection=3)
    assert response_route(bare, stream) == (stream, Flow("tcp", "192.0.2.10", 5060))


def test_an_answer_after_its_connection_has_gone_goes_over_a_new_one() -> None:
    bench = Bench()
    caller = Caller(transport="TCP")
    stream = Flow("tcp", "192.0.2.10", 50_000, connection=4)
    bench.receive(caller.invite(), stream)
    assert bench.sent[-1][0] == stream
    bench.core.stream_closed(stream, bench.now_ms)
    call = next(iter(bench.core.calls()))
    bench.core.ring(call, bench.now_ms)
    assert bench.drain().sent[-1][0] == Flow("tcp", "192.0.2.10", 5060)
    other = replace(stream, port=50_001, connection=5)
    bench.receive(caller.invite(), other)  # the peer comes back by itself
    assert bench.sent[-1][0] == other


def test_a_call_over_tcp_leaves_nothing_at_once() -> None:
    bench = Bench()
    caller = established(bench, Caller(transport="TCP"))
    stream = Flow("tcp", "192.0.2.10", 50_000, connection=1)
    bench.receive(caller.later("BYE"), stream)
    assert bench.records == {}
    assert isinstance(bench.event(IncomingCall), IncomingCall)
    bench.core.stream_closed(stream, bench.now_ms)
    bench.advance(32_000)  # timer L runs on every transport (RFC 6026)
    assert not any(bench.core.census().values())
