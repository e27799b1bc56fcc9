"""Whatever house, gateway and network do, in whatever order: the driver talks only while a grant is in force.

An independent model watches only frames and time: a request is in force from its tx.request to the next tx.cease; a
grant is in force if it answered the request in force, and max_ms has not passed, and nothing since took it away. The
driver's TALKING must imply that; a lost link must free; events must tell what can be read.
"""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from kak_server.model.ids import Gssi
from kak_server.tetra_gw.api import FloorState
from kak_server.tetra_gw.floor import HELD
from tests.unit.tetra_gw.hostile_frames import HOSTILE
from tests.unit.tetra_gw.trace import Bench, Line

GSSI = Gssi(24201)
OPS = st.sampled_from(["kari", "ola"])


class FloorMachine(RuleBasedStateMachine):
    """One talkgroup, a gateway that answers anything at any time, a link that breaks."""

    requests = Bundle("requests")  # ids of every tx.request ever sent

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.in_force = ""  # the request nobody has ceased
        self.granted_until_ms = -1
        self.told = "free"
        self.old_requests: list[str] = []

    @initialize()
    def attach(self) -> None:
        self.watch(self.bench.do("attach", gssi=GSSI))
        self.connect()

    def connect(self) -> None:
        bench = self.bench
        bench.epoch += 1
        self.watch(bench.do("connected"))
        self.watch(bench.feed({"type": "welcome", "body": {"epoch": bench.epoch}}))
        self.watch(bench.feed({"type": "snapshot"}))
        attached = {"gssi": GSSI, "state": "attached"}
        self.watch(bench.feed({"type": "group.state", "re": "$group.attach", "body": attached}))

    def watch(self, lines: list[Line]) -> None:
        """Follow what the driver sends and tells."""
        for line in lines:
            frame = line.get("out")
            if frame is not None and frame["type"] == "tx.cease":
                self.in_force, self.granted_until_ms = "", -1
            event = line.get("event")
            if event is not None and event["name"] == "FloorChanged":
                self.told = event["state"]
            if event is not None and event["name"] == "LinkChanged" and not event["up"]:
                self.in_force, self.granted_until_ms = "", -1
                assert self.bench.driver.floor(GSSI) is FloorState.FREE

    def answer(self, frame_type: str, re: str | None, **body: Any) -> None:
        frame: Line = {"type": frame_type, "body": {"gssi": GSSI, **body}}
        if re is not None:
            frame["re"] = re
        self.watch(self.bench.feed(frame))

    @rule(target=requests, op=OPS, priority=st.integers(0, 3))
    def press(self, op: str, priority: int) -> Any:
        lines = self.bench.do("request_tx", gssi=GSSI, op=op, priority=priority)
        asked = any(line.get("out", {}).get("type") == "tx.request" for line in lines)
        if asked:
            assert not self.in_force, "asked again while a request is in force"
            self.in_force = self.bench.last_id["tx.request"]
        self.watch(lines)
        return self.bench.last_id["tx.request"] if asked else multiple()

    @rule()
    def let_go(self) -> None:
        self.watch(self.bench.do("cease_tx", gssi=GSSI))
        assert self.bench.driver.floor(GSSI) is FloorState.FREE

    @rule(re=requests, max_ms=st.integers(1, 5_000))
    def grant(self, re: str, max_ms: int) -> None:
        if re == self.in_force and self.bench.driver.link_up:
            self.granted_until_ms = self.bench.now_ms + max_ms
        self.answer("tx.granted", re, max_ms=max_ms)

    @rule()
    def grant_out_of_the_blue(self) -> None:
        self.answer("tx.granted", None, max_ms=1_000)

    @rule(re=requests, what=st.sampled_from(["tx.denied", "tx.interrupted"]))
    def take_away(self, re: str, what: str) -> None:
        if re == self.in_force:
            self.in_force, self.granted_until_ms = "", -1
        self.answer(what, re, cause="busy")

    @rule(re=requests, pos=st.integers(1, 5))
    def queue(self, re: str, pos: int) -> None:
        self.answer("tx.queued", re, pos=pos)

    @rule()
    def others_talk(self) -> None:
        if self.granted_until_ms >= 0 and self.bench.driver.link_up:
            self.granted_until_ms = -1
        self.answer("tx.taken", None, talker=7)

    @rule()
    def nobody_talks(self) -> None:
        if self.bench.driver.link_up and self.granted_until_ms >= 0:
            self.in_force, self.granted_until_ms = "", -1
        self.answer("tx.idle", None)

    @rule(name=st.sampled_from(sorted(HOSTILE)))
    def nonsense(self, name: str) -> None:
        self.watch(self.bench.raw(HOSTILE[name]))

    @rule(ms=st.integers(1, 3_000))
    def time_passes(self, ms: int) -> None:
        self.watch(self.bench.advance(self.bench.now_ms + ms))
        self.watch(self.bench.feed({"type": "pong"}))

    @rule()
    def silence(self) -> None:
        self.watch(self.bench.advance(self.bench.now_ms + 7_000))
        assert not self.bench.driver.link_up
        self.connect()

    @rule()
    def link_breaks(self) -> None:
        self.watch(self.bench.do("disconnected"))
        self.connect()

    @invariant()
    def talks_only_under_a_grant(self) -> None:
        if self.bench.driver.floor(GSSI) is FloorState.TALKING:
            assert self.bench.driver.link_up
            assert self.bench.now_ms < self.granted_until_ms, "no grant in force"

    @invariant()
    def what_is_told_is_true(self) -> None:
        assert self.told == self.bench.driver.floor(GSSI).value

    @invariant()
    def a_floor_without_a_key_is_not_held(self) -> None:
        if not self.in_force:
            assert self.bench.driver.floor(GSSI) not in HELD

    @invariant()
    def nothing_grows(self) -> None:
        assert len(self.bench.driver._outbox.pending) < 200


TestFloorMachine = FloorMachine.TestCase
TestFloorMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)
TYPES = st.sampled_from(["welcome", "snapshot", "ack", "error", "group.state", "leg.ready", "tx.granted", "tx.taken"])


@settings(max_examples=200, deadline=None)
@given(
    frames=st.lists(
        st.one_of(
            st.text(max_size=200),
            st.binary(max_size=50),
            JSON.map(json.dumps),
            st.builds(
                lambda kind, seq, body: json.dumps(
                    {"v": 1, "type": kind, "id": "x", "seq": seq, "epoch": 1, "ts": 0, "body": body}
                ),
                TYPES,
                st.integers(0, 30),
                st.dictionaries(st.sampled_from(["gssi", "state", "re", "max_ms", "epoch", "result", "sdp"]), JSON),
            ),
        ),
        max_size=20,
    ),
    up=st.booleans(),
)
def test_no_frame_raises_or_makes_us_talk(frames: list[str | bytes], up: bool) -> None:
    bench = Bench()
    if up:
        bench.up(24201)
    else:
        bench.do("connected")
    for frame in frames:
        lines = bench.raw(frame)
        assert len(lines) < 50
        assert bench.driver.floor(GSSI) is FloorState.FREE
    bench.advance(bench.now_ms + 10_000)
    assert not bench.driver.link_up
