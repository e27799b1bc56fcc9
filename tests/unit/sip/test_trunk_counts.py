"""What the core counts of each trunk: how calls went, how long it took, what was said twice."""

from dataclasses import replace

from kak_server.sip.api import Count, Flow
from kak_server.sip.core import SipCore
from kak_server.sip.trace import SipTrace, TraceLimits
from tests.unit.sip.uac import ANSWER, PEER, SETTINGS, STRANGER, Bench, Caller, established, ids, make_core


def told(bench: Bench, name: str) -> list[tuple[dict[str, str], int | None]]:
    return [(dict(count.labels), count.ms) for count in bench.counts if count.name == name]


def test_an_answered_call_and_its_times() -> None:
    bench, caller = Bench(), Caller()
    bench.receive(caller.invite())
    bench.now_ms += 2_300
    (call,) = bench.core.calls()
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    bench.now_ms += 45
    bench.receive(caller.ack())
    assert told(bench, "sip_trunk_call") == [({"trunk": "carrier"}, None)]
    assert told(bench, "sip_trunk_final") == [({"trunk": "carrier", "status": "200"}, 2_300)]
    assert told(bench, "sip_trunk_ack") == [({"trunk": "carrier"}, 45)]


def test_a_reinvite_is_no_new_call() -> None:
    bench = Bench()
    caller = established(bench)
    caller.cseq = 2
    bench.receive(caller.invite(branch="z9hG4bKre"))
    bench.receive(caller.ack())
    for name in ("sip_trunk_call", "sip_trunk_final", "sip_trunk_ack"):
        assert len(told(bench, name)) == 1


def test_failures_by_code() -> None:
    bench = Bench()
    bench.receive(Caller(call_id="unknown", uri="sip:4711@198.51.100.1", branch="z9hG4bKa").invite())
    bench.receive(Caller(call_id="cancelled", branch="z9hG4bKb").invite())
    bench.receive(Caller(call_id="cancelled", branch="z9hG4bKb").request("CANCEL"))
    bench.receive(Caller(call_id="full", branch="z9hG4bKc").invite(body="not sdp", content_type="text/plain"))
    finals = [labels for labels, _ in told(bench, "sip_trunk_final")]
    assert finals == [{"trunk": "carrier", "status": status} for status in ("404", "487", "415")]
    assert len(told(bench, "sip_trunk_call")) == 1  # only the cancelled one was let in


def test_strangers_are_no_trunk() -> None:
    bench = Bench()
    bench.receive(Caller().invite(), STRANGER)
    assert [count for count in bench.counts if "trunk" in count.labels] == []


def test_retransmissions_of_both_sides() -> None:
    bench, caller = Bench(), Caller()
    for _ in range(3):
        bench.receive(caller.invite())  # the second and third get the 100 again
    assert told(bench, "sip_retransmissions") == [({"method": "INVITE", "trunk": "carrier"}, None)] * 2
    assert told(bench, "sip_retransmissions_out") == [({"trunk": "carrier"}, None)] * 2
    (call,) = bench.core.calls()
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    before = len(told(bench, "sip_retransmissions_out"))
    assert len(bench.advance(1_600)) == 2  # the 200 after 500 and 1,500 ms
    assert len(told(bench, "sip_retransmissions_out")) == before + 2


def test_a_refusal_without_ack_is_repeated_and_counted() -> None:
    bench = Bench()
    bench.receive(Caller(uri="sip:4711@198.51.100.1").invite())
    repeats = bench.advance(1_600)
    assert [reply.status for reply in repeats] == [404, 404]
    assert told(bench, "sip_retransmissions_out") == [({"trunk": "carrier"}, None)] * 2


def test_a_probe_answered_and_one_that_is_not() -> None:
    bench = Bench()
    caller = established(bench)
    (call,) = bench.core.calls()
    bench.core.probe(call, bench.now_ms)
    bench.drain()
    bench.receive(caller.respond(bench.sent[-1][1], 200))
    assert told(bench, "sip_trunk_options") == [({"trunk": "carrier", "status": "200"}, None)]
    bench.core.probe(call, bench.now_ms)
    repeats = len(told(bench, "sip_retransmissions_out"))
    bench.drain()
    bench.advance(40_000)
    assert told(bench, "sip_trunk_options")[-1] == ({"trunk": "carrier", "status": "408"}, None)
    assert told(bench, "sip_retransmissions_out")[repeats:][0] == ({"trunk": "carrier"}, None)


def test_after_a_restart_nobody_knows_how_long_the_caller_waited() -> None:
    first, caller = Bench(), Caller()
    first.receive(caller.invite())
    second = Bench(core=make_core(prefix="again-"), now_ms=first.now_ms + 60_000)
    second.core.restore(first.records, second.now_ms)
    (call,) = second.core.calls()
    second.core.answer(call, ANSWER, second.now_ms)
    second.drain()
    assert told(second, "sip_trunk_final") == [({"trunk": "carrier", "status": "200"}, None)]


def test_log_lines_about_a_call_say_which() -> None:
    bench = Bench()
    bench.receive(Caller().invite())
    (call,) = bench.core.calls()
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.advance(33_000)
    (count,) = [count for count in bench.counts if count.name == "sip_no_ack"]
    assert count == Count("sip_no_ack", {"call": call}, "our 200 was never acknowledged")


def test_whole_messages_are_traced_as_they_come_in() -> None:
    trace = SipTrace(TraceLimits())
    bench = Bench(core=make_core_with(trace))
    flow = Flow("tcp", "192.0.2.10", 50_000, connection=1)
    data = Caller(transport="TCP").invite()
    bench.receive(data[:100], flow)
    assert len(trace) == 0
    bench.receive(data[100:], flow)
    bench.receive(Caller(call_id="stranger").invite(), STRANGER)
    bench.receive("\r\n\r\n", PEER)
    assert len(trace) == 2
    found = trace.find("c1@192.0.2.10", bench.now_ms)
    assert found is not None
    assert [(message.data, message.flow, message.sent) for message in found.messages] == [(data.encode(), flow, False)]


def test_what_is_dropped_unread_is_not_traced() -> None:
    trace = SipTrace(TraceLimits())
    bench = Bench(core=make_core_with(trace, drop=True))
    bench.receive(Caller().invite(), STRANGER)
    assert len(trace) == 0


def make_core_with(trace: SipTrace, *, drop: bool = False) -> SipCore:
    serial = ids()
    settings = replace(SETTINGS, unknown_peers="drop") if drop else SETTINGS
    return SipCore(settings, lambda kind: f"{kind}{next(serial)}", trace)
