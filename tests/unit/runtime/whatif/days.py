"""Days of a control room to be played again: people who answer, miss and leave, callers who give up."""

import random
from collections.abc import Callable

from kak_server.routing.api import (
    Activity,
    ContactClass,
    ContactState,
    Effect,
    Event,
    OperatorState,
    QueueConfig,
    RoutingConfig,
)
from kak_server.routing.step import RoutingCore
from kak_server.runtime.whatif.figures import Tally
from kak_server.runtime.whatif.recording import Recorder
from tests.unit.routing.desk import Desk, queue

QUEUES: tuple[QueueConfig, ...] = (
    queue("113", "oslo", "bergen", own_room_ms=8_000, offer_timeout_ms=6_000, wrap_up_ms=4_000),
    queue("116117", "bergen", "oslo", klass=ContactClass.NORMAL, skills={"doctor": 2}, wrap_up_ms=20_000),
)
PEOPLE = {"ada": "oslo", "bob": "oslo", "cia": "bergen", "dag": "bergen"}


class Day(Desk):
    """A desk whose every event is recorded; timers fire some ms late, as they do."""

    def __init__(self, seed: int, *queues: QueueConfig) -> None:
        self.random = random.Random(seed)
        self.recorder: Recorder | None = None
        self.calls = 0
        self.ring_since: dict[str, int] = {}
        super().__init__(*(queues or QUEUES))
        self.tally = Tally(self.now_ms)

    def send(self, event: Event) -> tuple[Effect, ...]:
        if self.recorder is None:
            return super().send(event)
        effects = self.recorder.take(self.core, event)
        self.tally.take(event, effects, self.core)
        self.events.append(event)
        self.effects.extend(effects)
        self.timers = dict(self.core.timers())
        return effects

    def record(self) -> None:
        """From here on."""
        self.recorder = Recorder(self.core, self.now_ms)
        self.tally = Tally(self.now_ms)

    def open_up(self) -> None:
        """Everybody comes."""
        for who, room in PEOPLE.items():
            self.sit(who, room, doctor=self.random.randrange(5))

    def live(self, steps: int) -> None:
        """So many things happen."""
        for _ in range(steps):
            self.wait(self.random.choice([0, 1, 40, 700, 2_500, 9_000]))
            self.now_ms += self.random.choice([0, 3])  # timers are late, people are not exact
            self.wait(0)  # late, but before what comes after them
            self.random.choice([self._call, self._call, self._react, self._react, self._react, self._somebody])()

    def _call(self) -> None:
        self.calls += 1
        self.ring(f"c{self.calls}", self.random.choice(["113", "113", "116117"]))

    def _react(self) -> None:
        views = self.core.contacts()
        if not views:
            return
        view = self.random.choice(views)
        contact, who = str(view.contact), str(view.operator)
        match view.state:
            case ContactState.WAITING:
                if self.random.random() < 0.3:
                    self.gone(contact)
            case ContactState.OFFERED:
                self.random.choice([self.accept, self.accept, self.accept, self.reject])(who, contact)
            case ContactState.CONNECTING:
                (self.joined if self.random.random() < 0.9 else self.join_failed)(contact)
            case ContactState.HANDED_OVER:
                ends: list[Callable[[str], tuple[Effect, ...]]] = [self.gone, self.handover_failed]
                self.random.choice(ends)(contact)
            case _:
                self._in_a_call(who, contact)

    def _in_a_call(self, who: str, contact: str) -> None:
        what = self.random.randrange(10)
        if what < 4:
            self.hang_up(who, contact)
        elif what < 6:
            self.gone(contact)
        elif what == 6:
            self.hold(who, contact, self.random.random() < 0.5)
        elif what == 7:
            self.transfer(who, contact, self.random.choice(["113", "116117"]))
        elif what == 8:
            self.hand_over(who, contact)

    def _somebody(self) -> None:
        who = self.random.choice(list(PEOPLE))
        signed_in = {str(one.operator): one for one in self.core.operators()}
        view = signed_in.get(who)
        if view is None:
            self.sit(who, PEOPLE[who], doctor=self.random.randrange(5))
        elif view.state is OperatorState.WRAP_UP:
            self.done(who)
        elif self.random.random() < 0.2:
            self.leave(who)
        elif self.random.random() < 0.3:
            self.media(str(view.position), not view.media_up)
        else:
            self.says(who, self.random.choice([Activity.AVAILABLE, Activity.AVAILABLE, Activity.BREAK]))


def restored(day: Day) -> RoutingCore:
    """The core as it is at the end of the day."""
    return RoutingCore.restore(day.core.snapshot())


def rules(*queues: QueueConfig) -> RoutingConfig:
    """These and nothing else."""
    return RoutingConfig(queues=queues)
