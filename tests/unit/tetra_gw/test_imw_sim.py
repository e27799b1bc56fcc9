"""The driver's session: what the traces do not show."""

import pytest

from kak_server.model.ids import Gssi, Issi, OperatorId
from kak_server.tetra_gw.api import FloorState, GatewaySettings, GroupState
from kak_server.tetra_gw.imw_sim import BAD_FRAMES_MAX
from kak_server.tetra_gw.talkgroups import Talker
from tests.unit.tetra_gw.hostile_frames import HOSTILE
from tests.unit.tetra_gw.trace import Bench, events, sent

GSSI = Gssi(24201)


def test_what_is_true_can_be_read() -> None:
    bench = Bench()
    driver = bench.driver
    assert (driver.link_up, driver.group(GSSI), driver.floor(GSSI)) == (False, GroupState.DETACHED, FloorState.FREE)
    assert driver.talker(GSSI) is None
    bench.up(24201)
    assert (driver.link_up, driver.group(GSSI)) == (True, GroupState.ATTACHED)
    bench.feed({"type": "tx.taken", "body": {"gssi": 24201, "talker": 7, "alias": "Bil 7", "priority": 1}})
    assert driver.talker(GSSI) == Talker(Issi(7), "Bil 7", 1)
    bench.do("request_tx", gssi=24201, op="kari", priority=0)
    assert driver.floor(GSSI) is FloorState.REQUESTED


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_frame_is_counted_and_answered_once(name: str) -> None:
    bench = Bench().up(24201)
    bench.do("request_tx", gssi=24201, op="kari", priority=0)
    lines = bench.raw(HOSTILE[name])
    assert sent(lines) == ["error"]
    assert [line["count"][0] for line in lines if "count" in line] == ["radio_frame_refused"]
    assert bench.driver.floor(GSSI) is FloorState.REQUESTED
    assert bench.driver.link_up


def test_too_many_hostile_frames_end_the_connection() -> None:
    bench = Bench().up()
    for _ in range(BAD_FRAMES_MAX):
        assert bench.driver.link_up
        bench.raw("nonsense")
    lines = bench.raw("nonsense")
    assert {"disconnect": "too many malformed frames"} in lines
    assert not bench.driver.link_up
    assert bench.raw("nonsense") == []


def test_no_welcome_in_time_ends_the_connection() -> None:
    bench = Bench()
    bench.do("connected")
    assert {"at": 6_000, "disconnect": "no welcome"} in bench.advance(7_000)


def test_an_error_is_never_answered() -> None:
    bench = Bench().up()
    assert sent(bench.feed({"type": "error", "body": {"code": "MALFORMED"}})) == []


def test_a_second_connection_replaces_the_first() -> None:
    bench = Bench().up(24201)
    lines = bench.do("connected")
    assert events(lines, "LinkChanged") == [
        {"name": "LinkChanged", "gateway": "sim", "up": False, "reason": "replaced"}
    ]
    assert sent(lines) == ["hello"]


def test_nothing_is_sent_without_a_link() -> None:
    bench = Bench()
    for lines in (
        bench.do("attach", gssi=24201),
        bench.do("open_leg", gssi=24201, host="127.0.0.1", port=40000),
        bench.do("cease_tx", gssi=24201),
        bench.do("create_patch", patch="p", sip_call="c", gssi=24201, op="kari", owner_ok=True),
        bench.do("close_leg", gssi=24201),
        bench.do("detach", gssi=24201),
    ):
        assert sent(lines) == []


def test_commands_that_undo_are_sent_again_after_a_reconnect_under_their_id() -> None:
    bench = Bench().up(24201)
    bench.do("detach", gssi=24201)
    first = bench.last_id["group.detach"]
    bench.do("disconnected")
    bench.do("connected")
    bench.feed({"type": "welcome", "body": {"epoch": 1}})
    lines = bench.feed({"type": "snapshot"})
    assert sent(lines) == ["group.detach"]
    assert bench.last_id["group.detach"] == first


def test_the_room_and_the_heartbeat_are_settings() -> None:
    settings = GatewaySettings("a", "ws://x", room="oslo", heartbeat_ms=500, stale_after_ms=1_500)
    bench = Bench(settings)
    lines = bench.do("connected")
    assert lines[0]["out"]["body"]["room"] == "oslo"
    bench.feed({"type": "welcome", "body": {"epoch": 1}})
    bench.feed({"type": "snapshot"})
    assert [line["at"] for line in bench.advance(1_499)] == [500, 1_000]
    assert {"at": 1_500, "disconnect": "no pong"} in bench.advance(1_500)


def test_a_priority_out_of_range_is_brought_into_it() -> None:
    bench = Bench().up(24201)
    lines = bench.do("request_tx", gssi=24201, op="kari", priority=99)
    assert lines[0]["out"]["body"]["priority"] == 3
    assert bench.driver.floor(GSSI) is FloorState.REQUESTED
    assert OperatorId("kari") == lines[0]["out"]["op"]


def test_a_radios_emergency_is_told_when_it_is_pressed_and_while_it_is_up() -> None:
    bench = Bench().up(24201)
    alarm = {"alarm": "7-1", "issi": 7, "alias": "Bil 7", "gssi": 24201}
    (told,) = events(bench.feed({"type": "emergency.alarm", "body": alarm}), "EmergencyRaised")
    assert {name: told[name] for name in alarm} == alarm
    lines = bench.feed({"type": "snapshot", "body": {"alarms": [alarm]}})
    assert [event["alarm"] for event in events(lines, "EmergencyRaised")] == ["7-1"]
