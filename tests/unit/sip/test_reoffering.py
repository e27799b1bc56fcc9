"""Offers of ours inside a dialog."""

from dataclasses import replace

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, CallMediaChanged
from kak_server.sip.api_legs import MediaAgreed, MediaRefused
from kak_server.sip.core import SipCore
from kak_server.sip.reoffering import MAX_TRIES, next_version
from tests.unit.sip.uac import ANSWER, OFFER, SETTINGS, Bench, Caller, Reply, established, make_core

MOVED = ANSWER.replace("m=audio 30000", "m=audio 31000")
AGREED = (
    "v=0\r\no=caller 1 2 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 8\r\na=sendrecv\r\n"
)
CONTACT = ("Contact: <sip:caller@192.0.2.10:5060>",)


def call_of(bench: Bench) -> CallId:
    return next(iter(bench.core.calls()))


def offered(bench: Bench, sdp: str = MOVED) -> Reply:
    """Order it; the INVITE that leaves."""
    before = len(bench.sent)
    assert bench.core.reoffer(call_of(bench), sdp, bench.now_ms)
    (invite,) = [reply for _, reply in bench.drain().sent[before:]]
    assert invite.method == "INVITE"
    return invite


def accept(bench: Bench, caller: Caller, invite: Reply, body: str = AGREED) -> Reply:
    """200; the ACK that answers it."""
    (ack,) = bench.receive(caller.respond(invite, 200, extra=CONTACT, body=body))
    assert ack.method == "ACK"
    assert ack["cseq"] == f"{invite['cseq'].split()[0]} ACK"
    return ack


def reborn(bench: Bench, name: str = "b", core: SipCore | None = None) -> Bench:
    """The process dies; another takes up its journal."""
    after = Bench(core=core or make_core(prefix=name), records=dict(bench.records), now_ms=bench.now_ms)
    after.core.restore(after.records, after.now_ms)
    return after.drain()


def test_an_offer_is_journalled_sent_acknowledged_and_agreed() -> None:
    bench = Bench()
    caller = established(bench)
    bench.order.clear()
    invite = offered(bench)
    assert bench.order == ["put", "send INVITE"]
    assert invite.start == "INVITE sip:caller@192.0.2.10:5060 SIP/2.0"
    assert "o=- 77 2 IN IP4 198.51.100.1" in invite.body  # counted up
    assert "m=audio 31000" in invite.body
    assert bench.receive(caller.respond(invite, 100)) == []
    bench.order.clear()
    accept(bench, caller, invite)
    assert bench.order == ["send ACK", "put", "emit MediaAgreed"]
    assert bench.event(MediaAgreed) == MediaAgreed(call_of(bench), invite.body, AGREED, "sendrecv")
    assert bench.core.calls()[call_of(bench)].local_sdp == invite.body
    assert bench.advance(100_000) == []
    assert bench.core.census() == {"calls": 1, "dialogs": 1, "transactions": 0, "timers": 0, "streams": 0}


def test_a_repeated_200_is_acknowledged_again_and_tells_nothing_new() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    accept(bench, caller, invite)
    for wait_ms in (500, 1_000, 40_000):  # the last one long after the transaction has gone
        bench.advance(wait_ms)
        accept(bench, caller, invite)
    assert bench.event(MediaAgreed)


def test_our_hold_is_offered_and_kept() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench, ANSWER.replace("a=sendrecv", "a=sendonly"))
    accept(bench, caller, invite, AGREED.replace("a=sendrecv", "a=recvonly"))
    agreed = bench.event(MediaAgreed)
    assert isinstance(agreed, MediaAgreed)
    assert agreed.direction == "sendonly"
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER))
    assert "a=sendonly" in reply.body  # the peer's own re-INVITE does not end our hold
    bench.receive(caller.ack())
    again = offered(bench, ANSWER)
    assert "o=- 77 4 IN" in again.body
    accept(bench, caller, again)
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER))
    assert "a=sendrecv" in reply.body


@pytest.mark.parametrize("ours", ["sendrecv", "sendonly", "recvonly", "inactive"])
@pytest.mark.parametrize("theirs", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_the_matrix_from_the_offering_side(ours: str, theirs: str) -> None:
    """RFC 3264 6.1; an answer that takes more than was offered is cut down to what was."""
    bench = Bench()
    caller = established(bench)
    invite = offered(bench, ANSWER.replace("a=sendrecv", f"a={ours}"))
    accept(bench, caller, invite, AGREED.replace("a=sendrecv", f"a={theirs}"))
    agreed = bench.event(MediaAgreed)
    assert isinstance(agreed, MediaAgreed)
    we_send = ours in ("sendrecv", "sendonly") and theirs in ("sendrecv", "recvonly")
    we_hear = ours in ("sendrecv", "recvonly") and theirs in ("sendrecv", "sendonly")
    names = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}
    assert agreed.direction == names.get((we_send, we_hear), "inactive")


@pytest.mark.parametrize("status", [403, 488, 500, 503, 600])
def test_a_refusal_leaves_the_session_as_it_was(status: int) -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench, MOVED.replace("a=sendrecv", "a=inactive"))
    (ack,) = bench.receive(caller.respond(invite, status))
    assert ack.method == "ACK"
    assert bench.event(MediaRefused) == MediaRefused(call_of(bench), status)
    assert bench.core.calls()[call_of(bench)].local_sdp == ANSWER
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER))
    assert "a=sendrecv" in reply.body  # no hold came of it
    bench.receive(caller.ack())
    bench.advance(40_000)
    assert not bench.core.census()["transactions"]


@pytest.mark.parametrize("status", [481, 408, 0])
def test_a_dialog_that_is_gone_ends_the_call(status: int) -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    if status:
        bench.receive(caller.respond(invite, status))
    else:
        bench.advance(32_000)
    ended = bench.event(CallEnded)
    assert isinstance(ended, CallEnded)
    assert ended.cause == "gone"
    bye = bench.sent[-1][1]
    assert bye.method == "BYE"
    bench.receive(caller.respond(bye, 481))
    bench.advance(70_000)
    assert not any(bench.core.census().values())
    assert bench.records == {}


def test_glare_their_invite_while_ours_is_open_is_491() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    for method in ("INVITE", "UPDATE"):
        (reply,) = bench.receive(caller.later(method, body=OFFER))
        assert reply.status == 491
    bench.receive(caller.request("ACK", branch=f"{caller.branch}-INVITE{caller.cseq - 1}", cseq=caller.cseq - 1))
    (plain,) = bench.receive(caller.later("UPDATE"))
    assert plain.status == 200  # without an offer nothing can cross
    accept(bench, caller, invite)
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER))
    assert reply.status == 200


def test_glare_ours_refused_with_491_goes_again_within_two_seconds_for_theirs_is_the_call_id() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    waits = []
    for _ in range(MAX_TRIES - 1):
        began_ms = bench.now_ms
        bench.receive(caller.respond(invite, 491))
        sent: list[Reply] = []
        while not sent:
            sent = bench.advance(10)
        waits.append(bench.now_ms - began_ms)
        (again,) = sent
        assert int(again["cseq"].split()[0]) > int(invite["cseq"].split()[0])
        assert again.all("via") != invite.all("via")
        invite = again
    assert all(wait % 10 == 0 and wait <= 2_010 for wait in waits)
    assert len(set(waits)) > 1
    bench.receive(caller.respond(invite, 491))
    assert bench.event(MediaRefused) == MediaRefused(call_of(bench), 491)
    assert bench.advance(60_000) == []


def test_while_ours_backs_off_theirs_is_taken() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    bench.receive(caller.respond(invite, 491))
    (reply,) = bench.receive(caller.later("INVITE", body=OFFER.replace("40000", "40002")))
    assert reply.status == 200
    sent = bench.advance(3_000)
    assert {one.status for one in sent} == {200}  # ours waits for the ACK, however long it takes
    (again,) = bench.receive(caller.ack())
    assert again.method == "INVITE"
    assert "o=- 77 3 IN" in again.body  # the answer in between was version 2
    accept(bench, caller, again)
    assert bench.event(MediaAgreed)


def test_an_order_before_the_ack_waits_for_it() -> None:
    bench = Bench()
    caller = Caller()
    bench.receive(caller.invite())
    call = call_of(bench)
    assert not bench.core.reoffer(call, MOVED, bench.now_ms)  # not answered yet: answer with it instead
    bench.core.answer(call, ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    assert bench.core.reoffer(call, MOVED, bench.now_ms)
    assert [one.method for _, one in bench.drain().sent].count("INVITE") == 0
    (invite,) = bench.receive(caller.ack())
    accept(bench, caller, invite)


def test_of_several_orders_the_newest_goes_out_after_the_open_one() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    for port in (32_000, 33_000):
        assert bench.core.reoffer(call_of(bench), MOVED.replace("31000", str(port)), bench.now_ms)
    accept(bench, caller, invite)
    (second,) = bench.advance(1)
    assert "m=audio 33000" in second.body
    assert "o=- 77 3 IN" in second.body
    accept(bench, caller, second)
    assert [event.offer_sdp for event in bench.events if isinstance(event, MediaAgreed)] == [invite.body, second.body]
    assert bench.advance(40_000) == []


def test_500_with_retry_after_is_asked_again() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    bench.receive(caller.respond(invite, 500, extra=("Retry-After: 4",)))
    assert bench.advance(3_999) == []
    (again,) = bench.advance(1)
    bench.receive(caller.respond(again, 500, extra=("Retry-After: 4000",)))
    assert bench.event(MediaRefused) == MediaRefused(call_of(bench), 500)


def test_an_answer_nobody_can_read_is_acknowledged_and_the_call_goes_on() -> None:
    bench = Bench()
    caller = established(bench)
    accept(bench, caller, offered(bench), "")
    accept(bench, caller, offered(bench), "nonsense")
    assert [event for event in bench.events if isinstance(event, MediaRefused)] == 2 * [
        MediaRefused(call_of(bench), 488)
    ]
    assert len(bench.core.calls()) == 1


def test_a_peer_that_says_in_a_moment_for_ever_is_cancelled() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    bench.receive(caller.respond(invite, 180))
    sent = bench.advance(93_000)
    assert sent[0].method == "CANCEL"
    assert sent[0]["via"] == invite["via"]
    bench.receive(caller.respond(sent[0], 200))
    (ack,) = bench.receive(caller.respond(invite, 487))
    assert ack.method == "ACK"
    assert bench.event(MediaRefused) == MediaRefused(call_of(bench), 487)
    bench.advance(40_000)
    assert bench.core.census()["transactions"] == 0


def test_and_one_that_does_not_even_answer_the_cancel_is_given_up() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(offered(bench), 180))
    bench.advance(130_000)
    assert bench.event(MediaRefused) == MediaRefused(call_of(bench), 408)
    assert bench.core.census() == {"calls": 1, "dialogs": 1, "transactions": 0, "timers": 0, "streams": 0}


def test_a_bye_that_crosses_our_offer() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    bench.receive(caller.respond(invite, 100))
    (reply,) = bench.receive(caller.later("BYE"))
    assert reply.status == 200
    assert [event.cause for event in bench.events if isinstance(event, CallEnded)] == ["bye"]
    accept(bench, caller, invite)  # it was answered before the BYE: acknowledged all the same
    assert not [event for event in bench.events if isinstance(event, MediaAgreed)]
    bench.advance(70_000)
    assert not any(bench.core.census().values())


def test_a_bye_after_which_the_offer_is_never_answered_leaves_nothing() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(offered(bench), 183))
    bench.receive(caller.later("BYE"))
    bench.advance(70_000)
    assert not any(bench.core.census().values())


def test_our_own_hangup_while_the_offer_is_open() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    assert bench.core.hangup(call_of(bench), bench.now_ms)
    bye = bench.drain().sent[-1][1]
    bench.receive(caller.respond(bye, 200))
    accept(bench, caller, invite)
    bench.advance(70_000)
    assert not any(bench.core.census().values())
    assert bench.records == {}


def test_killed_with_the_offer_open_the_same_transaction_goes_on() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    after = reborn(bench)
    ((_, again),) = after.sent
    assert (again.start, again["via"], again["cseq"], again.body) == (
        invite.start,
        invite["via"],
        invite["cseq"],
        invite.body,
    )
    accept(after, caller, again)
    assert after.event(MediaAgreed)
    options = caller.later("OPTIONS")
    assert [reply.status for reply in after.receive(options)] == [200]
    assert after.core.hangup(call_of(after), after.now_ms)
    bye = after.drain().sent[-1][1]
    assert int(bye["cseq"].split()[0]) > int(invite["cseq"].split()[0])


@pytest.mark.parametrize("alive", [True, False])
def test_killed_and_never_answered_the_call_is_asked_before_it_is_given_up(alive: bool) -> None:
    """The peer may have answered while nobody was here, and not do so twice."""
    bench = Bench()
    caller = established(bench)
    offered(bench)
    after = reborn(bench)
    options = after.advance(32_000)[-1]
    assert options.method == "OPTIONS"
    assert after.event(MediaRefused) == MediaRefused(call_of(after), 408)
    after.receive(caller.respond(options, 200 if alive else 481))
    assert bool(after.core.calls()) == alive


def test_killed_after_the_200_a_repeated_one_is_acknowledged() -> None:
    bench = Bench()
    caller = established(bench)
    invite = offered(bench)
    accept(bench, caller, invite)
    after = reborn(bench)
    accept(after, caller, invite)
    assert not after.events
    stranger = Caller(tag="other")
    assert after.receive(stranger.respond(invite, 200).replace("To:", "To: <sip:x@y>;tag=z\r\nX:")) == []


def test_killed_while_backing_off_or_waiting_it_goes_out_later() -> None:
    bench = Bench()
    caller = established(bench)
    bench.receive(caller.respond(offered(bench), 491))
    after = reborn(bench)
    (again,) = after.advance(1)
    accept(after, caller, again)
    assert after.event(MediaAgreed)


def test_a_session_timer_is_refreshed_by_reinvite_where_there_is_no_update() -> None:
    bench = Bench()
    caller = Caller()
    extra = ("Supported: timer", "Session-Expires: 600;refresher=uas", "Allow: INVITE, BYE")
    bench.receive(caller.invite(extra=extra))
    bench.core.answer(call_of(bench), ANSWER, bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack())
    for _ in range(3):
        (invite,) = bench.advance(300_000)
        assert (invite.method, invite["session-expires"], invite.body) == ("INVITE", "600;refresher=uac", ANSWER)
        expires = ("Session-Expires: 600;refresher=uac", *CONTACT)
        bench.receive(caller.respond(invite, 200, extra=expires, body=AGREED))
    changed = [event for event in bench.events if isinstance(event, CallMediaChanged)]
    assert len(changed) == 3
    assert changed[0].offer_sdp == AGREED
    (invite,) = bench.advance(300_000)
    (ack, again) = bench.receive(caller.respond(invite, 422, extra=("Min-SE: 900",)))[:1] + bench.advance(1)
    assert (ack.method, again["session-expires"], again["min-se"]) == ("ACK", "900;refresher=uac", "900")


def test_many_at_once_leave_at_the_pace() -> None:
    bench = Bench(core=make_core(replace(SETTINGS, paced_offers_per_s=100)))
    callers = {}
    for number in range(50):
        caller = Caller(call_id=f"c{number}@h", tag=f"t{number}", branch=f"z9hG4bKb{number}")
        callers[caller.call_id] = established(bench, caller)
    bench.sent.clear()
    for call in bench.core.calls():
        assert bench.core.reoffer(call, MOVED, bench.now_ms, paced=True)
    bench.drain()
    assert len(bench.sent) == 1
    for _ in range(49):
        assert len(bench.advance(10)) == 1
    for _, invite in list(bench.sent):
        accept(bench, callers[invite["call-id"]], invite)
    assert len([event for event in bench.events if isinstance(event, MediaAgreed)]) == 50


def test_versions() -> None:
    assert next_version(MOVED, ANSWER).startswith("v=0\r\no=- 77 2 IN IP4 198.51.100.1\r\n")
    other = MOVED.replace("o=- 77 1 IN IP4 198.51.100.1", "o=x 5 9 IN IP6 ::1")
    assert next_version(other, ANSWER).startswith("v=0\r\no=- 77 2 IN IP6 ::1\r\n")
    assert next_version("nonsense", ANSWER) == "nonsense"
