"""The trickle of callers: how many, for how long, to whom."""

import statistics

import pytest

from kak_sim.callers.generator import Generator
from kak_sim.callers.registry import Callers


def test_calls_come_at_the_asked_rate_and_have_a_sensible_length() -> None:
    generator = Generator(Callers(("127.0.0.1", 9)), ["113", "116117"], 30, mean_talk_s=45, seed=7)
    calls = [generator.next_call() for _ in range(4000)]
    assert statistics.mean(pause_s for pause_s, _ in calls) == pytest.approx(2.0, rel=0.1)
    assert {wish.number for _, wish in calls} == {"113", "116117"}
    assert all(15 <= wish.duration_s <= 120 for _, wish in calls)


def test_the_same_seed_gives_the_same_calls() -> None:
    first, second = (Generator(Callers(("127.0.0.1", 9)), ["113"], 10, seed=3) for _ in range(2))
    assert [first.next_call() for _ in range(5)] == [second.next_call() for _ in range(5)]


@pytest.mark.parametrize(("numbers", "rate"), [([], 10.0), (["113"], 0.0), (["113"], -1.0)])
def test_what_makes_no_sense_is_refused(numbers: list[str], rate: float) -> None:
    with pytest.raises(ValueError, match="generator"):
        Generator(Callers(("127.0.0.1", 9)), numbers, rate)
