"""Session timers (RFC 4028): the headers, and the call that carries them."""

from dataclasses import replace

import pytest

from kak_server.sip.api import CallEnded, ProbeAnswered
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request, parse
from kak_server.sip.session import Session
from kak_server.sip.session_timer import Wish, answered, answering, asking, due_ms, too_small, wish_of
from tests.unit.sip.uac import ANSWER, SETTINGS, Bench, Caller, Reply, make_core

TIMER = ("Supported: timer",)


def request(*lines: str) -> Request:
    message = parse(("INVITE sip:113@h SIP/2.0\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode())
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("lines", "wish"),
    [
        ((), Wish()),
        (("Supported: 100rel, Timer",), Wish(supported=True)),
        (("k: timer", "x: 1800;refresher=uac", "Min-SE: 120"), Wish(1800, "uac", 120, True)),
        (("Session-Expires: 90 ; Refresher=UAS",), Wish(90, "uas")),
        (("Session-Expires: 90;refresher=nobody;other=1",), Wish(90)),
        (("Session-Expires: 9999999999",), Wish(2**31 - 1)),
    ],
)
def test_reading(lines: tuple[str, ...], wish: Wish) -> None:
    assert wish_of(request(*lines)) == wish


@pytest.mark.parametrize(
    "line",
    ["Session-Expires: soon", "Session-Expires: -1", "Session-Expires: 90, 91", "Min-SE: 1e3", "Session-Expires: 90;;"],
)
def test_broken(line: str) -> None:
    with pytest.raises(ParseError):
        wish_of(request(line))


# Table 2 of the RFC: who supports, who was asked to refresh -> who does, and whether Require: timer goes out
@pytest.mark.parametrize(
    ("supported", "asked", "header", "refresher"),
    [
        (False, "", "1800;refresher=uas", "us"),
        (True, "", "1800;refresher=uac", "peer"),
        (True, "uac", "1800;refresher=uac", "peer"),
        (True, "uas", "1800;refresher=uas", "us"),
    ],
)
def test_who_refreshes(supported: bool, asked: str, header: str, refresher: str) -> None:
    wish = replace(Wish(1800, supported=supported), refresher=asked)  # type: ignore[arg-type]
    session, headers = answering(wish, Session(), 5)
    assert ("Session-Expires", header) in headers
    assert (("Require", "timer") in headers) == supported
    assert (session.interval_s, session.refresher, session.refreshed_at_ms) == (1800, refresher, 5)


def test_what_the_called_side_may_do_to_the_interval() -> None:
    assert answering(Wish(10_000_000), Session(), 0)[0].interval_s == 86_400
    assert answering(Wish(10_000_000, min_s=100_000), Session(), 0)[0].interval_s == 100_000  # never below their Min-SE
    assert answering(Wish(60), Session(), 0) == (Session(), ())  # a proxy's, below what anybody may ask for
    running = Session(interval_s=300, refresher="us")
    session, headers = answering(Wish(supported=True), running, 7)
    assert headers == (("Require", "timer"), ("Session-Expires", "300;refresher=uas"))  # it goes on as it was
    assert session.refreshed_at_ms == 7


def test_what_the_asking_side_says_and_hears() -> None:
    assert asking(Session(), 0) == ()
    assert asking(Session(), 1800) == (("Session-Expires", "1800"),)
    running = Session(interval_s=1800, refresher="us", min_interval_s=3600)
    assert asking(running, 1800) == (("Session-Expires", "3600;refresher=uac"), ("Min-SE", "3600"))
    assert asking(replace(running, refresher="peer", min_interval_s=0), 1800) == (
        ("Session-Expires", "1800;refresher=uas"),
    )
    assert answered(Wish(600, "uas"), Session(), 3) == Session(interval_s=600, refresher="peer", refreshed_at_ms=3)
    assert answered(Wish(600), Session(), 3).refresher == "us"
    assert answered(Wish(10), Session(), 3).interval_s == 90
    assert answered(Wish(), running, 3).interval_s == 0  # no Session-Expires: no timer


def test_when() -> None:
    assert due_ms(Session(interval_s=1800, refresher="us", refreshed_at_ms=1_000)) == 901_000
    assert due_ms(Session(interval_s=1800, refresher="peer", refreshed_at_ms=1_000)) == 1_769_000  # 32 s before
    assert due_ms(Session(interval_s=90, refresher="peer", refreshed_at_ms=0)) == 60_000  # a third before
    assert too_small(Wish(89, supported=True), 90)
    assert not too_small(Wish(90, supported=True), 90)
    assert not too_small(Wish(89), 90)  # a caller who would not understand 422
    assert too_small(Wish(100, supported=True), 120)


def call_with(bench: Bench, *extra: str) -> tuple[Caller, Reply]:
    caller = Caller()
    bench.receive(caller.invite(extra=extra))
    bench.core.answer(next(iter(bench.core.calls())), ANSWER, bench.now_ms)
    ok = bench.drain().sent[-1][1]
    caller.to_tag = ok.to_tag
    bench.receive(caller.ack())
    bench.sent.clear()
    return caller, ok


def test_an_interval_below_ours_is_422_and_the_larger_one_is_taken() -> None:
    bench = Bench()
    caller = Caller()
    (reply,) = bench.receive(caller.invite(extra=(*TIMER, "Session-Expires: 89")))
    assert (reply.status, reply["min-se"]) == (422, "90")
    assert not bench.core.calls()
    bench.receive(caller.request("ACK", to_tag=reply.to_tag))
    caller = Caller(branch="z9hG4bKsecond", cseq=2)
    (trying,) = bench.receive(caller.invite(extra=(*TIMER, "Session-Expires: 90", "Min-SE: 90")))
    assert trying.status == 100


def test_a_broken_timer_never_costs_the_call() -> None:
    bench = Bench()
    _, ok = call_with(bench, *TIMER, "Session-Expires: soon")
    assert (ok.status, ok.all("session-expires")) == (200, [])
    assert {count.labels["status"] for count in bench.counts if count.name == "sip_malformed"} == {"session-timer"}


def test_the_peer_refreshes_and_nothing_is_asked() -> None:
    bench = Bench()
    caller, ok = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uac")
    assert (ok["session-expires"], ok["require"]) == ("1800;refresher=uac", "timer")
    assert "timer" in ok["supported"]
    for _ in range(5):
        assert bench.advance(900_000) == []
        (reply,) = bench.receive(caller.later("UPDATE", extra=(*TIMER, "Session-Expires: 1800;refresher=uac")))
        assert (reply.status, reply["session-expires"]) == (200, "1800;refresher=uac")


def test_a_reinvite_refreshes_too_and_too_small_a_one_is_422() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uac")
    bench.advance(900_000)
    (reply,) = bench.receive(caller.later("INVITE", body=ANSWER, extra=(*TIMER, "Session-Expires: 600;refresher=uas")))
    assert (reply.status, reply["session-expires"]) == (200, "600;refresher=uas")
    bench.receive(caller.ack())
    for method in ("INVITE", "UPDATE"):
        (small,) = bench.receive(caller.later(method, extra=(*TIMER, "Session-Expires: 60")))
        assert (small.status, small["min-se"]) == (422, "90")
        if method == "INVITE":
            bench.receive(caller.request("ACK", branch=f"{caller.branch}-INVITE{caller.cseq}"))


def test_we_refresh_by_update_at_half_the_interval() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uas", "Allow: INVITE, UPDATE, BYE")
    assert bench.advance(899_999) == []
    (update,) = bench.advance(1)
    assert (update.method, update["session-expires"]) == ("UPDATE", "1800;refresher=uac")
    assert update.body == ""
    bench.receive(caller.respond(update, 200, extra=("Require: timer", "Session-Expires: 1800;refresher=uac")))
    assert bench.advance(899_000) == []
    (again,) = bench.advance(1_000)
    assert again.method == "UPDATE"


def test_a_larger_min_se_is_taken_over_and_a_greedy_one_is_not() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 120;refresher=uas", "Allow: UPDATE")
    (update,) = bench.advance(60_000)
    (update,) = bench.receive(caller.respond(update, 422, extra=("Min-SE: 300",)))
    assert (update["session-expires"], update["min-se"]) == ("300;refresher=uac", "300")
    for least in range(301, 400):
        answers = bench.receive(caller.respond(update, 422, extra=(f"Min-SE: {least}",)))
        if not answers:
            break
        (update,) = answers
    assert least < 310
    assert len(bench.core.calls()) == 1


def test_a_silent_refresher_is_asked_and_an_answer_keeps_the_call() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 90;refresher=uac")
    for _ in range(3):
        (options,) = bench.advance(60_000)
        assert options.method == "OPTIONS"
        bench.receive(caller.respond(options, 200))
    assert len([event for event in bench.events if isinstance(event, ProbeAnswered)]) == 3
    assert len(bench.core.calls()) == 1


def test_a_silent_refresher_who_takes_updates_is_relieved_of_it() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 90;refresher=uac", "Allow: UPDATE")
    (update,) = bench.advance(60_000)
    assert (update.method, update["session-expires"]) == ("UPDATE", "90;refresher=uac")
    bench.receive(caller.respond(update, 200, extra=("Session-Expires: 90;refresher=uac",)))
    assert bench.advance(44_000) == []
    (update,) = bench.advance(1_000)
    assert update.method == "UPDATE"


@pytest.mark.parametrize("status", [481, 408, 0])
def test_only_481_and_no_answer_end_the_call(status: int) -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uas", "Allow: UPDATE")
    (update,) = bench.advance(900_000)
    if status:
        bench.receive(caller.respond(update, status))
    else:
        bench.advance(32_000)
    ended = bench.event(CallEnded)
    assert isinstance(ended, CallEnded)
    assert ended.cause == "gone"
    assert bench.sent[-1][1].method == "BYE"
    bench.receive(caller.respond(bench.sent[-1][1], 200))
    bench.advance(40_000)
    assert not any(bench.core.census().values())


@pytest.mark.parametrize("status", [403, 488, 491, 500, 503, 600])
def test_any_other_answer_is_a_sign_of_life_and_we_ask_again(status: int) -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uas", "Allow: UPDATE")
    (update,) = bench.advance(900_000)
    for _ in range(20):
        bench.receive(caller.respond(update, status))
        sent: list[Reply] = []
        while not sent:
            sent = bench.advance(1_000)
        update = sent[0]
        assert update.method == "UPDATE"
    assert len(bench.core.calls()) == 1


def test_a_peer_that_takes_no_update_after_all_is_asked_otherwise() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 90;refresher=uac", "Allow: UPDATE")
    (update,) = bench.advance(60_000)
    (options,) = bench.receive(caller.respond(update, 405))
    assert options.method == "OPTIONS"


def test_timers_outlive_the_process() -> None:
    bench = Bench()
    caller, _ = call_with(bench, *TIMER, "Session-Expires: 1800;refresher=uas", "Allow: UPDATE")
    bench.advance(600_000)
    reborn = Bench(core=make_core(prefix="b"), records=bench.records, now_ms=bench.now_ms)
    reborn.core.restore(bench.records, bench.now_ms)
    reborn.drain()
    assert reborn.advance(299_999) == []
    (update,) = reborn.advance(1)
    assert update.method == "UPDATE"
    late = Bench(core=make_core(prefix="c"), records=reborn.records, now_ms=bench.now_ms + 10_000_000)
    late.core.restore(reborn.records, late.now_ms)
    (update,) = late.advance(1)  # it fell due while nobody was there
    assert update.method == "UPDATE"
    late.receive(caller.respond(update, 200))  # no Session-Expires: the timer is over
    assert late.advance(10_000_000) == []


def test_a_short_setting_is_what_callers_are_told() -> None:
    bench = Bench(core=make_core(replace(SETTINGS, session_min_s=600)))
    (reply,) = bench.receive(Caller().invite(extra=(*TIMER, "Session-Expires: 300")))
    assert (reply.status, reply["min-se"]) == (422, "600")
