"""Simulated days with all that happens in them: the statistics and their auditor come to the same figures."""

import pytest

from kak_server.routing.api import ReleaseOperator
from kak_server.routing.state import State
from kak_server.statistics.work import WorkMoments
from kak_sim.days.day import Day
from kak_sim.days.figures import Figures
from kak_sim.days.scenarios import world_of

EVENTS_MAX = 6_000


def counted(scenario: str, seed: int) -> Figures:
    figures = Figures()
    Day(world_of(scenario, seed), seed, (figures,)).run(EVENTS_MAX)
    return figures


@pytest.mark.parametrize("scenario", ["normal", "storm", "mass-casualty", "rules"])
@pytest.mark.parametrize("seed", [1, 3])
def test_a_day_is_counted_right(scenario: str, seed: int) -> None:
    figures = counted(scenario, seed)
    assert figures.differences() == []
    assert figures.figures > 500


def test_a_fault_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reducer that forgets one transfer in the whole day."""
    good = WorkMoments.release
    forgotten: list[ReleaseOperator] = []

    def forgetful(work: WorkMoments, effect: ReleaseOperator, state: State) -> None:
        if effect.cause == "transfer" and not forgotten:
            forgotten.append(effect)
            return
        good(work, effect, state)

    monkeypatch.setattr(WorkMoments, "release", forgetful)
    differences = counted("normal", 1).differences()
    assert any("transfers_out" in difference for difference in differences)
