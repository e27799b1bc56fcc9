"""Whole calls through the core: what goes out, in which order, and that nothing stays behind."""

from kak_server.model.ids import CallId
from kak_server.sip.api import CallCancelled, CallConfirmed, CallEnded, IncomingCall, ProbeAnswered
from kak_server.sip.core import DUE_AT_ONCE
from tests.unit.sip.uac import ANSWER, OFFER, PEER, STRANGER, Bench, Caller, established

HOUR_MS = 3_600_000


def assert_empty(bench: Bench) -> None:
    """Everything over: no records now, no state after the longest timer."""
    bench.advance(64 * 500 + 10_000)
    assert set(bench.core.census().values()) == {0}, bench.core.census()
    assert bench.records == {}


def test_a_call_from_invite_to_bye() -> None:
    bench = Bench()
    caller = Caller()
    replies = bench.receive(caller.invite())
    assert [reply.status for reply in replies] == [100]
    assert bench.order == ["put", "emit IncomingCall", "send 100"]  # the house has its say first
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert (incoming.trunk, incoming.called, incoming.offer_sdp) == ("carrier", "113", OFFER)
    assert incoming.caller.number == "+4722000001"

    assert bench.core.ring(incoming.call, bench.now_ms)
    bench.order.clear()
    assert bench.core.answer(incoming.call, ANSWER, bench.now_ms)
    bench.drain()
    assert bench.order == ["send 180", "put", "send 200"]
    ringing, answer = bench.sent[-2][1], bench.sent[-1][1]
    assert answer.body == ANSWER
    assert answer.to_tag == ringing.to_tag != ""
    assert answer["contact"] == "<sip:198.51.100.1:5060>"

    caller.to_tag = answer.to_tag
    assert bench.receive(caller.ack()) == []
    assert bench.event(CallConfirmed) == CallConfirmed(incoming.call)
    replies = bench.receive(caller.later("BYE"))
    assert [reply.status for reply in replies] == [200]
    assert bench.event(CallEnded) == CallEnded(incoming.call, "bye")
    assert_empty(bench)


def test_a_retransmitted_invite_gets_the_last_provisional_and_makes_no_second_call() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    assert [reply.status for reply in bench.receive(caller.invite())] == [100]
    call = next(iter(bench.core.calls()))
    bench.core.ring(call, bench.now_ms)
    bench.drain()
    assert [reply.status for reply in bench.receive(caller.invite())] == [180]
    assert len(bench.events) == 1


def test_a_retransmitted_invite_after_the_200_gets_the_200_again() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.answer(next(iter(bench.core.calls())), ANSWER, bench.now_ms)
    bench.drain()
    first = bench.sent[-1][1]
    assert bench.receive(caller.invite()) == [first]
    caller.to_tag = first.to_tag
    bench.receive(caller.ack())
    assert bench.receive(caller.invite()) == []  # acknowledged: a late copy is absorbed


def test_the_200_is_repeated_until_the_ack() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.answer(next(iter(bench.core.calls())), ANSWER, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    times = []
    start_ms = bench.now_ms
    while bench.now_ms < start_ms + 12_000:
        times += [bench.now_ms - start_ms + 500] * len(bench.advance(500))
    assert times == [500, 1500, 3500, 7500, 11500]  # 13.3.1.4: doubling up to T2
    bench.receive(caller.ack())
    assert bench.advance(HOUR_MS) == []


def test_a_200_never_acknowledged_ends_with_bye() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    replies = bench.drain().advance(32_000)
    bye = replies[-1]
    assert bye.method == "BYE"
    assert bench.event(CallEnded) == CallEnded(call, "no-ack")
    bench.receive(caller.respond(bye, 481))
    assert_empty(bench)


def test_cancel_before_the_answer() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.ring(call, bench.now_ms)
    bench.drain()
    replies = bench.receive(caller.request("CANCEL", extra=('Reason: SIP;cause=200;text="elsewhere"',)))
    assert [(reply.status, reply["cseq"]) for reply in replies] == [(200, "1 CANCEL"), (487, "1 INVITE")]
    assert replies[0].to_tag == replies[1].to_tag
    assert bench.event(CallCancelled) == CallCancelled(call, 'SIP;cause=200;text="elsewhere"')
    assert [reply.status for reply in bench.advance(500)] == [487]  # timer G until the ACK
    bench.receive(caller.request("ACK", to_tag=replies[1].to_tag))
    assert bench.advance(4_000) == []
    assert_empty(bench)


def test_cancel_that_crosses_the_200_changes_nothing() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    assert [reply.status for reply in bench.receive(caller.request("CANCEL", to_tag=""))] == [200]
    bench.receive(caller.ack())
    assert bench.event(CallConfirmed) == CallConfirmed(call)


def test_a_rejected_call() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    assert bench.core.reject(call, 486, bench.now_ms, "no\r\noperator")
    bench.drain()
    assert bench.sent[-1][1].start == "SIP/2.0 486 no  operator"
    assert bench.event(CallEnded) == CallEnded(call, "rejected", "no\r\noperator")
    bench.receive(caller.request("ACK", to_tag=bench.sent[-1][1].to_tag))
    assert_empty(bench)


def test_hangup_of_an_established_call() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    bench.order.clear()
    assert bench.core.hangup(call, bench.now_ms, 'done "ok"')
    bench.drain()
    assert bench.order == ["put", "send BYE", "emit CallEnded"]
    bye = bench.sent[-1][1]
    assert bye.start == "BYE sip:caller@192.0.2.10:5060 SIP/2.0"
    assert bye["reason"] == 'Q.850;cause=16;text="done \\"ok\\""'
    assert bye["from"].endswith(f";tag={caller.to_tag}")
    assert bye["to"].endswith(";tag=caller")
    assert not bench.core.hangup(call, bench.now_ms)
    bench.receive(caller.respond(bye, 200))
    assert bench.core.calls() == {}
    assert_empty(bench)


def test_hangup_waits_for_the_ack() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    assert bench.core.hangup(call, bench.now_ms)
    bench.drain()
    assert bench.sent[-1][1].status == 200  # 15: no BYE before the ACK
    caller.to_tag = bench.sent[-1][1].to_tag
    replies = bench.receive(caller.ack())
    assert [reply.method for reply in replies] == ["BYE"]
    assert bench.event(CallEnded) == CallEnded(call, "hangup")
    bench.receive(caller.respond(replies[0], 200))
    assert_empty(bench)


def test_hangup_gives_up_waiting_for_the_ack() -> None:
    bench = Bench()
    bench.receive(Caller().invite())
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.core.hangup(call, bench.now_ms)
    assert bench.advance(32_000)[-1].method == "BYE"
    assert bench.event(CallEnded) == CallEnded(call, "hangup")
    assert_empty(bench)


def test_hangup_before_the_answer_is_480() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    assert bench.core.hangup(call, bench.now_ms)
    bench.drain()
    assert bench.sent[-1][1].status == 480
    assert bench.event(CallEnded) == CallEnded(call, "hangup")
    assert_empty(bench)  # no ACK at all: timer H clears up


def test_bye_in_the_early_dialog() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.ring(call, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    replies = bench.receive(caller.later("BYE"))
    assert [(reply.status, reply["cseq"]) for reply in replies] == [(200, "2 BYE"), (487, "1 INVITE")]
    assert bench.event(CallCancelled) == CallCancelled(call)
    assert_empty(bench)


def test_bye_before_our_200_is_acknowledged() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    assert [reply.status for reply in bench.receive(caller.later("BYE"))] == [200]
    assert bench.event(CallEnded) == CallEnded(call, "bye")
    assert bench.advance(32_000) == []
    assert_empty(bench)


def test_both_hang_up_at_once() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    bench.core.hangup(call, bench.now_ms)
    bye = bench.drain().sent[-1][1]
    assert [reply.status for reply in bench.receive(caller.later("BYE"))] == [200]
    bench.receive(caller.respond(bye, 481))
    assert bench.event(CallEnded) == CallEnded(call, "hangup")
    assert_empty(bench)


def test_probe_answered_and_probe_of_a_vanished_caller() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    assert bench.core.probe(call, bench.now_ms)
    options = bench.drain().sent[-1][1]
    assert options.method == "OPTIONS"
    assert bench.core.probe(call, bench.now_ms)  # one at a time
    assert bench.drain().sent[-1][1] is options
    bench.receive(caller.respond(options, 405, "Whatever"))  # only 481 and 408 end a call
    assert bench.event(ProbeAnswered) == ProbeAnswered(call, 405)

    bench.core.probe(call, bench.now_ms)
    bench.drain()
    replies = bench.advance(32_000)
    assert {reply.method for reply in replies[:-1]} == {"OPTIONS"}
    assert replies[-1].method == "BYE"
    assert isinstance(ended := bench.event(CallEnded), CallEnded)
    assert ended.cause == "gone"
    assert_empty(bench)


def test_probe_answered_481_ends_the_call() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    bench.core.probe(call, bench.now_ms)
    options = bench.drain().sent[-1][1]
    replies = bench.receive(caller.respond(options, 481))
    assert [reply.method for reply in replies] == ["BYE"]
    bench.receive(caller.respond(replies[0], 481))
    assert_empty(bench)


def test_late_offer() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite(body=""))
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.offer_sdp is None
    bench.core.answer(incoming.call, ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack(body=OFFER))
    assert bench.event(CallConfirmed) == CallConfirmed(incoming.call, OFFER)


def test_a_waiting_caller_hears_of_us_every_minute() -> None:
    bench = Bench()
    bench.receive(Caller().invite())
    call = next(iter(bench.core.calls()))
    assert bench.advance(120_000) == []  # nothing said yet: nothing to repeat
    bench.core.ring(call, bench.now_ms)
    bench.drain()
    assert [reply.status for reply in bench.advance(185_000)] == [180, 180, 180]


def test_early_media() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    assert bench.core.progress(call, ANSWER, bench.now_ms)
    bench.drain()
    assert bench.order[-2:] == ["put", "send 183"]
    assert bench.sent[-1][1].body == ANSWER
    assert [reply.body for reply in bench.receive(caller.invite())] == [ANSWER]


def test_commands_for_unknown_and_finished_calls_are_harmless() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    assert not bench.core.ring(call, bench.now_ms)
    assert not bench.core.answer(call, ANSWER, bench.now_ms)
    assert not bench.core.progress(call, ANSWER, bench.now_ms)
    assert not bench.core.reject(call, 486, bench.now_ms)
    bench.drain().receive(caller.later("BYE"))
    for known in (call, CallId("nobody")):
        assert not bench.core.hangup(known, bench.now_ms)
        assert not bench.core.probe(known, bench.now_ms)
        assert not bench.core.answer(known, ANSWER, bench.now_ms)
    late = [count for count in bench.drain().counts if count.name == "sip_commands_late"]
    assert len(late) == 10


def test_strangers_get_403_and_leave_nothing() -> None:
    bench = Bench()
    replies = bench.receive(Caller().invite(), STRANGER)
    assert [reply.status for reply in replies] == [403]
    again = bench.receive(Caller().invite(), STRANGER)
    assert again == replies  # the same answer, To tag included
    assert bench.receive(Caller().request("ACK"), STRANGER) == []
    assert set(bench.core.census().values()) == {0}
    assert bench.events == []


def test_responses_go_where_the_request_came_from() -> None:
    bench = Bench()
    plain = Caller().invite().encode().replace(b"192.0.2.10:5060;", b"10.0.0.1:5080;")
    bench.receive(plain)
    flow, reply = bench.sent[-1]
    assert (flow.host, flow.port) == (PEER.host, 5080)  # 18.2.2: source address, the Via's port
    assert reply["via"].endswith(";received=192.0.2.10")
    bench.receive(plain.replace(b"10.0.0.1:5080;", b"10.0.0.1:5080;rport;").replace(b"inv1", b"inv2"))
    flow, reply = bench.sent[-1]
    assert (flow.host, flow.port) == (PEER.host, PEER.port)  # RFC 3581
    assert ";rport=5060;" in reply["via"]
    assert reply["via"].endswith(";received=192.0.2.10")


def test_record_route_makes_the_route_set() -> None:
    bench = Bench()
    caller = Caller()
    routes = ("Record-Route: <sip:192.0.2.7:5070;lr>, <sip:p2.example.com;lr>", "Record-Route: <sip:192.0.2.9;lr>")
    bench.receive(caller.invite(extra=routes))
    call = next(iter(bench.core.calls()))
    bench.core.answer(call, ANSWER, bench.now_ms)
    answer = bench.drain().sent[-1][1]
    assert answer.all("record-route") == [line.partition(": ")[2] for line in routes]
    caller.to_tag = answer.to_tag
    bench.receive(caller.ack())
    bench.core.hangup(call, bench.now_ms)
    flow, bye = bench.drain().sent[-1]
    assert (flow.host, flow.port) == ("192.0.2.7", 5070)
    assert bye.all("route") == ["<sip:192.0.2.7:5070;lr>", "<sip:p2.example.com;lr>", "<sip:192.0.2.9;lr>"]
    assert bye.start == "BYE sip:caller@192.0.2.10:5060 SIP/2.0"


def test_timers_of_a_busy_second_that_end_together_let_others_in_between() -> None:
    bench = Bench()
    for number in range(DUE_AT_ONCE):
        caller = established(bench, Caller(call_id=f"many-{number}", tag=f"t{number}", branch=f"z9hG4bKmany{number}"))
        bench.receive(caller.later("BYE"))
    timers = bench.core.census()["timers"]
    assert timers > 2 * DUE_AT_ONCE
    bench.now_ms += HOUR_MS
    bench.core.timer(bench.now_ms)
    assert bench.core.census()["timers"] == timers - DUE_AT_ONCE
    due_ms = bench.core.next_timer_at_ms()
    assert due_ms is not None
    assert due_ms <= bench.now_ms  # the shell comes back at once
    assert [reply.status for reply in bench.receive(Caller(branch="z9hG4bKnew").invite())] == [100]
    bench.core.reject(next(iter(bench.core.calls())), 486, bench.now_ms)
    bench.receive(Caller(branch="z9hG4bKnew").request("ACK", to_tag=bench.drain().sent[-1][1].to_tag))
    assert_empty(bench)


def test_requests_that_have_used_up_their_hops_end_here_anyway() -> None:
    """RFC 3261 16.3 is for proxies: 8.2 asks nothing of Max-Forwards."""
    bench = Bench()
    invite = Caller().invite().replace("Forwards: 70", "Forwards: 0")
    assert [reply.status for reply in bench.receive(invite)] == [100]
    options = Caller(branch="z9hG4bKopt", call_id="other").request("OPTIONS").replace("Forwards: 70", "Forwards: 0")
    assert [reply.status for reply in bench.receive(options)] == [200]
    bad = Caller(branch="z9hG4bKbad", call_id="bad").request("OPTIONS").replace("Forwards: 70", "Forwards: 300")
    assert [reply.status for reply in bench.receive(bad)] == [400]
