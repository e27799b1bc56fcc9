"""Groups, legs and floors of the driver: limits, refusals and crossings the traces do not show."""

import pytest

from kak_server.model.ids import Gssi
from kak_server.tetra_gw.api import FloorState, GroupState
from kak_server.tetra_gw.group_desk import GROUPS_MAX, QUEUED_MAX_MS
from tests.unit.tetra_gw.trace import Bench, events, sent

GSSI = Gssi(24201)
SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 41000 RTP/AVP 8\r\n"


def talking() -> Bench:
    bench = Bench().up(24201)
    bench.do("request_tx", gssi=24201, op="kari", priority=0)
    bench.feed({"type": "tx.granted", "re": "$tx.request", "body": {"gssi": 24201, "max_ms": 60_000}})
    assert bench.driver.floor(GSSI) is FloorState.TALKING
    return bench


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        ({"type": "tx.idle", "body": {"gssi": 24201}}, "idle"),
        ({"type": "tx.taken", "body": {"gssi": 24201, "talker": 7}}, "taken"),
        ({"type": "call.released", "body": {"gssi": 24201, "call": 1, "cause": "9"}}, "9"),
        ({"type": "group.state", "body": {"gssi": 24201, "state": "detached", "cause": "dgna"}}, "dgna"),
        ({"type": "tx.interrupted", "re": "$tx.request", "body": {"gssi": 24201}}, "interrupted"),
        ({"type": "tx.denied", "re": "$tx.request", "body": {"gssi": 24201}}, "denied"),
    ],
)
def test_talking_is_revoked(frame: dict[str, object], cause: str) -> None:
    bench = talking()
    changed = events(bench.feed(frame), "FloorChanged")
    assert [(event["state"], event["cause"]) for event in changed] == [("revoked", cause)]
    assert bench.driver.floor(GSSI) is FloorState.REVOKED


def test_detaching_gives_the_floor_back_first() -> None:
    bench = talking()
    lines = bench.do("detach", gssi=24201)
    assert sent(lines) == ["tx.cease", "group.detach"]
    assert [event["state"] for event in events(lines)] == ["free", "detached"]
    assert bench.driver.next_timer_at_ms() is not None  # the commands are still to be answered


def test_a_place_in_the_queue_is_given_back_in_the_end() -> None:
    bench = Bench().up(24201)
    bench.do("request_tx", gssi=24201, op="kari", priority=0)
    bench.feed({"type": "tx.queued", "re": "$tx.request", "body": {"gssi": 24201, "pos": 1}})
    lines = []
    while bench.now_ms < QUEUED_MAX_MS:
        lines += bench.advance(min(QUEUED_MAX_MS, bench.now_ms + 2_000))
        lines += bench.feed({"type": "pong"})
    assert "tx.cease" in sent(lines)
    assert events(lines, "FloorChanged")[0]["cause"] == "queue_timeout"


def test_a_grant_again_is_told_with_its_new_length() -> None:
    bench = talking()
    lines = bench.feed({"type": "tx.granted", "re": "$tx.request", "body": {"gssi": 24201, "max_ms": 500}})
    assert events(lines, "FloorChanged")[0]["max_ms"] == 500
    assert "tx.cease" in sent(bench.advance(600))


def test_a_key_pressed_where_it_cannot_be_is_denied() -> None:
    bench = Bench().up()
    lines = bench.do("request_tx", gssi=24201, op="kari", priority=0)
    assert events(lines)[0]["code"] == "NOT_ATTACHED"
    bench.do("attach", gssi=24201)
    lines = bench.do("request_tx", gssi=24201, op="kari", priority=0)
    assert [(event["state"], event["cause"]) for event in events(lines)] == [("denied", "not_attached")]
    assert sent(lines) == []


def test_opening_a_leg_again_is_no_change_and_another_address_moves_it() -> None:
    bench = Bench().up(24201)
    assert sent(bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40000)) == ["leg.open"]
    assert sent(bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40000)) == []
    stale = bench.last_id["leg.open"]
    assert sent(bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40002)) == ["leg.open"]
    body = {"leg": "leg-24201", "gssi": 24201, "sdp": SDP}
    assert bench.feed({"type": "leg.ready", "re": stale, "body": body}) == []
    assert events(bench.feed({"type": "leg.ready", "re": "$leg.open", "body": body}))[0]["port"] == 41000


def test_a_leg_the_gateway_closed_is_opened_again_later() -> None:
    bench = Bench().up(24201)
    bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40000)
    body = {"leg": "leg-24201", "gssi": 24201, "sdp": SDP}
    bench.feed({"type": "leg.ready", "re": "$leg.open", "body": body})
    lines = bench.feed({"type": "leg.close", "body": {"leg": "leg-24201", "gssi": 24201, "cause": "moved"}})
    assert events(lines) == [{"name": "LegGone", "gssi": 24201, "cause": "moved"}]
    assert sent(bench.advance(5_000)).count("leg.open") == 1


def test_an_address_nobody_can_use_is_a_refusal() -> None:
    bench = Bench().up(24201)
    bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40000)
    lines = bench.feed({"type": "leg.ready", "re": "$leg.open", "body": {"leg": "l", "gssi": 24201, "sdp": "v=0"}})
    assert [(event["name"], event["code"]) for event in events(lines)] == [("CommandRejected", "SDP")]


def test_a_leg_before_its_group_is_refused() -> None:
    bench = Bench().up()
    assert events(bench.do("open_leg", gssi=24201, host="127.0.0.1", port=1))[0]["code"] == "NOT_ATTACHED"


def test_a_group_state_of_an_earlier_command_is_void() -> None:
    bench = Bench().up(24201)
    bench.do("detach", gssi=24201)
    bench.do("attach", gssi=24201)
    gone = {"gssi": 24201, "state": "detached", "cause": "detached"}
    assert bench.feed({"type": "group.state", "re": "$group.detach", "body": gone}) == []
    assert bench.driver.group(GSSI) is GroupState.ATTACHING


def test_frames_about_groups_nobody_asked_for_do_nothing() -> None:
    bench = Bench().up(24201)
    for frame_type, body in (
        ("tx.taken", {"gssi": 9, "talker": 1}),
        ("tx.idle", {"gssi": 9}),
        ("call.incoming", {"gssi": 9, "call": 1}),
        ("call.released", {"gssi": 9, "call": 1}),
        ("tx.granted", {"gssi": 9, "max_ms": 1}),
        ("leg.close", {"gssi": 9, "leg": "leg-9"}),
        ("group.state", {"gssi": 9, "state": "attached"}),
        ("leg.ready", {"gssi": 9, "leg": "leg-9", "sdp": SDP}),
    ):
        assert bench.feed({"type": frame_type, "body": body}) == []


def test_there_is_a_limit_to_groups() -> None:
    bench = Bench()
    for gssi in range(1, GROUPS_MAX + 1):
        assert bench.do("attach", gssi=gssi) == []
    assert events(bench.do("attach", gssi=GROUPS_MAX + 1))[0]["code"] == "OVERLOADED"
