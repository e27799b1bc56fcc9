"""Trunks asked with OPTIONS whether they live."""

from dataclasses import replace

from kak_server.sip.api import Target, TrunkSettings
from tests.unit.sip.uac import SETTINGS, Bench, Caller, make_core

TRUNK = TrunkSettings("carrier", ("192.0.2.0/24",), health_uri="sip:192.0.2.10:5080", health_interval_ms=10_000)


def started(*trunks: TrunkSettings) -> Bench:
    bench = Bench(make_core(replace(SETTINGS, trunks=trunks)))
    bench.core.start(bench.now_ms)
    bench.drain()
    return bench


def answer(bench: Bench, status: int) -> None:
    bench.receive(Caller().respond(bench.sent[-1][1], status))


def told(bench: Bench) -> list[str]:
    return [count.name for count in bench.counts if count.name in ("sip_trunk_up", "sip_trunk_down")]


def test_up_down_and_up_again() -> None:
    bench = started(TRUNK)
    assert bench.core.trunk_health() == {"carrier": None}
    bench.advance(0)
    flow, options = bench.sent[-1]
    assert (flow.transport, flow.host, flow.port) == ("udp", "192.0.2.10", 5080)
    assert options.start == "OPTIONS sip:192.0.2.10:5080 SIP/2.0"
    assert (options["to"], options["cseq"], options["max-forwards"]) == ("<sip:192.0.2.10:5080>", "1 OPTIONS", "70")
    answer(bench, 404)  # no liking for OPTIONS, but alive
    assert (bench.core.trunk_health(), told(bench)) == ({"carrier": True}, ["sip_trunk_up"])
    bench.advance(25_000)  # two pings without an answer: not down yet
    assert told(bench) == ["sip_trunk_up"]
    bench.advance(10_000)
    assert (bench.core.trunk_health(), told(bench)) == ({"carrier": False}, ["sip_trunk_up", "sip_trunk_down"])
    bench.advance(30_000)
    assert told(bench) == ["sip_trunk_up", "sip_trunk_down"]
    bench.advance(5_000)
    answer(bench, 200)
    assert told(bench) == ["sip_trunk_up", "sip_trunk_down", "sip_trunk_up"]
    assert bench.core.census()["timers"] <= 1  # the transaction's own; the pings are not counted


def test_503_is_no_sign_of_life() -> None:
    bench = started(replace(TRUNK, health_misses=1))
    bench.advance(0)
    answer(bench, 503)
    assert told(bench) == ["sip_trunk_down"]


def test_pings_are_spread_and_only_asked_for_ones_are_sent() -> None:
    other = TrunkSettings(
        "other", ("192.0.3.0/24",), health_uri="sip:192.0.3.1;transport=tcp", health_interval_ms=10_000
    )
    bench = started(TRUNK, other, TrunkSettings("quiet", ("192.0.4.0/24",)))
    bench.advance(0)
    assert {flow.host for flow, _ in bench.sent} == {"192.0.2.10"}
    bench.advance(5_000)
    assert {flow.transport for flow, _ in bench.sent} == {"udp", "tcp"}
    assert bench.core.trunk_health().keys() == {"carrier", "other"}


def test_a_name_that_leads_nowhere_is_a_miss() -> None:
    bench = started(replace(TRUNK, health_uri="sip:sbc.example.com", health_misses=2))
    for _ in range(2):
        bench.advance(10_000)
        for ask in bench.locates:
            bench.core.located(ask.key, (), bench.now_ms)
        bench.locates.clear()
        bench.drain()
    assert bench.sent == []
    assert told(bench) == ["sip_trunk_down"]


def test_a_name_is_located_for_each_ping() -> None:
    bench = started(replace(TRUNK, health_uri="sips:sbc.example.com"))
    bench.advance(0)
    (ask,) = bench.locates
    assert (ask.want.host, ask.want.secure) == ("sbc.example.com", True)
    bench.core.located(ask.key, (Target("tls", "192.0.2.7", 5061, "sbc.example.com"),), bench.now_ms)
    bench.drain()
    assert bench.sent[-1][0].domain == "sbc.example.com"


def test_pings_that_take_longer_than_the_interval_are_missed() -> None:
    """Two silent targets of 4 s and 1 s each, asked every second; and one target, given up as the next ping is due."""
    bench = started(replace(TRUNK, health_uri="sip:sbc.example.com", health_interval_ms=1_000))
    for _ in range(3):
        bench.advance(1_000)
        for ask in bench.locates:
            targets = tuple(Target("udp", f"192.0.2.{last}", 5060, "sbc.example.com") for last in (7, 8))
            bench.core.located(ask.key, targets, bench.now_ms)
        bench.locates.clear()
        bench.drain()
    assert told(bench) == ["sip_trunk_down"]
    bench = started(replace(TRUNK, health_interval_ms=1_000))
    bench.advance(3_000)
    assert told(bench) == ["sip_trunk_down"]
