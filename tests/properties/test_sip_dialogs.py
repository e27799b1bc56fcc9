"""Two servers of ours in one call, and everything that may cross: re-INVITE, hold, REFER, BYE, session timers, over a
network that loses, repeats, delays and reorders, while either of them is killed and reborn at will.

Whatever happens: when it is quiet both believe in the same session (who sends to whom, at which port), or both know
that the call is over; each side hears of the end exactly once; and when all is over nobody holds anything.
"""

import heapq
import itertools
import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kak_server.model.ids import CallId
from kak_server.sip.api import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
    CallMediaChanged,
    DeleteRecord,
    Emit,
    Flow,
    IncomingCall,
    PutRecord,
    Send,
    SipEvent,
    SipSettings,
    TrunkSettings,
)
from kak_server.sip.api_legs import CallAnswered, Dial, MediaAgreed, MediaRefused, TransferAsked, TransferReport
from kak_server.sip.core import SipCore
from kak_server.sip.hold import mirrored
from kak_server.sip.sdp import agreed, negotiate
from kak_server.sip.sdp_text import Direction

QUIET_MS = 300_000  # everything that repeats itself has stopped by then
END_MS = 900_000
MAX_LOSSES = 5  # fewer than any exchange repeats itself: without an end to loss nobody can agree on anything
Name = Literal["A", "B"]
HOSTS: dict[Name, str] = {"A": "198.51.100.1", "B": "198.51.100.2"}
OTHER: dict[Name, Name] = {"A": "B", "B": "A"}
CALL = CallId("call-of-A")
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True)
class Step:
    """What one house does at a time."""

    at_ms: int
    who: Name
    what: Literal["sendrecv", "sendonly", "recvonly", "inactive", "refer", "hangup", "kill", "probe"]


@dataclass(frozen=True)
class Plan:
    seed: int
    loss: float
    interval_s: int  # of the session timer
    steps: tuple[Step, ...]


# Close together, so that things cross: the network takes 1 ms, or 5, 20, 300, 1,500
moments = st.builds(
    lambda about_ms, more_ms: about_ms + more_ms,
    st.sampled_from([1_000, 1_000, 1_500, 2_500, 5_000, 20_000]),
    st.sampled_from([0, 0, 1, 2, 4, 6, 21, 301, 499]),
)
steps = st.builds(
    Step,
    at_ms=moments,
    who=st.sampled_from(["A", "B"]),
    what=st.sampled_from(
        ["sendrecv", "sendonly", "recvonly", "inactive", "sendrecv", "sendonly", "refer", "kill", "kill", "probe"]
    ),
)
endings = st.builds(Step, at_ms=moments, who=st.sampled_from(["A", "B"]), what=st.just("hangup"))
changes = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])
crossing = st.builds(
    lambda at_ms, one, other, gap_ms: (Step(at_ms, "A", one), Step(at_ms + gap_ms, "B", other)),
    moments,
    changes,
    changes | st.sampled_from(["kill"]),
    st.sampled_from([0, 0, 1, 2, 20]),
)
plans = st.builds(
    lambda seed, loss, interval_s, some, pairs, last: Plan(seed, loss, interval_s, (*some, *sum(pairs, ()), *last)),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.2, 0.5]),
    st.sampled_from([0, 90, 1_800]),
    st.lists(steps, max_size=8).map(tuple),
    st.lists(crossing, max_size=2),
    st.just(()) | st.just(()) | st.lists(endings, min_size=1, max_size=2).map(tuple),
)


@dataclass
class Node:
    """One server with its house and journal; the house outlives the process."""

    name: Name
    world: "World"
    core: SipCore = field(init=False)
    records: dict[str, Mapping[str, object]] = field(default_factory=dict)
    events: list[SipEvent] = field(default_factory=list)
    call: CallId | None = None
    peer_sdp: str = ""
    direction: Direction = "sendrecv"
    ports: "itertools.count[int]" = field(default_factory=lambda: itertools.count(30_000, 2))
    lives: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.core = self.new_core()

    def new_core(self) -> SipCore:
        life, serial = next(self.lives), itertools.count(1)
        other = OTHER[self.name]
        settings = SipSettings(
            HOSTS[self.name],
            5060,
            (TrunkSettings(other, (HOSTS[other],), address=f"sip:{HOSTS[other]}"),),
            frozenset(("113",)),
            session_expires_s=self.world.plan.interval_s,
        )
        return SipCore(settings, lambda kind: f"{kind}{self.name}{life}x{next(serial)}")

    def sdp(self, direction: Direction = "sendrecv") -> str:
        """A description with a port nobody has had yet, so that old and new can be told apart."""
        text = negotiate(None, HOSTS[self.name], next(self.ports), 7).answer_sdp
        return text.replace("a=sendrecv", f"a={direction}")

    def kill(self) -> None:
        self.core = self.new_core()
        self.core.restore(self.records, self.world.now_ms)
        self.carry_out()

    def receive(self, data: bytes) -> None:
        self.core.datagram(data, Flow("udp", HOSTS[OTHER[self.name]], 5060), self.world.now_ms)
        self.carry_out()

    def carry_out(self) -> None:
        while outputs := self.core.drain():
            for output in outputs:
                if isinstance(output, Send):
                    assert output.flow.host == HOSTS[OTHER[self.name]]
                    self.world.transmit(output.data, OTHER[self.name])
                elif isinstance(output, PutRecord):
                    self.records[output.key] = json.loads(json.dumps(output.value))
                elif isinstance(output, DeleteRecord):
                    del self.records[output.key]
                elif isinstance(output, Emit):
                    self.heard(output.event)

    def heard(self, event: SipEvent) -> None:
        self.events.append(event)
        now_ms = self.world.now_ms
        if isinstance(event, IncomingCall):
            self.call, self.peer_sdp = event.call, event.offer_sdp or ""
            answer = negotiate(event.offer_sdp, HOSTS[self.name], next(self.ports), 9).answer_sdp
            self.core.answer(event.call, answer, now_ms)
        elif isinstance(event, CallAnswered):
            self.call, self.peer_sdp = event.call, event.sdp
        elif isinstance(event, CallMediaChanged):
            self.peer_sdp, self.direction = event.offer_sdp, event.direction
        elif isinstance(event, MediaAgreed):
            self.peer_sdp, self.direction = event.answer_sdp, event.direction
        elif isinstance(event, TransferAsked):
            choice = self.world.random.randrange(3)
            if choice == 0:
                self.core.reject_transfer(event.call, 603, now_ms)
            elif choice == 1:
                self.core.accept_transfer(event.call, now_ms)
                self.world.at(
                    700, lambda: self.order(lambda: self.core.report_transfer(event.call, 180, self.world.now_ms))
                )
                self.world.at(
                    900, lambda: self.order(lambda: self.core.report_transfer(event.call, 200, self.world.now_ms))
                )

    def order(self, action: Callable[[], object]) -> None:
        action()
        self.carry_out()

    def do(self, step: Step) -> None:
        now_ms, core, call = self.world.now_ms, self.core, self.call
        if step.what == "kill":
            self.kill()
        elif call is None:
            return
        elif step.what == "hangup":
            self.order(lambda: core.hangup(call, now_ms))
        elif step.what == "refer":
            self.order(lambda: core.refer(call, "110", now_ms))
        elif step.what == "probe":
            self.order(lambda: core.probe(call, now_ms))
        else:
            direction: Direction = step.what
            self.order(lambda: core.reoffer(call, self.sdp(direction), now_ms))

    def of(self, *kinds: type) -> list[SipEvent]:
        return [event for event in self.events if isinstance(event, kinds)]


class World:
    """Time, the network, two servers."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.now_ms = 1_000_000
        self.serial = itertools.count(1)
        self.queue: list[tuple[int, int, Callable[[], object]]] = []
        self.losses = 0
        self.nodes: dict[Name, Node] = {"A": Node("A", self), "B": Node("B", self)}

    def at(self, after_ms: int, action: Callable[[], object]) -> None:
        heapq.heappush(self.queue, (self.now_ms + after_ms, next(self.serial), action))

    def transmit(self, data: bytes, to: Name) -> None:
        if self.losses < MAX_LOSSES and self.random.random() < self.plan.loss:
            self.losses += 1
            return
        copies = 2 if self.plan.loss and self.random.random() < 0.2 else 1
        for _ in range(copies):
            delay_ms = self.random.choice([1, 1, 5, 20, 300, 1_500]) if self.plan.loss else 1
            self.at(delay_ms, lambda: self.nodes[to].receive(data))

    def dial(self) -> None:
        node = self.nodes["A"]
        dial = Dial(CALL, "113", node.sdp(), trunks=("B",))
        node.order(lambda: node.core.dial(dial, self.now_ms))

    def run(self, until_ms: int) -> None:
        until_ms += self.now_ms
        while True:
            due = [node.core.next_timer_at_ms() for node in self.nodes.values()]
            upcoming = [moment for moment in (*due, self.queue[0][0] if self.queue else None) if moment is not None]
            if not upcoming or min(upcoming) > until_ms:
                self.now_ms = until_ms
                return
            self.now_ms = max(self.now_ms, min(upcoming))
            if self.queue and self.queue[0][0] <= self.now_ms:
                heapq.heappop(self.queue)[2]()
                continue
            for node in self.nodes.values():
                node.core.timer(self.now_ms)
                node.carry_out()


def port_of(sdp: str) -> str:
    match = re.search(r"m=audio (\d+)", sdp)
    assert match
    return match.group(1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_both_sides_end_in_the_same_session(plan: Plan) -> None:
    world = World(plan)
    world.dial()
    for step in plan.steps:
        world.at(step.at_ms, lambda step=step: world.nodes[step.who].do(step))  # type: ignore[misc]
    world.run(QUIET_MS)
    one, other = world.nodes["A"], world.nodes["B"]
    assert len(other.of(IncomingCall)) == 1
    over = [len(node.of(CallEnded, CallCancelled)) for node in (one, other)]
    assert over in ([0, 0], [1, 1]), over
    if over == [0, 0]:
        same_session(one, other)
        assert not any(step.what == "hangup" and step.at_ms > 19_999 for step in plan.steps)
        world.nodes[world.random.choice(["A", "B"])].do(Step(0, "A", "hangup"))
    world.run(END_MS)
    for node in (one, other):
        assert len(node.of(CallEnded, CallCancelled)) == 1
        assert not any(node.core.census().values()), (node.name, node.core.census())
        assert node.records == {}
        refused = [event.status for event in node.of(MediaRefused) if isinstance(event, MediaRefused)]
        assert set(refused) <= {491, 500}, refused  # nothing but glare without an end is a reason
        finals = [event for event in node.of(TransferReport) if isinstance(event, TransferReport) and event.final]
        assert len(finals) <= sum(step.what == "refer" and step.who == node.name for step in plan.steps)


def same_session(one: Node, other: Node) -> None:
    assert one.call is not None
    assert other.call is not None
    ours, theirs = one.core.calls()[one.call], other.core.calls()[other.call]
    assert (ours.state, theirs.state) == ("confirmed", "confirmed")
    assert one.of(CallAnswered)
    assert other.of(CallConfirmed)
    assert port_of(one.peer_sdp) == port_of(theirs.local_sdp)
    assert port_of(other.peer_sdp) == port_of(ours.local_sdp)
    assert one.direction == mirrored(other.direction)
    assert agreed(one.peer_sdp, ours.local_sdp).codec == agreed(other.peer_sdp, theirs.local_sdp).codec
    for node in (one, other):
        census = node.core.census()
        assert (census["calls"], census["dialogs"]) == (1, 1)
        assert census["transactions"] <= (2 if node.world.plan.interval_s else 0)  # a refresh may be just over
        waiting = sum(step.what == "refer" for step in node.world.plan.steps)  # for reports, or to make them
        assert census["timers"] <= (4 if node.world.plan.interval_s else 0) + waiting
