"""The gateway's side of IMW-sim v1, frame by frame; its sessions are lists, its time is not real."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kak_server.tetra_gw import sdp
from kak_sim.tetra.emergencies import EmergencyGateway
from kak_sim.tetra.gateway import BAD_FRAMES_MAX, ROOM_GRACE_MS, STALE_AFTER_MS, Session
from kak_sim.tetra.network import Network, Party

GSSI = 24201
RADIO = Party("radio", "7", 7, "Bil 7")
OURS = sdp.build(sdp.MediaEnd("127.0.0.1", 40_000))


class Bench:
    """A gateway, a virtual clock, and consoles."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.network = Network([(GSSI, "AMK Oslo 1"), (24202, "AMK Oslo 2")])
        self.notices: list[tuple[int, str]] = []
        self.gateway = EmergencyGateway(
            self.network,
            clock=lambda: self.now_ms,
            media_host="127.0.0.1",
            on_change=self.pump,
            on_notice=lambda gssi, text: self.notices.append((gssi, text)),
        )

    def pump(self) -> None:
        while events := self.network.drain():
            for event in events:
                self.gateway.told(event)


class Console:
    """One session, as the console sees it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.frames: list[dict[str, Any]] = []
        self.closed: list[str] = []
        self.epoch = 0
        self.sent = 0
        self.session = Session(lambda text: self.frames.append(json.loads(text)), self.closed.append, bench.now_ms)
        bench.gateway.opened(self.session)

    def send(self, kind: str, body: dict[str, Any] | None = None, **changes: Any) -> list[tuple[str, Any]]:
        """Send a frame; what comes of it, as (type, body)."""
        self.sent += 1
        frame = {"v": 1, "type": kind, "id": f"c{self.sent}", "seq": self.sent, "epoch": self.epoch, "ts": 0}
        frame.update(body=body or {}, **changes)
        self.frames.clear()
        self.bench.gateway.frame(self.session, json.dumps(frame))
        return [(frame["type"], frame["body"]) for frame in self.frames]

    def up(self, room: str = "oslo", *gssis: int) -> "Console":
        ((kind, body),) = self.send("hello", {"versions": [1], "room": room})
        assert kind == "welcome"
        self.epoch = body["epoch"]
        for gssi in gssis:
            assert [kind for kind, _ in self.send("group.attach", {"gssi": gssi})][:2] == ["ack", "group.state"]
        return self

    def take(self) -> list[tuple[str, Any]]:
        """What has come since the last frame of ours."""
        taken = [(frame["type"], frame["body"]) for frame in self.frames]
        self.frames.clear()
        return taken


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    yield one
    one.gateway.close()
    await asyncio.sleep(0)


def refusal(answer: list[tuple[str, Any]]) -> str:
    ((kind, body),) = answer
    assert kind in ("ack", "error")
    return str(body["code"])


async def test_frames_are_numbered_and_answer_their_command(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    console.send("tx.request", {"gssi": GSSI})
    assert [frame["type"] for frame in console.frames] == ["ack", "call.incoming", "tx.granted"]
    assert [frame.get("re") for frame in console.frames] == ["c3", None, "c3"]
    numbers = [frame["seq"] for frame in console.frames]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert {frame["epoch"] for frame in console.frames} == {1}


async def test_nothing_works_before_hello_and_hello_works_once(bench: Bench) -> None:
    console = Console(bench)
    assert refusal(console.send("group.attach", {"gssi": GSSI})) == "HELLO_FIRST"
    assert refusal(console.send("hello", {"versions": [2], "room": "oslo"})) == "VERSION"
    console.up()
    assert refusal(console.send("hello", {"versions": [1], "room": "oslo"})) == "REPEATED"


async def test_frames_of_another_epoch_or_direction_are_refused(bench: Bench) -> None:
    console = Console(bench).up()
    assert refusal(console.send("ping", epoch=0)) == "EPOCH"
    assert refusal(console.send("tx.granted", {"gssi": GSSI, "max_ms": 1})) == "UNSUPPORTED"
    assert console.send("error", {"code": "X"}) == []
    assert console.send("pong") == []
    assert console.send("ping") == [("pong", {})]


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("group.attach", {"gssi": 99}, "UNKNOWN_GROUP"),
        ("tx.request", {"gssi": 24202}, "NOT_ATTACHED"),
        ("leg.open", {"gssi": 24202, "leg": "l", "sdp": OURS}, "NOT_ATTACHED"),
        ("leg.open", {"gssi": GSSI, "leg": "l", "sdp": "v=0"}, "SDP"),
        ("patch.create", {"gssi": GSSI, "patch": "p", "sip_call": "c", "owner_ok": False}, "OWNER"),
        ("patch.create", {"gssi": 24202, "patch": "p", "sip_call": "c", "owner_ok": True}, "NOT_ATTACHED"),
    ],
)
async def test_commands_are_refused_with_a_code(bench: Bench, kind: str, body: dict[str, Any], code: str) -> None:
    console = Console(bench).up("oslo", GSSI)
    assert refusal(console.send(kind, body)) == code


async def test_one_request_cannot_ask_twice(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    console.send("tx.request", {"gssi": GSSI}, id="same")
    assert refusal(console.send("tx.request", {"gssi": GSSI}, id="same")) == "REPEATED"


async def test_commands_may_be_repeated(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    for kind, body in (
        ("group.attach", {"gssi": GSSI}),
        ("leg.open", {"gssi": GSSI, "leg": "l", "sdp": OURS}),
        ("patch.create", {"gssi": GSSI, "patch": "p", "sip_call": "c", "owner_ok": True}),
        ("tx.cease", {"gssi": GSSI}),
        ("leg.close", {"gssi": GSSI, "leg": "l"}),
        ("patch.remove", {"patch": "p"}),
        ("group.detach", {"gssi": GSSI}),
    ):
        first = console.send(kind, body)
        again = console.send(kind, body)
        assert first[0] == again[0] == ("ack", {"result": "accepted", "code": "", "text": ""})
        if kind != "patch.remove":  # the second time there is none to tell of
            assert first == again
    assert bench.notices == [
        (GSSI, "a telephone call is connected to this group"),
        (GSSI, "the telephone call is disconnected"),
    ]


async def test_late_entry_and_the_snapshot_tell_of_a_running_call(bench: Bench) -> None:
    bench.network.request(GSSI, RADIO, "t", 1, 0)
    bench.pump()
    console = Console(bench).up()
    told = dict(console.send("group.attach", {"gssi": GSSI}))
    assert told["call.incoming"]["late_entry"] is True
    assert (told["tx.taken"]["talker"], told["tx.taken"]["alias"]) == (7, "Bil 7")
    ((_, snapshot),) = console.send("resume", {"epoch": 0, "last_seq": 0})
    assert snapshot["groups"] == [{"gssi": GSSI, "state": "attached", "mode": "select"}]
    (call,) = snapshot["calls"]
    assert (call["talker"], call["mine"], call["tx_priority"]) == (7, False, 1)


async def test_the_talker_itself_is_not_told_that_the_floor_is_taken(bench: Bench) -> None:
    oslo, bergen = Console(bench).up("oslo", GSSI), Console(bench).up("bergen", GSSI)
    bergen.take()
    oslo.send("tx.request", {"gssi": GSSI})
    assert "tx.taken" not in [kind for kind, _ in oslo.take()]
    assert [kind for kind, _ in bergen.take()] == ["call.incoming", "tx.taken"]
    bergen.send("tx.request", {"gssi": GSSI, "priority": 3})
    assert [kind for kind, _ in oslo.take()] == ["tx.interrupted", "tx.taken"]


async def test_a_closed_session_frees_its_floor_at_once_and_its_room_later(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    console.send("leg.open", {"gssi": GSSI, "leg": "l", "sdp": OURS})
    console.send("tx.request", {"gssi": GSSI})
    leg = bench.gateway.rooms["oslo"].legs[GSSI]
    assert leg.granted
    bench.gateway.closed(console.session)
    assert not bench.gateway.rooms["oslo"].legs[GSSI].granted
    assert bench.network.groups[GSSI].talker is None
    bench.now_ms = ROOM_GRACE_MS - 1
    bench.gateway.timer()
    assert "oslo" in bench.gateway.rooms
    bench.now_ms = ROOM_GRACE_MS
    bench.gateway.timer()
    assert bench.gateway.rooms == {}


async def test_a_silent_session_is_closed(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    bench.now_ms = STALE_AFTER_MS - 1
    bench.gateway.timer()
    assert console.closed == []
    bench.now_ms = STALE_AFTER_MS
    bench.gateway.timer()
    assert console.closed == ["no heartbeat"]


async def test_a_second_session_takes_over_with_a_new_epoch(bench: Bench) -> None:
    first = Console(bench).up("oslo", GSSI)
    first.send("leg.open", {"gssi": GSSI, "leg": "l", "sdp": OURS})
    second = Console(bench).up("oslo")
    assert first.closed == ["fenced"]
    assert first.take()[-1][1]["code"] == "FENCED"
    assert second.epoch == 2
    ((_, snapshot),) = second.send("resume", {"epoch": 1, "last_seq": 9})
    assert [item["gssi"] for item in snapshot["groups"]] == [GSSI]
    bench.gateway.closed(first.session)
    assert bench.gateway.rooms["oslo"].session is second.session


async def test_a_leg_opened_under_a_grant_may_speak(bench: Bench) -> None:
    console = Console(bench).up("oslo", GSSI)
    console.send("tx.request", {"gssi": GSSI})
    console.send("leg.open", {"gssi": GSSI, "leg": "l", "sdp": OURS})
    assert bench.gateway.rooms["oslo"].legs[GSSI].granted


async def test_too_much_nonsense_closes_the_session(bench: Bench) -> None:
    console = Console(bench)
    for _ in range(BAD_FRAMES_MAX + 1):
        assert console.closed == []
        bench.gateway.frame(console.session, "nonsense")
    assert console.closed == ["too many frames that are not IMW-sim v1"]


def test_an_emergency_is_told_to_every_console_once_and_stands_in_snapshots_while_it_is_up(bench: Bench) -> None:
    oslo, bergen = Console(bench).up("oslo"), Console(bench).up("bergen")
    oslo.take()
    bergen.take()
    bench.gateway.emergency(7, "Bil 7", GSSI, on=True)
    assert not bench.gateway.emergency(7, "Bil 7", GSSI, on=True)
    for console in (oslo, bergen):
        ((kind, body),) = console.take()
        assert (kind, body["issi"], body["alias"], body["gssi"]) == ("emergency.alarm", 7, "Bil 7", GSSI)
    ((_, snapshot),) = oslo.send("resume", {"epoch": 0, "last_seq": 0})
    assert [alarm["issi"] for alarm in snapshot["alarms"]] == [7]
    oslo.take()
    assert bench.gateway.emergency(7, "Bil 7", GSSI, on=False)
    ((kind, body),) = oslo.take()
    assert (kind, body["state"], body["by"]) == ("emergency.state", "cleared", "")
    ((_, snapshot),) = oslo.send("resume", {"epoch": 0, "last_seq": 0})
    assert snapshot["alarms"] == []


def test_the_first_operator_has_an_emergency_and_whoever_clears_it_says_why(bench: Bench) -> None:
    oslo, bergen = Console(bench).up("oslo"), Console(bench).up("bergen")
    bench.gateway.emergency(7, "Bil 7", GSSI, on=True)
    alarm = bench.gateway.alarms[7].alarm
    bergen.take()
    assert [kind for kind, _ in oslo.send("emergency.ack", {"alarm": alarm}, op="kari")] == ["ack", "emergency.state"]
    ((kind, body),) = bergen.take()
    assert (kind, body["state"], body["by"]) == ("emergency.state", "acked", "kari")
    assert [kind for kind, _ in bergen.send("emergency.ack", {"alarm": alarm}, op="bente")] == ["ack"]
    ((_, snapshot),) = bergen.send("resume", {"epoch": 0, "last_seq": 0})
    assert snapshot["alarms"][0]["acked_by"] == "kari"
    ((kind, _),) = bergen.send("emergency.clear", {"alarm": alarm})
    assert kind == "error", "it needs a reason"
    bergen.send("emergency.clear", {"alarm": alarm, "reason": "handled"}, op="bente")
    assert [(one.state, one.by, one.reason) for one in bench.gateway.emergencies()] == [("cleared", "bente", "handled")]
    for kind in ("emergency.ack", "emergency.clear"):
        ((answer, body),) = oslo.send(kind, {"alarm": alarm, "reason": "handled"})
        assert (answer, body["result"]) == ("ack", "accepted"), "over is what was wanted"
    assert bench.gateway.emergency(7, "Bil 7", GSSI, on=True), "the next one is another"
    assert bench.gateway.alarms[7].alarm != alarm
