"""Every hostile message gets its verdict, over UDP and TCP, and leaves nothing behind."""

import pytest

from kak_server.sip.api import Count, Flow, IncomingCall
from tests.unit.sip.hostile import MESSAGES, Hostile
from tests.unit.sip.uac import PEER, STRANGER, Bench

STREAM = Flow("tcp", "192.0.2.10", 40000, connection=7)


def test_there_are_many_and_their_names_differ() -> None:
    assert len(MESSAGES) >= 80
    assert len({message.name for message in MESSAGES}) == len(MESSAGES)


def settle(bench: Bench) -> None:
    """Reject the call there may be, and let every timer run."""
    for call in bench.core.calls():
        bench.core.reject(call, 486, bench.now_ms)
    bench.drain().advance(3_600_000)
    bench.core.stream_closed(STREAM, bench.now_ms)
    assert set(bench.core.census().values()) == {0}
    assert bench.records == {}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_over_udp(message: Hostile) -> None:
    bench = Bench()
    replies = bench.receive(message.data, PEER)
    assert [reply.status for reply in replies] == ([message.udp] if message.udp else [])
    assert len([event for event in bench.events if isinstance(event, IncomingCall)]) == (message.udp == 100)
    assert bench.counts, "nothing that goes wrong is silent"
    settle(bench)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_over_tcp(message: Hostile) -> None:
    bench = Bench()
    expected = message.udp if message.tcp is None else message.tcp
    for start in range(0, len(message.data), 1000):  # in pieces, as a network would
        bench.receive(message.data[start : start + 1000], STREAM)
    assert [reply.status for _, reply in bench.sent if reply.start != "CRLF"] == ([expected] if expected else [])
    assert bench.closed == ([STREAM] if message.closes else [])
    settle(bench)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_from_a_stranger(message: Hostile) -> None:
    bench = Bench()
    replies = bench.receive(message.data, STRANGER)
    longer = any(count.labels.get("why") == "size" for count in bench.counts)  # than what came: so it is not sent
    assert [reply.status for reply in replies] == ([403] if message.udp and not longer else [])
    assert bench.events == []
    assert any(isinstance(count, Count) for count in bench.counts)
    assert set(bench.core.census().values()) == {0}
