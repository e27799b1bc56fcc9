"""Reliable provisional answers to us, PRACK, and what the called side may ask before the answer (RFC 3262, 3311)."""

from dataclasses import replace

from kak_server.sip.api import CallEnded
from kak_server.sip.api_legs import CallAnswered, CallProgress
from tests.unit.sip.callee import CALL, OUTBOUND, Callee, dialled
from tests.unit.sip.test_credentials import SETTINGS, SHA, proves
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Reply, make_core


def reliable(callee: Callee, number: int, status: int = 183, body: str = "") -> str:
    return callee.answer(status, "Progress", body=body, extra=("Require: 100rel", f"RSeq: {number}"))


def pracks(bench: Bench) -> list[Reply]:
    return [reply for _, reply in bench.sent if reply.method == "PRACK"]


def progress(bench: Bench) -> list[CallProgress]:
    return [event for event in bench.events if isinstance(event, CallProgress)]


def over(bench: Bench) -> None:
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bench.advance(200_000)
    assert not any(bench.core.census().values()), bench.core.census()
    assert bench.records == {}


def test_early_media_is_acknowledged() -> None:
    bench, callee = dialled()
    assert "100rel" in callee.invite["supported"]
    bench.order.clear()
    bench.receive(reliable(callee, 776, body=ANSWER))
    assert bench.order == ["put", "send PRACK", "emit CallProgress"]
    prack = bench.sent[-1][1]
    assert prack.start == "PRACK sip:callee@192.0.2.10:5060 SIP/2.0"
    assert (prack["rack"], prack["cseq"]) == ("776 1 INVITE", "2 PRACK")
    assert prack["to"].endswith(";tag=callee")
    bench.receive(reliable(callee, 776, body=ANSWER))  # said again
    assert len(pracks(bench)) == 1
    assert len(progress(bench)) == 1
    bench.receive(Callee.ok(prack))
    bench.receive(callee.answer(200))  # without a description: the 183 was the answer
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.sdp == ANSWER
    assert bench.sent[-1][1]["cseq"] == "1 ACK"
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    assert bench.sent[-1][1]["cseq"] == "3 BYE"
    over(bench)


def test_each_in_its_turn() -> None:
    bench, callee = dialled()
    bench.receive(reliable(callee, 5, 180))
    bench.receive(reliable(callee, 7, body=ANSWER))  # 6 is lost: to wait for
    assert [prack["rack"] for prack in pracks(bench)] == ["5 1 INVITE"]
    assert [event.status for event in progress(bench)] == [180]
    bench.receive(reliable(callee, 6, 181))
    bench.receive(reliable(callee, 7, body=ANSWER))
    assert [prack["rack"] for prack in pracks(bench)] == ["5 1 INVITE", "6 1 INVITE", "7 1 INVITE"]
    assert [prack["cseq"] for prack in pracks(bench)] == ["2 PRACK", "3 PRACK", "4 PRACK"]
    assert [event.status for event in progress(bench)] == [180, 181, 183]
    over(bench)


def test_branches_count_for_themselves() -> None:
    bench, one = dialled()
    two = replace(one, tag="two", contact="<sip:two@192.0.2.12>")
    bench.receive(reliable(one, 5, body="v=0 one"))
    bench.receive(reliable(two, 900, body="v=0 two"))
    assert [(prack["rack"], prack["cseq"]) for prack in pracks(bench)] == [
        ("5 1 INVITE", "2 PRACK"),
        ("900 1 INVITE", "2 PRACK"),
    ]
    over(bench)


def test_what_cannot_be_acknowledged_is_an_ordinary_provisional() -> None:
    bench, callee = dialled()
    for number in ("x", "0", "4294967296"):
        bench.receive(callee.answer(180, "Ringing", extra=("Require: 100rel", f"RSeq: {number}")))
    bench.receive(callee.answer(180, "Ringing", extra=("Require: <,", "RSeq: 1")))
    bench.receive(callee.answer(180, "Ringing", extra=("RSeq: 1",)))
    callee.tag = ""
    bench.receive(reliable(callee, 5, body=ANSWER))  # no dialog to acknowledge it in
    assert pracks(bench) == []
    assert [event.status for event in progress(bench)] == [180]
    over(bench)


def test_a_prack_is_challenged_or_refused() -> None:
    bench, callee = dialled(settings=SETTINGS)
    bench.receive(reliable(callee, 5, body=ANSWER))
    first = bench.sent[-1][1]
    bench.receive(Callee.ok(first, 401).replace("Content-Length", f"{SHA}\r\nContent-Length"))
    second = bench.sent[-1][1]
    assert (second["rack"], second["cseq"]) == ("5 1 INVITE", "3 PRACK")
    proves(second)
    bench.receive(Callee.ok(second, 481))
    assert "sip_prack_refused" in [count.name for count in bench.counts]
    bench.receive(callee.accept())
    assert bench.event(CallAnswered)
    over(bench)


def test_requests_of_the_called_side_before_the_answer() -> None:
    bench, callee = dialled()
    bench.receive(callee.request("UPDATE", body=OFFER))
    assert bench.sent[-1][1].status == 481  # no early dialog yet
    bench.receive(callee.answer(183, "Progress", body=ANSWER))
    bench.receive(callee.request("UPDATE", body=OFFER))
    assert bench.sent[-1][1].status == 491  # our offer may still be answered otherwise
    bench.receive(reliable(callee, 5, body=ANSWER))
    callee.contact = "<sip:moved@192.0.2.33>"
    offer = ANSWER.replace("30000", "30002")
    bench.receive(callee.request("UPDATE", body=offer))
    reply = bench.sent[-1][1]
    assert reply.status == 200
    assert "m=audio 40000" in reply.body
    assert progress(bench)[-1] == CallProgress(CALL, 183, offer, "carrier")
    bench.receive(callee.request("UPDATE"))
    assert (bench.sent[-1][1].status, bench.sent[-1][1].body) == (200, "")
    bench.receive(callee.request("INFO"))
    assert bench.sent[-1][1].status == 200
    bench.receive(callee.request("BYE"))
    assert bench.sent[-1][1].status == 481
    bench.receive(callee.request("UPDATE", body="nonsense"))
    assert bench.sent[-1][1].status == 488
    callee.cseq = 0
    bench.receive(callee.request("UPDATE").replace("UPDATE1", "UPDATElate"))
    assert bench.sent[-1][1].status == 500  # out of order
    callee.cseq = 20
    bench.receive(callee.answer(200))
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.sdp == offer
    bench.receive(callee.request("BYE"))
    assert bench.event(CallEnded)
    over(bench)


def test_killed_between_the_record_and_the_prack() -> None:
    bench, callee = dialled()
    bench.receive(reliable(callee, 5, body=ANSWER))
    after = Bench(make_core(OUTBOUND, prefix="b"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    after.drain()
    after.receive(callee.request("INFO"))
    assert after.sent[-1][1].status == 200  # the early dialog is known
    after.receive(reliable(callee, 5, body=ANSWER))
    assert [(prack["rack"], prack["cseq"]) for prack in pracks(after)] == [("5 1 INVITE", "3 PRACK")]
    after.receive(reliable(callee, 5, body=ANSWER))
    assert len(pracks(after)) == 1
    after.receive(callee.answer(200))
    answer = after.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.sdp == ANSWER
    over(after)
