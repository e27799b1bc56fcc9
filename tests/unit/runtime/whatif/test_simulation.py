"""The same rules give what happened, to the millisecond; other rules give what they would."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing.api import Capacity, Offer, RoutingConfig
from kak_server.routing.rules import capacity_of
from kak_server.runtime.whatif.figures import Row
from kak_server.runtime.whatif.recording import Recording
from kak_server.runtime.whatif.simulation import Simulation
from tests.unit.routing.desk import queue
from tests.unit.runtime.whatif.days import QUEUES, Day, rules


def recording(day: Day) -> Recording:
    assert day.recorder is not None
    return day.recorder.recording


def played(day: Day, config: RoutingConfig | None = None, **skills: dict[str, int]) -> Simulation:
    """The day again, with ten minutes in which nothing happens after it."""
    if config is not None:
        recording(day).end = (day.now_ms + 600_000, 1 << 60)
    made = Simulation(recording(day), config, {OperatorId(who): each for who, each in skills.items()})
    made.run()
    return made


def row(simulation: Simulation, contact: str) -> Row:
    return simulation.tally.rows[ContactId(contact)]


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 1 << 32), before=st.integers(0, 40), steps=st.integers(1, 120))
def test_the_same_rules_give_what_happened(seed: int, before: int, steps: int) -> None:
    """Also when the recording begins in the middle of everything."""
    day = Day(seed)
    day.open_up()
    day.live(before)
    day.record()
    day.live(steps)
    again = played(day)
    assert again.tally.rows == day.tally.rows
    mine, theirs = again.core.snapshot(), day.core.snapshot()
    for volatile in ("now_ms", "timers"):
        mine.pop(volatile), theirs.pop(volatile)
    assert mine == theirs


def test_the_same_rules_said_anew_give_what_happened() -> None:
    day = Day(7)
    day.open_up()
    day.record()
    day.live(150)
    again = Simulation(recording(day), rules(*QUEUES))
    again.run()
    assert again.tally.rows == day.tally.rows
    assert len(day.tally.rows) > 20


@pytest.fixture
def short() -> Day:
    """Two callers in Oslo, one operator there who takes three seconds, and one in Bergen who is never asked."""
    day = Day(1, queue("113", "oslo", "bergen", own_room_ms=60_000, wrap_up_ms=10_000))
    day.sit("ada", "oslo")
    day.sit("cia", "bergen")
    day.record()
    day.ring("first")
    day.ring("second")
    day.wait(3_000)
    day.talk("ada", "first")
    day.wait(20_000)
    day.hang_up("ada", "first")
    day.wait(4_000)
    day.done("ada")
    day.wait(2_000)
    day.talk("ada", "second")
    day.wait(30_000)
    day.gone("second")
    return day


def test_as_it_was(short: Day) -> None:
    assert [(one.contact, one.wait_ms) for one in short.tally.rows.values()] == [("first", 3_000), ("second", 29_000)]


def test_whoever_is_asked_sooner_waits_less(short: Day) -> None:
    """By the new rules Bergen is asked at once; its operator answers as people do here, and talks as long."""
    other = played(short, rules(queue("113", "oslo", "bergen", wrap_up_ms=10_000)))
    assert (row(other, "first").wait_ms, row(other, "first").room) == (3_000, "oslo")
    second = row(other, "second")
    assert (second.wait_ms, second.room) == (2_500 + 0, "bergen")  # the median of two answers, joined at once
    assert second.answered_ms is not None
    assert second.ended_ms == second.answered_ms + 30_000


def test_a_caller_who_gave_up_would_give_up_at_the_same_wait_unless_answered() -> None:
    day = Day(1, queue("113", "oslo", "bergen", own_room_ms=60_000))
    day.sit("cia", "bergen")
    day.record()
    day.ring("patient")
    day.wait(20_000)
    day.gone("patient")
    assert row(played(day), "patient").outcome == "abandoned"
    answered = row(played(day, rules(queue("113", "oslo", "bergen"))), "patient")
    assert (answered.outcome, answered.wait_ms) == ("answered", 4_200)  # nobody was seen: 4 s, and 0.2 s to join
    late = row(played(day, rules(queue("113", "oslo", "bergen", own_room_ms=19_000))), "patient")
    assert (late.outcome, late.wait_ms) == ("abandoned", 20_000)


def test_an_offer_that_rang_out_rings_out_again(short: Day) -> None:
    day = Day(1, queue("113", offer_timeout_ms=5_000))
    day.sit("ada")
    day.record()
    day.ring("a")
    day.wait(6_000)
    day.talk("ada", "a")
    other = played(day, rules(queue("113", offer_timeout_ms=9_000)))
    assert row(other, "a").wait_ms == 10_000  # nobody took the first offer; the second was taken after a second


def test_longer_paper_work_makes_others_wait() -> None:
    day = Day(1, queue("113", wrap_up_ms=1_000))
    day.sit("ada")
    day.record()
    day.ring("a")
    day.ring("b")
    day.talk("ada", "a")
    day.wait(10_000)
    day.hang_up("ada", "a")
    day.wait(1_000)
    day.talk("ada", "b")
    other = played(day, rules(queue("113", wrap_up_ms=31_000)))
    assert (row(day_again := played(day), "b").wait_ms, row(other, "b").wait_ms) == (11_000, 41_000)
    assert day_again.dropped == 0


def test_people_have_the_skills_of_the_new_rules() -> None:
    day = Day(1, queue("113"))
    day.sit("ada", doctor=1)
    day.record()
    day.sit("bob", doctor=1)
    day.ring("a")
    needs = rules(queue("113", skills={"doctor": 5}))
    assert row(played(day, needs), "a").outcome == "waiting"
    assert row(played(day, needs, ada={"doctor": 5}), "a").outcome == "answered"
    assert row(played(day, needs, bob={"doctor": 9}), "a").outcome == "answered"


def test_people_take_so_many_chats_as_the_new_rules_say() -> None:
    day = Day(1, queue("113"))
    day.sit("ada")
    day.record()
    day.sit("bob")
    day.sit("cecilie")
    able = {OperatorId("ada"): Capacity(2, 1), OperatorId("bob"): Capacity(3, 0, interruptible=False)}
    recording(day).end = (day.now_ms + 1_000, 1 << 60)
    made = Simulation(recording(day), rules(queue("113")), None, able)
    made.run()
    found = {name: capacity_of(row) for name, row in made.core.state.operators.items()}
    assert found == {**able, OperatorId("cecilie"): Capacity()}


def test_queues_that_are_no_more_are_counted() -> None:
    day = Day(1)
    day.record()
    day.ring("a")
    other = played(day, rules(queue("other")))
    assert (len(other.tally.unplaced), other.tally.rows) == (1, {})


def test_who_went_home_and_is_in_mid_call_by_other_rules_goes_after_it() -> None:
    day = Day(1, queue("113", "oslo", own_room_ms=0, skills={"doctor": 5}))
    day.sit("ada", doctor=1)
    day.sit("bob", doctor=9)
    day.record()
    day.ring("a")
    day.wait(5_000)
    day.leave("ada")
    day.talk("bob", "a")
    day.wait(30_000)
    day.hang_up("bob", "a")
    day.wait(30_000)
    other = played(day, rules(queue("113", "oslo")), bob={})
    assert (row(other, "a").outcome, row(other, "a").room) == ("answered", "oslo")
    assert other.core.operator(OperatorId("ada")) is None


def test_nothing_is_offered_to_two() -> None:
    """The core's own laws hold in what-if worlds too."""
    from kak_server.routing.invariants import violations

    day = Day(11)
    day.open_up()
    day.record()
    day.live(200)
    other = played(day, rules(replace(QUEUES[0], own_room_ms=0, wrap_up_ms=0), replace(QUEUES[1], skills={})))
    assert violations(other.core.state) == []
    assert any(isinstance(effect, Offer) for effect in day.effects)
