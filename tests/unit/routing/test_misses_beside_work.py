"""Chats that ring out at somebody who is at work with a call or an alarm say nothing of whether anybody is there."""

import pytest

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import api
from kak_server.routing.api import Activity, ContactKind, MadeNotReady, MissesTolerated, PeopleConfig
from tests.unit.routing.desk import Desk, only, queue
from tests.unit.routing.test_chats_moved import come, sit

RING_MS = 15_000


def desk(*, wrap_up_ms: int = 0, misses: int = 1) -> Desk:
    """Ada takes chats beside calls; Bob, of the same room, takes calls alone, and is busy with one."""
    made = Desk(
        queue("calls", wrap_up_ms=wrap_up_ms),
        queue("chats", klass=api.ContactClass.NORMAL),
        people=PeopleConfig(misses=misses),
    )
    made.sit("bob", at="oslo-bob")
    made.ring("b1", "calls")
    made.talk("bob", "b1")
    sit(made, "ada", chats=3, in_call=2)
    return made


def at_work(made: Desk, kind: ContactKind = ContactKind.VOICE) -> None:
    made.send(api.ContactArrived(made.now_ms, ContactId("w1"), QueueId("calls"), kind=kind))
    made.talk("ada", "w1")


def missed_in_row(made: Desk) -> int:
    return made.operator("ada").duty.misses_in_row


def told(effects: list[api.Effect]) -> list[api.Effect]:
    return [effect for effect in effects if isinstance(effect, MadeNotReady | MissesTolerated)]


@pytest.mark.parametrize("kind", [ContactKind.VOICE, ContactKind.VIDEO, ContactKind.ALARM, ContactKind.RADIO])
def test_chats_that_ring_out_beside_other_work_make_nobody_absent(kind: ContactKind) -> None:
    made = desk()
    at_work(made, kind)
    for number in range(4):
        come(made, f"t{number}")
        assert made.offered_to(f"t{number}") == "ada"
        assert told(made.wait(RING_MS)) == []
        made.gone(f"t{number}")
    ada = made.operator("ada")
    assert (ada.activity, ada.state, ada.duty.misses_in_row) == (Activity.AVAILABLE, api.OperatorState.BUSY, 0)
    assert ada.missed == 4, "the offers were missed all the same"


def test_where_nobody_else_is_no_lead_hears_that_somebody_at_work_does_not_answer() -> None:
    made = Desk(queue("calls"), queue("chats"), people=PeopleConfig(misses=1))
    sit(made, "ada")
    at_work(made)
    come(made)
    assert told(made.wait(RING_MS * 5)) == []
    assert made.operator("ada").missed > 0


@pytest.mark.parametrize("wrap_up_ms", [0, 5_000, 60_000])
def test_nor_does_a_chat_that_began_to_ring_during_a_call_that_has_ended_since(wrap_up_ms: int) -> None:
    made = desk(wrap_up_ms=wrap_up_ms)
    at_work(made)
    made.wait(1_000)
    come(made)
    made.wait(1_000)
    made.gone("w1")
    assert told(made.wait(RING_MS)) == []
    assert made.operator("ada").activity is Activity.AVAILABLE


@pytest.mark.parametrize("ended", [True, False])
def test_nor_one_that_rang_already_when_the_operator_called_out(ended: bool) -> None:
    made = desk()
    come(made)
    made.wait(1_000)
    made.dial("ada", "w1", "calls")
    made.joined("w1")
    made.wait(1_000)
    if ended:
        made.hang_up("ada", "w1")
    assert made.offered_to("t1") == "ada"
    assert told(made.wait(RING_MS)) == []
    assert missed_in_row(made) == 0


def test_a_chat_handed_on_to_somebody_in_a_call_by_name_is_no_miss_either() -> None:
    made = desk()
    sit(made, "cia", ready=True)
    come(made)
    giver = made.offered_to("t1")
    other = "cia" if giver == "ada" else "ada"
    assert giver is not None
    made.talk(giver, "t1")
    made.dial(other, "w1", "calls")
    made.joined("w1")
    made.hand_to(giver, "t1", other)
    assert told(made.wait(RING_MS)) == []
    there = made.operator(other)
    assert (there.missed, there.duty.misses_in_row, there.activity) == (1, 0, Activity.AVAILABLE)


def test_what_was_missed_before_the_call_still_counts_after_it() -> None:
    made = desk(misses=2)
    come(made)
    made.wait(RING_MS)
    assert missed_in_row(made) == 1
    made.gone("t1")
    made.dial("ada", "w1", "calls")
    made.joined("w1")
    come(made, "t2")
    made.wait(RING_MS)
    made.gone("t2")
    assert missed_in_row(made) == 1
    made.gone("w1")
    made.wait(1)
    come(made, "t3")
    assert [effect.operator for effect in only(made.wait(RING_MS), MadeNotReady)] == ["ada"]


@pytest.mark.parametrize("rings", ["call", "chat"])
def test_open_chats_alone_prove_nobody_there(rings: str) -> None:
    """They stay open where their operator has gone home; and calls go on ringing there."""
    made = desk()
    come(made)
    made.talk("ada", "t1")
    if rings == "call":
        made.ring("c1", "calls")
    else:
        come(made, "t2")
    assert [effect.operator for effect in only(made.wait(RING_MS), MadeNotReady)] == ["ada"]


def test_a_call_that_ended_as_the_next_offer_began_says_nothing_of_that() -> None:
    made = desk()
    at_work(made)
    made.ring("c2", "calls")
    come(made)
    made.wait(RING_MS)
    made.gone("t1")
    made.gone("w1")
    assert made.offered_to("c2") == "ada"
    assert [effect.operator for effect in only(made.wait(RING_MS), MadeNotReady)] == ["ada"]


def test_a_call_that_rings_at_several_counts_at_one_whose_own_call_ended_after_it_began_to_ring() -> None:
    """Asked in a later stage, with nothing else to do."""
    steps = (api.Step(strategy=api.Strategy.RING_ALL, ring_first=1, ring_max=2, ring_stage_ms=5_000),)
    made = Desk(queue("calls", wrap_up_ms=0), queue("all", workflow=steps), people=PeopleConfig(misses=1))
    made.sit("bob", at="oslo-bob")
    sit(made, "ada")
    made.dial("ada", "w1", "calls")
    made.joined("w1")
    made.ring("c1", "all")
    made.wait(1_000)
    made.gone("w1")
    effects = made.wait(RING_MS)
    asked = [effect.operator for effect in only(effects, api.Offer) if effect.contact == "c1"]
    assert OperatorId("ada") in asked
    assert missed_in_row(made) == 1
    assert len(told(effects)) == 2, "of both"
