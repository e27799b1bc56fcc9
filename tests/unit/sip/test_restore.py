"""A core killed at any point, and another one that goes on from the journal."""

import json
from dataclasses import replace

import pytest

from kak_server.sip.api import CallCancelled, CallConfirmed, CallEnded, CallMediaChanged, IncomingCall
from kak_server.sip.call_record import from_record, to_record
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Caller, established, make_core


def reborn(bench: Bench) -> Bench:
    """The process is gone; its records come back through JSON into a new one."""
    records = json.loads(json.dumps(bench.records))
    new = Bench(make_core(prefix="n"), bench.now_ms + 2_000, records=dict(records))
    new.core.restore(records, new.now_ms)
    return new.drain()


def rung(bench: Bench) -> Caller:
    caller = Caller()
    bench.receive(caller.invite(extra=("Record-Route: <sip:192.0.2.7;lr>",)))
    bench.core.ring(next(iter(bench.core.calls())), bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    return caller


def test_a_pending_call_can_be_answered() -> None:
    old = Bench()
    caller = rung(old)
    new = reborn(old)
    (call,) = new.core.calls()
    view = new.core.calls()[call]
    assert view.state == "pending"
    assert view.incoming == old.event(IncomingCall)
    assert new.events == []  # the house decides what to do with it
    assert new.core.answer(call, ANSWER, new.now_ms)
    answer = new.drain().sent[-1][1]
    assert answer.to_tag == caller.to_tag
    assert answer.all("record-route") == ["<sip:192.0.2.7;lr>"]
    new.receive(caller.ack())
    assert new.event(CallConfirmed) == CallConfirmed(call)


def test_a_pending_call_can_be_cancelled_and_its_invite_repeated() -> None:
    old = Bench()
    caller = rung(old)
    new = reborn(old)
    (call,) = new.core.calls()
    extra = ("Record-Route: <sip:192.0.2.7;lr>",)
    assert [reply.status for reply in new.receive(caller.invite(extra=extra, to_tag=""))] == [100]
    replies = new.receive(caller.request("CANCEL", to_tag=""))
    assert [(reply.status, reply.to_tag) for reply in replies] == [(200, caller.to_tag), (487, caller.to_tag)]
    assert new.event(CallCancelled) == CallCancelled(call)
    new.receive(caller.request("ACK"))
    new.advance(60_000)
    assert set(new.core.census().values()) == {0}
    assert new.records == {}


def test_a_refusal_without_its_ack_goes_out_again_and_nothing_is_said_twice() -> None:
    old = Bench()
    caller = rung(old)
    call = next(iter(old.core.calls()))
    old.core.reject(call, 486, old.now_ms)
    refusal = old.drain().sent[-1][1]
    assert old.core.calls() == {}
    new = reborn(old)
    assert [reply for _, reply in new.sent] == [refusal]
    assert new.events == []
    assert new.core.calls() == {}
    assert not new.core.hangup(call, new.now_ms)
    assert new.advance(500) == [refusal]
    assert [reply.status for reply in new.receive(caller.later("BYE"))] == [481]
    new.receive(caller.request("ACK", cseq=1))
    assert new.advance(4_999) == []
    assert new.records
    new.advance(1)
    assert new.records == {}
    assert not any(new.core.census().values())


def test_a_pending_call_can_be_rejected() -> None:
    old = Bench()
    rung(old)
    new = reborn(old)
    (call,) = new.core.calls()
    assert new.core.reject(call, 480, new.now_ms)
    assert new.drain().sent[-1][1].status == 480


def test_early_media_is_remembered() -> None:
    old = Bench()
    caller = Caller()
    old.receive(caller.invite())
    old.core.progress(next(iter(old.core.calls())), ANSWER, old.now_ms)
    new = reborn(old.drain())
    assert [reply.body for reply in new.receive(caller.invite())] == [ANSWER]
    assert [reply.status for reply in new.advance(61_000)] == [183]


def test_an_unacknowledged_200_goes_on_being_repeated() -> None:
    old = Bench()
    caller = rung(old)
    old.core.answer(next(iter(old.core.calls())), ANSWER, old.now_ms)
    answer = old.drain().sent[-1][1]
    new = reborn(old)
    assert [reply for _, reply in new.sent] == [answer]
    assert new.advance(1_500) == [answer, answer]
    assert new.receive(caller.invite(to_tag="", extra=("Record-Route: <sip:192.0.2.7;lr>",))) == [answer]
    new.receive(caller.ack())
    assert isinstance(new.event(CallConfirmed), CallConfirmed)
    assert new.advance(60_000) == []


def test_an_unacknowledged_200_still_ends_with_bye() -> None:
    old = Bench()
    rung(old)
    old.core.answer(next(iter(old.core.calls())), ANSWER, old.now_ms)
    new = reborn(old.drain())
    assert new.advance(32_000)[-1].method == "BYE"
    assert isinstance(ended := new.event(CallEnded), CallEnded)
    assert ended.cause == "no-ack"


def test_a_hangup_that_waits_for_the_ack_is_not_forgotten() -> None:
    old = Bench()
    caller = rung(old)
    call = next(iter(old.core.calls()))
    old.core.answer(call, ANSWER, old.now_ms)
    old.core.hangup(call, old.now_ms, "enough")
    new = reborn(old.drain())
    assert [reply.method for reply in new.receive(caller.ack())] == ["BYE"]
    assert new.event(CallEnded) == CallEnded(call, "hangup", "enough")


def test_an_established_call_goes_on() -> None:
    old = Bench()
    caller = established(old)
    call = next(iter(old.core.calls()))
    old.core.probe(call, old.now_ms)
    old_probe = old.drain().sent[-1][1]
    new = reborn(old)
    assert new.sent == []
    assert new.receive(caller.invite(cseq=1, to_tag="")) == []  # a copy of the first INVITE, ages late
    (reply,) = new.receive(caller.later("INVITE", body=OFFER))
    assert reply.status == 200
    assert "o=- 77 2 IN" in reply.body
    new.receive(caller.ack())
    assert new.event(CallMediaChanged)
    new.core.probe(call, new.now_ms)
    probe = new.drain().sent[-1][1]
    assert int(probe["cseq"].split()[0]) > int(old_probe["cseq"].split()[0])
    assert [reply.status for reply in new.receive(caller.later("BYE"))] == [200]
    assert new.event(CallEnded) == CallEnded(call, "bye")


def test_we_can_hang_up_an_established_call() -> None:
    old = Bench()
    caller = established(old)
    new = reborn(old)
    (call,) = new.core.calls()
    new.core.hangup(call, new.now_ms)
    bye = new.drain().sent[-1][1]
    assert bye.method == "BYE"
    new.receive(caller.respond(bye, 200))
    new.advance(60_000)
    assert set(new.core.census().values()) == {0}
    assert new.records == {}


def test_a_bye_without_its_answer_goes_out_again_and_nothing_is_said_twice() -> None:
    old = Bench()
    caller = established(old)
    old.core.hangup(next(iter(old.core.calls())), old.now_ms)
    first = old.drain().sent[-1][1]
    new = reborn(old)
    (again,) = [reply for _, reply in new.sent]
    assert again.method == "BYE"
    assert int(again["cseq"].split()[0]) > int(first["cseq"].split()[0])
    assert new.events == []
    assert new.core.calls() == {}
    new.receive(caller.respond(again, 481))
    new.advance(32_000)
    assert new.records == {}


def test_a_finished_call_is_kept_in_few_bytes_and_nothing_of_its_caller() -> None:
    old = Bench()
    caller = established(old)
    old.receive(caller.later("BYE"))
    ((_, record),) = old.records.items()
    assert len(json.dumps(record)) < 400
    assert "Kari" not in str(record)


def test_a_finished_call_in_the_record_of_an_older_server_is_known_too() -> None:
    old = Bench()
    caller = established(old)
    ((key, record),) = old.records.items()
    old.records[key] = {**record, "state": "over"}
    new = reborn(old)
    assert new.receive(caller.invite(cseq=1, to_tag="")) == []
    assert new.events == []
    new.advance(32_000)
    assert new.records == {}


def test_a_late_copy_of_the_invite_of_a_finished_call_makes_no_second_one() -> None:
    old = Bench()
    caller = established(old)
    old.receive(caller.later("BYE"))
    assert old.records
    new = reborn(old)
    assert new.core.calls() == {}
    assert new.receive(caller.invite(cseq=1, to_tag="")) == []
    assert [reply.status for reply in new.receive(caller.later("BYE"))] == [481]
    assert new.events == []
    new.advance(30_000)  # 32 s after the 200
    assert new.records == {}
    assert not any(new.core.census().values())


def test_cseq_stays_ahead_of_every_record() -> None:
    bench = Bench()
    caller = established(bench)
    call = next(iter(bench.core.calls()))
    for round_number in range(3):
        for _ in range(120):
            bench.core.probe(call, bench.now_ms)
            probe = bench.drain().sent[-1][1]
            bench.receive(caller.respond(probe, 200))
            used = int(probe["cseq"].split()[0])
            record = bench.records[f"sip/{call}"]
            assert isinstance(reserved := record["cseq_reserved"], int)
            assert reserved >= used, f"round {round_number}"
        bench = reborn(bench)
        assert bench.core.calls()


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"version": 99},
        [],
        "text",
        None,
    ],
)
def test_records_that_cannot_be_read_are_counted(record: object) -> None:
    bench = Bench()
    established(bench)
    records = {**bench.records, "sip/other": record, "routing/x": {}}
    core = make_core()
    core.restore(records, 5)  # type: ignore[arg-type]
    new = Bench(core).drain()
    assert len(new.core.calls()) == 1
    assert [count.name for count in new.counts] == ["sip_record_unreadable"]


def test_a_pending_record_with_its_invite_spoilt_is_counted() -> None:
    bench = Bench()
    bench.receive(Caller().invite())
    ((key, record),) = bench.records.items()
    for spoilt in ({"invite_head": ""}, {"invite_head": "SIP/2.0 200 OK\r\nX: y"}, {"invite_source": None}):
        core = make_core()
        core.restore({key: {**record, **spoilt}}, 5)
        assert set(core.census().values()) == {0}, spoilt


def test_a_record_says_what_the_call_is() -> None:
    bench = Bench()
    established(bench)
    ((_, record),) = bench.records.items()
    call, _ = from_record(record)
    again = to_record(call)
    assert {**again, "dialog": {}, "cseq_reserved": 0} == {**record, "dialog": {}, "cseq_reserved": 0}
    assert call.dialog.local_cseq == record["cseq_reserved"]


def test_connections_of_the_old_process_are_not_trusted() -> None:
    bench = Bench()
    established(bench, Caller(transport="TCP"))
    new = reborn(bench)
    (call,) = new.core.calls()
    new.core.hangup(call, new.now_ms)
    flow, bye = new.drain().sent[-1]
    assert bye.method == "BYE"
    # a new connection to the Contact
    assert flow == replace(flow, transport="tcp", host="192.0.2.10", port=5060, connection=0)


def test_a_call_ended_before_its_ack_leaves_nothing_stuck() -> None:
    """Found by the lossy network: a BYE overtakes the ACK, the house wants to hang up too, the server restarts."""
    old = Bench()
    caller = rung(old)
    call = next(iter(old.core.calls()))
    old.core.answer(call, ANSWER, old.now_ms)
    old.core.hangup(call, old.now_ms)
    old.drain().receive(caller.later("BYE"))
    assert old.receive(caller.ack(cseq=1)) == []  # wakes nothing
    assert old.event(CallEnded) == CallEnded(call, "bye")
    new = reborn(old)
    new.advance(40_000)
    assert not any(new.core.census().values())
    assert new.records == {}
