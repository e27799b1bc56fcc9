"""A step is taken by its time, also while the contact rings: no chain of offers keeps a caller from it."""

from typing import Any

import pytest

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.api import (
    Condition,
    ContactClass,
    ContactState,
    PeopleConfig,
    Reach,
    RoomConfig,
    RoomsConfig,
    Step,
    Strategy,
)
from tests.unit.routing.desk import Desk, offers_in, only, queue

NATIONAL = RoomsConfig(
    (RoomConfig(RoomId("oslo"), (RoomId("bergen"),)), RoomConfig(RoomId("bergen"), (RoomId("oslo"),))),
    recheck_ms=5_000,
)
OWN = Step(reach=Reach.OWN)


def desk(*steps: Step, **more: Any) -> Desk:
    """Ada in Oslo, who says she is available and is not there; Bob in Bergen, who is. Offers ring for 15 s."""
    made = Desk(
        queue("113", "oslo", workflow=steps, **more), queue("b", "bergen"), national=NATIONAL, people=PeopleConfig()
    )
    made.sit("ada")
    made.sit("bob", "bergen")
    return made


WIDER = Step(after_ms=10_000, reach=Reach.NEIGHBOURS)
SKILLED = Step(after_ms=20_000, reach=Reach.NEIGHBOURS, strategy=Strategy.RING_ALL)


@pytest.mark.parametrize("klass", list(ContactClass))
@pytest.mark.parametrize(("step", "by_ms"), [(WIDER, 15_000), (SKILLED, 30_000)])
def test_an_absent_operator_does_not_keep_a_caller_from_the_neighbours(
    step: Step, by_ms: int, klass: ContactClass
) -> None:
    made = desk(OWN, step, klass=klass)
    made.ring("c1")
    made.wait(by_ms)
    assert made.offered_to("c1") == "bob"


def test_what_rings_is_let_ring_to_its_end_and_rings_nobody_twice() -> None:
    made = desk(OWN, WIDER)
    made.ring("c1")
    assert offers_in(made.wait(14_999)) == []
    assert made.contact("c1").operator == "ada"
    made.talk("ada", "c1")
    assert made.contact("c1").state is ContactState.CONNECTED


def test_a_spoken_no_leads_to_the_neighbours_too() -> None:
    made = desk(OWN, WIDER)
    made.ring("c1")
    made.wait(12_000)
    assert offers_in(made.reject("ada", "c1")) == [("c1", "bob", 2)]


def test_a_caller_goes_on_to_another_queue_when_the_offer_is_over() -> None:
    made = desk(OWN, Step(after_ms=20_000, overflow_queue=QueueId("b")))
    made.ring("c1")
    made.wait(29_999)
    assert (made.contact("c1").queue, made.offered_to("c1")) == ("113", "ada"), "ada may answer in that very second"
    made.wait(1)
    assert (made.contact("c1").queue, made.offered_to("c1")) == ("b", "bob")


def test_a_number_is_called_when_the_offer_is_over() -> None:
    made = desk(OWN, Step(after_ms=20_000, overflow_number="+4711"))
    made.ring("c1")
    (out,) = only(made.wait(30_000), api.OverflowOut)
    assert out.number == "+4711"
    assert made.contact("c1").state is ContactState.HANDED_OVER
    assert made.operator("ada").state is api.OperatorState.IDLE


def test_whoever_answers_in_time_keeps_the_call_from_going_elsewhere() -> None:
    made = desk(OWN, Step(after_ms=20_000, overflow_number="+4711"))
    made.ring("c1")
    made.wait(25_000)
    made.talk("ada", "c1")
    assert only(made.wait(60_000), api.OverflowOut) == []


def test_the_caller_hears_an_announcement_at_its_time_though_it_rings() -> None:
    made = desk(OWN, Step(after_ms=5_000, announce="please-hold"))
    made.ring("c1")
    assert [said.prompt for said in only(made.wait(5_000), api.Announce)] == ["please-hold"]
    assert made.offered_to("c1") == "ada"


def test_several_steps_that_fall_due_while_it_rings_are_taken_in_their_order() -> None:
    made = desk(
        OWN,
        Step(after_ms=1_000, announce="one"),
        Step(after_ms=2_000, overflow_queue=QueueId("nowhere")),
        Step(after_ms=3_000, announce="two", reach=Reach.NEIGHBOURS),
        Step(after_ms=4_000, overflow_queue=QueueId("b")),
        Step(after_ms=5_000, announce="three"),
    )
    made.ring("c1")
    assert [said.prompt for said in only(made.wait(14_000), api.Announce)] == ["one", "two"]
    effects = made.wait(1_000)
    assert [said.reason for said in only(effects, api.StartWaiting)] == ["overflow"]
    assert only(effects, api.Announce) == [], "it has gone before the third"
    assert made.contact("c1").queue == "b"


def test_a_condition_is_looked_at_while_it_rings() -> None:
    made = desk(OWN, Step(after_ms=4_000, reach=Reach.NEIGHBOURS, when=Condition(waiting_from=1)))
    made.ring("c1")
    made.wait(5_000)
    made.ring("c2")  # waits: nobody is left in Oslo
    made.wait(4_000)
    assert made.offered_to("c2") == "bob", "its own step, four seconds after it came"
    made.ring("c3")
    made.wait(1_000)  # c1 is looked at for the third time
    made.sit("eva", "bergen", ready=False)
    made.gone("c3")
    made.says("eva", api.Activity.AVAILABLE)
    assert offers_in(made.reject("ada", "c1")) == [("c1", "eva", 2)]


def test_more_are_rung_as_widely_as_the_steps_ask_by_then() -> None:
    everybody = Step(reach=Reach.OWN, strategy=Strategy.RING_ALL, ring_first=1, ring_stage_ms=3_000)
    made = desk(everybody, Step(after_ms=2_000, reach=Reach.NEIGHBOURS))
    made.ring("c1")
    assert offers_in(made.wait(3_000)) == [("c1", "bob", 1)]


def test_no_more_are_rung_once_a_step_asks_one_at_a_time() -> None:
    everybody = Step(reach=Reach.NEIGHBOURS, strategy=Strategy.RING_ALL, ring_first=1, ring_stage_ms=3_000)
    made = desk(everybody, Step(after_ms=2_000, strategy=Strategy.LONGEST_IDLE))
    made.ring("c1")
    assert offers_in(made.wait(14_000)) == []
    assert offers_in(made.wait(1_000)) == [("c1", "bob", 2)]


def test_a_caller_who_lost_an_operator_is_asked_for_before_going_elsewhere() -> None:
    made = desk(OWN, Step(after_ms=20_000, overflow_number="+4711"))
    made.ring("c1")
    made.talk("ada", "c1")
    made.wait(60_000)
    made.sit("kari")
    assert offers_in(made.send(api.ConnectFailed(made.now_ms, made.contact("c1").contact, 1, "rtp")))[0][1] == "kari"
    assert only(made.wait(14_999), api.OverflowOut) == []
    assert len(only(made.wait(1), api.OverflowOut)) == 1, "kari did not answer"


def test_a_caller_who_lost_an_operator_goes_elsewhere_where_nobody_can_be_asked() -> None:
    made = desk(OWN, Step(after_ms=20_000, overflow_number="+4711"))
    made.ring("c1")
    made.talk("ada", "c1")
    made.wait(60_000)
    made.media("oslo-ada", False)
    assert len(only(made.wait(10_000), api.OverflowOut)) == 1


def test_who_was_asked_by_name_is_not_those_of_the_queue() -> None:
    """A parked call comes back: the one who parked it does not answer, a colleague is idle."""
    made = desk(OWN, Step(after_ms=20_000, overflow_number="+4711"))
    made.ring("c1")
    made.talk("ada", "c1")
    made.park("ada", "c1")
    made.wait(31_000)
    made.done("ada")
    made.sit("kari")
    made.wait(30_000)
    assert made.offered_to("c1") == "ada"
    effects = made.wait(15_000)
    assert (offers_in(effects), only(effects, api.OverflowOut)) == ([("c1", "kari", 3)], [])
    assert len(only(made.wait(15_000), api.OverflowOut)) == 1


def test_other_rules_hold_for_what_rings_too() -> None:
    made = desk(OWN, Step(after_ms=600_000, reach=Reach.NEIGHBOURS))
    made.ring("c1")
    made.configure(queue("113", "oslo", workflow=(OWN, WIDER)), queue("b", "bergen"), national=NATIONAL)
    made.wait(15_000)
    assert made.offered_to("c1") == "bob"


def test_an_old_snapshot_of_a_call_that_rings_catches_up_when_the_offer_is_over() -> None:
    """Steps that fell due while it rang were lost by former versions: no timer is left of them."""
    made = desk(OWN, WIDER)
    made.ring("c1")
    made.wait(9_000)
    kept = made.core.snapshot()
    del kept["timers"]["step:c1"]
    for contact in kept["contacts"]:
        del contact["moves"]["by_name"]
    core = type(made.core).restore(kept)
    core.step(api.TimerFired(made.now_ms + 6_000, "offer:c1"))
    view = core.contact(made.contact("c1").contact)
    assert view is not None
    assert view.operator == OperatorId("bob")


def test_a_queue_that_overflows_into_itself_comes_to_an_end() -> None:
    made = desk(OWN, Step(overflow_queue=QueueId("113")))
    made.ring("c1")
    assert made.offered_to("c1") == "ada"
    made.wait(15_000)
    assert made.offered_to("c1") == "ada", "nobody else may be asked"
