"""Simulated days with everything in them, cut in the middle, and played again by the same rules: every contact waits as
long as it did. A core that was restored from a snapshot must decide as the one that lived on would have."""

import pytest

from kak_server.routing.api import Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.runtime.whatif.figures import Tally
from kak_server.runtime.whatif.recording import Recorder
from kak_server.runtime.whatif.simulation import Simulation
from kak_sim.days.day import Day
from kak_sim.days.scenarios import SCENARIOS, world_of

EVENTS = 3_000


class Tape:
    """Keeps a day's events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def observe(self, event: Event, _effects: tuple[Effect, ...], _core: RoutingCore) -> list[str]:
        self.events.append(event)
        return []


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_simulated_day_by_the_same_rules_is_the_same_day(scenario: str, seed: int) -> None:
    tape = Tape()
    Day(world_of(scenario, seed), seed, (tape,)).run(EVENTS)
    core = RoutingCore()
    cut = len(tape.events) // 3
    for event in tape.events[:cut]:
        core.step(event)
    from_ms = tape.events[cut].now_ms
    recorder, tally = Recorder(core, from_ms), Tally(from_ms)
    for event in tape.events[cut:]:
        tally.take(event, recorder.take(core, event), core)
    again = Simulation(recorder.recording)
    again.run()
    assert len(tally.rows) > (2 if scenario == "crashes" else 50)
    assert again.tally.rows == tally.rows
