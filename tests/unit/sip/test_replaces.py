"""INVITE with Replaces (RFC 3891)."""

from dataclasses import replace

import pytest

from kak_server.sip.api import CallEnded, Flow, IncomingCall, TrunkSettings
from kak_server.sip.errors import ParseError
from kak_server.sip.replaces import Replaces, escaped, in_uri, parse_replaces
from tests.unit.sip.uac import ANSWER, PEER, SETTINGS, Bench, Caller, Reply, established, make_core

OTHER = Flow("udp", "192.0.3.1", 5060)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a@b;to-tag=1;from-tag=2", Replaces("a@b", "1", "2")),
        (
            " 98732@h ; From-Tag=r33th4x0r ;TO-TAG=ff87ff;early-only;x=y",
            Replaces("98732@h", "ff87ff", "r33th4x0r", True),
        ),
    ],
)
def test_reading(text: str, value: Replaces) -> None:
    assert parse_replaces(text) == value
    assert parse_replaces(str(value)) == value
    assert in_uri(f"sip:x@h?a=b&replaces={escaped(str(value))}") == ("sip:x@h", str(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b",
        "a@b;to-tag=1",
        "a@b;from-tag=1",
        ";to-tag=1;from-tag=2",
        "a b;to-tag=1;from-tag=2",
        "a@b;to-tag=1;from-tag=2;from-tag=3",
        "a@b;to-tag;from-tag=2",
        "a@b;to-tag=1;from-tag=2, c@d;to-tag=1;from-tag=2",
        f"{'a' * 1100};to-tag=1;from-tag=2",
    ],
)
def test_broken(text: str) -> None:
    with pytest.raises(ParseError):
        parse_replaces(text)


def test_too_many_headers_in_a_uri() -> None:
    with pytest.raises(ParseError):
        in_uri("sip:x@h?" + "&".join(f"h{n}=1" for n in range(17)))
    assert in_uri("sip:x@h") == ("sip:x@h", "")


def replacing(bench: Bench, old: Caller, *extra: str, flow: Flow = PEER, **tags: str) -> tuple[Caller, Reply]:
    """An INVITE for our Contact that is to take the place of a call."""
    names = {"call_id": old.call_id, "to": old.to_tag, "from": old.tag, **tags}
    header = f"Replaces: {names['call_id']};to-tag={names['to']};from-tag={names['from']}{tags.get('more', '')}"
    new = Caller(
        call_id=f"new-{len(bench.sent)}@h",
        tag="new",
        uri="sip:198.51.100.1:5060",
        to="<sip:198.51.100.1:5060>",
        branch=f"z9hG4bKnew{len(bench.sent)}",
    )
    (reply, *_) = bench.receive(new.invite(extra=(header, *extra)), flow)
    return new, reply


def test_the_new_call_takes_the_place_of_the_old() -> None:
    bench = Bench()
    old = established(bench)
    new, reply = replacing(bench, old, "Require: replaces")
    assert reply.status == 100
    first, second = bench.core.calls()
    event = bench.events[-1]
    assert isinstance(event, IncomingCall)
    assert (event.replaces, event.called) == (first, "113")
    assert bench.core.answer(second, ANSWER, bench.now_ms)
    ok, bye = [reply for _, reply in bench.drain().sent[-2:]]
    assert (ok.status, bye.method, bye["call-id"]) == (200, "BYE", old.call_id)
    assert bench.event(CallEnded) == CallEnded(first, "replaced")
    new.to_tag = ok.to_tag
    bench.receive(new.ack())
    bench.receive(old.respond(bye, 200))
    assert list(bench.core.calls()) == [second]


def test_a_refused_one_leaves_the_old_call_alone() -> None:
    bench = Bench()
    old = established(bench)
    replacing(bench, old)
    first, second = bench.core.calls()
    bench.core.reject(second, 486, bench.now_ms)
    bench.drain()
    assert list(bench.core.calls()) == [first]


def test_the_old_call_ends_first() -> None:
    bench = Bench()
    old = established(bench)
    replacing(bench, old)
    bench.receive(old.later("BYE"))
    (second,) = bench.core.calls()
    assert bench.core.answer(second, ANSWER, bench.now_ms)
    assert [event.cause for event in bench.events if isinstance(event, CallEnded)] == ["bye"]


def test_the_old_call_has_no_ack_yet() -> None:
    bench = Bench()
    old = Caller()
    bench.receive(old.invite())
    (first,) = bench.core.calls()
    bench.core.answer(first, ANSWER, bench.now_ms)
    old.to_tag = bench.drain().sent[-1][1].to_tag
    replacing(bench, old)
    second = list(bench.core.calls())[1]
    bench.core.answer(second, ANSWER, bench.now_ms)
    assert not [reply for _, reply in bench.drain().sent if reply.method == "BYE"]
    (bye,) = bench.receive(old.ack())
    assert bye.method == "BYE"  # 15: not before the ACK
    assert bench.event(CallEnded) == CallEnded(first, "replaced")


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ({"call_id": "unknown"}, 481),
        ({"to": "unknown"}, 481),
        ({"from": "unknown"}, 481),
        ({"more": ";early-only"}, 486),
        ({"more": ";to-tag=2"}, 400),
    ],
)
def test_refusals(tags: dict[str, str], status: int) -> None:
    bench = Bench()
    old = established(bench)
    _, reply = replacing(bench, old, flow=PEER, **tags)
    assert reply.status == status
    assert len(bench.core.calls()) == 1


def test_two_headers_or_a_join_beside() -> None:
    bench = Bench()
    old = established(bench)
    again = f"Replaces: {old.call_id};to-tag={old.to_tag};from-tag={old.tag}"
    assert replacing(bench, old, again)[1].status == 400
    assert replacing(bench, old, again.replace("Replaces", "Join"))[1].status == 400


def test_a_call_that_is_ringing_here_cannot_be_taken() -> None:
    bench = Bench()
    old = Caller()
    bench.receive(old.invite())
    bench.core.ring(next(iter(bench.core.calls())), bench.now_ms)
    old.to_tag = bench.drain().sent[-1][1].to_tag
    assert replacing(bench, old)[1].status == 481


def test_a_call_that_is_over_is_declined() -> None:
    bench = Bench()
    old = established(bench)
    bench.core.hangup(next(iter(bench.core.calls())), bench.now_ms)
    bench.drain()
    assert replacing(bench, old)[1].status == 603


def test_only_the_calls_of_its_own_trunk_unless_it_is_allowed_more() -> None:
    bench = Bench()
    old = established(bench)
    assert replacing(bench, old, flow=OTHER)[1].status == 403
    trunks = (SETTINGS.trunks[0], TrunkSettings("plain", ("192.0.3.1",), may_replace=True))
    allowed = Bench(core=make_core(replace(SETTINGS, trunks=trunks)))
    old = established(allowed)
    assert replacing(allowed, old, flow=OTHER)[1].status == 100


def test_it_is_remembered_across_a_restart() -> None:
    bench = Bench()
    old = established(bench)
    replacing(bench, old)
    first, second = bench.core.calls()
    after = Bench(core=make_core(prefix="b"), records=dict(bench.records), now_ms=bench.now_ms)
    after.core.restore(after.records, after.now_ms)
    assert after.core.answer(second, ANSWER, after.now_ms)
    assert after.drain().event(CallEnded) == CallEnded(first, "replaced")
