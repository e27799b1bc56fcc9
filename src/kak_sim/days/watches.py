"""What looks at every event of a simulated day: auditor, oracle, the core's own laws, a twin, and a tally."""

from dataclasses import dataclass, field

from kak_server.model.codec import dumps, loads
from kak_server.model.ids import ContactId, QueueId
from kak_server.routing import api
from kak_server.routing.api import Effect, Event
from kak_server.routing.invariants import Known, violations
from kak_server.routing.step import RoutingCore
from kak_sim.auditor import Auditor
from kak_sim.oracle_watch import OracleWatch
from kak_sim.step_oracle import StepOracle
from kak_sim.stream_laws import StreamLaws
from kak_sim.word_laws import WordLaws

LAWS_EVERY = 16
TWIN_EVERY = 200


class Audit:
    """The auditor, which shares nothing with the core."""

    def __init__(self) -> None:
        self.auditor = Auditor()

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        return self.auditor.observe(event, effects)


class Stream:
    """What holds whatever the rules are."""

    def __init__(self) -> None:
        self.laws = StreamLaws()

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        return self.laws.observe(event, effects)


class Steps:
    """Which steps of a workflow are done, told once more."""

    def __init__(self) -> None:
        self.oracle = StepOracle()

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        return self.oracle.observe(event, effects, core.state)


class Oracle:
    """Who may be asked for whom, by workflows, reserves, loans and all, told once more from the rows alone."""

    def __init__(self) -> None:
        self.watch = OracleWatch()

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        return self.watch.observe(event, effects, core.state)


class Words:
    """What people's words come to, and whether readers are told."""

    def __init__(self) -> None:
        self.laws = WordLaws(LAWS_EVERY)

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        return self.laws.observe(event, effects, core)


class Twin:
    """A core restored from a snapshot not long ago decides as the one that has lived all day, in effects and in
    state: what is derived and kept in memory must not depend on how one came there."""

    def __init__(self, renew_every: int = TWIN_EVERY) -> None:
        self._renew_every = renew_every
        self._seen = 0
        self._core: RoutingCore | None = None

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """Where the two part."""
        self._seen += 1
        found = []
        if self._core is not None and self._core.step(event) != effects:
            found.append("a core restored before this decides otherwise")
        if self._seen % self._renew_every == 0:
            snapshot = dumps(core.snapshot())
            if self._core is not None and dumps(self._core.snapshot()) != snapshot:
                found.append("a core restored before this is in another state")
            self._core = RoutingCore.restore(loads(snapshot))
        return found


class Laws:
    """The invariants of the state, every so many events."""

    def __init__(self, every: int = LAWS_EVERY) -> None:
        self._every = every
        self._seen = 0
        self._known: Known = {}

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """What does not hold now."""
        self._seen += 1
        return violations(core.state, self._known) if self._seen % self._every == 0 else []


@dataclass(slots=True)
class Wait:
    """One contact's wait (ms): until it was connected first, or gave up (`answered` False)."""

    contact: ContactId
    queue: QueueId
    arrived_ms: int
    room: str = ""
    waited_ms: int = 0
    answered: bool = False
    over: bool = False


@dataclass(slots=True)
class Tally:
    """Who waited how long, by the events and effects alone."""

    waits: dict[ContactId, Wait] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)  # operator -> room

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        """Never finds anything."""
        if isinstance(event, api.OperatorSignedIn):
            self.rooms[event.operator] = event.room
        elif isinstance(event, api.ContactConnected):
            view = core.contact(event.contact)
            wait = self.waits.get(event.contact)
            if wait is not None and not wait.over and view is not None and view.operator is not None:
                wait.answered = wait.over = True
                wait.waited_ms = event.now_ms - wait.arrived_ms
                wait.room = self.rooms.get(view.operator, "")
        for effect in effects:
            if isinstance(effect, api.StartWaiting) and effect.reason == "arrived":
                self.waits[effect.contact] = Wait(effect.contact, effect.queue, event.now_ms)
            elif isinstance(effect, api.EndContact):
                wait = self.waits.get(effect.contact)
                if wait is not None and not wait.over:
                    wait.over = True
                    wait.waited_ms = event.now_ms - wait.arrived_ms
        return []
