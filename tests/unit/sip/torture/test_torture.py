"""Each message of RFC 4475 and RFC 5118 gets its verdict over UDP and TCP, and leaves nothing behind."""

from pathlib import Path

import pytest

from kak_server.sip.api import Flow, IncomingCall, SipSettings, TrunkSettings
from kak_server.sip.api_devices import DeviceSettings, RegistrarSettings
from kak_server.sip.digest import stored
from tests.unit.sip.torture.corpus import message, messages
from tests.unit.sip.torture.document import render
from tests.unit.sip.torture.verdicts import ALL, RFC_4475, RFC_5118, Verdict
from tests.unit.sip.uac import Bench, Caller, established, make_core

# The numbers the messages are for, as if they were ours
SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(TrunkSettings("carrier", ("192.0.2.0/24", "2001:db8::/32")),),
    numbers=frozenset(("user", "joe", "UserB", "sips:user@example.com")),
    registrar=RegistrarSettings(
        (DeviceSettings("phone", "user", stored("user", "kak-server", "x"), ("192.0.2.0/24",)),)
    ),
)
UDP = Flow("udp", "192.0.2.77", 5060)
TCP = Flow("tcp", "192.0.2.77", 40000, connection=7)
DOCUMENT = Path(__file__).parents[4] / "docs" / "sip-conformance.md"


def bench_of_the_rfc() -> Bench:
    return Bench(make_core(SETTINGS))


def settle(bench: Bench) -> None:
    for call in bench.core.calls():
        bench.core.reject(call, 486, bench.now_ms)
    bench.drain().advance(3_600_000)
    bench.core.stream_closed(TCP, bench.now_ms)
    assert set(bench.core.census().values()) == {0}
    assert bench.records == {}


def test_the_tables_are_whole() -> None:
    assert [verdict.name for verdict in RFC_4475] == list(messages("4475"))
    assert [verdict.name for verdict in RFC_5118] == list(messages("5118"))
    assert (len(RFC_4475), len(RFC_5118)) == (49, 12)


@pytest.mark.parametrize("verdict", ALL, ids=lambda verdict: verdict.name)
def test_over_udp(verdict: Verdict) -> None:
    bench = bench_of_the_rfc()
    replies = bench.receive(message(verdict.name), UDP)
    assert tuple(reply.status for reply in replies) == verdict.udp
    assert len([event for event in bench.events if isinstance(event, IncomingCall)]) == verdict.udp.count(100)
    assert bench.counts, "nothing that happens is silent"
    settle(bench)


@pytest.mark.parametrize("verdict", ALL, ids=lambda verdict: verdict.name)
def test_over_tcp_octet_by_octet(verdict: Verdict) -> None:
    bench = bench_of_the_rfc()
    for octet in message(verdict.name):
        bench.receive(bytes([octet]), TCP)
    statuses = tuple(reply.status for _, reply in bench.sent if reply.start != "CRLF")
    assert statuses == verdict.over_tcp
    assert bench.closed == ([TCP] if verdict.closes else [])
    settle(bench)


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in ALL if 100 in verdict.udp], ids=lambda verdict: verdict.name
)
def test_a_call_taken_can_be_ended_by_us(verdict: Verdict) -> None:
    """The dialog's target, route and remote party are good enough to form a BYE of."""
    bench = bench_of_the_rfc()
    bench.receive(message(verdict.name), UDP)
    (call,) = bench.core.calls()
    assert bench.core.answer(call, "v=0\r\n", bench.now_ms)
    bench.drain()
    bench.advance(40_000)  # no ACK comes: RFC 3261 13.3.1.4 ends the call by BYE
    assert "BYE" in {reply.method for _, reply in bench.sent}


def test_the_answers_say_what_they_must() -> None:
    bench = bench_of_the_rfc()
    (extension,) = bench.receive(message("bext01"), UDP)
    assert extension["unsupported"] == "nothingSupportsThis, nothingSupportsThisEither"
    (media_type,) = bench.receive(message("invut"), UDP)
    assert "application/sdp" in media_type["accept"]
    for name in ("intmeth", "esc02"):
        (method,) = bench.receive(message(name), UDP)
        assert "INVITE" in method["allow"]
    (version,) = bench.receive(message("badvers"), UDP)
    assert version["via"].startswith("SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw")
    (separators,) = bench.receive(message("badinv01"), UDP)
    assert separators["call-id"] == "badinv01.0ha0isndaksdjasdf3234nas"
    (missing,) = bench.receive(message("insuf"), UDP)
    assert {name for name, _ in missing.headers} >= {"via", "cseq"}
    assert not {name for name, _ in missing.headers} & {"from", "to", "call-id"}
    (characters,) = bench.receive(message("intmeth"), UDP)
    assert characters["cseq"] == "139122385 !interesting-Method0123456789_*+`.%indeed'~"


def test_every_via_comes_back_in_order() -> None:
    (reply,) = bench_of_the_rfc().receive(message("longreq"), UDP)
    vias = reply.all("via")
    assert len(vias) == 34
    assert vias[0] == "SIP/2.0/TCP sip33.example.com;received=192.0.2.77"
    assert vias[1:33] == [f"SIP/2.0/TCP sip{number}.example.com" for number in range(32, 0, -1)]


def test_a_response_with_a_second_via_is_not_ours() -> None:
    """3.3.10 with a transaction it could be mistaken for: our BYE goes on waiting for its answer."""
    bench = Bench()
    caller = established(bench, Caller())
    (call,) = bench.core.calls()
    bench.core.hangup(call, bench.now_ms)
    bench.drain()
    bye = bench.sent[-1][1]
    answer = caller.respond(bye, 200)
    bench.receive(answer.replace("\r\nFrom", "\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nFrom", 1))
    assert any(count.name == "sip_malformed" for count in bench.counts)
    assert bench.core.census()["transactions"] > 0
    repeated = bench.advance(600)
    assert [reply.method for reply in repeated] == ["BYE"]
    bench.receive(answer)
    bench.advance(3_600_000)
    assert set(bench.core.census().values()) == {0}


def test_the_document_is_current() -> None:
    """After a change: python -m tests.unit.sip.torture.document > docs/sip-conformance.md"""
    assert DOCUMENT.read_text(encoding="utf-8") == render()
