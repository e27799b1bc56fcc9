"""Calls of ours, from the order to the answer or the end."""

from dataclasses import replace

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, Flow, SipEvent, Target
from kak_server.sip.api_legs import CallAnswered, CallProgress
from tests.unit.sip.callee import CALL, DIAL, OUTBOUND, SECOND, Callee, answered, dialled
from tests.unit.sip.uac import ANSWER, OFFER, PEER, Bench, Reply, make_core


def ended(bench: Bench) -> CallEnded:
    event = bench.event(CallEnded)
    assert isinstance(event, CallEnded)
    return event


def progress(bench: Bench) -> list[CallProgress]:
    return [event for event in bench.events if isinstance(event, CallProgress)]


def requests(bench: Bench, method: str) -> list[Reply]:
    return [reply for _, reply in bench.sent if reply.method == method]


def nothing_left(bench: Bench) -> None:
    bench.advance(400_000)
    assert not any(bench.core.census().values()), bench.core.census()
    assert bench.records == {}


def reborn(bench: Bench) -> Bench:
    """The process dies and another one takes up the journal."""
    after = Bench(make_core(OUTBOUND, prefix="again-"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    return after.drain()


def test_the_invite() -> None:
    bench, callee = dialled(display_name='Oslo "AMK"')
    invite = callee.invite
    assert bench.order == ["put", "put", "send INVITE"], "journalled before it leaves"
    assert callee.flow == PEER
    assert invite.start == "INVITE sip:+4722334455@192.0.2.10;user=phone SIP/2.0"
    assert invite["from"].startswith('"Oslo \\"AMK\\"" <sip:+4723000000@198.51.100.1>;tag=')
    assert invite["to"] == "<sip:+4722334455@192.0.2.10;user=phone>"
    assert invite["p-asserted-identity"] == '"Oslo \\"AMK\\"" <sip:+4723000000@198.51.100.1>'
    assert invite["contact"] == "<sip:198.51.100.1:5060>"
    assert (invite["cseq"], invite["content-type"], invite.body) == ("1 INVITE", "application/sdp", OFFER)
    assert invite.all("privacy") == invite.all("resource-priority") == invite.all("referred-by") == []
    assert bench.core.census()["calls"] == 1
    assert bench.core.calls()[CALL].dial == replace(DIAL, display_name='Oslo "AMK"')


def test_what_an_untrusting_trunk_is_told() -> None:
    _, callee = dialled(trunks=("plain",))
    assert callee.invite.all("p-asserted-identity") == []
    _, callee = dialled(privacy=True)
    assert callee.invite["from"].startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert callee.invite["p-asserted-identity"] == "<sip:+4723000000@198.51.100.1>"
    assert callee.invite["privacy"] == "id"
    _, callee = dialled(caller="")
    assert callee.invite["privacy"] == "id"
    assert callee.invite.all("p-asserted-identity") == []


def test_emergency_and_referral_are_said() -> None:
    _, callee = dialled(emergency=True, referred_by="<sip:boss@example.com>")
    assert callee.invite["resource-priority"] == "esnet.1"
    assert callee.invite["referred-by"] == "<sip:boss@example.com>"


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "sip:a b@c"},
        {"target": "no number"},
        {"target": "110", "trunks": ()},
        {"caller": "12\r\n3"},
        {"referred_by": "<sip:a@b>\r\nX: y"},
        {"replaces_header": "a\r\nb"},
    ],
)
def test_an_order_that_cannot_be_dialled(changes: dict[str, object]) -> None:
    bench = Bench(make_core(OUTBOUND))
    assert bench.core.dial(replace(DIAL, **changes), bench.now_ms)  # type: ignore[arg-type]
    bench.drain()
    assert bench.sent == []
    assert ended(bench).cause == "refused"
    assert [count.name for count in bench.counts] == ["sip_not_dialled"]
    nothing_left(bench)


def test_the_order_twice_is_one_call() -> None:
    bench, _ = dialled()
    assert bench.core.dial(DIAL, bench.now_ms)
    bench.drain()
    assert len(requests(bench, "INVITE")) == 1


def test_an_address_goes_to_its_trunk_by_a_route_or_directly() -> None:
    _, callee = dialled(target="sip:ward@hospital.example")
    assert callee.invite.start == "INVITE sip:ward@hospital.example SIP/2.0"
    assert callee.invite["route"] == "<sip:192.0.2.10;lr>"
    bench, callee = dialled(target="sip:desk@192.0.2.77:5070", trunks=())
    assert callee.flow == Flow("udp", "192.0.2.77", 5070)
    assert callee.invite.all("route") == []
    bench.receive(callee.accept(), callee.flow)
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.trunk == ""


def test_rings_and_is_answered() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(100, "Trying"))
    assert bench.events == []
    bench.receive(callee.answer(180, "Ringing"))
    bench.receive(callee.answer(180, "Ringing"))  # said again
    assert bench.events == [CallProgress(CALL, 180, None, "carrier")]
    bench.receive(callee.answer(183, "Session Progress", body="v=0 early"))
    bench.receive(callee.answer(180, "Ringing"))
    assert progress(bench)[1:] == [
        CallProgress(CALL, 183, "v=0 early", "carrier"),
        CallProgress(CALL, 180, "v=0 early", "carrier"),
    ]
    bench.order.clear()
    bench.receive(callee.accept())
    assert bench.order == ["put", "send ACK", "emit CallAnswered"]
    assert bench.event(CallAnswered) == CallAnswered(CALL, ANSWER, "carrier", "sip:callee@192.0.2.10:5060")
    ack = bench.sent[-1][1]
    assert ack.start == "ACK sip:callee@192.0.2.10:5060 SIP/2.0"
    assert (ack["cseq"], ack["to"]) == ("1 ACK", f"{callee.invite['to']};tag=callee")
    view = bench.core.calls()[CALL]
    assert (view.state, view.trunk, view.peer_sdp, view.incoming) == ("confirmed", "carrier", ANSWER, None)
    bench.receive(callee.accept())  # the ACK was lost
    assert [reply.method for _, reply in bench.sent[-2:]] == ["ACK", "ACK"]
    assert bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bye = bench.sent[-1][1]
    assert (bye.method, bye["cseq"], bye["reason"]) == ("BYE", "2 BYE", "Q.850;cause=16")
    bench.receive(Callee.ok(bye))
    assert ended(bench).cause == "hangup"
    nothing_left(bench)


def test_the_route_back_is_the_record_route_turned_round() -> None:
    bench, callee = dialled()
    callee.extra = ("Record-Route: <sip:192.0.2.12;lr>, <sip:192.0.2.11;lr>",)
    bench.receive(callee.accept())
    flow, ack = bench.sent[-1]
    assert flow == Flow("udp", "192.0.2.11", 5060)
    assert ack.all("route") == ["<sip:192.0.2.11;lr>", "<sip:192.0.2.12;lr>"]


def test_who_answered_is_asserted_by_a_trusted_trunk() -> None:
    bench, callee = dialled()
    callee.extra = ("P-Asserted-Identity: <tel:+4799887766>",)
    bench.receive(callee.accept())
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.answered_by == "+4799887766"
    bench, callee = dialled(trunks=("plain",))
    callee.extra = ("P-Asserted-Identity: <tel:+4799887766>",)
    callee.contact = "<sip:22334455@192.0.3.1>"
    bench.receive(callee.accept(), callee.flow)
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.answered_by == "22334455"


@pytest.mark.parametrize(
    ("status", "cause"),
    [(486, "busy"), (600, "busy"), (480, "no-answer"), (487, "no-answer"), (404, "refused"), (603, "refused")],
)
def test_refused(status: int, cause: str) -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    why = ('Reason: SIP;cause=1, Q.850;cause=17;text="User busy"',)
    bench.receive(callee.answer(status, "No", extra=why))
    ack = bench.sent[-1][1]
    assert ack.method == "ACK"
    assert ack["via"] == callee.invite["via"]  # 17.1.1.3: within the transaction
    assert ack["to"].endswith(";tag=callee")
    assert ack["cseq"] == "1 ACK"
    assert ack.all("contact") == []
    assert ended(bench) == CallEnded(CALL, cause, "User busy", status, 17)  # type: ignore[arg-type]
    assert bench.core.calls() == {}
    bench.receive(callee.answer(status, "No"))
    assert len(requests(bench, "ACK")) == 2  # the first was lost
    nothing_left(bench)


def test_a_dead_trunk_costs_less_than_ten_seconds() -> None:
    bench, first = dialled()
    again = bench.advance(3_999)
    assert [reply.method for reply in again] == ["INVITE"] * 3
    (second,) = bench.advance(6_000)[:1]
    flow = bench.sent[4][0]
    assert flow == SECOND
    assert second["cseq"] == "2 INVITE"
    assert second["call-id"] == first.invite["call-id"]
    assert second["via"] != first.invite["via"]
    bench.receive(Callee(second).accept(), SECOND)
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.trunk == "plain"
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    nothing_left(bench)


@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_trunk_that_cannot_hands_over_to_the_next(status: int) -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(status, "No"))
    assert bench.sent[-1][0] == SECOND
    bench.receive(Callee(bench.sent[-1][1]).answer(status, "No"), SECOND)
    assert ended(bench).status == status
    nothing_left(bench)


def test_nobody_is_there() -> None:
    bench, _ = dialled()
    bench.advance(100_000)
    assert ended(bench) == CallEnded(CALL, "unreachable")
    assert {flow.host for flow, _ in bench.sent} == {"192.0.2.10", "192.0.3.1"}
    nothing_left(bench)


def test_no_usable_trunk() -> None:
    bench = Bench(make_core(OUTBOUND))
    bench.core.dial(replace(DIAL, trunks=("inbound-only", "unheard-of")), bench.now_ms)
    bench.drain()
    assert ended(bench).cause == "unreachable"
    nothing_left(bench)


def test_a_slow_trunk_that_answers_after_all_is_the_call() -> None:
    bench, first = dialled()
    bench.advance(5_000)
    second = Callee(bench.sent[-1][1], tag="second")
    bench.receive(second.answer(180, "Ringing"), SECOND)
    bench.receive(first.accept())
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.trunk == "carrier"
    flow, cancel = bench.sent[-1]
    assert (cancel.method, flow) == ("CANCEL", SECOND)
    assert cancel["via"] == second.invite["via"]
    assert cancel["reason"] == 'SIP;cause=200;text="Call completed elsewhere"'
    bench.receive(Callee.ok(cancel), SECOND)
    bench.receive(second.answer(487, "Request Terminated"), SECOND)
    assert bench.sent[-1][1].method == "ACK"
    assert not [event for event in bench.events if isinstance(event, CallEnded)]
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    nothing_left(bench)


def test_a_slow_trunk_that_rings_after_all_is_cancelled() -> None:
    bench, first = dialled()
    bench.advance(5_000)
    bench.receive(first.answer(180, "Ringing"))
    assert bench.sent[-1][1].start.startswith("CANCEL sip:+4722334455@192.0.2.10")
    assert progress(bench) == []


def test_hung_up_before_anything_was_heard() -> None:
    bench, callee = dialled()
    assert bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    assert ended(bench).cause == "hangup"
    assert {reply.method for reply in bench.advance(2_000)} == {"INVITE"}, "9.1: no CANCEL yet, but copies that ask"
    bench.receive(callee.answer(180, "Ringing"))
    cancel = bench.sent[-1][1]
    assert (cancel.method, cancel["cseq"], cancel["reason"]) == ("CANCEL", "1 CANCEL", "Q.850;cause=16")
    bench.receive(callee.answer(180, "Ringing"))
    assert len(requests(bench, "CANCEL")) == 1
    bench.receive(Callee.ok(cancel))
    bench.receive(callee.answer(487, "Request Terminated"))
    assert bench.sent[-1][1].method == "ACK"
    nothing_left(bench)


def test_hung_up_while_it_rings() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    assert bench.core.hangup(CALL, bench.now_ms, "changed my mind")
    bench.drain()
    assert bench.sent[-1][1]["reason"] == 'Q.850;cause=16;text="changed my mind"'
    assert bench.core.calls() == {}
    assert not bench.core.hangup(CALL, bench.now_ms)
    nothing_left(bench)  # 9.1: even when no final answer ever comes


def test_the_answer_crosses_our_cancel() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bench.receive(callee.accept())
    assert [reply.method for _, reply in bench.sent[-2:]] == ["ACK", "BYE"]
    assert not [event for event in bench.events if isinstance(event, CallAnswered)]
    bench.receive(callee.accept())
    assert bench.sent[-1][1].method == "ACK"
    bench.receive(Callee.ok(requests(bench, "BYE")[0]))
    nothing_left(bench)


def test_nobody_picks_up() -> None:
    bench, callee = dialled(ring_timeout_ms=20_000)
    bench.receive(callee.answer(180, "Ringing"))
    bench.advance(20_000)
    assert ended(bench) == CallEnded(CALL, "no-answer")
    assert bench.sent[-1][1]["reason"] == "Q.850;cause=19"
    nothing_left(bench)


def test_forks() -> None:
    bench, one = dialled()
    two = replace(one, tag="two", contact="<sip:two@192.0.2.12>")
    bench.receive(one.answer(183, "Session Progress", body="v=0 one"))
    bench.receive(two.answer(183, "Session Progress", body="v=0 two"))
    bench.receive(one.answer(180, "Ringing"))
    assert [event.sdp for event in progress(bench)] == ["v=0 one", "v=0 two", "v=0 two"]
    bench.receive(one.answer(200))  # its description has come already
    answer = bench.event(CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert answer.sdp == "v=0 one"
    bench.sent.clear()
    bench.receive(two.accept())
    assert [(reply.method, reply["to"].rpartition("=")[2]) for _, reply in bench.sent] == [
        ("ACK", "two"),
        ("BYE", "two"),
    ]
    bye = bench.sent[-1][1]
    assert bye["reason"] == 'SIP;cause=200;text="Call completed elsewhere"'
    bench.receive(two.accept())
    assert [reply.method for _, reply in bench.sent] == ["ACK", "BYE", "ACK"]
    bench.receive(Callee.ok(bye))
    assert bench.core.calls()[CALL].state == "confirmed"
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    nothing_left(bench)


def test_an_answer_nobody_could_talk_by() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(200))
    assert [reply.method for _, reply in bench.sent[-2:]] == ["ACK", "BYE"]
    assert ended(bench).cause == "refused"
    nothing_left(bench)


def test_the_peer_hangs_up() -> None:
    bench, callee = answered()
    bench.receive(callee.request("BYE", extra=('Reason: Q.850;cause=31;text="Normal, unspecified"',)))
    assert bench.sent[-1][1].status == 200
    assert ended(bench) == CallEnded(CALL, "bye", "Normal, unspecified", 0, 31)
    bench.receive(callee.accept())  # a copy that was on its way
    nothing_left(bench)


def test_answers_that_cannot_be_read_change_nothing() -> None:
    bench, callee = dialled()
    callee.contact = "<sip:broken"
    bench.receive(callee.answer(180, "Ringing"))
    callee.contact = "<sip:callee@192.0.2.10>"
    bench.receive(callee.answer(180, "Ringing", extra=("Record-Route: <<",)))
    assert bench.events == []
    assert [count.name for count in bench.counts].count("sip_malformed") == 2
    bench.receive(callee.accept())
    assert bench.event(CallAnswered)


def test_an_answer_that_cannot_be_read_is_the_end() -> None:
    bench, callee = dialled()
    callee.contact = "<sip:broken"
    bench.receive(callee.accept())
    assert ended(bench) == CallEnded(CALL, "refused", "the answer cannot be read", 200)
    bench.receive(callee.accept())
    callee.tag, callee.contact = "two", ""
    bench.receive(callee.accept())  # another branch, without a Contact
    assert [reply.method for _, reply in bench.sent[-2:]] == ["ACK", "BYE"]
    assert bench.sent[-1][1].start.startswith("BYE sip:+4722334455@192.0.2.10")
    nothing_left(bench)


def test_a_name_is_located_and_failed_over() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"), *OUTBOUND.trunks[1:])
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.dial(DIAL, bench.now_ms)
    bench.drain()
    assert bench.order == ["put", "locate"]
    (ask,) = bench.locates
    every = tuple(Target("udp", f"192.0.2.{number}", 5060, "sbc.example.com") for number in (21, 22, 23))
    bench.core.located(ask.key, every, bench.now_ms)
    bench.drain()
    bench.advance(8_001)
    hosts = list(dict.fromkeys(flow.host for flow, _ in bench.sent))
    assert hosts == ["192.0.2.21", "192.0.2.22", "192.0.3.1"], "another trunk is a better bet than a third address"


def test_an_address_that_was_slow_and_not_dead() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"),)
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.dial(replace(DIAL, trunks=("carrier",)), bench.now_ms)
    bench.drain()
    both = tuple(Target("udp", f"192.0.2.{number}", 5060, "sbc.example.com") for number in (21, 22))
    bench.core.located(bench.locates[0].key, both, bench.now_ms)
    bench.drain()
    flow, invite = bench.sent[-1]
    slow = Callee(invite, tag="slow", flow=flow)
    bench.advance(4_001)
    flow, copy = bench.sent[-1]
    assert (flow.host, copy["cseq"]) == ("192.0.2.22", invite["cseq"])
    bench.receive(Callee(copy, tag="same").answer(482, "Merged"), flow)
    assert not [event for event in bench.events if isinstance(event, CallEnded)]
    bench.receive(slow.answer(180, "Ringing"), slow.flow)
    assert requests(bench, "CANCEL") == []
    assert [event.status for event in progress(bench)] == [180]
    bench.receive(slow.answer(486, "Busy"), slow.flow)
    assert ended(bench).cause == "busy"
    nothing_left(bench)
    bench, callee = dialled()
    bench.receive(callee.answer(482, "Loop"))  # nothing of ours was given up
    assert ended(bench).cause == "refused"


def test_what_is_too_large_for_a_datagram() -> None:
    """18.1.1: over TCP; a trunk that takes none costs the time to find out once, and none where it says so."""
    large = OFFER + "a=x:" + "y" * 1_000 + "\r\n"
    bench, callee = dialled(offer_sdp=large)
    assert callee.flow.transport == "tcp"
    bench.advance(4_000)
    flow, invite = bench.sent[-1]
    assert (flow.transport, invite["cseq"], invite.body) == ("udp", "1 INVITE", large)
    bench.core.dial(replace(DIAL, call=CallId("out2"), offer_sdp=large), bench.now_ms)
    bench.drain()
    assert bench.sent[-1][0].transport == "udp"
    named = (replace(OUTBOUND.trunks[0], address="sip:192.0.2.10;transport=udp"),)
    _, callee = dialled(offer_sdp=large, settings=replace(OUTBOUND, trunks=named))
    assert callee.flow.transport == "udp"


def test_a_name_that_leads_nowhere_and_a_port_nobody_listens_at() -> None:
    trunks = (
        replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"),
        replace(OUTBOUND.trunks[1], address="sip:192.0.3.1;transport=tcp"),
    )
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.dial(DIAL, bench.now_ms)
    bench.drain()
    bench.core.located(bench.locates[0].key, (), bench.now_ms)
    bench.drain()
    flow, _ = bench.sent[-1]
    assert (flow.transport, flow.host) == ("tcp", "192.0.3.1")
    bench.core.unreachable(flow, bench.now_ms)
    bench.drain()
    assert ended(bench).cause == "unreachable"
    nothing_left(bench)


def test_hung_up_while_its_trunk_is_looked_up() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"),)
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.dial(DIAL, bench.now_ms)
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    assert ended(bench).cause == "hangup"
    bench.core.located(bench.locates[0].key, (Target("udp", "192.0.2.21", 5060),), bench.now_ms)
    bench.drain()
    assert bench.sent == []
    nothing_left(bench)


def test_a_trunk_known_to_be_down_is_tried_last() -> None:
    trunks = (replace(OUTBOUND.trunks[0], health_uri="sip:192.0.2.10", health_misses=1), *OUTBOUND.trunks[1:])
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.start(bench.now_ms)
    bench.advance(10_000)
    assert bench.core.trunk_health() == {"carrier": False}
    bench.sent.clear()
    bench.core.dial(DIAL, bench.now_ms)
    bench.drain()
    assert bench.sent[0][0] == SECOND


@pytest.mark.parametrize(
    ("contact", "followed"),
    [
        ("<sip:+4711111111@192.0.2.99>", True),  # an address of the trunk's
        ("<sip:+4711111111@192.0.2.10:5070>", True),
        ("<sip:+4711111111@203.0.113.1>", False),
        ("<sip:+4711111111@elsewhere.example>", False),
        ("<tel:+4711111111>", False),
        ("<sip:broken", False),
    ],
)
def test_redirected(contact: str, followed: bool) -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(302, "Moved", extra=(f"Contact: {contact}",)))
    if not followed:
        assert ended(bench).cause == "refused"
        assert ended(bench).status == 302
        nothing_left(bench)
        return
    invite = bench.sent[-1][1]
    assert invite.start == f"INVITE {contact[1:-1]} SIP/2.0"
    assert invite["cseq"] == "2 INVITE"
    bench.receive(Callee(invite).answer(302, "Moved", extra=(f"Contact: {contact}",)))  # a circle
    assert ended(bench).status == 302
    nothing_left(bench)


def test_redirected_by_preference_and_not_for_ever() -> None:
    trunks = (replace(OUTBOUND.trunks[0], redirects="any"),)
    bench, callee = dialled(settings=replace(OUTBOUND, trunks=trunks), trunks=("carrier",))
    contacts = "Contact: <sip:a@192.0.2.50>;q=0.1, <sip:b@192.0.2.51>;q=0.7, <sip:c@192.0.2.52>;q=x"
    bench.receive(callee.answer(302, "Moved", extra=(contacts,)))
    assert bench.sent[-1][1].start == "INVITE sip:b@192.0.2.51 SIP/2.0"
    for number in range(10):
        if bench.sent[-1][1].method != "INVITE":
            break
        where = f"Contact: <sip:x{number}@203.0.113.5>"
        bench.receive(Callee(bench.sent[-1][1]).answer(302, "Moved", extra=(where,)))
    assert len(requests(bench, "INVITE")) == 6  # the first, and five redirections
    trunks = (replace(OUTBOUND.trunks[0], redirects="never"),)
    bench, callee = dialled(settings=replace(OUTBOUND, trunks=trunks))
    bench.receive(callee.answer(302, "Moved", extra=("Contact: <sip:a@192.0.2.50>",)))
    assert ended(bench).status == 302


def test_attended_transfer_names_the_dialog_as_the_other_side_knows_it() -> None:
    bench, callee = answered()
    other = CallId("out2")
    bench.core.dial(replace(DIAL, call=other, replaces=CALL), bench.now_ms)
    bench.drain()
    invite = bench.sent[-1][1]
    ours = callee.invite["from"].partition(";tag=")[2]
    assert invite["replaces"] == f"{callee.invite['call-id']};to-tag=callee;from-tag={ours}"
    assert invite["require"] == "replaces"
    _, callee = dialled(replaces_header="x@y;to-tag=1;from-tag=2")
    assert callee.invite["replaces"] == "x@y;to-tag=1;from-tag=2"


# --- the process dies ---------------------------------------------------------------------------------------------


def test_killed_before_anything_was_heard() -> None:
    bench, callee = dialled()
    after = reborn(bench)
    again = after.sent[-1][1]
    assert (again.start, again["via"], again.body) == (callee.invite.start, callee.invite["via"], OFFER)
    after.receive(callee.accept())
    assert after.event(CallAnswered)
    after.core.hangup(CALL, after.now_ms)
    after.drain()
    assert after.sent[-1][1]["cseq"] == "2 BYE"
    nothing_left(after)


def test_killed_while_it_rings() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    after = reborn(bench)
    assert after.sent == []
    assert after.core.calls()[CALL].state == "pending"
    after.receive(callee.answer(486, "Busy Here"))
    assert ended(after).cause == "busy"
    assert after.sent[-1][1].method == "ACK"
    nothing_left(after)


def test_killed_while_it_rings_and_nobody_picks_up() -> None:
    bench, callee = dialled(ring_timeout_ms=30_000)
    bench.receive(callee.answer(180, "Ringing"))
    bench.advance(20_000)
    after = reborn(bench)
    after.advance(10_000)
    assert ended(after).cause == "no-answer"
    assert after.sent[-1][1].method == "CANCEL"
    nothing_left(after)


def test_killed_between_the_record_and_the_ack() -> None:
    bench, callee = answered()
    after = reborn(bench)
    assert after.core.calls()[CALL].peer_sdp == ANSWER
    after.receive(callee.accept())
    assert after.sent[-1][1].method == "ACK"
    after.receive(replace(callee, tag="two").accept())
    assert [reply.method for _, reply in after.sent[-2:]] == ["ACK", "BYE"]
    after.receive(callee.request("BYE"))
    assert ended(after).cause == "bye"
    nothing_left(after)


def test_killed_after_a_cancel() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    after = reborn(bench)
    assert after.sent[-1][1].method == "CANCEL"
    after.receive(callee.accept())
    assert [reply.method for _, reply in after.sent[-2:]] == ["ACK", "BYE"]
    after.receive(Callee.ok(after.sent[-1][1]))
    nothing_left(after)


def test_killed_twice_when_the_answer_crossed_our_cancel() -> None:
    bench, callee = dialled()
    bench.receive(callee.answer(180, "Ringing"))
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bench.receive(callee.accept())
    after = reborn(bench)
    assert after.sent[-1][1].method == "BYE"  # its early dialog is the dialog now
    after.receive(Callee.ok(after.sent[-1][1]))
    nothing_left(after)


def test_killed_when_taken_back_in_silence() -> None:
    bench, callee = dialled()
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    after = reborn(bench)
    assert [reply.method for _, reply in after.sent] == ["INVITE"]  # a copy
    after.receive(callee.answer(180, "Ringing"))
    assert after.sent[-1][1].method == "CANCEL"
    nothing_left(after)


def test_killed_while_the_trunk_is_looked_up() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"),)
    bench = Bench(make_core(replace(OUTBOUND, trunks=trunks)))
    bench.core.dial(DIAL, bench.now_ms)
    bench.drain()
    after = Bench(make_core(replace(OUTBOUND, trunks=trunks), prefix="b"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    after.drain()
    after.core.located(after.locates[0].key, (Target("udp", "192.0.2.21", 5060),), after.now_ms)
    after.drain()
    assert after.sent[-1][1].method == "INVITE"


def test_killed_while_the_first_of_several_addresses_is_silent() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:sbc.example.com"),)
    named = replace(OUTBOUND, trunks=trunks)
    bench = Bench(make_core(named))
    bench.core.dial(replace(DIAL, trunks=("carrier",)), bench.now_ms)
    bench.drain()
    both = tuple(Target("udp", f"192.0.2.{number}", 5060, "sbc.example.com") for number in (21, 22))
    bench.core.located(bench.locates[0].key, both, bench.now_ms)
    bench.drain()
    bench.advance(1_000)
    after = Bench(make_core(named, prefix="b"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    after.drain()
    assert after.sent[-1][0].host == "192.0.2.21"
    after.advance(4_000)
    after.core.located(after.locates[0].key, both, after.now_ms)
    after.drain()
    flow, invite = after.sent[-1]
    assert flow.host == "192.0.2.22"
    after.receive(Callee(invite).accept(), flow)
    assert after.event(CallAnswered)
    after.core.hangup(CALL, after.now_ms)
    after.drain()
    nothing_left(after)


def test_killed_over_a_connection() -> None:
    trunks = (replace(OUTBOUND.trunks[0], address="sip:192.0.2.10;transport=tcp"),)
    tcp = replace(OUTBOUND, trunks=trunks)
    bench, callee = dialled(settings=tcp)
    assert callee.flow == Flow("tcp", "192.0.2.10", 5060)
    assert callee.invite["contact"] == "<sip:198.51.100.1:5060;transport=tcp>"
    over = Flow("tcp", "192.0.2.10", 5060, connection=7)
    bench.core.stream_opened(over)
    bench.receive(callee.answer(180, "Ringing"), over)
    after = Bench(make_core(tcp, prefix="b"), now_ms=bench.now_ms, records=bench.records)
    after.core.restore(bench.records, bench.now_ms)
    after.drain()
    after.core.hangup(CALL, after.now_ms)
    after.drain()
    flow, cancel = after.sent[-1]
    assert (cancel.method, flow) == ("CANCEL", Flow("tcp", "192.0.2.10", 5060))
    nothing_left(after)


def test_killed_after_a_trunk_was_given_up() -> None:
    bench, first = dialled()
    bench.advance(5_000)
    second = Callee(bench.sent[-1][1], tag="second")
    bench.receive(second.answer(180, "Ringing"), SECOND)
    after = reborn(bench)
    after.receive(first.accept())
    events: list[SipEvent] = after.events
    assert isinstance(events[-1], CallAnswered)
    assert events[-1].trunk == "carrier"
    assert after.sent[-1][1].method == "CANCEL"
    after.core.hangup(CALL, after.now_ms)
    after.drain()
    nothing_left(after)


def test_a_trunks_calls_of_ours_are_counted_and_timed_once() -> None:
    def told(bench: Bench) -> list[tuple[str, str, int | None]]:
        return [
            (count.name, count.labels.get("status", ""), count.ms)
            for count in bench.counts
            if count.name in ("sip_dialled", "sip_dial_rtt", "sip_dial_answered", "sip_dial_refused")
        ]

    bench, callee = dialled()
    bench.advance(40)
    bench.receive(callee.answer(100, "Trying"))
    bench.advance(2_000)
    bench.receive(callee.answer(180, "Ringing"))
    bench.receive(callee.accept())
    bench.receive(callee.accept())
    assert told(bench) == [("sip_dialled", "", None), ("sip_dial_rtt", "", 40), ("sip_dial_answered", "", None)]
    bench, callee = dialled()
    bench.advance(30)
    bench.receive(callee.answer(486, "Busy Here"))
    assert told(bench) == [("sip_dialled", "", None), ("sip_dial_refused", "486", None), ("sip_dial_rtt", "", 30)]
    bench, _ = dialled()
    bench.advance(40_000)
    assert told(bench) == [("sip_dialled", "", None), ("sip_dial_refused", "silent", None)] * 2, "both trunks"


def test_a_slow_trunk_that_answers_while_the_next_is_looked_up_is_the_only_one_called() -> None:
    trunks = (OUTBOUND.trunks[0], replace(OUTBOUND.trunks[1], address="sip:sbc.example.com"))
    bench, first = dialled(settings=replace(OUTBOUND, trunks=trunks))
    while not bench.locates:
        bench.advance(100)
    bench.receive(first.accept())
    assert isinstance(bench.event(CallAnswered), CallAnswered)
    bench.core.located(bench.locates[0].key, (Target("udp", "192.0.3.1", 5060),), bench.now_ms)
    bench.drain()
    assert not [flow for flow, reply in bench.sent if reply.method == "INVITE" and flow == SECOND], "dialled twice"
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    nothing_left(bench)
