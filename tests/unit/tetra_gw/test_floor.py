"""The floor machine: each pair of state and input does what the table's prose says."""

import pytest

from kak_server.tetra_gw.api import FloorState
from kak_server.tetra_gw.floor import HELD, TABLE, Floor, FloorAction, FloorInput

S, In, A = FloorState, FloorInput, FloorAction


def test_only_a_grant_leads_to_talking() -> None:
    ways_in = {(state, what) for (state, what), (after, _) in TABLE.items() if after is S.TALKING}
    assert ways_in == {(S.REQUESTED, In.GRANTED), (S.QUEUED, In.GRANTED), (S.TALKING, In.GRANTED)}


def test_only_a_pressed_key_asks_for_the_floor() -> None:
    asking = {what for (_, what), (_, action) in TABLE.items() if action is A.REQUEST}
    assert asking == {In.REQUEST}


@pytest.mark.parametrize("state", [state for state in S if state is not S.FREE])
def test_release_and_link_loss_free_every_state(state: FloorState) -> None:
    assert TABLE[state, In.RELEASE][0] is S.FREE
    assert TABLE[state, In.LINK_LOST] == (S.FREE, A.NOTHING)


@pytest.mark.parametrize("state", sorted(HELD))
def test_a_released_key_that_was_held_tells_the_gateway(state: FloorState) -> None:
    assert TABLE[state, In.RELEASE][1] is A.CEASE


@pytest.mark.parametrize("what", [In.INTERRUPTED, In.DENIED, In.TAKEN, In.IDLE, In.TIMEOUT])
def test_whatever_says_that_others_may_talk_ends_our_talking(what: FloorInput) -> None:
    floor = Floor(state=S.TALKING)
    told, _ = floor.apply(what)
    assert told
    assert floor.state is S.REVOKED


@pytest.mark.parametrize("state", [S.FREE, S.DENIED, S.REVOKED])
def test_a_grant_nobody_waits_for_is_handed_back(state: FloorState) -> None:
    floor = Floor(state=state)
    assert floor.apply(In.GRANTED) == (False, A.CEASE)
    assert floor.state is state


def test_an_input_that_is_not_in_the_table_changes_nothing() -> None:
    floor = Floor()
    assert floor.apply(In.RELEASE) == (False, A.NOTHING)
    assert floor.state is S.FREE


def test_moving_up_in_the_queue_is_told() -> None:
    assert Floor(state=S.QUEUED).apply(In.QUEUED) == (True, A.NOTHING)


def test_an_answer_belongs_to_the_request_in_force() -> None:
    floor = Floor(state=S.REQUESTED, request_id="c7")
    assert floor.answers("c7")
    assert not floor.answers("c6")
    assert not floor.answers(None)
    floor.apply(In.RELEASE)
    assert not floor.answers("c7")
