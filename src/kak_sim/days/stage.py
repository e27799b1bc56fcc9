"""The core under test, its journal and its clock: what stands between the actors and `RoutingCore`.

A crash throws the core away after an event was appended and before its effects are carried out, and makes a new one
from the last snapshot and the events after it, as a restart does; both must be in the same state.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Protocol

from kak_server.model.codec import dumps, loads
from kak_server.routing.api import CancelTimer, Effect, Event, SetTimer, TimerFired
from kak_server.routing.codec import decode_event, encode_event
from kak_server.routing.step import RoutingCore
from kak_sim.days.habits import Trouble

BACKWARDS_MS = 1_000

Act = Callable[[], None]


class Watch(Protocol):
    """Sees every event with its effects; says in sentences what is wrong."""

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]: ...


class Stage:
    """Virtual time, the core, its timers and its journal."""

    def __init__(self, rng: Random, trouble: Trouble, start_ms: int, watches: tuple[Watch, ...]) -> None:
        self.rng = rng
        self.trouble = trouble
        self.now_ms = start_ms
        self.core = RoutingCore()
        self.events = 0
        self.counts: Counter[str] = Counter()  # what failed, and what people did, by name
        self.findings: list[str] = []
        self.on_effect: Callable[[Effect], None] = lambda effect: None
        self.on_restart: Act = lambda: None
        self._watches = watches
        self._heap: list[tuple[int, int, Act]] = []
        self._next = 0
        self._timers: dict[str, int] = {}
        self._snapshot: bytes = dumps(self.core.snapshot())
        self._journal: list[bytes] = []

    # --- time --------------------------------------------------------------------------------------------------------

    def after(self, delay_ms: int, act: Act) -> None:
        """Do it `delay_ms` from now."""
        self.at(self.now_ms + max(0, delay_ms), act)

    def at(self, at_ms: int, act: Act) -> None:
        """Do it at a time; what is due together is done in the order it was asked for."""
        heapq.heappush(self._heap, (at_ms, self._next, act))
        self._next += 1

    def run(self, until_ms: int, events_max: int) -> None:
        """Until nothing is left, the time is over, so many events were sent, or something is found."""
        while self._heap and self.events < events_max and not self.findings:
            at_ms, _, act = self._heap[0]
            if at_ms > until_ms:
                self.now_ms = max(self.now_ms, until_ms)
                return
            heapq.heappop(self._heap)
            self.now_ms = max(self.now_ms, at_ms)
            act()

    # --- the core ----------------------------------------------------------------------------------------------------

    def send(self, event: Event) -> tuple[Effect, ...]:
        """One event through journal and core; its effects are carried out unless the process dies before. Now and then
        it comes with an old time, or is said twice."""
        trouble = self.trouble
        if trouble.backwards_share and self.rng.random() < trouble.backwards_share:
            self.counts["clock set back"] += 1
            event = replace(event, now_ms=event.now_ms - self.rng.randrange(BACKWARDS_MS))
        effects = self._take(event)
        if trouble.twice_share and self.rng.random() < trouble.twice_share:
            self.counts["event said twice"] += 1
            self._take(event)
        if trouble.stall_share and self.rng.random() < trouble.stall_share:
            self.counts["journal stalled"] += 1
            self.now_ms += trouble.stall.draw(self.rng)
        return effects

    def _take(self, event: Event) -> tuple[Effect, ...]:
        self.events += 1
        trouble = self.trouble
        may_crash = trouble.crash_share > 0
        if may_crash:
            name, data = encode_event(event)
            self._journal.append(dumps([name, data]))
        effects = self.core.step(event)
        for watch in self._watches:
            for finding in watch.observe(event, effects, self.core):
                self.findings.append(f"event {self.events}, {event!r}: {finding}")
        if may_crash and self.rng.random() < trouble.crash_share:
            self._crash()
            return effects
        if may_crash and len(self._journal) >= trouble.snapshot_every:
            self._snapshot, self._journal = dumps(self.core.snapshot()), []
        for effect in effects:
            if isinstance(effect, SetTimer):
                self._arm(effect.key, effect.at_ms)
            elif isinstance(effect, CancelTimer):
                self._timers.pop(effect.key, None)
            else:
                self.on_effect(effect)
        return effects

    def _arm(self, key: str, at_ms: int) -> None:
        self._timers[key] = at_ms
        self.at(at_ms, lambda: self._fire(key, at_ms))

    def _fire(self, key: str, at_ms: int) -> None:
        if self._timers.get(key) == at_ms:
            del self._timers[key]
            self.send(TimerFired(self.now_ms, key))

    def _crash(self) -> None:
        """Another process: the snapshot, the events after it, the timers of the state."""
        self.counts["process died"] += 1
        before = self.core.digest()
        snapshot: Any = loads(self._snapshot)
        core = RoutingCore.restore(snapshot)
        for record in self._journal:
            name, data = loads(record)
            core.step(decode_event(name, data))
        if core.digest() != before:
            self.findings.append(f"event {self.events}: the state after a crash is not the state before it")
        self.core = core
        self._timers = {}
        for key, at_ms in core.timers().items():
            self._arm(key, max(at_ms, self.now_ms))
        self.on_restart()
