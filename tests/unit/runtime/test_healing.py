"""What makes the files enough for a start again, and who."""

import pytest

from kak_server.runtime.compaction import Compacted
from kak_server.runtime.compactor import Outcome
from kak_server.runtime.healing import COMPACTIONS_FAILED_MAX, Healing
from kak_server.runtime.losses import Lost

LOST = Outcome(lost=(Lost("s", 7, 9, 1, "torn", 12, ("c1",)),))


def asked(healing: Healing) -> tuple[bool, bool]:
    """Of the loop, of the compactor."""
    return healing.by_loop, healing.by_compactor


def refused(*, compacts: bool) -> Healing:
    healing = Healing(compacts=compacts)
    healing.synced()
    assert asked(healing) == (False, False)
    healing.sync_refused()
    healing.synced()
    return healing


def test_a_refused_sync_is_healed_beside_the_server_by_the_snapshot_of_what_was_read_back() -> None:
    healing = refused(compacts=True)
    assert asked(healing) == (False, True)
    healing.begins(5)
    healing.begun()
    assert asked(healing) == (False, False)
    assert not healing.compacted(Outcome(Compacted(snapshot=4))), "it was under way before"
    assert not healing.compacted(Outcome(Compacted()))
    assert healing.compacted(Outcome(Compacted(snapshot=5)))
    assert not healing.compacted(Outcome(Compacted(snapshot=6))), "said once"


def test_where_nobody_compacts_the_loop_writes_it() -> None:
    healing = refused(compacts=False)
    assert asked(healing) == (True, False)
    assert healing.checkpointed()
    assert asked(healing) == (False, False)
    assert not healing.checkpointed()


def test_a_snapshot_that_fails_is_asked_for_again_and_then_written_by_the_loop() -> None:
    healing = refused(compacts=True)
    for number in range(1, COMPACTIONS_FAILED_MAX + 1):
        assert healing.by_compactor
        healing.begins(number)
        healing.begun()
        assert not healing.compacted(Outcome(problem="no process"))
        assert healing.by_loop == (number == COMPACTIONS_FAILED_MAX)
    assert healing.checkpointed()
    assert not healing.compacted(Outcome(Compacted(snapshot=9)))


@pytest.mark.parametrize("compacts", [True, False])
def test_what_cannot_be_read_back_is_written_by_the_loop(compacts: bool) -> None:
    healing = Healing(compacts=compacts)
    assert not healing.compacted(LOST)
    assert healing.by_loop


def test_an_ordinary_segment_waits_for_no_snapshot() -> None:
    healing = Healing(compacts=True)
    healing.begins(2)
    healing.begun()
    assert not healing.compacted(Outcome(Compacted(snapshot=2)))
