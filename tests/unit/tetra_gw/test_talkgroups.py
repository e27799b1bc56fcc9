"""The attachment machine."""

import pytest

from kak_server.model.ids import Gssi
from kak_server.tetra_gw.api import GroupState
from kak_server.tetra_gw.talkgroups import TABLE, GroupInput, Talkgroup


def test_only_a_confirmation_attaches() -> None:
    ways_in = {pair for pair, after in TABLE.items() if after is GroupState.ATTACHED}
    assert ways_in == {(GroupState.ATTACHING, GroupInput.CONFIRMED)}


@pytest.mark.parametrize("what", [GroupInput.LINK_LOST, GroupInput.DETACH, GroupInput.DROPPED])
@pytest.mark.parametrize("state", [GroupState.ATTACHING, GroupState.ATTACHED])
def test_every_loss_detaches(state: GroupState, what: GroupInput) -> None:
    group = Talkgroup(Gssi(1), state=state)
    assert group.apply(what)
    assert group.state is GroupState.DETACHED


def test_an_input_that_does_not_fit_changes_nothing() -> None:
    group = Talkgroup(Gssi(1))
    assert not group.apply(GroupInput.CONFIRMED)
    assert group.state is GroupState.DETACHED


def test_the_leg_is_named_after_the_group() -> None:
    assert Talkgroup(Gssi(24201)).leg_id == "leg-24201"
