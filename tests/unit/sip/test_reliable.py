"""Reliable provisional answers of ours, and the caller's PRACK (RFC 3262 section 3)."""

from dataclasses import replace

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallCancelled, CallConfirmed, CallMediaChanged
from tests.unit.sip.uac import ANSWER, OFFER, SETTINGS, Bench, Caller, Reply, make_core

CAN = ("Supported: 100rel",)
MUST = ("Require: 100rel",)


def called(extra: tuple[str, ...], **options: object) -> tuple[Bench, Caller, CallId]:
    bench, caller = Bench(), Caller()
    bench.receive(caller.invite(extra=extra, **options))
    (call,) = bench.core.calls()
    bench.order.clear()
    return bench, caller, call


def early(bench: Bench, call: CallId) -> Reply:
    assert bench.core.progress(call, ANSWER, bench.now_ms)
    bench.drain()
    return bench.sent[-1][1]


def prack(caller: Caller, reply: Reply, **options: object) -> str:
    caller.to_tag = reply.to_tag
    rack = f"RAck: {reply['rseq']} 1 INVITE"
    return caller.later("PRACK", extra=(rack,), **options)


def over(bench: Bench) -> None:
    for call in bench.core.calls():
        bench.core.hangup(call, bench.now_ms)
    bench.drain()
    bench.advance(200_000)
    assert not any(bench.core.census().values()), bench.core.census()
    assert bench.records == {}


def test_early_media_goes_reliably_where_the_caller_can() -> None:
    bench, caller, call = called(CAN)
    assert bench.core.ring(call, bench.now_ms)
    bench.drain()
    assert bench.sent[-1][1].all("rseq") == []  # a mere 180 needs no PRACK
    reply = early(bench, call)
    assert bench.order[-2:] == ["put", "send 183"]
    assert (reply.status, reply["require"], reply.body) == (183, "100rel", ANSWER)
    assert 0 < int(reply["rseq"]) < 2**31
    copies = bench.advance(4_000)
    assert [(copy.status, copy["rseq"]) for copy in copies] == [(183, reply["rseq"])] * 3  # 0.5, 1.5, 3.5 s
    (ok,) = bench.receive(prack(caller, reply))
    assert (ok.status, ok.body) == (200, "")
    assert bench.advance(50_000) == []
    assert bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    bench.receive(caller.ack(cseq=1))
    assert bench.event(CallConfirmed) == CallConfirmed(call)
    over(bench)


def test_nothing_reliable_for_a_caller_that_cannot() -> None:
    bench, _, call = called(())
    assert early(bench, call).all("rseq") == []
    assert bench.advance(30_000) == []
    over(bench)


def test_everything_reliably_where_the_caller_insists() -> None:
    bench, caller, call = called(MUST)
    assert bench.core.ring(call, bench.now_ms)
    bench.drain()
    first = bench.sent[-1][1]
    assert (first.status, first["require"]) == (180, "100rel")
    assert bench.core.progress(call, ANSWER, bench.now_ms)  # section 3: one at a time
    assert bench.drain().sent[-1][1] is first
    ok, second = bench.receive(prack(caller, first))
    assert (ok.status, second.status) == (200, 183)
    assert int(second["rseq"]) == int(first["rseq"]) + 1
    (ok,) = bench.receive(prack(caller, second))
    assert ok.status == 200
    third = bench.advance(60_000)[0]  # 13.3.1.1: again every minute, and that is a new one
    assert int(third["rseq"]) == int(second["rseq"]) + 1
    over(bench)


def test_an_answer_waits_for_the_prack_of_a_description() -> None:
    bench, caller, call = called(CAN)
    reply = early(bench, call)
    assert bench.core.answer(call, ANSWER, bench.now_ms)
    assert bench.drain().sent[-1][1] is reply
    ok, answer = bench.receive(prack(caller, reply))
    assert (ok["cseq"], answer["cseq"], answer.status) == ("2 PRACK", "1 INVITE", 200)
    over(bench)


def test_but_not_for_ever() -> None:
    bench, _, call = called(CAN)
    early(bench, call)
    bench.core.answer(call, ANSWER, bench.now_ms)
    assert bench.core.answer(call, ANSWER, bench.now_ms), "told twice"
    assert {reply.status for reply in bench.advance(1_999)} == {183}
    assert bench.advance(1)[-1].status == 200
    over(bench)


def test_a_caller_that_never_acknowledges_is_answered_all_the_same() -> None:
    bench, _, call = called(CAN)
    early(bench, call)
    copies = bench.advance(40_000)
    assert 5 <= len(copies) <= 7
    assert "sip_no_prack" in [count.name for count in bench.counts]
    assert bench.advance(15_000) == []
    bench.core.answer(call, ANSWER, bench.now_ms)
    assert bench.advance(2_000)[-1].status == 200
    over(bench)


def test_pracks_for_nothing() -> None:
    bench, caller, call = called(CAN)
    (reply,) = bench.receive(caller.later("PRACK", to_tag="x", extra=("RAck: 1 1 INVITE",)))
    assert reply.status == 481
    provisional = early(bench, call)
    caller.to_tag = provisional.to_tag
    number = int(provisional["rseq"])
    for rack in (f"{number + 1} 1 INVITE", f"{number} 2 INVITE", f"{number} 1 BYE", "x", ""):
        (reply,) = bench.receive(caller.later("PRACK", extra=(f"RAck: {rack}",)))
        assert reply.status == 481, rack
    text = prack(caller, provisional)
    assert [reply.status for reply in bench.receive(text)] == [200]
    assert [reply.status for reply in bench.receive(text)] == [200]  # a copy: the transaction's
    (reply,) = bench.receive(prack(caller, provisional))
    assert reply.status == 481
    over(bench)


def test_a_late_offer_is_answered_in_the_prack() -> None:
    bench, caller, call = called(CAN, body="")
    reply = early(bench, call)
    assert reply.body == ANSWER  # our offer
    (ok,) = bench.receive(prack(caller, reply, body=OFFER))
    assert (ok.status, ok.body) == (200, "")
    bench.core.answer(call, ANSWER, bench.now_ms)
    answer = bench.drain().sent[-1][1]
    assert (answer.status, answer.body, answer.all("content-type")) == (200, "", [])
    bench.receive(caller.ack(cseq=1))
    assert bench.event(CallConfirmed) == CallConfirmed(call, OFFER)
    over(bench)


def test_an_offer_in_the_prack_is_answered() -> None:
    bench, caller, call = called(CAN)
    reply = early(bench, call)
    offer = OFFER.replace("40000", "40002")
    (ok,) = bench.receive(prack(caller, reply, body=offer))
    assert ok.status == 200
    assert "m=audio 30000" in ok.body
    changed = bench.event(CallMediaChanged)
    assert isinstance(changed, CallMediaChanged)
    assert changed.offer_sdp == offer
    (ok,) = bench.receive(caller.later("UPDATE", body=OFFER))
    assert (ok.status, "m=audio 30000" in ok.body) == (200, True)  # RFC 3311: the first offer has its answer
    over(bench)


def test_an_update_before_that_is_too_early() -> None:
    bench, caller, call = called(CAN)
    caller.to_tag = early(bench, call).to_tag
    (reply,) = bench.receive(caller.later("UPDATE", body=OFFER))
    assert reply.status == 500
    over(bench)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_killed_meanwhile(acknowledged: bool) -> None:
    bench, caller, call = called(CAN)
    reply = early(bench, call)
    if acknowledged:
        bench.receive(prack(caller, reply))
    after = Bench(make_core(SETTINGS, prefix="b"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    copies = after.drain().advance(1_000)
    assert [(copy.status, copy["rseq"], copy.body) for copy in copies] == (
        [] if acknowledged else [(183, reply["rseq"], ANSWER)]
    )
    if not acknowledged:
        assert [ok.status for ok in after.receive(prack(caller, reply))] == [200]
    assert after.core.answer(call, ANSWER, after.now_ms)
    assert after.drain().sent[-1][1].status == 200
    over(after)


def test_cancelled_meanwhile() -> None:
    bench, caller, call = called(CAN)
    early(bench, call)
    bench.receive(replace(caller, to_tag="").request("CANCEL"))
    assert bench.event(CallCancelled)
    over(bench)
