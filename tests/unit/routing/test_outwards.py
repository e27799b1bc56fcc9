"""Where an offer rang out, rooms farther out are asked next: empty chairs keep no caller from the neighbours."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    ContactArrived,
    ContactClass,
    ContactKind,
    MadeNotReady,
    OperatorSignedIn,
    PeopleConfig,
    Reach,
    RoomConfig,
    RoomsConfig,
    RoomState,
    RoomStateSet,
    Step,
    Strategy,
)
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, offers_in, only, queue

OSLO, BERGEN, TROMSO = (RoomId(name) for name in ("oslo", "bergen", "tromso"))
OWN = Step(reach=Reach.OWN)
NEIGHBOURS = Step(after_ms=10_000, reach=Reach.NEIGHBOURS)
COUNTRY = Step(after_ms=10_000, reach=Reach.COUNTRY)
RING_MS = 15_000


def desk(*steps: Step, reserve: int = 0, absent: int = 8, people: PeopleConfig | None = None, **more: Any) -> Desk:
    """Eight in Oslo who say they are available and are not there. Offers ring for 15 s."""
    national = RoomsConfig(
        (RoomConfig(OSLO, (BERGEN,)), RoomConfig(BERGEN, (OSLO,), reserve=reserve), RoomConfig(TROMSO)),
        recheck_ms=5_000,
    )
    made = Desk(
        queue("113", "oslo", workflow=steps, **more),
        queue("113-b", "bergen"),
        national=national,
        people=people or PeopleConfig(),
    )
    for number in range(absent):
        made.sit(f"o{number}")
        made.wait(1)
    return made


def asked(made: Desk, contact: str = "c1") -> list[str]:
    """Everybody who was offered the contact, in order."""
    return [operator for found, operator, _ in offers_in(made.effects) if found == contact]


@pytest.mark.parametrize("klass", list(ContactClass))
def test_empty_chairs_of_the_own_room_do_not_come_before_an_idle_neighbour(klass: ContactClass) -> None:
    made = desk(OWN, NEIGHBOURS, klass=klass)
    made.sit("bob", "bergen")
    made.ring("c1")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "bob"
    made.talk("bob", "c1")


def test_a_queue_without_workflow_looks_outwards_too() -> None:
    made = Desk(queue("113", "oslo", "bergen", own_room_ms=10_000))
    for who, room in (("o0", "oslo"), ("o1", "oslo"), ("bob", "bergen")):
        made.sit(who, room)
        made.wait(1)
    made.ring("c1")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "bob"
    made.wait(RING_MS)
    assert made.offered_to("c1") == "o1"


def test_the_own_room_is_asked_alone_until_a_step_widens() -> None:
    made = desk(OWN, Step(after_ms=20_000, reach=Reach.NEIGHBOURS))
    made.sit("bob", "bergen")
    made.ring("c1")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "o1"
    made.wait(RING_MS)
    assert asked(made) == ["o0", "o1", "bob"]


def test_the_rings_are_asked_one_after_the_other_and_nobody_twice_before_all_were_asked() -> None:
    made = desk(OWN, NEIGHBOURS, COUNTRY, absent=3)
    for who, room in (("b0", "bergen"), ("b1", "bergen"), ("t0", "tromso")):
        made.sit(who, room)
        made.wait(1)
    made.ring("c1")
    made.wait(6 * RING_MS)
    assert asked(made) == ["o0", "b0", "t0", "o1", "b1", "o2", "o0"]


def test_whoever_is_farther_out_and_busy_is_not_waited_for() -> None:
    made = desk(OWN, NEIGHBOURS)
    made.sit("bob", "bergen")
    made.ring("other", "113-b")
    made.talk("bob", "other")
    made.ring("c1")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "o1"


def test_a_spoken_no_is_a_sign_of_life_of_the_room() -> None:
    made = desk(OWN, Step(reach=Reach.NEIGHBOURS))
    made.sit("bob", "bergen")
    made.ring("c1")
    made.reject("o0", "c1")
    assert made.offered_to("c1") == "o1"


def test_a_no_farther_out_does_not_bring_the_caller_back_before_others_there() -> None:
    made = desk(OWN, NEIGHBOURS)
    made.sit("b0", "bergen")
    made.wait(1)
    made.sit("b1", "bergen")
    made.ring("c1")
    made.wait(RING_MS)
    made.reject("b0", "c1")
    assert asked(made) == ["o0", "b0", "b1"]


def test_whom_a_neighbour_keeps_in_reserve_is_not_asked() -> None:
    made = desk(OWN, NEIGHBOURS, reserve=1)
    made.sit("b0", "bergen")
    made.ring("c1")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "o1"
    made.sit("b1", "bergen")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "b0"


def test_the_last_operator_of_the_caller_is_asked_wherever_it_rang() -> None:
    sticky = Step(after_ms=10_000, reach=Reach.NEIGHBOURS, strategy=Strategy.NAMED, operator=OperatorId("o7"))
    made = desk(OWN, sticky)
    made.sit("bob", "bergen")
    made.ring("c1")
    made.wait(2 * RING_MS)
    assert asked(made) == ["o0", "o7", "bob"]


def test_who_was_asked_by_name_says_nothing_of_the_room() -> None:
    made = desk(OWN, Step(reach=Reach.NEIGHBOURS))
    made.sit("bob", "bergen")
    made.ring("c1")
    made.talk("o0", "c1")
    made.hand_to("o0", "c1", "o1", back=False)
    made.done("o0")
    made.wait(RING_MS)
    assert made.offered_to("c1") == "o2"


def test_a_conversation_begins_it_anew() -> None:
    made = desk(OWN, NEIGHBOURS)
    made.sit("bob", "bergen")
    made.ring("c1")
    made.wait(RING_MS)
    made.talk("bob", "c1")
    made.join_failed("c1")
    assert made.offered_to("c1") == "o1"


def test_a_chat_looks_outwards_too() -> None:
    made = desk(OWN, NEIGHBOURS, klass=ContactClass.NORMAL, absent=0)
    for who, room in (("o0", OSLO), ("o1", OSLO), ("bob", BERGEN)):
        made.send(
            OperatorSignedIn(
                made.now_ms,
                OperatorId(who),
                who.title(),
                PositionId(f"{room}-{who}"),
                room,
                {},
                Activity.AVAILABLE,
                media_up=True,
                chats_max=2,
                chats_in_call=1,
            )
        )
        made.wait(1)
    made.send(ContactArrived(made.now_ms, ContactId("c1"), QueueId("113"), kind=ContactKind.CHAT))
    made.wait(RING_MS)
    assert asked(made) == ["o0", "bob"]


def test_several_are_rung_farther_out_once_all_who_rang_at_home_were_silent() -> None:
    ring = Step(strategy=Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=4_000)
    made = desk(OWN, ring, NEIGHBOURS)
    for who in ("b0", "b1"):
        made.sit(who, "bergen")
        made.wait(1)
    made.ring("c1")
    made.wait(RING_MS)
    assert asked(made) == ["o0", "o1", "o2", "b0", "b1"]
    made.wait(4_000)
    assert asked(made)[5:] == ["o3"]
    made.wait(RING_MS)
    assert asked(made)[6:8] == ["o4", "o5"], "the farthest were among those who did not answer"


def test_automatic_not_ready_and_the_way_outwards_go_together() -> None:
    made = desk(OWN, NEIGHBOURS, people=PeopleConfig(misses=1))
    made.sit("bob", "bergen")
    made.ring("c1")
    effects = made.wait(RING_MS)
    assert [made_so.operator for made_so in only(effects, MadeNotReady)] == ["o0"]
    assert (made.offered_to("c1"), made.operator("o0").activity) == ("bob", Activity.BREAK)


def test_a_core_that_was_restored_looks_outwards_as_the_one_that_lived() -> None:
    made = desk(OWN, NEIGHBOURS)
    made.ring("c1")
    made.wait(RING_MS)
    made.sit("bob", "bergen")
    made.crash_and_replay()
    made.wait(RING_MS)
    assert made.offered_to("c1") == "bob"


@pytest.mark.parametrize("first", [OWN, Step(reach=Reach.OWN, strategy=Strategy.RING_ALL, ring_first=1, ring_max=3)])
def test_what_rings_while_a_room_opens_goes_on_alike_in_a_restored_core(first: Step) -> None:
    """Oslo is closed, so that it rings in Bergen as if that were the own room; then Oslo opens."""
    made = desk(first, Step(after_ms=20_000, reach=Reach.COUNTRY), absent=0)
    made.send(RoomStateSet(made.now_ms, OSLO, RoomState.CLOSED))
    made.sit("bob", "bergen")
    made.ring("c1")
    made.sit("eve", "bergen")
    made.send(RoomStateSet(made.now_ms, OSLO, RoomState.OPEN))
    restored, done = RoutingCore.restore(made.core.snapshot()), len(made.events)
    made.wait(RING_MS)
    made.says("bob", Activity.BREAK)
    made.wait(10_000)
    made.sit("dag", "bergen")
    made.sit("cia", "tromso")
    made.says("eve", Activity.BREAK)
    for event in made.events[done:]:
        restored.step(event)
    assert restored.digest() == made.core.digest()
