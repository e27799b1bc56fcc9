"""One call of ours over a network that loses, repeats, delays and reorders, two trunks that do as they please, and a
server that is killed and reborn at will.

Whatever happens: the house hears of the answer at most once and of the end exactly once, nobody who was rung or has
answered is left hanging, and when all is over the core holds nothing and the journal is empty.
"""

import heapq
import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kak_server.sip.api import CallEnded, DeleteRecord, Emit, Flow, PutRecord, Send, SipEvent
from kak_server.sip.api_legs import CallAnswered
from kak_server.sip.core import SipCore
from tests.unit.sip.callee import CALL, DIAL, OUTBOUND, SECOND, Callee
from tests.unit.sip.uac import ANSWER, PEER, Reply

GIVE_UP_MS = 32_000
END_MS = 900_000
MAX_LOSSES = 5  # fewer than any exchange repeats itself: without an end to loss nobody can agree on anything


@dataclass(frozen=True)
class Trunk:
    """What is behind one trunk."""

    does: str  # "answer", "early", "reliable", "busy", "fails", "silent", "rings", "forks"
    after_ms: int
    talks_ms: int | None  # then it hangs up


@dataclass(frozen=True)
class Plan:
    """What everybody does, and what befalls the network and the server."""

    seed: int
    loss: float
    trunks: tuple[Trunk, Trunk]
    hangup_after_ms: int
    kills_ms: tuple[int, ...]


trunks = st.builds(
    Trunk,
    does=st.sampled_from(["answer", "early", "reliable", "busy", "fails", "silent", "rings", "forks"]),
    after_ms=st.integers(0, 12_000),
    talks_ms=st.none() | st.integers(0, 20_000),
)
plans = st.builds(
    Plan,
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.5]),
    trunks=st.tuples(trunks, trunks),
    hangup_after_ms=st.integers(0, 12_000) | st.just(150_000),
    kills_ms=st.lists(st.integers(1, 40_000), max_size=3).map(tuple),
)


@dataclass
class Phone:
    """One branch of an INVITE at its end: a server transaction and, once answered, a dialog."""

    exchange: "Exchange"
    callee: Callee
    state: str = "ringing"  # ringing, accepted, up, refused, over
    acknowledged: bool = False
    repeating: str = ""  # final answer that has no ACK yet
    bye: str = ""
    unpracked: str = ""  # reliable provisional answer that has no PRACK yet
    wants_to_answer: bool = False

    def provisional(self, text: str, waited_ms: int = 0, interval_ms: int = 500) -> None:
        """RFC 3262 section 3: again until the PRACK."""
        if waited_ms == 0:
            self.unpracked = text
        if self.unpracked == text and self.state == "ringing":
            if waited_ms >= GIVE_UP_MS:
                self.refuse(504)
                return
            self.transmit(text)
            self.exchange.world.at(
                interval_ms, lambda: self.provisional(text, waited_ms + interval_ms, 2 * interval_ms)
            )

    def pracked(self, message: Reply) -> None:
        known = self.state in ("ringing", "accepted", "up")
        self.transmit(Callee.ok(message, 200 if known else 481))
        assert message["rack"] == "77 1 INVITE" or message["rack"] == "77 2 INVITE"
        self.unpracked = ""
        if self.wants_to_answer:
            self.answer()

    def transmit(self, text: str) -> None:
        self.exchange.world.transmit(text.encode(), self.exchange.flow)

    def answer(self) -> None:
        self.wants_to_answer = True
        if self.state == "ringing" and not self.unpracked:
            self.state = "accepted"
            described = self.exchange.trunk.does != "reliable"
            self.final(self.callee.accept() if described else self.callee.answer(200))

    def refuse(self, status: int) -> None:
        if self.state == "ringing":
            self.state = "refused"
            self.final(self.callee.answer(status, "No"))

    def final(self, text: str, waited_ms: int = 0, interval_ms: int = 500) -> None:
        """17.2.1, 13.3.1.4: again until the ACK."""
        if waited_ms == 0:
            self.repeating = text
        if self.repeating != text:
            return
        if waited_ms >= GIVE_UP_MS:
            self.repeating = ""
            if self.state == "accepted":
                self.hang_up()
            return
        self.transmit(text)
        again = lambda: self.final(text, waited_ms + interval_ms, min(2 * interval_ms, 4_000))  # noqa: E731
        self.exchange.world.at(interval_ms, again)

    def hang_up(self) -> None:
        if self.state in ("accepted", "up"):
            self.state = "over"
            self.repeating = ""
            self.ask(self.callee.request("BYE"))

    def ask(self, text: str, waited_ms: int = 0, interval_ms: int = 500) -> None:
        if waited_ms == 0:
            self.bye = text
        if self.bye and waited_ms < GIVE_UP_MS:
            self.transmit(text)
            again = lambda: self.ask(text, waited_ms + interval_ms, min(2 * interval_ms, 4_000))  # noqa: E731
            self.exchange.world.at(interval_ms, again)
        else:
            self.bye = ""

    def acknowledge(self) -> None:
        self.acknowledged = True
        self.repeating = ""
        if self.state == "accepted":
            self.state = "up"
            if (talks_ms := self.exchange.trunk.talks_ms) is not None:
                self.exchange.world.at(talks_ms, self.hang_up)


@dataclass
class Exchange:
    """One trunk: INVITEs by branch, and the phones they ring."""

    world: "World"
    flow: Flow
    trunk: Trunk
    phones: dict[str, list[Phone]] = field(default_factory=dict)  # by Via

    def every(self) -> list[Phone]:
        return [phone for phones in self.phones.values() for phone in phones]

    def receive(self, message: Reply) -> None:
        if not message.method:
            for phone in self.every():
                if message["cseq"].endswith("BYE") and f"tag={phone.callee.tag}" in message["from"]:
                    phone.bye = ""
            return
        handler: dict[str, Callable[[Reply], None]] = {
            "INVITE": self.invite,
            "CANCEL": self.cancel,
            "ACK": self.ack,
            "BYE": self.bye,
            "PRACK": self.prack,
        }
        handler[message.method](message)

    def invite(self, message: Reply) -> None:
        via = message["via"]
        if self.trunk.does == "silent":
            return
        if via in self.phones:
            for phone in self.phones[via]:
                if phone.state == "ringing" and not phone.unpracked:
                    phone.transmit(phone.callee.answer(180, "Ringing"))
            return
        number = next(self.world.serial)
        tags = [f"one{number}", f"two{number}"] if self.trunk.does == "forks" else [f"one{number}"]
        mine = self.phones[via] = [Phone(self, Callee(message, tag, flow=self.flow)) for tag in tags]
        for phone in mine:
            self.begin(phone)

    def begin(self, phone: Phone) -> None:
        phone.transmit(phone.callee.answer(100, "Trying"))
        if self.trunk.does == "early":
            phone.transmit(phone.callee.answer(183, "Session Progress", body="v=0 early"))
        elif self.trunk.does == "reliable":
            phone.provisional(phone.callee.answer(183, "Progress", body=ANSWER, extra=("Require: 100rel", "RSeq: 77")))
        elif self.trunk.does != "fails":
            phone.transmit(phone.callee.answer(180, "Ringing"))
        acts: dict[str, Callable[[], None]] = {
            "busy": lambda: phone.refuse(486),
            "fails": lambda: phone.refuse(503),
            "rings": lambda: None,
        }
        self.world.at(self.trunk.after_ms, acts.get(self.trunk.does, phone.answer))

    def cancel(self, message: Reply) -> None:
        assert message["via"] in self.phones, "CANCEL before anything was heard"
        self.world.transmit(Callee.ok(message).encode(), self.flow)
        for phone in self.phones[message["via"]]:
            if phone.state == "ringing":
                phone.refuse(487)

    def ack(self, message: Reply) -> None:
        for phone in self.every():
            if message["to"].endswith(f";tag={phone.callee.tag}"):
                phone.acknowledge()

    def prack(self, message: Reply) -> None:
        for phone in self.every():
            if message["to"].endswith(f";tag={phone.callee.tag}"):
                phone.pracked(message)

    def bye(self, message: Reply) -> None:
        self.world.transmit(Callee.ok(message).encode(), self.flow)
        for phone in self.every():
            if message["to"].endswith(f";tag={phone.callee.tag}"):
                assert phone.state != "ringing", "BYE to a call that is not answered"
                phone.state = "over"
                phone.repeating = ""


class World:
    """Time, the network, the server with its journal, and the trunks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.now_ms = 1_000_000
        self.serial = itertools.count(1)
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.losses = 0
        self.records: dict[str, Mapping[str, object]] = {}
        self.events: list[SipEvent] = []
        self.lives = itertools.count(1)
        self.core = self.new_core()
        self.exchanges = {
            "192.0.2.10": Exchange(self, PEER, plan.trunks[0]),
            "192.0.3.1": Exchange(self, SECOND, plan.trunks[1]),
        }

    def new_core(self) -> SipCore:
        life, serial = next(self.lives), itertools.count(1)
        return SipCore(OUTBOUND, lambda kind: f"{kind}{life}x{next(serial)}")

    def at(self, after_ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now_ms + after_ms, next(self.serial), action))

    def deliver(self, action: Callable[[], None]) -> None:
        if self.losses < MAX_LOSSES and self.random.random() < self.plan.loss:
            self.losses += 1
            return
        copies = 2 if self.plan.loss and self.random.random() < 0.2 else 1
        for _ in range(copies):
            self.at(self.random.choice([1, 1, 5, 20, 300, 1_500]) if self.plan.loss else 1, action)

    def transmit(self, data: bytes, flow: Flow) -> None:
        self.deliver(lambda: self.to_server(data, flow))

    def to_server(self, data: bytes, flow: Flow) -> None:
        self.core.datagram(data, flow, self.now_ms)
        self.carry_out()

    def carry_out(self) -> None:
        while outputs := self.core.drain():
            for output in outputs:
                if isinstance(output, Send):
                    reply, exchange = Reply.of(output.data), self.exchanges[output.flow.host]
                    self.deliver(lambda exchange=exchange, reply=reply: exchange.receive(reply))  # type: ignore[misc]
                elif isinstance(output, PutRecord):
                    self.records[output.key] = json.loads(json.dumps(output.value))
                elif isinstance(output, DeleteRecord):
                    del self.records[output.key]
                elif isinstance(output, Emit):
                    self.events.append(output.event)

    def hang_up(self) -> None:
        self.core.hangup(CALL, self.now_ms)
        self.carry_out()

    def kill(self) -> None:
        """The process dies between two events and another one takes up the journal."""
        self.core = self.new_core()
        self.core.restore(self.records, self.now_ms)
        self.carry_out()

    def run(self) -> None:
        for kill_ms in self.plan.kills_ms:
            self.at(kill_ms, self.kill)
        self.at(self.plan.hangup_after_ms, self.hang_up)
        self.at(200_000, self.hang_up)  # nobody talks for ever
        self.core.dial(DIAL, self.now_ms)
        self.carry_out()
        until_ms = self.now_ms + END_MS
        while True:
            due_ms = self.core.next_timer_at_ms()
            event_ms = self.queue[0][0] if self.queue else None
            upcoming = [moment for moment in (due_ms, event_ms) if moment is not None]
            if not upcoming or min(upcoming) > until_ms:
                return
            self.now_ms = max(self.now_ms, min(upcoming))
            if event_ms is not None and event_ms <= self.now_ms:
                heapq.heappop(self.queue)[2]()
            else:
                self.core.timer(self.now_ms)
                self.carry_out()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_nobody_is_left_hanging(plan: Plan) -> None:
    world = World(plan)
    world.run()
    ends = [event for event in world.events if isinstance(event, CallEnded)]
    answers = [event for event in world.events if isinstance(event, CallAnswered)]
    phones = [phone for exchange in world.exchanges.values() for phone in exchange.every()]
    assert len(ends) == 1, ends
    assert world.events[-1] is ends[0], "told of something after the end"
    assert len(answers) <= 1
    if answers:
        assert answers[0].sdp == ANSWER
        assert any(phone.acknowledged or phone.state == "over" for phone in phones)
    if plan.hangup_after_ms > 100_000 and not plan.kills_ms and ends[0].cause == "unreachable":
        assert {trunk.does for trunk in plan.trunks} == {"silent"} or plan.loss
    for phone in phones:
        assert phone.state in ("over", "refused"), f"{phone.callee.tag} is left {phone.state}"
        assert phone.bye == ""
    assert not any(world.core.census().values()), world.core.census()
    assert world.records == {}
