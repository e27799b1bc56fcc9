"""Requests of ours on their way: located, failed over, switched to TCP."""

from dataclasses import replace

import pytest

from kak_server.sip.api import CallEnded, Count, Flow, ListenerSettings, Locate, ProbeAnswered, Target
from tests.unit.sip.uac import PEER, SETTINGS, Bench, Caller, Reply, established, make_core

FAR = Target("udp", "192.0.2.21", 5070, "sbc.example.com")
FARTHER = Target("udp", "192.0.2.22", 5070, "sbc.example.com")


def called(contact: str = "<sip:caller@sbc.example.com>", extra: tuple[str, ...] = (), **changes: object) -> Bench:
    """A call that is up, whose peer says it is reached at `contact`."""
    bench = Bench(make_core(replace(SETTINGS, **changes)))  # type: ignore[arg-type]
    caller = Caller(contact=contact)
    bench.receive(caller.invite(extra=extra))
    (call,) = bench.core.calls()
    bench.core.answer(call, "v=0\r\n", bench.now_ms)
    bench.drain()
    caller.to_tag = bench.sent[-1][1].to_tag
    bench.receive(caller.ack())
    bench.sent.clear()
    return bench


def hang_up(bench: Bench) -> None:
    (call,) = bench.core.calls()
    assert bench.core.hangup(call, bench.now_ms)
    bench.drain()


def located(bench: Bench, *targets: Target) -> tuple[Flow, Reply]:
    (ask,) = bench.locates
    bench.locates.clear()
    bench.core.located(ask.key, targets, bench.now_ms)
    bench.drain()
    return bench.sent[-1]


def answer(bench: Bench, status: int = 200) -> None:
    bench.receive(Caller().respond(bench.sent[-1][1], status))


def test_a_name_is_located_before_anything_is_sent() -> None:
    bench = called()
    hang_up(bench)
    assert bench.sent == []
    assert isinstance(bench.event(CallEnded), CallEnded)  # the house does not wait for the DNS
    (ask,) = bench.locates
    assert isinstance(ask, Locate)
    assert (ask.want.host, ask.want.port, ask.want.usable, ask.want.families) == (
        "sbc.example.com",
        None,
        ("udp", "tcp"),
        (4, 6),
    )
    flow, bye = located(bench, FAR, FARTHER)
    assert (bye.method, flow) == ("BYE", Flow("udp", "192.0.2.21", 5070, "main", 0, "sbc.example.com"))
    answer(bench)
    bench.advance(40_000)
    assert not any(bench.core.census().values())


@pytest.mark.parametrize("late", [False, True])
def test_where_the_dns_fails_the_peers_own_address_serves(late: bool) -> None:
    bench = called()
    hang_up(bench)
    if late:
        (ask,) = bench.locates
        bench.advance(SETTINGS.locate_timeout_ms)
        bench.core.located(ask.key, (FAR,), bench.now_ms)  # too late
        bench.drain()
    else:
        located(bench)
    assert bench.sent[0][0] == PEER
    assert "sip_not_located" in {count.name for count in bench.counts}
    answer(bench)
    bench.advance(40_000)
    assert not any(bench.core.census().values())


def test_silence_leads_to_the_next_target_and_the_dead_one_is_tried_last() -> None:
    bench = called()
    (call,) = bench.core.calls()
    bench.core.probe(call, bench.now_ms)
    bench.drain()
    first, options = located(bench, FAR, FARTHER)
    bench.advance(SETTINGS.failover_ms)
    second, again = bench.sent[-1]
    assert (first.host, second.host) == (FAR.host, FARTHER.host)
    assert again["via"] != options["via"]  # RFC 3263 4.3: another transaction
    assert again["cseq"] == options["cseq"]
    answer(bench)
    assert bench.event(ProbeAnswered) == ProbeAnswered(call, 200)
    hang_up(bench)
    assert located(bench, FAR, FARTHER)[0].host == FARTHER.host
    answer(bench)


def test_503_leads_to_the_next_target_and_any_other_answer_counts() -> None:
    bench = called()
    (call,) = bench.core.calls()
    bench.core.probe(call, bench.now_ms)
    bench.drain()
    located(bench, FAR, FARTHER)
    answer(bench, 503)
    assert bench.sent[-1][0].host == FARTHER.host
    answer(bench, 405)
    assert bench.event(ProbeAnswered) == ProbeAnswered(call, 405)


def test_a_target_that_has_answered_provisionally_is_waited_for() -> None:
    bench = called()
    (call,) = bench.core.calls()
    bench.core.probe(call, bench.now_ms)
    bench.drain()
    located(bench, FAR, FARTHER)
    answer(bench, 100)
    bench.advance(SETTINGS.failover_ms * 3)
    assert {flow.host for flow, _ in bench.sent} == {FAR.host}


def test_nobody_answers_anywhere() -> None:
    bench = called()
    hang_up(bench)
    located(bench, FAR, FARTHER)
    bench.advance(SETTINGS.failover_ms + 64 * SETTINGS.t1_ms + 1)
    assert {flow.host for flow, _ in bench.sent} == {FAR.host, FARTHER.host}
    bench.advance(60_000)
    assert not any(bench.core.census().values())


def test_a_large_request_goes_over_tcp_and_over_udp_when_that_fails() -> None:
    """18.1.1: sixteen long Record-Routes make the BYE too large for a datagram."""
    routes = tuple(f"Record-Route: <sip:192.0.2.10;lr;x={'y' * 90}{number}>" for number in range(16))
    bench = called("<sip:caller@192.0.2.10:5060>", routes)
    hang_up(bench)
    flow, bye = bench.sent[-1]
    assert flow == Flow("tcp", "192.0.2.10", 5060)
    assert bye["via"].startswith("SIP/2.0/TCP ")
    bench.core.unreachable(flow, bench.now_ms)
    bench.drain()
    flow, bye = bench.sent[-1]
    assert flow == Flow("udp", "192.0.2.10", 5060)
    assert bye["via"].startswith("SIP/2.0/UDP ")
    answer(bench)
    bench.advance(40_000)
    assert not any(bench.core.census().values())


def test_a_small_one_does_not_and_nor_does_one_without_tcp() -> None:
    bench = called("<sip:caller@192.0.2.10:5060>")
    hang_up(bench)
    assert bench.sent[-1][0].transport == "udp"
    only = (ListenerSettings("main", "198.51.100.1", 5060, transports=("udp",)),)
    bench = called("<sip:caller@192.0.2.10:5060>", listeners=only, udp_request_bytes=10)
    hang_up(bench)
    assert bench.sent[-1][0].transport == "udp"


def test_an_address_that_refuses_for_a_moment_ends_no_call() -> None:
    bench = called("<sip:caller@192.0.2.10:5060;transport=tcp>")
    (call,) = bench.core.calls()
    bench.core.probe(call, bench.now_ms)
    bench.drain()
    flow, _ = bench.sent[-1]
    assert flow == Flow("tcp", "192.0.2.10", 5060)
    bench.core.unreachable(flow, bench.now_ms)
    bench.drain()
    assert bench.core.calls()
    assert CallEnded not in map(type, bench.events)
    bench.core.located("nobody", (FAR,), bench.now_ms)  # an answer nobody waits for
    assert bench.drain().core.calls()


def test_a_live_connection_needs_no_dns() -> None:
    bench = Bench()
    established(bench, Caller(transport="TCP", contact="<sip:caller@sbc.example.com>"))
    hang_up(bench)
    assert bench.locates == []
    assert bench.sent[-1][0].connection == 1


def test_a_restart_locates_anew() -> None:
    bench = called()
    hang_up(bench)
    again = Bench(make_core(prefix="b"))
    again.core.restore(bench.records, bench.now_ms)
    again.drain()
    assert [ask.want.host for ask in again.locates] == ["sbc.example.com"]
    assert not [count for count in again.counts if isinstance(count, Count) and count.name == "sip_record_unreadable"]
