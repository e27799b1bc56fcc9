"""The direction matrix of RFC 3264, cell by cell."""

import itertools

import pytest

from kak_server.sip.api import CallMediaChanged
from kak_server.sip.hold import direction_of, held_by, mirrored, receives, sends, wanted_in, within
from kak_server.sip.sdp_text import Direction
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Caller

DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

# What the peer offers, what we want -> what we answer, and who holds whom. RFC 3264 6.1 for the columns without a hold
# of ours; 8.4: holding is not listening.
MATRIX: dict[tuple[str, Direction], tuple[Direction, str]] = {
    ("sendrecv", "sendrecv"): ("sendrecv", "nobody"),
    ("sendrecv", "sendonly"): ("sendonly", "us"),
    ("sendrecv", "recvonly"): ("recvonly", "nobody"),
    ("sendrecv", "inactive"): ("inactive", "us"),
    ("sendonly", "sendrecv"): ("recvonly", "peer"),
    ("sendonly", "sendonly"): ("inactive", "both"),
    ("sendonly", "recvonly"): ("recvonly", "peer"),
    ("sendonly", "inactive"): ("inactive", "both"),
    ("recvonly", "sendrecv"): ("sendonly", "nobody"),
    ("recvonly", "sendonly"): ("sendonly", "us"),
    ("recvonly", "recvonly"): ("inactive", "nobody"),
    ("recvonly", "inactive"): ("inactive", "us"),
    ("inactive", "sendrecv"): ("inactive", "peer"),
    ("inactive", "sendonly"): ("inactive", "both"),
    ("inactive", "recvonly"): ("inactive", "peer"),
    ("inactive", "inactive"): ("inactive", "both"),
    # the old way to hold: an address nobody can send to
    ("0.0.0.0 sendrecv", "sendrecv"): ("recvonly", "peer"),
    ("0.0.0.0 sendrecv", "sendonly"): ("inactive", "both"),
    ("0.0.0.0 sendrecv", "recvonly"): ("recvonly", "peer"),
    ("0.0.0.0 sendrecv", "inactive"): ("inactive", "both"),
    ("0.0.0.0 recvonly", "sendrecv"): ("inactive", "peer"),
    # no attribute at all is sendrecv
    ("", "sendrecv"): ("sendrecv", "nobody"),
    ("", "sendonly"): ("sendonly", "us"),
    ("", "recvonly"): ("recvonly", "nobody"),
    ("", "inactive"): ("inactive", "us"),
}


def offer_of(offered: str) -> str:
    address, _, direction = offered.rpartition(" ")
    text = OFFER.replace("a=sendrecv\r\n", f"a={direction}\r\n" if direction else "")
    return text.replace("c=IN IP4 192.0.2.10", f"c=IN IP4 {address}") if address else text


def answered(bench: Bench, wanted: Direction) -> Caller:
    """A call that our side answered with a direction of its own."""
    caller = Caller()
    bench.receive(caller.invite())
    call = next(iter(bench.core.calls()))
    assert bench.core.answer(call, ANSWER.replace("a=sendrecv", f"a={wanted}"), bench.now_ms)
    caller.to_tag = bench.drain().sent[-1][1].to_tag
    bench.receive(caller.ack())
    return caller


def test_the_matrix_is_whole() -> None:
    assert set(itertools.product(DIRECTIONS, DIRECTIONS)) <= set(MATRIX)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(("offered", "wanted"), MATRIX)
def test_what_an_offer_of_the_peer_is_answered_with(offered: str, wanted: Direction, method: str) -> None:
    bench = Bench()
    caller = answered(bench, wanted)
    (reply,) = bench.receive(caller.later(method, body=offer_of(offered)))
    direction, holder = MATRIX[offered, wanted]
    assert reply.status == 200
    assert f"a={direction}\r\n" in reply.body
    changed = bench.event(CallMediaChanged)
    assert isinstance(changed, CallMediaChanged)
    assert (changed.direction, changed.held_by, changed.answer_sdp) == (direction, holder, reply.body)


@pytest.mark.parametrize(("offered", "wanted"), MATRIX)
def test_a_reinvite_without_offer_gets_what_we_want_and_the_ack_says_what_comes_of_it(
    offered: str, wanted: Direction
) -> None:
    bench = Bench()
    caller = answered(bench, wanted)
    (reply,) = bench.receive(caller.later("INVITE"))
    assert f"a={wanted}\r\n" in reply.body
    bench.receive(caller.ack(body=offer_of(offered)))
    changed = bench.event(CallMediaChanged)
    assert isinstance(changed, CallMediaChanged)
    assert (changed.direction, changed.held_by) == MATRIX[offered, wanted]


@pytest.mark.parametrize("wanted", DIRECTIONS)
def test_when_the_peer_resumes_we_are_where_we_were(wanted: Direction) -> None:
    bench = Bench()
    caller = answered(bench, wanted)
    for offered in ("inactive", "sendonly", "0.0.0.0 sendrecv", "recvonly", "sendrecv"):
        (reply,) = bench.receive(caller.later("INVITE", body=offer_of(offered)))
        bench.receive(caller.ack())
        expected = within(mirrored(within(offer_direction(offered), "sendrecv")), wanted)
        assert f"a={expected}\r\n" in reply.body
    assert f"a={wanted}\r\n" in reply.body


def offer_direction(offered: str) -> Direction:
    return "sendonly" if offered.startswith("0.0.0.0") else next(one for one in DIRECTIONS if one == offered)


def test_a_call_that_began_on_hold_of_the_peer_is_not_a_hold_of_ours() -> None:
    for offered in ("sendonly", "0.0.0.0 sendrecv", "inactive", "recvonly"):
        bench = Bench()
        caller = Caller()
        bench.receive(caller.invite(body=offer_of(offered)))
        call = next(iter(bench.core.calls()))
        ours = mirrored(offer_direction(offered))
        bench.core.answer(call, ANSWER.replace("a=sendrecv", f"a={ours}"), bench.now_ms)
        caller.to_tag = bench.drain().sent[-1][1].to_tag
        bench.receive(caller.ack())
        (reply,) = bench.receive(caller.later("INVITE", body=OFFER))
        assert "a=sendrecv\r\n" in reply.body, offered


def test_an_answer_nobody_can_use_in_the_ack_is_counted_and_changes_nothing() -> None:
    bench = Bench()
    caller = answered(bench, "sendrecv")
    bench.receive(caller.later("INVITE"))
    bench.receive(caller.ack(body="nonsense"))
    assert [count.name for count in bench.counts].count("sip_malformed") == 1
    assert not [event for event in bench.events if isinstance(event, CallMediaChanged)]
    assert len(bench.core.calls()) == 1


def test_the_hold_outlives_the_process() -> None:
    bench = Bench()
    caller = answered(bench, "sendonly")
    reborn = Bench(records=bench.records, now_ms=bench.now_ms)
    reborn.core.restore(bench.records, bench.now_ms)
    reborn.drain()
    (reply,) = reborn.receive(caller.later("INVITE", body=OFFER))
    assert "a=sendonly\r\n" in reply.body


def test_the_algebra_of_directions() -> None:
    for one, other in itertools.product(DIRECTIONS, DIRECTIONS):
        both = within(one, other)
        assert (sends(both), receives(both)) == (sends(one) and sends(other), receives(one) and receives(other))
        assert mirrored(mirrored(one)) == one
        assert (held_by(one, other) in ("us", "both")) == (not receives(one))
        assert (held_by(one, other) in ("peer", "both")) == (not receives(other))


def test_directions_stand_in_the_audio_section_or_before_all() -> None:
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
    video = "m=video 0 RTP/AVP 96\r\na=inactive\r\n"
    audio = "m=audio 30000 RTP/AVP 8\r\n"
    assert direction_of(head + video + audio) == "sendrecv"
    assert direction_of(head + "a=sendonly\r\n" + video + audio) == "sendonly"
    assert direction_of(head + audio + "a=recvonly\r\n" + video) == "recvonly"
    assert direction_of(head + audio + video) == "sendrecv"
    assert direction_of(head + "m=audio 0 RTP/AVP 8\r\na=inactive\r\n") == "sendrecv"


def test_what_we_want_is_not_what_the_peer_forbids() -> None:
    answer = ANSWER.replace("a=sendrecv", "a=recvonly")
    assert wanted_in(answer, None) == "recvonly"
    assert wanted_in(answer, offer_of("sendonly")) == "sendrecv"
    assert wanted_in(answer, offer_of("0.0.0.0 sendrecv")) == "sendrecv"
    assert wanted_in(answer, offer_of("sendrecv")) == "recvonly"
    assert wanted_in(answer.replace("recvonly", "inactive"), offer_of("sendonly")) == "sendonly"
    assert wanted_in(answer.replace("recvonly", "inactive"), "nonsense") == "sendrecv"
    assert wanted_in(answer, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n") == "recvonly"
