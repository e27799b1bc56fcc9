"""Who is let in when there is too much, and what strangers hear."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, Flow, IncomingCall, SipSettings, TrunkSettings
from kak_server.sip.capacity import LATE_SAMPLES, Capacity, Strangers
from kak_server.sip.limits import LoadLimits
from kak_server.sip.rates import Rate
from tests.unit.sip.callee import DIAL, OUTBOUND
from tests.unit.sip.uac import PEER, SETTINGS, STRANGER, Bench, Caller, Reply, make_core

CARRIER = SETTINGS.trunks[0]


def made(**changes: object) -> SipSettings:
    settings = replace(SETTINGS, emergency_numbers=frozenset(("113", "urn:service:sos", "urn:service:sos.ambulance")))
    return replace(settings, **changes)  # type: ignore[arg-type]


def call(bench: Bench, number: int, uri: str, *extra: str, flow: Flow = PEER) -> Reply:
    """One more call of another caller."""
    caller = Caller(uri=uri, call_id=f"{number}@x", branch=f"z9hG4bK{number}")
    (reply, *_) = bench.receive(caller.invite(extra=extra), flow)
    return reply


NORMAL, EMERGENCY = "sip:116117@198.51.100.1", "sip:113@198.51.100.1"


def test_emergency_calls_get_in_where_others_hear_503() -> None:
    bench = Bench(make_core(made(max_calls=4, load=LoadLimits(reserve_calls=2))))
    assert [call(bench, number, NORMAL).status for number in range(3)] == [100, 100, 503]
    assert [call(bench, 10 + number, EMERGENCY).status for number in range(3)] == [100, 100, 503]
    assert bench.core.census()["transactions"] == 4, "a refusal costs no transaction"
    sheds = [count for count in bench.counts if count.name == "sip_shed"]
    assert [(count.labels["trunk"], count.labels["why"]) for count in sheds] == [("carrier", "full")] * 2


@pytest.mark.parametrize(
    ("uri", "extra", "let_in"),
    [
        ("sip:+47113@198.51.100.1", (), True),
        ("urn:service:sos", (), True),
        ("urn:service:SOS.ambulance", (), True),
        ("urn:service:sos.police.local", (), True),
        (NORMAL, ("Resource-Priority: wps.1, esnet.2",), True),
        (NORMAL, ("Resource-Priority: ESNET.0",), True),
        (NORMAL, ("Resource-Priority: esnet",), False),
        (NORMAL, ('Resource-Priority: "esnet.1',), False),
        (NORMAL, ("Resource-Priority: wps.0",), False),
        (NORMAL, (), False),
    ],
)
def test_what_makes_an_emergency_call(uri: str, extra: tuple[str, ...], let_in: bool) -> None:
    bench = Bench(make_core(made(max_calls=1, load=LoadLimits(reserve_calls=1))))
    assert call(bench, 1, uri, *extra).status == (100 if let_in else 503)
    if let_in:
        incoming = bench.event(IncomingCall)
        assert isinstance(incoming, IncomingCall)
        assert incoming.emergency


def test_priority_counts_from_trusted_trunks_only_and_a_trunk_can_be_all_emergency_or_none() -> None:
    trunks = (
        TrunkSettings("untrusted", ("192.0.2.1",), trusted_identity=False),
        TrunkSettings("none", ("192.0.2.2",), emergency=False),
        TrunkSettings("all", ("192.0.2.3",), emergency_only=True),
    )
    bench = Bench(make_core(made(trunks=trunks, max_calls=2, load=LoadLimits(reserve_calls=2))))
    priority = "Resource-Priority: esnet.1"
    assert call(bench, 1, NORMAL, priority, flow=Flow("udp", "192.0.2.1", 5060)).status == 503
    assert call(bench, 2, EMERGENCY, flow=Flow("udp", "192.0.2.2", 5060)).status == 503
    assert call(bench, 3, NORMAL, flow=Flow("udp", "192.0.2.3", 5060)).status == 100


def test_a_trunks_own_limit_counts_its_calls_that_are_up() -> None:
    trunks = (replace(CARRIER, max_calls=2), TrunkSettings("other", ("192.0.3.0/24",)))
    bench = Bench(make_core(made(trunks=trunks)))
    assert [call(bench, number, NORMAL).status for number in range(3)] == [100, 100, 503]
    assert call(bench, 4, EMERGENCY).status == 100
    assert call(bench, 5, NORMAL, flow=Flow("udp", "192.0.3.1", 5060)).status == 100
    ids = [event.call for event in bench.events if isinstance(event, IncomingCall)]
    for gone in ids[:2]:
        bench.core.reject(gone, 486, bench.now_ms)
    bench.drain()
    assert [call(bench, 10 + number, NORMAL).status for number in range(2)] == [100, 503]


def test_rates_of_a_source_and_of_its_trunk() -> None:
    trunks = (replace(CARRIER, rate=Rate(1.0, 3.0), source_rate=Rate(1.0, 2.0)),)
    bench = Bench(make_core(made(trunks=trunks)))
    one, other = Flow("udp", "192.0.2.1", 5060), Flow("udp", "192.0.2.2", 5060)
    assert [call(bench, number, NORMAL, flow=one).status for number in range(3)] == [100, 100, 503]
    assert [call(bench, 10 + number, NORMAL, flow=other).status for number in range(2)] == [100, 503]
    assert call(bench, 20, EMERGENCY, flow=one).status == 100
    whys = [count.labels["why"] for count in bench.counts if count.name == "sip_shed"]
    assert whys == ["source-rate", "trunk-rate"]


def test_a_late_event_loop_lets_emergency_calls_in_only() -> None:
    bench = Bench(make_core(made(load=LoadLimits(lag_ms=200))))
    seen = []
    for number, lag_ms in enumerate((200, 201, 300, 200, 201, 400, 201, 150, 101, 100, 300, 300, 0)):
        bench.core.load(lag_ms)
        assert call(bench, 100 + number, EMERGENCY).status == 100
        seen.append(call(bench, number, NORMAL).status)
    # One stall, or two in a row, are no overload; three are, until it is half of the limit again
    assert seen == [100, 100, 100, 100, 100, 100, 503, 503, 503, 100, 100, 100, 100]


def test_times_to_come_back_are_spread() -> None:
    capacity = Capacity(made(load=LoadLimits(retry_after_s=5)), lambda _trunk: 0)
    times = {int(dict(capacity.too_busy("full", f"token{number}").headers)["Retry-After"]) for number in range(500)}
    assert times == set(range(5, 16))


def test_a_full_socket_is_as_bad_as_a_late_loop() -> None:
    """A loop that never gets through is on time all the same: it takes a little, and a little more."""
    capacity = Capacity(made(load=LoadLimits(lag_ms=200, waiting_bytes=1_000)), lambda _trunk: 0)

    def seen(*samples: tuple[int, int]) -> list[str]:
        told = []
        for lag_ms, waiting_bytes in samples:
            capacity.lag(lag_ms, waiting_bytes)
            told.append(capacity.refusal(CARRIER, PEER.host, emergency=False, used=0.0, now_ms=1))
            assert capacity.refusal(CARRIER, PEER.host, emergency=True, used=0.0, now_ms=1) == ""
        return told

    assert seen((0, 1_001), (0, 1_001), (0, 1_000), (0, 1_001)) == [""] * 4
    assert seen((201, 0), (0, 1_001)) == ["", "late"]
    assert seen((0, 501), (101, 0), (100, 500)) == ["late", "late", ""]
    capacity = Capacity(made(load=LoadLimits(lag_ms=0, waiting_bytes=1_000)), lambda _trunk: 0)
    assert seen(*[(5_000, 5_000)] * 5) == [""] * 5


@given(
    up=st.integers(0, 200),
    on_trunk=st.integers(0, 200),
    lag_ms=st.integers(0, 10_000),
    used=st.floats(0, 0.999),
    times=st.lists(st.integers(0, 100), max_size=20),
)
def test_an_emergency_call_is_never_refused_below_the_limit_of_all(
    up: int, on_trunk: int, lag_ms: int, used: float, times: list[int]
) -> None:
    trunk = replace(CARRIER, max_calls=1, rate=Rate(0.1, 1.0), source_rate=Rate(0.1, 1.0))
    settings = made(trunks=(trunk,), max_calls=100, load=LoadLimits(reserve_calls=50, lag_ms=100))
    capacity = Capacity(settings, lambda name: on_trunk if name else up)
    for _ in range(LATE_SAMPLES):
        capacity.lag(lag_ms)
    now_ms = 0
    for step in times:
        now_ms += step
        for emergency in (False, True):
            why = capacity.refusal(trunk, "192.0.2.1", emergency=emergency, used=used, now_ms=now_ms)
            if emergency:
                assert bool(why) == (up >= 100)
            elif up >= 50 or on_trunk >= 1 or lag_ms > 100:
                assert why


# --- strangers --------------------------------------------------------------------------------------------------------


def test_strangers_get_few_answers_and_all_are_counted() -> None:
    bench = Bench(
        make_core(made(load=LoadLimits(stranger_answers=Rate(1.0, 2.0), stranger_answers_all=Rate(1.0, 3.0))))
    )
    other = replace(STRANGER, host="203.0.113.67")
    seen = [len(bench.receive(Caller(branch=f"z9hG4bK{number}").invite(), STRANGER)) for number in range(4)]
    seen += [len(bench.receive(Caller(branch=f"z9hG4bKo{number}").invite(), other)) for number in range(4)]
    assert seen == [1, 1, 0, 0, 1, 0, 0, 0]
    assert sum(count.name == "sip_unknown_peer" for count in bench.counts) == 8
    assert sum(count.name == "sip_unknown_peer_unanswered" for count in bench.counts) == 5
    assert bench.core.census()["transactions"] == 0


def test_a_stranger_never_gets_more_bytes_than_came() -> None:
    bench = Bench(make_core(made()))
    least = (
        b"OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a@a>;tag=1\r\nt:<sip:a@a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n"
    )
    assert bench.receive(least, STRANGER) == []
    assert [count.labels["why"] for count in bench.counts if count.name == "sip_unknown_peer_unanswered"] == ["size"]
    assert bench.receive(b"OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\n\r\n", STRANGER) == [], "broken ones neither"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 500)), max_size=200))
def test_all_strangers_together_stay_below_the_rate(asks: list[tuple[str, int]]) -> None:
    strangers = Strangers(Rate(2.0, 2.0), Rate(5.0, 4.0))
    now_ms = answered = 0
    for host, step in asks:
        now_ms += step
        answered += strangers.may_answer(host, now_ms)
    assert answered <= 4 + 5 * now_ms / 1000


# --- calls of ours ----------------------------------------------------------------------------------------------------


def test_calls_of_ours_count_and_go_to_the_next_trunk_where_one_is_full() -> None:
    first, second = OUTBOUND.trunks[:2]
    trunks = (replace(first, max_calls=2), second, *OUTBOUND.trunks[2:])
    settings = replace(OUTBOUND, trunks=trunks, numbers=frozenset(("116117",)))
    bench = Bench(make_core(settings))
    assert call(bench, 1, NORMAL).status == 100  # one of theirs
    hosts = []
    for number, emergency in enumerate((False, False, True)):
        dial = replace(DIAL, call=CallId(f"ours{number}"), trunks=(first.name, second.name), emergency=emergency)
        bench.core.dial(dial, bench.now_ms)
        bench.drain()
        hosts.append(bench.sent[-1][0].host)
    assert hosts == ["192.0.2.10", "192.0.3.1", "192.0.2.10"]
    assert [count.labels["why"] for count in bench.counts if count.name == "sip_shed"] == ["dialled-full"]
    assert call(bench, 2, NORMAL).status == 503, "calls of ours count for theirs, too"


def test_a_full_trunk_and_no_other_is_unreachable() -> None:
    first = replace(OUTBOUND.trunks[0], max_calls=1)
    bench = Bench(make_core(replace(OUTBOUND, trunks=(first, *OUTBOUND.trunks[1:]))))
    for number in range(2):
        bench.core.dial(replace(DIAL, call=CallId(f"ours{number}"), trunks=(first.name,)), bench.now_ms)
    bench.drain()
    (ended,) = [event for event in bench.events if isinstance(event, CallEnded)]
    assert (ended.call, ended.cause) == ("ours1", "unreachable")
