"""When the collector looks at everything: in a quiet second, or when it has waited long enough."""

import gc
from collections.abc import Iterator

import pytest

from kak_server.runtime.collector import NEVER, YOUNG, Collector, CollectorRules, put_off

RULES = CollectorRules(
    young_passes=2, held_blocks_most=1_000, gathered_blocks_most=9_000, quiet_s=1.0, wait_s=60.0, measure_s=0.5
)


class Bench:
    """A collector on a clock of our own."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.spent_s = 5.0
        self.blocks, self.measured = 70_000, 0
        self.passes: list[str] = []
        self.collector = Collector(
            lambda _seconds, why: self.passes.append(why),
            RULES,
            lambda: self.now_s,
            lambda: self.spent_s,
            self.held,
        )
        self.collector.start()

    def held(self) -> int:
        """So much memory."""
        self.measured += 1
        return self.blocks

    def look(self, seconds: float, share: float) -> list[str]:
        """Time passes in which so much of a CPU is used; the passes so far."""
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.spent_s += 0.1 * share
            self.collector.look()
        return self.passes


@pytest.fixture
def bench() -> Iterator[Bench]:
    thresholds = gc.get_threshold()
    try:
        yield Bench()
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def young(passes: int) -> None:
    """So many passes over what is new."""
    for _ in range(passes):
        gc.collect(0)


def test_the_young_are_looked_at_and_the_old_never_by_themselves(bench: Bench) -> None:
    assert gc.get_threshold() == (YOUNG, NEVER, NEVER)
    assert gc.get_freeze_count() > 1_000
    kept: list[list[int]] = [[] for _ in range(10 * YOUNG)]
    assert gc.get_count()[1] >= 8
    assert gc.get_count()[2] == 0
    assert len(kept) > 0
    assert bench.passes == []


def test_the_young_do_not_gather_where_as_many_old_objects_go(bench: Bench) -> None:
    old: list[list[int]] = [[] for _ in range(2 * YOUNG)]
    gc.collect(0)
    for at in range(2 * YOUNG):
        old[at] = []  # one comes, one goes: CPython's count stays where it is
    assert len(gc.get_objects(generation=0)) > YOUNG
    bench.look(0.1, 0.8)
    assert len(gc.get_objects(generation=0)) <= YOUNG
    assert bench.passes == []


def test_a_pass_waits_for_a_quiet_second(bench: Bench) -> None:
    young(3)
    assert bench.look(10, 0.8) == []
    assert bench.look(0.8, 0.01) == []
    assert bench.look(0.4, 0.01) == ["quiet"]
    assert bench.look(100, 0.01) == ["quiet"]  # nothing has gathered since


def test_a_short_burst_begins_the_quiet_second_anew(bench: Bench) -> None:
    young(3)
    bench.look(5, 0.8)
    bench.look(0.9, 0.01)
    bench.look(0.1, 0.8)
    assert bench.look(0.9, 0.01) == []
    assert bench.look(0.3, 0.01) == ["quiet"]


def test_it_does_not_wait_for_ever(bench: Bench) -> None:
    young(3)
    assert bench.look(59, 0.8) == []
    assert bench.look(2, 0.8) == ["waited"]


def test_what_may_fill_the_memory_does_not_wait(bench: Bench) -> None:
    young(3)
    bench.blocks += 8_999
    assert bench.look(100, 0.8) == []
    bench.blocks += 1
    assert bench.look(1, 0.8) == ["many"]
    young(3)
    assert bench.look(100, 0.8) == ["many"]  # it was not: nothing more has gathered since


def test_no_pass_stands_still_for_all_who_wait(bench: Bench) -> None:
    young(3)
    bench.blocks += 1_001
    assert bench.look(300, 0.01) == []  # neither in a quiet second nor after an hour
    assert bench.measured <= 601 + 1
    bench.blocks -= 1  # fewer wait
    assert bench.look(1, 0.01) == ["quiet"]


def test_nothing_is_done_for_little(bench: Bench) -> None:
    young(1)
    assert bench.look(5, 0.01) == []


def test_garbage_in_circles_is_found(bench: Bench) -> None:
    class Circle:
        gone = 0

        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            Circle.gone += 1

    for _ in range(5):
        Circle()
    young(3)
    bench.look(2, 0.01)
    assert Circle.gone == 5


def test_a_start_is_not_looked_at_and_what_comes_after_it_is() -> None:
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        with put_off():
            assert not gc.isenabled()
            Collector().start()
            assert gc.isenabled()
        with put_off():  # a start that fails
            pass
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
    finally:
        gc.enable()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
