"""A contact once somebody took it: the join, the talk, hold, transfer, hand-over, the end; and calls out."""

from collections.abc import Callable
from random import Random

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing.api import (
    ChatIdle,
    ConnectFailed,
    ContactClass,
    ContactConnected,
    ContactDialed,
    ContactGone,
    ContactHandedOver,
    ContactKind,
    ContactPulledBack,
    ContactState,
    Effect,
    HandoverFailed,
    HangUp,
    HoldSet,
    OperatorState,
    Refused,
    TransferToQueue,
)
from kak_sim.days.stage import Stage
from kak_sim.days.world import World

TALKING = (ContactState.CONNECTED, ContactState.HELD)
PATIENT = (ContactState.WAITING, ContactState.OFFERED, ContactState.PARKED)
JOIN_MS = (20, 400)
RINGS_OUT_MS = (2_000, 30_000)
HOLD_MS = (1_000, 60_000)
ALONE_MS = (1_000, 120_000)
ANSWERS_OUT = 0.7
TAKEN_BACK = 0.2
REGRET_MS = (500, 20_000)
FETCHED = 0.3


class Talks:
    """All joined contacts."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self.dialled = 0
        self.on_talk: Callable[[ContactId, int, int], None] = lambda contact, epoch, talk_ms: None
        self._stage = stage
        self._habits = world.operators
        self._callers = world.callers
        self._trouble = world.trouble
        self._rng = rng
        self._queues = [queue.queue for queue in world.config.queues]

    def join(self, contact: ContactId, epoch: int) -> None:
        """Connect was said: the media are joined, or not."""
        failed = self._rng.random() < self._trouble.join_fails
        self._stage.after(self._rng.randint(*JOIN_MS), lambda: self._joined(contact, epoch, failed))

    def dial(self, contact: ContactId, epoch: int) -> None:
        """DialOut was said: the far end answers, or not."""
        answers = self._rng.random() < ANSWERS_OUT
        after_ms = self._rng.randint(*RINGS_OUT_MS)
        if answers:
            self._stage.after(after_ms, lambda: self._joined(contact, epoch, False))
        else:
            self._stage.after(after_ms, lambda: self._gone(contact, epoch, "busy"))

    def _joined(self, contact: ContactId, epoch: int, failed: bool) -> None:
        view = self._stage.core.contact(contact)
        if view is None or view.epoch != epoch:
            return
        now_ms = self._stage.now_ms
        if failed:
            self._stage.counts["join failed"] += 1
            self._stage.send(ConnectFailed(now_ms, contact, epoch, "join"))
            return
        self._stage.send(ContactConnected(now_ms, contact, epoch))
        talk_ms = self._habits.talk[view.klass].draw(self._rng)
        if self._rng.random() < self._habits.holds:
            at_ms = self._rng.randrange(talk_ms)
            self._stage.after(at_ms, lambda: self._hold(contact, epoch, True))
        self._stage.after(talk_ms, lambda: self._over(contact, epoch))
        if self._rng.random() < self._trouble.breaks_share:
            self._stage.after(self._rng.randrange(talk_ms), lambda: self._breaks(contact, epoch))
        self.on_talk(contact, epoch, talk_ms)

    def _breaks(self, contact: ContactId, epoch: int) -> None:
        """The media worker lost it in the middle of the talk."""
        if self._holder(contact, epoch) is not None:
            self._stage.counts["talk broke"] += 1
            self._stage.send(ConnectFailed(self._stage.now_ms, contact, epoch, "worker"))

    def goes_on(self, contact: ContactId, epoch: int) -> None:
        """A talk that another holder has from now on, or that a restart found."""
        talk_ms = self._habits.talk[ContactClass.NORMAL].draw(self._rng)
        self._stage.after(talk_ms, lambda: self._over(contact, epoch))

    def _holder(self, contact: ContactId, epoch: int) -> OperatorId | None:
        view = self._stage.core.contact(contact)
        if view is None or view.epoch != epoch or view.state not in TALKING:
            return None
        return view.operator

    def _hold(self, contact: ContactId, epoch: int, on: bool) -> None:
        operator = self._holder(contact, epoch)
        if operator is None:
            return
        self._stage.send(HoldSet(self._stage.now_ms, operator, contact, on))
        if on:
            self._stage.after(self._rng.randint(*HOLD_MS), lambda: self._hold(contact, epoch, False))

    def _gone(self, contact: ContactId, epoch: int, cause: str) -> None:
        view = self._stage.core.contact(contact)
        if view is not None and view.epoch == epoch:
            self._stage.send(ContactGone(self._stage.now_ms, contact, cause))

    def _over(self, contact: ContactId, epoch: int) -> None:
        """The talk has said all: hang up, transfer, hand over."""
        operator = self._holder(contact, epoch)
        if operator is None:
            return
        now_ms = self._stage.now_ms
        draw = self._rng.random()
        habits = self._habits
        if draw < habits.transfers:
            self._stage.counts["transferred"] += 1
            effects = self._stage.send(TransferToQueue(now_ms, operator, contact, self._rng.choice(self._queues)))
            self._or_later(effects, contact, epoch)
            if self._rng.random() < TAKEN_BACK:
                self._stage.after(self._rng.randint(*REGRET_MS), lambda: self._takes_back(contact, operator))
        elif draw < habits.transfers + habits.hands_over:
            self._stage.counts["handed over"] += 1
            effects = self._stage.send(ContactHandedOver(now_ms, operator, contact))
            self._or_later(effects, contact, epoch)
            self._stage.after(self._rng.randint(*ALONE_MS), lambda: self._alone(contact, operator))
        elif self._rng.random() < self._callers.hangs_up_first:
            self._stage.send(self._ends(contact))
        else:
            self._stage.send(HangUp(now_ms, operator, contact))

    def _ends(self, contact: ContactId) -> ChatIdle | ContactGone:
        """Callers hang up; in a chat that is no emergency nobody writes any more."""
        view = self._stage.core.contact(contact)
        silent = view is not None and view.kind is ContactKind.CHAT and view.klass is not ContactClass.EMERGENCY
        now_ms = self._stage.now_ms
        return ChatIdle(now_ms, contact) if silent else ContactGone(now_ms, contact, "caller-hangup")

    def _or_later(self, effects: tuple[Effect, ...], contact: ContactId, epoch: int) -> None:
        """What was refused is no end: a chat cannot be handed over, and with colleagues in it nobody is transferred."""
        if any(isinstance(effect, Refused) for effect in effects):
            self.goes_on(contact, epoch)

    def _takes_back(self, contact: ContactId, operator: OperatorId) -> None:
        """Passed on blindly, and thought better of it: only while nobody has answered."""
        view = self._stage.core.contact(contact)
        if view is not None and view.state in (ContactState.WAITING, ContactState.OFFERED):
            self._stage.counts["transfer taken back"] += 1
            self._stage.send(ContactPulledBack(self._stage.now_ms, operator, contact))

    def waits_again(self, contact: ContactId) -> None:
        """One who was transferred, or whose operator was lost, has patience too."""
        patience_ms = self._rng.randint(60_000, 600_000)
        self._stage.after(patience_ms, lambda: self._gives_up(contact))

    def _gives_up(self, contact: ContactId) -> None:
        view = self._stage.core.contact(contact)
        if view is not None and view.state in PATIENT:
            self._stage.send(ContactGone(self._stage.now_ms, contact, "cancelled"))

    def _alone(self, contact: ContactId, operator: OperatorId) -> None:
        view = self._stage.core.contact(contact)
        if view is None or view.state is not ContactState.HANDED_OVER:
            return
        now_ms = self._stage.now_ms
        draw = self._rng.random()
        if draw < 0.4:
            self._stage.send(ContactPulledBack(now_ms, operator, contact))
            self._stage.after(ALONE_MS[1], lambda: self._alone(contact, operator))  # refused: it is still alone
        elif draw < 0.7:
            self._stage.send(HandoverFailed(now_ms, contact, "nobody-left"))
        else:
            self._stage.send(ContactGone(now_ms, contact, "caller-hangup"))

    def overflown(self, contact: ContactId) -> None:
        """It goes on with a number outside, or with others; now and then somebody in the house fetches it."""
        if self._rng.random() < FETCHED:
            self._stage.after(self._rng.randint(*ALONE_MS), lambda: self._fetched(contact))
        self._stage.after(self._rng.randint(*ALONE_MS), lambda: self._outside(contact))

    def _fetched(self, contact: ContactId) -> None:
        view = self._stage.core.contact(contact)
        operators = self._stage.core.operators()
        if view is not None and view.state is ContactState.HANDED_OVER and operators:
            self._stage.counts["fetched from outside"] += 1
            operator = self._rng.choice(operators).operator
            self._stage.send(ContactPulledBack(self._stage.now_ms, operator, contact))

    def _outside(self, contact: ContactId) -> None:
        view = self._stage.core.contact(contact)
        if view is not None and view.state is ContactState.HANDED_OVER:
            if self._rng.random() < ANSWERS_OUT:
                self._stage.send(ContactGone(self._stage.now_ms, contact, "caller-hangup"))
            else:
                self._stage.send(HandoverFailed(self._stage.now_ms, contact, "no-answer"))

    def maybe_dial(self, operator: OperatorId) -> None:
        """After a call: to call somebody, now and then."""
        if self._rng.random() < self._habits.dials_after_call:
            self._stage.after(self._rng.randrange(1_000, 10_000), lambda: self._dial_out(operator))

    def _dial_out(self, operator: OperatorId) -> None:
        view = self._stage.core.operator(operator)
        if view is None or view.state in (OperatorState.BUSY, OperatorState.OFFERED):
            return
        self.dialled += 1
        self._stage.counts["called out"] += 1
        contact = ContactId(f"d{self.dialled}")
        self._stage.send(ContactDialed(self._stage.now_ms, contact, operator, "+4722000000", QueueId("")))
