"""Requests of the peer inside a dialog."""

import pytest

from kak_server.sip.api import CallEnded, CallMediaChanged
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Caller, Reply, established, make_core

HOLD = OFFER.replace("a=sendrecv", "a=sendonly").replace("caller 1 1", "caller 1 2")


def reinvite(bench: Bench, caller: Caller, body: str = HOLD, **options: object) -> Reply:
    (reply,) = bench.receive(caller.later("INVITE", body=body, **options))
    return reply


def test_reinvite_is_answered_with_the_session_we_have() -> None:
    bench = Bench()
    caller = established(bench)
    bench.order.clear()
    reply = reinvite(bench, caller)
    assert reply.status == 200
    assert bench.order == ["put", "send 200", "emit CallMediaChanged"]
    assert "o=- 77 2 IN IP4 198.51.100.1" in reply.body  # ours was version 1
    assert "m=audio 30000 RTP/AVP 8 101" in reply.body
    assert "a=recvonly" in reply.body  # the mirror of sendonly
    call = next(iter(bench.core.calls()))
    assert bench.event(CallMediaChanged) == CallMediaChanged(call, HOLD, reply.body, "recvonly", "peer")
    bench.receive(caller.ack())
    assert bench.advance(40_000) == []
    again = reinvite(bench, caller, OFFER)
    assert "o=- 77 3 IN" in again.body
    assert "a=sendrecv" in again.body


def test_reinvite_of_two_hundred_is_repeated_until_the_ack_and_ends_the_call_without() -> None:
    bench = Bench()
    caller = established(bench)
    reinvite(bench, caller)
    replies = bench.advance(32_000)
    assert {reply.status for reply in replies[:-1]} == {200}
    assert replies[-1].method == "BYE"
    assert isinstance(ended := bench.event(CallEnded), CallEnded)
    assert ended.cause == "no-ack"


def test_reinvite_without_offer_gets_one_and_the_ack_answers_it() -> None:
    bench = Bench()
    caller = established(bench)
    reply = reinvite(bench, caller, "")
    assert "o=- 77 2 IN" in reply.body
    assert "m=audio 30000 RTP/AVP 8 101" in reply.body
    bench.receive(caller.ack(body=HOLD))
    call = next(iter(bench.core.calls()))
    assert bench.event(CallMediaChanged) == CallMediaChanged(call, HOLD, reply.body, "recvonly", "peer")


def test_reinvite_we_cannot_take_leaves_the_session_as_it_was() -> None:
    bench = Bench()
    caller = established(bench)
    reply = reinvite(bench, caller, HOLD.replace("RTP/AVP 0 8 101", "RTP/AVP 18"))
    assert reply.status == 488
    bench.receive(caller.request("ACK", branch=f"{caller.branch}-INVITE{caller.cseq}"))
    secured = reinvite(bench, caller, HOLD.replace("RTP/AVP", "RTP/SAVP"))
    assert secured.status == 488
    broken = reinvite(bench, caller, "nonsense")
    assert broken.status == 488
    assert bench.core.calls()[next(iter(bench.core.calls()))].local_sdp == ANSWER
    assert not [event for event in bench.events if isinstance(event, CallMediaChanged)]


def test_a_peer_may_change_the_codec() -> None:
    """RFC 3264 8.3.2: whoever the call was moved to may not have the one in use."""
    bench = Bench()
    caller = established(bench)
    only_pcmu = reinvite(bench, caller, HOLD.replace("RTP/AVP 0 8 101", "RTP/AVP 0"))
    assert only_pcmu.status == 200
    assert "m=audio 30000 RTP/AVP 0\r\n" in only_pcmu.body


def test_reinvite_before_the_first_answer_is_500() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.ring(next(iter(bench.core.calls())), bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    reply = reinvite(bench, caller)
    assert reply.status == 500
    assert 0 <= int(reply["retry-after"]) <= 10  # 14.2


def test_reinvite_before_the_ack_is_491() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    bench.core.answer(next(iter(bench.core.calls())), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    assert reinvite(bench, caller).status == 491


def test_target_refresh_moves_our_bye() -> None:
    bench = Bench()
    caller = established(bench)
    caller.contact = "<sip:moved@192.0.2.99:5099>"
    reinvite(bench, caller)
    bench.receive(caller.ack())
    bench.core.hangup(next(iter(bench.core.calls())), bench.now_ms)
    flow, bye = bench.drain().sent[-1]
    assert (flow.host, flow.port) == ("192.0.2.99", 5099)
    assert bye.start == "BYE sip:moved@192.0.2.99:5099 SIP/2.0"


def test_update_with_and_without_offer() -> None:
    bench = Bench()
    caller = established(bench)
    (plain,) = bench.receive(caller.later("UPDATE"))
    assert (plain.status, plain.body) == (200, "")
    (offered,) = bench.receive(caller.later("UPDATE", body=HOLD))
    assert offered.status == 200
    assert "a=recvonly" in offered.body
    assert isinstance(changed := bench.event(CallMediaChanged), CallMediaChanged)
    assert changed.offer_sdp == HOLD


def test_update_with_an_offer_while_another_is_open() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    bench.core.ring(call, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    assert [reply.status for reply in bench.receive(caller.later("UPDATE", body=HOLD))] == [500]
    bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain()
    assert [reply.status for reply in bench.receive(caller.later("UPDATE", body=HOLD))] == [491]


@pytest.mark.parametrize(
    ("method", "extra", "status"),
    [
        ("OPTIONS", (), 200),
        ("INFO", (), 200),
        ("INFO", ("Info-Package: nothing",), 469),
        ("MESSAGE", (), 405),
        ("REFER", (), 400),
        ("INFO", ("Require: nothing",), 420),
    ],
)
def test_other_methods(method: str, extra: tuple[str, ...], status: int) -> None:
    bench = Bench()
    caller = established(bench)
    replies = bench.receive(caller.later(method, extra=extra))
    assert [reply.status for reply in replies] == [status]
    assert len(bench.core.calls()) == 1


def test_an_older_cseq_is_out_of_order() -> None:
    bench = Bench()
    caller = established(bench)
    caller.cseq = 10
    bench.receive(caller.later("OPTIONS"))
    replies = bench.receive(caller.request("BYE", cseq=5, branch="z9hG4bKold"))
    assert [reply.status for reply in replies] == [500]
    assert len(bench.core.calls()) == 1


def test_a_probe_that_crosses_a_bye_ends_the_call_once() -> None:
    bench = Bench()
    caller = established(bench)
    assert bench.core.probe(next(iter(bench.core.calls())), bench.now_ms)
    options = bench.drain().sent[-1][1]
    bench.receive(caller.later("BYE"))
    assert bench.receive(caller.respond(options, 481)) == []
    assert bench.event(CallEnded)


def test_a_reinvite_that_comes_again_after_a_restart_brings_no_old_session_back() -> None:
    bench = Bench()
    caller = established(bench)
    held = caller.later("INVITE", body=HOLD)
    bench.receive(held)
    reborn = Bench(core=make_core(prefix="b"), records=dict(bench.records), now_ms=bench.now_ms)
    reborn.core.restore(reborn.records, reborn.now_ms)
    reborn.drain().sent.clear()
    assert [reply.status for reply in reborn.receive(held)] == [200]  # its 2xx has no ACK yet: that goes out again
    reborn.receive(caller.ack())
    reinvite(reborn, caller, OFFER)
    reborn.receive(caller.ack())
    late = Bench(core=make_core(prefix="c"), records=dict(reborn.records), now_ms=reborn.now_ms)
    late.core.restore(late.records, late.now_ms)
    late.drain()
    assert [reply.status for reply in late.receive(held)] == [500]  # older than what came since
    last = caller.request("INVITE", body=HOLD, branch="z9hG4bKcopy")
    assert [reply.status for reply in late.receive(last)] == [500]
    assert late.events == []


def test_a_wrong_tag_is_another_dialog() -> None:
    bench = Bench()
    caller = established(bench)
    assert [reply.status for reply in bench.receive(caller.later("BYE", to_tag="guess"))] == [481]
    caller.tag = "guess"
    assert [reply.status for reply in bench.receive(caller.later("BYE"))] == [481]
    assert len(bench.core.calls()) == 1


def test_a_repeated_bye_gets_the_same_answer() -> None:
    bench = Bench()
    caller = established(bench)
    bye = caller.later("BYE")
    first = bench.receive(bye)
    assert bench.receive(bye) == first
    assert bench.event(CallEnded)
    bench.advance(40_000)
    assert [reply.status for reply in bench.receive(bye)] == [481]  # long after: the dialog has gone


def test_a_body_of_an_unknown_kind_is_refused_without_harm() -> None:
    bench = Bench()
    caller = established(bench)
    (reply,) = bench.receive(caller.later("INVITE", body="x", content_type="text/plain"))
    assert reply.status == 415
    assert "application/sdp" in reply["accept"]


def test_a_merged_invite_is_a_loop() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    assert [reply.status for reply in bench.receive(caller.invite(branch="z9hG4bKother"))] == [482]
    assert len(bench.core.calls()) == 1
