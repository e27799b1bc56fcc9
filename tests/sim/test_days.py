"""Simulated days with a fixed set of seeds: no law is broken, whatever fails, and the same seed is the same day."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from kak_server.routing import matching, misses, offers
from kak_server.routing.api import ContactClass, OperatorState
from kak_server.routing.state import Contact, Operator, State, Turn
from kak_sim.cli import main
from kak_sim.days import runs
from kak_sim.days.day import Day
from kak_sim.days.runs import Job, do
from kak_sim.days.scenarios import SCENARIOS, world_of
from kak_sim.days.watches import Oracle
from tests.mutation.killers import MISSED

SEEDS = range(2)


DAYS = tuple(scenario for scenario in SCENARIOS if scenario != "crashes")
FAILURES = (
    "accepted late",
    "break",
    "caller gave up",
    "called again",
    "clock set back",
    "event said twice",
    "join failed",
    "journal stalled",
    "more became known",
    "offer missed",
    "offer rejected",
    "offer to an empty chair",
    "position lost for a moment",
    "position lost for long",
    "process died",
    "talk broke",
)


known = cache(do)  # fixed days of an untouched core: played once


@pytest.mark.parametrize("scenario", DAYS)
def test_days_break_no_law_and_every_failure_is_in_them(scenario: str) -> None:
    outcomes = [known(Job(scenario, seed)) for seed in SEEDS]
    for outcome in outcomes:
        assert outcome.findings == ()
        assert outcome.events > 500
        assert outcome.placed > 50
    missing = [name for name in FAILURES if not any(outcome.counts.get(name) for outcome in outcomes)]
    assert missing == []


def test_a_process_that_dies_after_every_append_goes_on_as_if_it_had_not() -> None:
    outcome = do(Job("crashes", 1))
    assert outcome.findings == ()
    assert outcome.counts["process died"] == outcome.events > 200
    assert outcome.placed > 10


def test_the_fixed_days_see_crashes_refusals_and_calls_out() -> None:
    outcomes = [known(Job("storm", seed)) for seed in SEEDS]
    assert sum(outcome.counts["process died"] for outcome in outcomes) > 10
    assert sum(outcome.refused for outcome in outcomes) > 0
    assert sum(outcome.dialled for outcome in outcomes) > 10


_DIGEST = "from kak_sim.days.runs import Job, do; print(do(Job('storm', 3)).digest)"


def test_the_same_seed_is_the_same_day_in_any_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def _found(scenario: str = "storm", seeds: range = range(4)) -> str:
    for seed in seeds:
        outcome = do(Job(scenario, seed))
        if outcome.findings:
            return outcome.findings[0]
    return ""


def test_a_core_that_forgets_to_withdraw_an_offer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = offers.end_offer

    def silent(turn: Turn, contact: Contact, reason: str) -> Operator:
        operator = real(turn, contact, reason)
        if reason == "caller-gone":
            turn.effects[:] = [effect for effect in turn.effects if type(effect).__name__ != "WithdrawOffer"]
        return operator

    monkeypatch.setattr(offers, "end_offer", silent)
    assert "still rings" in _found()


def test_a_core_that_leaves_a_caller_waiting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "free", lambda turn, operator, light=False: offers.rest(turn, operator))
    assert "waits although" in _found()


def test_a_core_that_loses_its_place_in_line_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kak_server.routing.queues.CLASS_RANK", dict.fromkeys(ContactClass, 0))
    assert "passing over" in _found()


def test_a_core_that_asks_one_empty_chair_after_the_other_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kak_server.routing.rings.behind", lambda contact: 0)
    day = Job("storm", 4, 1_000)
    assert any("turn" in finding for finding in do(day).findings)


def test_a_core_that_forgets_what_becomes_known_of_a_caller_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kak_server.routing.described._note", lambda contact, event: False)
    assert any("became known" in finding for finding in do(Job("normal", 0, 1_000)).findings)


def _counts_beside_work(operator: Operator, since_ms: int) -> bool:
    return False


def _counts_in_the_second_after_work(operator: Operator, since_ms: int) -> bool:
    return operator.state is OperatorState.BUSY


@pytest.mark.parametrize("beside_work", [_counts_beside_work, _counts_in_the_second_after_work])
def test_a_core_that_takes_whoever_is_busy_for_absent_is_found(
    beside_work: Callable[[Operator, int], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert known(MISSED).findings == ()
    monkeypatch.setattr(misses, "_beside_work", beside_work)
    assert any("0 rang out at somebody who was free" in finding for finding in do(MISSED).findings)


def test_a_core_that_asks_whoever_does_not_answer_for_ever_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kak_server.routing.misses.staff.is_last_ready", lambda state, operator: True)
    real = misses.missed

    def silent(turn: Turn, operator: Operator, since_ms: int) -> bool:
        found = real(turn, operator, since_ms)
        turn.effects[:] = [effect for effect in turn.effects if type(effect).__name__ != "MissesTolerated"]
        return found

    monkeypatch.setattr(misses, "missed", silent)
    assert any("nothing comes of it" in finding for finding in do(MISSED).findings)


def test_a_core_that_passes_over_a_higher_class_under_workflows_is_found_by_the_oracle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kak_server.routing.queues.CLASS_RANK", dict.fromkeys(ContactClass, 0))
    assert "passing over" in _found("rules", range(1))


def test_a_core_that_leaves_a_caller_waiting_under_workflows_is_found_by_the_oracle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offers, "free", lambda turn, operator, light=False: offers.rest(turn, operator))
    day = Day(world_of("rules", 0), 0, (Oracle(),))
    assert any("waits although" in finding for finding in day.run(3_000).findings)


def test_a_core_that_cannot_be_restored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = matching.join
    counts: Iterator[int] = iter(range(10**9))

    def moody(state: State, operator: Operator) -> None:
        operator.missed += next(counts) % 7 == 6  # what it does depends on what the process did before
        real(state, operator)

    monkeypatch.setattr(matching, "join", moody)
    assert "after a crash" in _found()


def test_a_failing_seed_says_how_to_do_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(offers, "free", lambda turn, operator, light=False: offers.rest(turn, operator))
    job = Job("storm", 1, 4_000)
    outcome = do(job)
    assert outcome.findings
    assert job.line == "kak-sim days --scenario storm --seed 1 --events 4000"
    assert do(job).findings == outcome.findings
    monkeypatch.setattr(runs, "ProcessPoolExecutor", lambda _processes: ThreadPoolExecutor(1))  # this very process
    assert main(job.line.split()[1:]) == 1
    told = capsys.readouterr()
    assert "1 failed" in told.out
    assert told.err == f"{outcome.findings[0]}\n  again: {job.line}\n"


def test_many_days_on_several_processes_are_counted() -> None:
    total = runs.run(runs.fixed(("normal",), 100, 3, 400), processes=2)
    assert (total.days, total.events, total.failed) == (3, 1_200, [])
