"""One call over a network that loses, repeats, delays and reorders, and a server that is killed and reborn at will.

Whatever happens: the house hears of the call at most once and of its end exactly once, both sides agree on whether
there was a call, and when all is over the core holds nothing and the journal is empty.
"""

import heapq
import itertools
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kak_server.model.ids import CallId
from kak_server.sip.api import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
    DeleteRecord,
    Emit,
    Flow,
    IncomingCall,
    PutRecord,
    Send,
    SipEvent,
)
from kak_server.sip.core import SipCore
from tests.unit.sip.uac import ANSWER, PEER, SETTINGS, Caller, Reply

GIVE_UP_MS = 32_000
END_MS = 900_000
MAX_LOSSES = 5  # fewer than any exchange repeats itself: without an end to loss nobody can agree on anything


@dataclass(frozen=True)
class Plan:
    """What the two people do, and what befalls the network and the server."""

    seed: int
    loss: float
    house: str  # "answer", "media" (early media first), "early" (at once), "reject", "hangup", "silent"
    house_after_ms: int
    house_hangup_after_ms: int | None
    caller: str  # "bye", "cancel", "wait"
    caller_after_ms: int
    kills_ms: tuple[int, ...]
    reliable: str = ""  # what the caller says of 100rel: "", "Supported", "Require"


plans = st.builds(
    Plan,
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.5]),
    house=st.sampled_from(["answer", "media", "early", "reject", "hangup", "silent"]),
    house_after_ms=st.integers(0, 8_000),
    house_hangup_after_ms=st.none() | st.integers(0, 40_000),
    caller=st.sampled_from(["bye", "cancel", "wait"]),
    caller_after_ms=st.integers(0, 12_000),
    kills_ms=st.lists(st.integers(1, 60_000), max_size=3).map(tuple),
    reliable=st.sampled_from(["", "Supported", "Require"]),
)


@dataclass
class Phone:
    """The caller's side: client INVITE, non-INVITE transactions, and answers to requests of the server."""

    world: "World"
    caller: Caller = field(default_factory=Caller)
    state: str = "calling"  # calling, proceeding, up, refused, over
    was_up: bool = False
    wants_cancel: bool = False
    hung_up: bool = False
    pending: dict[str, str] = field(default_factory=dict)  # method -> text, repeated until answered
    pracked: set[str] = field(default_factory=set)

    def dial(self) -> None:
        can = self.world.plan.reliable
        self._repeat("INVITE", self.caller.invite(extra=(f"{can}: 100rel",) if can else ()), 0, 500)

    def _repeat(self, method: str, text: str, waited_ms: int, interval_ms: int) -> None:
        if waited_ms == 0:
            self.pending[method] = text
        if self.pending.get(method) != text:
            return
        if waited_ms >= GIVE_UP_MS:
            del self.pending[method]
            self.state = "over"
            return
        self.world.transmit(text.encode(), to_server=True)
        longest_ms = GIVE_UP_MS if method == "INVITE" else 4_000
        self.world.at(
            interval_ms, lambda: self._repeat(method, text, waited_ms + interval_ms, min(2 * interval_ms, longest_ms))
        )

    def cancel(self) -> None:
        if self.state == "proceeding":  # 9.1: not before a provisional answer
            self._repeat("CANCEL", self.caller.request("CANCEL", to_tag=""), 0, 500)
        elif self.state == "calling":
            self.wants_cancel = True

    def hang_up(self) -> None:
        if self.state == "up":
            self.hung_up = True
            self.state = "over"
            self._repeat("BYE", self.caller.later("BYE"), 0, 500)

    def receive(self, message: Reply) -> None:
        if message.method:
            gone = message["to"].partition(";tag=")[2] != self.caller.tag or not self.was_up
            if message.method == "BYE" and self.state == "up":
                self.state = "over"
            status = 481 if gone else 200
            self.world.transmit(self.caller.respond(message, status).encode(), to_server=True)
            return
        method = message["cseq"].split()[1]
        if method != "INVITE":
            if message.status >= 200:
                self.pending.pop(method, None)
            return
        self.pending.pop("INVITE", None)  # 17.1.1.2: any answer stops the retransmission
        if message.status < 200:
            if number := message.all("rseq"):
                self._prack(message, number[0])
            if self.state == "calling":
                self.state = "proceeding"
                if self.wants_cancel:
                    self.cancel()
        elif message.status < 300:
            self._accepted(message)
        else:
            assert not self.was_up, "refused after it was answered"
            if self.state in ("calling", "proceeding"):
                self.state = "refused"
            ack = self.caller.request("ACK", to_tag=message.to_tag, cseq=1)
            self.world.transmit(ack.encode(), to_server=True)

    def _prack(self, message: Reply, number: str) -> None:
        """RFC 3262 section 4: once for each number."""
        assert self.world.plan.reliable
        assert message["require"] == "100rel"
        if number not in self.pracked and self.state in ("calling", "proceeding"):
            self.pracked.add(number)
            rack = (f"RAck: {number} 1 INVITE",)
            text = self.caller.later("PRACK", to_tag=message.to_tag, extra=rack)
            self._repeat("PRACK", text, 0, 500)

    def _accepted(self, message: Reply) -> None:
        assert self.state != "refused", "answered after it was refused"
        if not self.was_up:
            self.was_up = True
            self.caller.to_tag = message.to_tag
            if self.state != "over":
                self.state = "up"
                if self.world.plan.caller == "cancel" and "CANCEL" in self.pending:
                    self.world.at(100, self.hang_up)  # the CANCEL came too late: hang up instead
        assert message.to_tag == self.caller.to_tag, "one INVITE, two dialogs"
        ack = self.caller.ack(cseq=1, branch=f"{self.caller.branch}-ack")
        self.world.transmit(ack.encode(), to_server=True)


class World:
    """Time, the network, the server with its journal, and the house."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.now_ms = 1_000_000
        self.serial = itertools.count(1)
        self.queue: list[tuple[int, int, object]] = []
        self.losses = 0
        self.records: dict[str, Mapping[str, object]] = {}
        self.events: list[SipEvent] = []
        self.lives = itertools.count(1)
        self.core = self.new_core()
        self.phone = Phone(self)

    def new_core(self) -> SipCore:
        life, serial = next(self.lives), itertools.count(1)
        return SipCore(SETTINGS, lambda kind: f"{kind}{life}x{next(serial)}")

    def at(self, after_ms: int, action: object) -> None:
        heapq.heappush(self.queue, (self.now_ms + after_ms, next(self.serial), action))

    def transmit(self, data: bytes, *, to_server: bool) -> None:
        if self.losses < MAX_LOSSES and self.random.random() < self.plan.loss:
            self.losses += 1
            return
        copies = 2 if self.plan.loss and self.random.random() < 0.2 else 1
        for _ in range(copies):
            delay_ms = self.random.choice([1, 1, 5, 20, 300, 1_500]) if self.plan.loss else 1
            self.at(delay_ms, lambda: self.to_server(data) if to_server else self.phone.receive(Reply.of(data)))

    def to_server(self, data: bytes) -> None:
        self.core.datagram(data, PEER, self.now_ms)
        self.carry_out()

    def carry_out(self) -> None:
        while outputs := self.core.drain():
            for output in outputs:
                if isinstance(output, Send):
                    assert output.flow == Flow("udp", PEER.host, PEER.port)
                    self.transmit(output.data, to_server=False)
                elif isinstance(output, PutRecord):
                    self.records[output.key] = json.loads(json.dumps(output.value))
                elif isinstance(output, DeleteRecord):
                    del self.records[output.key]
                elif isinstance(output, Emit):
                    self.events.append(output.event)
                    if isinstance(output.event, IncomingCall):
                        self.serve(output.event.call)

    def serve(self, call: CallId) -> None:
        plan = self.plan
        commands = {
            "answer": lambda: self.core.answer(call, ANSWER, self.now_ms),
            "media": lambda: self.core.answer(call, ANSWER, self.now_ms),
            "early": lambda: self.core.answer(call, ANSWER, self.now_ms),
            "reject": lambda: self.core.reject(call, 486, self.now_ms),
            "hangup": lambda: self.core.hangup(call, self.now_ms),
            "silent": lambda: False,
        }
        if plan.house != "early":
            self.at(0, lambda: self.command(lambda: self.core.ring(call, self.now_ms)))
        if plan.house == "media":
            self.at(50, lambda: self.command(lambda: self.core.progress(call, ANSWER, self.now_ms)))
        self.at(0 if plan.house == "early" else plan.house_after_ms, lambda: self.command(commands[plan.house]))
        if plan.house_hangup_after_ms is not None:
            self.at(plan.house_hangup_after_ms, lambda: self.command(lambda: self.core.hangup(call, self.now_ms)))
        self.at(200_000, lambda: self.command(lambda: self.core.hangup(call, self.now_ms)))  # nobody talks for ever

    def command(self, action: object) -> None:
        assert callable(action)
        action()
        self.carry_out()

    def kill(self) -> None:
        """The process dies between two events and another one takes up the journal."""
        self.core = self.new_core()
        self.core.restore(self.records, self.now_ms)
        self.carry_out()

    def run(self) -> None:
        self.at(0, self.phone.dial)
        for kill_ms in self.plan.kills_ms:
            self.at(kill_ms, self.kill)
        if self.plan.caller == "bye":
            self.at(self.plan.caller_after_ms + 10_000, self.phone.hang_up)
        elif self.plan.caller == "cancel":
            self.at(self.plan.caller_after_ms, self.phone.cancel)
        until_ms = self.now_ms + END_MS
        while True:
            due_ms = self.core.next_timer_at_ms()
            event_ms = self.queue[0][0] if self.queue else None
            upcoming = [moment for moment in (due_ms, event_ms) if moment is not None]
            if not upcoming or min(upcoming) > until_ms:
                return
            self.now_ms = max(self.now_ms, min(upcoming))
            if event_ms is not None and event_ms <= self.now_ms:
                _, _, action = heapq.heappop(self.queue)
                assert callable(action)
                action()
            else:
                self.core.timer(self.now_ms)
                self.carry_out()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_both_sides_agree_and_nothing_is_left(plan: Plan) -> None:
    world = World(plan)
    world.run()
    calls = [event for event in world.events if isinstance(event, IncomingCall)]
    ends = [event for event in world.events if isinstance(event, CallCancelled | CallEnded)]
    confirmed = [event for event in world.events if isinstance(event, CallConfirmed)]
    assert len(calls) == 1
    assert len(ends) == 1, ends
    assert ends[0].call == calls[0].call
    assert len(confirmed) <= 1
    if confirmed:
        assert world.phone.was_up
        assert isinstance(ends[0], CallEnded)
    if isinstance(ends[0], CallCancelled) or ends[0].cause == "rejected":
        assert not world.phone.was_up
    assert world.phone.state in ("over", "refused")
    assert world.phone.pending == {}
    assert not any(world.core.census().values()), world.core.census()
    assert world.records == {}
