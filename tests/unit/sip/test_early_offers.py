"""Offers of ours before the answer: UPDATE (RFC 3311)."""

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallConfirmed
from kak_server.sip.api_legs import CallAnswered, MediaAgreed, MediaRefused
from tests.unit.sip.callee import CALL, OUTBOUND, Callee, dialled
from tests.unit.sip.test_reliable import CAN, called, early, over, prack
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Caller, Reply, make_core

ALLOW = "Allow: INVITE, UPDATE, PRACK"
MOVED = OFFER.replace("m=audio 40000", "m=audio 41000")
AGREED = ANSWER.replace("o=- 77 1", "o=- 77 2").replace("m=audio 30000 RTP/AVP 8 101", "m=audio 31000 RTP/AVP 8 101")


def in_early_dialog(*extra: str) -> tuple[Bench, Callee]:
    """A call of ours with reliable early media."""
    bench, callee = dialled()
    reliable = ("Require: 100rel", "RSeq: 7")
    bench.receive(callee.answer(183, "Progress", body=ANSWER, extra=(*reliable, *(extra or (ALLOW,)))))
    bench.receive(Callee.ok(bench.sent[-1][1]))
    return bench, callee


def updated(bench: Bench, call: CallId = CALL, sdp: str = MOVED) -> Reply:
    before = len(bench.sent)
    assert bench.core.reoffer(call, sdp, bench.now_ms)
    (update,) = [reply for _, reply in bench.drain().sent[before:]]
    assert update.method == "UPDATE"
    return update


def agree(bench: Bench, update: Reply, status: int = 200, body: str = AGREED, extra: str = "") -> list[Reply]:
    text = Callee.ok(update, status)
    if body and status == 200:
        text = text.replace(
            "Content-Length: 0\r\n", f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        )
        text += body
    return bench.receive(text.replace("\r\n", f"\r\n{extra}\r\n", 1) if extra else text)


def test_the_media_of_a_call_that_rings_can_move() -> None:
    bench, callee = in_early_dialog()
    bench.order.clear()
    update = updated(bench)
    assert bench.order == ["put", "send UPDATE"]
    assert (update["cseq"], update["to"].endswith(";tag=callee")) == ("3 UPDATE", True)
    assert "m=audio 41000" in update.body
    agree(bench, update)
    assert bench.event(MediaAgreed) == MediaAgreed(CALL, update.body, AGREED, "sendrecv")
    bench.receive(callee.answer(200))
    answered = bench.event(CallAnswered)
    assert isinstance(answered, CallAnswered)
    assert answered.sdp == AGREED
    bench.core.hangup(CALL, bench.now_ms)
    assert bench.drain().sent[-1][1]["cseq"] == "4 BYE"
    bench.advance(200_000)
    assert not any(bench.core.census().values())


@pytest.mark.parametrize("extra", [("Allow: INVITE",), ("Supported: x",)])
def test_a_peer_that_does_not_take_updates_is_sent_none(extra: tuple[str, ...]) -> None:
    bench, _ = in_early_dialog(*extra)
    assert not bench.core.reoffer(CALL, MOVED, bench.now_ms)


def test_nor_one_whose_answer_may_be_lost() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(183, "Progress", body=ANSWER, extra=(ALLOW,)))
    assert not bench.core.reoffer(CALL, MOVED, bench.now_ms)


@pytest.mark.parametrize("status", [403, 408, 481, 488])
def test_a_refusal_is_no_end_of_the_call(status: int) -> None:
    bench, callee = in_early_dialog()
    agree(bench, updated(bench), status)
    assert bench.event(MediaRefused) == MediaRefused(CALL, status)
    bench.receive(callee.answer(200))
    assert bench.event(CallAnswered)


def test_glare_and_another_try() -> None:
    bench, callee = in_early_dialog()
    update = updated(bench)
    (reply,) = bench.receive(callee.request("UPDATE", body=ANSWER))
    assert reply.status == 491
    agree(bench, update, 491)
    began_ms = bench.now_ms
    sent: list[Reply] = []
    while not sent:
        sent = bench.advance(10)
    assert 2_100 <= bench.now_ms - began_ms <= 4_000  # we made the Call-ID (14.1)
    agree(bench, sent[0])
    assert bench.event(MediaAgreed)


def test_answered_while_it_backs_off_it_goes_on_as_a_reinvite() -> None:
    bench, callee = in_early_dialog()
    agree(bench, updated(bench), 491)
    bench.receive(callee.answer(200))
    (invite,) = bench.advance(4_000)[:1]
    assert invite.method == "INVITE"
    assert "m=audio 41000" in invite.body


def test_answered_while_it_is_open() -> None:
    bench, callee = in_early_dialog()
    update = updated(bench)
    bench.receive(callee.answer(200))
    agree(bench, update)
    assert bench.event(MediaAgreed)
    assert bench.core.calls()[CALL].local_sdp == update.body


def test_killed_with_it_open_it_is_asked_again() -> None:
    bench, _ = in_early_dialog()
    update = updated(bench)
    after = Bench(core=make_core(OUTBOUND, "b"), records=dict(bench.records), now_ms=bench.now_ms)
    after.core.restore(after.records, after.now_ms)
    after.drain()
    again = next(reply for reply in after.advance(10) if reply.method == "UPDATE")
    assert again.body == update.body
    assert int(again["cseq"].split()[0]) > int(update["cseq"].split()[0])
    agree(after, again)
    assert after.event(MediaAgreed)


def test_towards_a_caller_whose_reliable_answer_is_acknowledged() -> None:
    bench, caller, call = called((*CAN, ALLOW))
    reply = early(bench, call)
    assert not bench.core.reoffer(call, AGREED, bench.now_ms)  # not acknowledged yet
    bench.receive(prack(caller, reply))
    update = updated(bench, call, AGREED)
    bench.receive(respond(caller, update))
    assert isinstance(agreed := bench.event(MediaAgreed), MediaAgreed)
    assert agreed.offer_sdp == update.body
    assert bench.core.answer(call, update.body, bench.now_ms)
    bench.drain()
    bench.receive(caller.ack(cseq=1))
    assert bench.event(CallConfirmed)
    over(bench)


def respond(caller: Caller, update: Reply) -> str:
    return caller.respond(update, 200, body=OFFER.replace("RTP/AVP 0 8 101", "RTP/AVP 8 101"))
