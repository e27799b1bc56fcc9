"""Shift leads and administrators: rooms that close, people set ready or not, shifts that change hands, new rules."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing.api import (
    Apply,
    ConfigChanged,
    ForcedTo,
    HandOverCancelled,
    HandOverStarted,
    LoanAgreed,
    LoanAnswered,
    LoanAsked,
    LoanEnded,
    OperatorForced,
    OperatorSignedOut,
    QueueConfig,
    RoomState,
    RoomStateSet,
)
from kak_sim.days.stage import Stage
from kak_sim.days.world import DAY_START_MS, HOUR_MS, World

LEAD = OperatorId("lead")
INCOMING_LEAVES_MS = 20 * 60_000


class Leads:
    """Everything that is done to a house from above, while it is at work."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self._stage = stage
        self._world = world
        self._rng = rng
        self._version = 1
        self._incoming = 0
        self._loans = 0
        self._end_ms = DAY_START_MS + round(world.hours * HOUR_MS)
        self._rooms = [room.room for room in world.config.national.rooms]
        habits = world.leads
        self._repeat(habits.rooms if self._rooms else 0.0, self._shut)
        self._repeat(habits.forces, self._force)
        self._repeat(habits.hand_overs, self._hand_over)
        self._repeat(habits.loans, self._borrow)
        self._repeat(habits.publishes, self._publish)

    def _repeat(self, per_hour: float, act: Callable[[], None]) -> None:
        if per_hour <= 0:
            return
        gap_ms = round(self._rng.expovariate(per_hour) * HOUR_MS)
        if self._stage.now_ms + gap_ms < self._end_ms:
            self._stage.after(gap_ms, lambda: self._again(per_hour, act))

    def _again(self, per_hour: float, act: Callable[[], None]) -> None:
        self._stage.counts[f"lead: {act.__name__.strip('_').replace('_', ' ')}"] += 1
        act()
        self._repeat(per_hour, act)

    def _shut(self) -> None:
        room = self._rng.choice(self._rooms)
        state = self._rng.choice((RoomState.CLOSED, RoomState.EVACUATED))
        self._stage.send(RoomStateSet(self._stage.now_ms, room, state, LEAD, "drill"))
        open_ms = self._world.leads.room_shut.draw(self._rng)
        self._stage.after(open_ms, lambda: self._open(room))

    def _open(self, room: RoomId) -> None:
        self._stage.send(RoomStateSet(self._stage.now_ms, room, RoomState.OPEN, LEAD))

    def _somebody(self) -> OperatorId:
        return self._rng.choice(self._world.shifts).operator

    def _force(self) -> None:
        to = self._rng.choice((ForcedTo.READY, ForcedTo.READY, ForcedTo.NOT_READY, ForcedTo.SIGNED_OUT))
        self._stage.send(OperatorForced(self._stage.now_ms, self._somebody(), LEAD, to, note="by the lead"))

    def _hand_over(self) -> None:
        """Somebody new comes to a seat that is taken; now and then one of the two thinks better of it."""
        outgoing = self._stage.core.operator(self._somebody())
        if outgoing is None:
            return
        self._incoming += 1
        incoming = OperatorId(f"next-{self._incoming}")
        position = outgoing.position
        self._stage.send(
            HandOverStarted(self._stage.now_ms, position, incoming, incoming, outgoing.room, dict(outgoing.skills))
        )
        if self._rng.random() < 0.3:
            who = self._rng.choice((incoming, outgoing.operator))
            self._stage.after(self._rng.randrange(60_000), lambda: self._cancel(position, who))
        self._stage.after(INCOMING_LEAVES_MS, lambda: self._leave(incoming))

    def _cancel(self, position: PositionId, who: OperatorId) -> None:
        self._stage.send(HandOverCancelled(self._stage.now_ms, position, who))

    def _leave(self, operator: OperatorId) -> None:
        if self._stage.core.operator(operator) is not None:
            self._stage.send(OperatorSignedOut(self._stage.now_ms, operator))
            self._stage.after(INCOMING_LEAVES_MS, lambda: self._leave(operator))

    def _borrow(self) -> None:
        """A room asks another; mostly it is agreed, sometimes ended early, sometimes nobody answers."""
        rooms = list(dict.fromkeys(shift.room for shift in self._world.shifts))
        room, lender = self._rng.choice(rooms), self._rng.choice(rooms)
        self._loans += 1
        loan = f"l{self._loans}"
        until_ms = self._stage.now_ms + self._rng.randrange(60_000, HOUR_MS)
        self._stage.send(LoanAsked(self._stage.now_ms, loan, LEAD, room, lender, until_ms))
        there = [shift.operator for shift in self._world.shifts if shift.room == lender]
        who = self._rng.choice(there)
        if self._rng.random() < 0.8:
            self._stage.after(self._rng.randrange(60_000), lambda: self._agree(loan, who))

    def _agree(self, loan: str, who: OperatorId) -> None:
        now_ms = self._stage.now_ms
        self._stage.send(LoanAgreed(now_ms, loan, LEAD, (who,), own_emergencies=self._rng.random() < 0.5))
        if self._world.config.people.loan_consent:
            self._stage.send(LoanAnswered(now_ms, loan, who, yes=self._rng.random() < 0.8))
        if self._rng.random() < 0.4:
            self._stage.after(self._rng.randrange(HOUR_MS // 2), lambda: self._give_back(loan))

    def _give_back(self, loan: str) -> None:
        self._stage.send(LoanEnded(self._stage.now_ms, loan, LEAD))

    def _publish(self) -> None:
        """One queue's rules are those of another, or take longer; for those to come or for all."""
        self._version += 1
        queues = self._world.config.queues
        changed = self._changed(self._rng.choice(queues), self._rng.choice(queues))
        apply: Apply = "all" if self._rng.random() < 0.5 else "new"
        self._stage.send(ConfigChanged(self._stage.now_ms, self._version, (changed,), apply=apply))

    def _changed(self, queue: QueueConfig, like: QueueConfig) -> QueueConfig:
        if self._rng.random() < 0.5:
            steps = tuple(step for step in like.workflow if step.overflow_queue != queue.queue)  # not to itself
            return replace(queue, workflow=steps, skills=like.skills)
        return replace(queue, offer_timeout_ms=self._rng.choice((4_000, 9_000)), klass=like.klass, rooms=like.rooms)
