"""One simulated day: a world, a seed, and what came of it. The same seed gives the same day, event by event."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.api import ContactState
from kak_server.routing.invariants import violations
from kak_sim.days.callers import Callers
from kak_sim.days.colleagues import TALKING, Colleagues
from kak_sim.days.facts import Facts
from kak_sim.days.leads import Leads
from kak_sim.days.operators import Operators
from kak_sim.days.stage import Stage, Watch
from kak_sim.days.talks import Talks
from kak_sim.days.world import DAY_START_MS, HOUR_MS, World

DRAIN_HOURS = 8
EVENTS_MAX = 50_000_000


@frozen
class Outcome:
    """What a day was like. `findings` empty: no law was broken."""

    events: int
    placed: int
    refused: int
    dialled: int
    counts: Mapping[str, int]
    digest: str
    findings: tuple[str, ...]


class Day:
    """`run` once."""

    def __init__(self, world: World, seed: int, watches: Iterable[Watch] = ()) -> None:
        self.world = world
        rng = Random(seed)
        self.stage = Stage(Random(rng.getrandbits(64)), world.trouble, DAY_START_MS, tuple(watches))
        self.stage.on_effect = self._effect
        self.stage.on_restart = self._restarted
        self.stage.send(api.Configured(DAY_START_MS, world.config))
        self.callers = Callers(self.stage, world, Random(rng.getrandbits(64)))
        self.operators = Operators(self.stage, world, Random(rng.getrandbits(64)))
        self.talks = Talks(self.stage, world, Random(rng.getrandbits(64)))
        self.colleagues = Colleagues(self.stage, world, Random(rng.getrandbits(64)))
        self.talks.on_talk = self.colleagues.talk_began
        self.leads = Leads(self.stage, world, Random(rng.getrandbits(64)))
        self.facts = Facts(self.stage, world, Random(rng.getrandbits(64)))
        self._acts: Mapping[type[Any], Callable[[Any], None]] = {
            api.Offer: lambda e: self.operators.ring(e.operator, e.contact, e.epoch),
            api.WithdrawOffer: lambda e: self.operators.rang_out(e.operator, e.contact, e.epoch),
            api.Connect: lambda e: self.talks.join(e.contact, e.epoch),
            api.OverflowOut: lambda e: self.talks.overflown(e.contact),
            api.DialOut: lambda e: self.talks.dial(e.contact, e.epoch),
            api.ReleaseOperator: self._released,
            api.StartWaiting: self._waits,
            api.Parked: lambda e: self.talks.waits_again(e.contact),
            api.ParticipantJoined: self.colleagues.joined,
            api.HolderChanged: lambda e: self.talks.goes_on(e.contact, e.epoch),
        }

    def run(self, events_max: int = EVENTS_MAX) -> Outcome:
        """The whole day and, after its last call, until everybody is through. With `events_max` it may break off."""
        stage = self.stage
        end_ms = DAY_START_MS + round((self.world.hours + DRAIN_HOURS) * HOUR_MS)
        stage.run(end_ms, events_max)
        if not stage.findings:
            stage.findings.extend(violations(stage.core.state))
        if not stage.findings and stage.events < events_max:
            stage.findings.extend(
                f"{view.contact} is still {view.state} at the end of the day" for view in stage.core.contacts()
            )
        return Outcome(
            events=stage.events,
            placed=self.callers.placed,
            refused=self.callers.refused,
            dialled=self.talks.dialled,
            counts=dict(stage.counts),
            digest=stage.core.digest(),
            findings=tuple(stage.findings),
        )

    def _effect(self, effect: api.Effect) -> None:
        act = self._acts.get(type(effect))
        if act is not None:
            act(effect)

    def _released(self, effect: api.ReleaseOperator) -> None:
        self.operators.released(effect.operator)
        self.talks.maybe_dial(effect.operator)

    def _waits(self, effect: api.StartWaiting) -> None:
        if effect.reason == "arrived":  # its caller is in `callers`
            self.facts.arrived(effect.contact)
        else:
            self.talks.waits_again(effect.contact)

    def _restarted(self) -> None:
        """The new process tells again what its state demands: it rings, and it joins."""
        for view in self.stage.core.contacts():
            if view.state in TALKING:
                self.talks.goes_on(view.contact, view.epoch)
            again = view.requeued or view.answered_at_ms is not None  # others are in `callers`
            if view.state in (ContactState.WAITING, ContactState.PARKED) and again:
                self.talks.waits_again(view.contact)
            if view.state is ContactState.HANDED_OVER:
                self.talks.overflown(view.contact)
            if view.operator is None:
                continue
            if view.state is ContactState.OFFERED:
                self.operators.ring(view.operator, view.contact, view.epoch)
            elif view.state is ContactState.CONNECTING:
                unanswered_out = view.outgoing and view.answered_at_ms is None
                (self.talks.dial if unanswered_out else self.talks.join)(view.contact, view.epoch)
