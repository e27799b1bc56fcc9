"""Transfers: REFER and NOTIFY, in both roles."""

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded
from kak_server.sip.api_legs import TransferAsked, TransferReport
from tests.unit.sip.uac import Bench, Caller, Reply, established, make_core

REFER_TO = "Refer-To: <sip:+4722334455@192.0.2.10>"


def call_of(bench: Bench) -> CallId:
    return next(iter(bench.core.calls()))


def reborn(bench: Bench, name: str = "b") -> Bench:
    after = Bench(core=make_core(prefix=name), records=dict(bench.records), now_ms=bench.now_ms)
    after.core.restore(after.records, after.now_ms)
    return after.drain()


def asked(bench: Bench, caller: Caller, *extra: str) -> list[Reply]:
    return bench.receive(caller.later("REFER", extra=extra or (REFER_TO,)))


def accepted(bench: Bench, caller: Caller, *extra: str) -> tuple[Reply, Reply]:
    """REFER, and the house says yes: the 202 and the first NOTIFY."""
    assert asked(bench, caller, *extra) == []
    before = len(bench.sent)
    assert bench.core.accept_transfer(call_of(bench), bench.now_ms)
    accepted, notify = [reply for _, reply in bench.drain().sent[before:]]
    return accepted, notify


def told(bench: Bench, status: int) -> list[Reply]:
    before = len(bench.sent)
    assert bench.core.report_transfer(call_of(bench), status, bench.now_ms)
    return [reply for _, reply in bench.drain().sent[before:]]


def test_a_blind_transfer_is_asked_accepted_and_reported() -> None:
    bench = Bench()
    caller = established(bench)
    ok, notify = accepted(bench, caller, REFER_TO, "Referred-By: <sip:caller@192.0.2.10>")
    call = call_of(bench)
    assert bench.event(TransferAsked) == TransferAsked(call, "+4722334455", None, "", "sip:caller@192.0.2.10")
    assert ok.status == 202
    assert "contact" in dict(ok.headers)
    assert (notify.method, notify["event"], notify["subscription-state"]) == ("NOTIFY", "refer", "active;expires=300")
    assert (notify["content-type"], notify.body) == ("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n")
    bench.receive(caller.respond(notify, 200))
    (ringing,) = told(bench, 180)
    assert ringing.body == "SIP/2.0 180 Ringing\r\n"
    bench.receive(caller.respond(ringing, 200))
    (done,) = told(bench, 200)
    assert (done["subscription-state"], done.body) == ("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
    bench.receive(caller.respond(done, 200))
    assert not bench.core.report_transfer(call, 486, bench.now_ms)
    bench.advance(400_000)
    assert bench.core.census() == {"calls": 1, "dialogs": 1, "transactions": 0, "timers": 0, "streams": 0}


def test_reports_wait_for_each_other_and_only_the_newest_is_told() -> None:
    bench = Bench()
    caller = established(bench)
    _, notify = accepted(bench, caller)
    assert told(bench, 180) == []
    assert told(bench, 183) == []
    assert told(bench, 486) == []
    (busy,) = bench.receive(caller.respond(notify, 200))
    assert (busy.body, busy["subscription-state"]) == ("SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource")
    bench.receive(caller.respond(busy, 200))
    _, second = accepted(bench, caller)
    assert second["event"] == f"refer;id={caller.cseq}"  # RFC 3515 2.4.6: not the first in this dialog


def test_the_house_says_no() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller)
    assert bench.core.reject_transfer(call_of(bench), 603, bench.now_ms, "no")
    assert bench.drain().sent[-1][1].start == "SIP/2.0 603 no"
    assert not bench.core.accept_transfer(call_of(bench), bench.now_ms)
    assert not bench.core.report_transfer(call_of(bench), 200, bench.now_ms)
    with pytest.raises(ValueError, match="200"):
        bench.core.reject_transfer(call_of(bench), 200, bench.now_ms)
    with pytest.raises(ValueError, match="99"):
        bench.core.report_transfer(call_of(bench), 99, bench.now_ms)


def test_the_house_says_nothing() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller)
    (late,) = bench.advance(20_000)
    assert late.status == 480
    assert not bench.core.accept_transfer(call_of(bench), bench.now_ms)
    assert [count.name for count in bench.counts].count("sip_transfer_undecided") == 1


def test_without_a_subscription_nothing_is_notified() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller, REFER_TO, "Refer-Sub: false", "Supported: norefersub", "Require: norefersub")
    before = len(bench.sent)
    assert bench.core.accept_transfer(call_of(bench), bench.now_ms)
    (ok,) = [reply for _, reply in bench.drain().sent[before:]]
    assert (ok.status, ok["refer-sub"]) == (202, "false")
    assert told(bench, 180) == told(bench, 200) == []
    bench.advance(400_000)
    assert bench.core.census()["timers"] == 0


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ((), 400),
        ((REFER_TO, REFER_TO), 400),
        ((f"{REFER_TO}, <sip:x@h>",), 400),
        (("Refer-To: ",), 400),
        (("Refer-To: <nonsense>",), 400),
        (("Refer-To: <http://example.com/>",), 416),
        (("Refer-To: <sip:x@h;method=BYE>",), 603),
        (("Refer-To: <sip:x@h?Replaces=onlycallid>",), 400),
        (("Refer-To: <sip:x@h?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&Replaces=a>",), 400),
        ((f"Refer-To: <sip:{'1' * 600}@h>",), 400),
        ((REFER_TO, "Require: somethingelse"), 420),
    ],
)
def test_a_refer_that_is_refused_at_once(extra: tuple[str, ...], status: int) -> None:
    bench = Bench()
    caller = established(bench)
    (reply,) = bench.receive(caller.later("REFER", extra=extra))
    assert reply.status == status
    assert not [event for event in bench.events if isinstance(event, TransferAsked)]
    assert asked(bench, caller) == []  # the next one is heard


def test_one_at_a_time() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller)
    assert [reply.status for reply in asked(bench, caller)] == [491]
    bench.core.accept_transfer(call_of(bench), bench.now_ms)
    bench.drain()
    assert [reply.status for reply in asked(bench, caller)] == [491]


def test_outside_a_dialog_or_before_the_answer() -> None:
    bench = Bench()
    assert [reply.status for reply in bench.receive(Caller().request("REFER", extra=(REFER_TO,)))] == [403]
    assert [reply.status for reply in bench.receive(Caller().request("NOTIFY", branch="z9hG4bKn"))] == [481]
    caller = Caller(call_id="early")
    bench.receive(caller.invite())
    bench.core.ring(call_of(bench), bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    assert [reply.status for reply in asked(bench, caller)] == [403]


def test_an_attended_transfer_joins_two_calls_of_ours() -> None:
    bench = Bench()
    first = established(bench)
    second = established(bench, Caller(call_id="c2@h", tag="second", branch="z9hG4bKs"))
    ids = list(bench.core.calls())
    replaces = f"c2%40h%3Bto-tag%3D{second.to_tag}%3Bfrom-tag%3Dsecond"
    asked(bench, first, f"Refer-To: <sip:198.51.100.1:5060?Replaces={replaces}&X=1>")
    event = bench.event(TransferAsked)
    assert event == TransferAsked(ids[0], "sip:198.51.100.1:5060", ids[1])


def test_an_attended_transfer_to_a_dialog_elsewhere_sends_the_header_along() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller, 'Refer-To: "B" <sip:4711@192.0.2.77:5080?Replaces=x%40y%3Bfrom-tag%3D2%3Bto-tag%3D1>')
    event = bench.event(TransferAsked)
    # the target stays an address: a number might lead elsewhere than where that dialog lives
    assert event == TransferAsked(call_of(bench), "sip:4711@192.0.2.77:5080", None, "x@y;to-tag=1;from-tag=2")


def test_a_failed_notify_ends_the_subscription_and_not_the_call() -> None:
    bench = Bench()
    caller = established(bench)
    _, notify = accepted(bench, caller)
    bench.receive(caller.respond(notify, 481))
    assert not bench.core.report_transfer(call_of(bench), 200, bench.now_ms)
    assert len(bench.core.calls()) == 1


def test_a_subscription_runs_out() -> None:
    bench = Bench()
    caller = established(bench)
    _, notify = accepted(bench, caller)
    bench.receive(caller.respond(notify, 200))
    (timeout,) = bench.advance(300_000)
    assert timeout["subscription-state"] == "terminated;reason=timeout"
    bench.receive(caller.respond(timeout, 200))
    assert not bench.core.report_transfer(call_of(bench), 200, bench.now_ms)


def test_the_peer_hangs_up_with_its_refer_undecided() -> None:
    bench = Bench()
    caller = established(bench)
    asked(bench, caller)
    replies = bench.receive(caller.later("BYE"))
    assert sorted(reply.status for reply in replies) == [200, 487]
    bench.advance(70_000)
    assert not any(bench.core.census().values())


def test_the_peer_hangs_up_while_it_is_told() -> None:
    bench = Bench()
    caller = established(bench)
    _, notify = accepted(bench, caller)
    bench.receive(caller.later("BYE"))
    assert not bench.core.report_transfer(CallId("x"), 200, bench.now_ms)
    bench.receive(caller.respond(notify, 481))
    bench.advance(70_000)
    assert not any(bench.core.census().values())


def test_killed_while_the_peer_is_told() -> None:
    bench = Bench()
    caller = established(bench)
    refer = caller.later("REFER", extra=(REFER_TO,))
    bench.receive(refer)
    bench.core.accept_transfer(call_of(bench), bench.now_ms)
    bench.drain()
    after = reborn(bench)
    (again,) = [reply for _, reply in after.sent]
    assert again.body == "SIP/2.0 100 Trying\r\n"
    assert [reply.status for reply in after.receive(refer)] == [202]  # its copy makes no second transfer
    assert not [event for event in after.events if isinstance(event, TransferAsked)]
    after.receive(caller.respond(again, 200))
    (done,) = told(after, 200)
    after.receive(caller.respond(done, 200))
    assert not after.advance(400_000)


def referred(bench: Bench, target: str = "+4722334455", replaces: CallId | None = None) -> Reply:
    before = len(bench.sent)
    assert bench.core.refer(call_of(bench), target, bench.now_ms, replaces)
    (refer,) = [reply for _, reply in bench.drain().sent[before:]]
    assert refer.method == "REFER"
    return refer


def notify_of(
    caller: Caller, status: int, state: str = "active;expires=60", event: str = "refer", body: str | None = None
) -> str:
    return caller.later(
        "NOTIFY",
        extra=(f"Event: {event}", f"Subscription-State: {state}"),
        body=f"SIP/2.0 {status} Whatever\r\n" if body is None else body,
        content_type="message/sipfrag;version=2.0",
    )


def reports(bench: Bench) -> list[tuple[int, bool]]:
    return [(event.status, event.final) for event in bench.events if isinstance(event, TransferReport)]


def test_we_send_a_caller_elsewhere() -> None:
    bench = Bench()
    caller = established(bench)
    refer = referred(bench)
    assert refer["refer-to"] == "<sip:+4722334455@192.0.2.10:5060>"
    assert refer["referred-by"] == "<sip:113@198.51.100.1>"
    assert not bench.core.refer(call_of(bench), "110", bench.now_ms)  # one at a time
    bench.receive(caller.respond(refer, 202))
    for status in (100, 180, 180, 200):
        (reply,) = bench.receive(notify_of(caller, status))
        assert reply.status == 200
    (reply,) = bench.receive(notify_of(caller, 200, "terminated;reason=noresource"))
    assert reply.status == 200
    assert reports(bench) == [(180, False), (200, True)]
    (reply,) = bench.receive(notify_of(caller, 200))
    assert reply.status == 481  # the subscription is over
    assert bench.advance(400_000) == []
    assert bench.core.census()["timers"] == 0


@pytest.mark.parametrize(
    ("target", "refer_to"),
    [
        ("110", "<sip:110@192.0.2.10:5060>"),
        ("*21#", "<sip:*21%23@192.0.2.10:5060>"),
        ("sips:a@example.org;x=1", "<sips:a@example.org;x=1>"),
        ("tel:+4711", "<tel:+4711>"),
    ],
)
def test_targets(target: str, refer_to: str) -> None:
    bench = Bench()
    established(bench)
    assert referred(bench, target)["refer-to"] == refer_to


@pytest.mark.parametrize("target", ["a b", "sip:", "<x>", "1\r\nX: y"])
def test_no_targets(target: str) -> None:
    bench = Bench()
    established(bench)
    assert not bench.core.refer(call_of(bench), target, bench.now_ms)
    assert bench.drain().sent[-1][1].status == 200


def test_we_join_two_calls() -> None:
    bench = Bench()
    established(bench)
    other = established(bench, Caller(call_id="c2@h", tag="second", branch="z9hG4bKs"))
    ids = list(bench.core.calls())
    refer = referred(bench, "", ids[1])
    escaped = f"c2%40h%3Bto-tag%3Dsecond%3Bfrom-tag%3D{other.to_tag}"
    assert refer["refer-to"] == f"<sip:caller@192.0.2.10:5060?Replaces={escaped}>"
    assert not bench.core.refer(ids[1], "", bench.now_ms, ids[1])  # a call is not joined with itself
    assert not bench.core.refer(ids[1], "", bench.now_ms, CallId("unknown"))


@pytest.mark.parametrize("status", [403, 603, 420, 491])
def test_the_peer_refuses(status: int) -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), status))
    assert reports(bench) == [(status, True)]
    assert referred(bench)


@pytest.mark.parametrize(("status", "alive"), [(481, False), (481, True), (0, True)])
def test_a_refer_nobody_knows_what_to_do_with_asks_whether_the_call_is_there(status: int, alive: bool) -> None:
    bench = Bench()
    caller = established(bench)
    refer = referred(bench)
    replies = bench.receive(caller.respond(refer, status)) if status else bench.advance(32_000)
    assert replies[-1].method == "OPTIONS"
    assert reports(bench) == [(status or 408, True)]
    bench.receive(caller.respond(replies[-1], 200 if alive else 481))
    assert bool(bench.core.calls()) == alive


def test_the_peer_will_not_report() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202, extra=("Refer-Sub: false",)))
    assert reports(bench) == [(202, True)]


def test_a_notify_overtakes_the_202() -> None:
    bench = Bench()
    caller = established(bench)
    refer = referred(bench)
    bench.receive(notify_of(caller, 200, "terminated;reason=noresource"))
    bench.receive(caller.respond(refer, 202))
    assert reports(bench) == [(200, True)]
    assert bench.advance(400_000) == []


@pytest.mark.parametrize(("why", "status"), [("timeout", 408), ("noresource", 480), ("rejected", 480)])
def test_a_subscription_that_ends_without_an_end(why: str, status: int) -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202))
    bench.receive(notify_of(caller, 100, f"terminated;reason={why}", body="" if why == "rejected" else None))
    assert reports(bench) == [(status, True)]


def test_nobody_reports() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202))
    bench.advance(330_000)
    assert reports(bench) == [(408, True)]
    assert not [event for event in bench.events if isinstance(event, CallEnded)]


@pytest.mark.parametrize(
    ("event", "state", "body", "status"),
    [
        ("dialog", "active", None, 489),
        ("refer;id=99", "active", None, 481),
        ("refer;id=x", "active", None, 400),
        ("refer", "active", "nonsense", 400),
        ("refer", "active", "", 400),
        ("", "active", None, 400),
        ("refer", "", None, 400),
    ],
)
def test_notifies_that_are_none(event: str, state: str, body: str | None, status: int) -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202))
    (reply,) = bench.receive(notify_of(caller, 200, state, event, body))
    assert reply.status == status
    if status == 489:
        assert reply["allow-events"] == "refer"
    assert reports(bench) == []
    (reply,) = bench.receive(notify_of(caller, 200, event="refer;id=1"))
    assert reply.status == 200


def test_a_notify_with_another_body() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202))
    extra = ("Event: refer", "Subscription-State: active")
    (reply,) = bench.receive(caller.later("NOTIFY", extra=extra, body="SIP/2.0 200 OK\r\n", content_type="text/plain"))
    assert reply.status == 415


def test_a_referral_outlives_the_process() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(referred(bench), 202))
    after = reborn(bench)
    (reply,) = after.receive(notify_of(caller, 200, "terminated;reason=noresource"))
    assert reply.status == 200
    assert reports(after) == [(200, True)]
    silent = reborn(bench, "c")
    silent.advance(330_000)
    assert reports(silent) == [(408, True)]
