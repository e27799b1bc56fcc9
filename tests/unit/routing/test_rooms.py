"""Rooms that close and open again."""

from kak_server.model.ids import ContactId, RoomId
from kak_server.routing.api import (
    Activity,
    Connect,
    ContactClass,
    ContactState,
    Effect,
    Offer,
    OperatorState,
    Reach,
    RoomConfig,
    RoomsConfig,
    RoomState,
    RoomStateSet,
    Step,
    Strategy,
)
from tests.unit.routing.desk import BERGEN, OSLO, Desk, only, queue, refused


def test_when_people_come_back_an_emergency_is_not_passed_over_by_who_waited_for_others() -> None:
    """The other room is asked no more for the call of the lower class: its need changes, the emergency's does not."""
    advice = queue("116117", "oslo", "bergen", klass=ContactClass.NORMAL, own_room_ms=60_000)
    desk = Desk(queue("113", "oslo"), advice)
    desk.sit("ada", "oslo")
    desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.EVACUATED))
    desk.ring("c1", "116117")
    desk.ring("c2", "113")
    desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.OPEN))
    assert desk.operator("ada").contact == ContactId("c2")


def test_who_looked_past_a_shut_room_waits_for_it_again_when_it_opens() -> None:
    """Both rooms of the first step are shut, so the next step's are asked; then one of the two opens."""
    desk = Desk(
        queue("113", "oslo", workflow=(Step(reach=Reach.NEIGHBOURS), Step(after_ms=60_000, reach=Reach.REGION))),
        national=RoomsConfig(
            (
                RoomConfig(RoomId("oslo"), (RoomId("moss"),), "south"),
                RoomConfig(RoomId("moss"), (), "east"),
                RoomConfig(RoomId("skien"), (), "south"),
            )
        ),
    )
    for shut in ("oslo", "moss"):
        desk.send(RoomStateSet(desk.now_ms, RoomId(shut), RoomState.CLOSED))
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    desk.send(RoomStateSet(desk.now_ms, RoomId("moss"), RoomState.OPEN))
    desk.sit("mia", "moss")
    assert desk.offered_to("c1") == "mia"
    desk.crash_and_replay()


# --- what an evacuated room has at hand ------------------------------------------------------------------------------

ROOMS = RoomsConfig((RoomConfig(OSLO), RoomConfig(BERGEN), RoomConfig(RoomId("sund"))))


def says(desk: Desk, room: RoomId, what: RoomState) -> tuple[Effect, ...]:
    return desk.send(RoomStateSet(desk.now_ms, room, what))


def test_what_is_parked_in_a_room_goes_to_the_queue_at_once_when_it_is_evacuated() -> None:
    desk = Desk(queue("113", "oslo", "bergen"), queue("116117", "bergen", klass=ContactClass.NORMAL), national=ROOMS)
    desk.sit("ada")
    for contact in ("c1", "c2"):
        desk.ring(contact)
        desk.talk("ada", contact)
        desk.park("ada", contact)
        desk.done("ada")
    desk.sit("bob", "bergen")
    desk.ring("c3")
    desk.says("bob", Activity.BREAK)
    desk.ring("c4", "116117")
    says(desk, OSLO, RoomState.EVACUATED)
    assert desk.line() == ["c1", "c2", "c3"], "those who were answered before first"
    desk.says("bob", Activity.AVAILABLE)
    assert desk.offered_to("c1") == "bob"
    assert desk.operator("ada").state is OperatorState.IDLE
    desk.crash_and_replay()


def test_who_parked_a_call_and_sits_elsewhere_gets_it_back_when_the_room_is_evacuated() -> None:
    desk = Desk(queue("113", "oslo"), queue("b", "bergen"), national=ROOMS)
    desk.sit("ada")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.park("ada", "c1")
    desk.done("ada")
    desk.sit("ada", "bergen", at="b9")
    says(desk, OSLO, RoomState.EVACUATED)
    assert desk.offered_to("c1") == "ada"


def test_who_parked_a_call_takes_it_at_another_position_too() -> None:
    desk = Desk(queue("113", "oslo"), queue("b", "bergen"), national=ROOMS)
    desk.sit("ada")
    desk.sit("zoe", "bergen")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.park("ada", "c1")
    desk.done("ada")
    desk.sit("ada", "bergen", at="b9")
    assert refused(desk.unpark("zoe", "c1")) == ["not-yours"]
    (connect,) = only(desk.unpark("ada", "c1"), Connect)
    assert connect.operator == "ada"


def test_nobody_of_an_evacuated_room_is_asked_by_name() -> None:
    desk = Desk(queue("113", "oslo", "bergen", wrap_up_ms=0), national=ROOMS)
    desk.sit("ada")
    desk.sit("zoe", "bergen")
    desk.ring("c1")
    desk.talk("ada", "c1")
    says(desk, BERGEN, RoomState.EVACUATED)
    assert refused(desk.hand_to("ada", "c1", "zoe")) == ["busy"]
    assert refused(desk.invite("ada", "c1", "zoe")) == ["busy"]
    says(desk, BERGEN, RoomState.OPEN)
    assert not refused(desk.invite("ada", "c1", "zoe"))
    desk.comes_in("zoe", "c1")
    says(desk, BERGEN, RoomState.EVACUATED)
    assert desk.operator("zoe").state is OperatorState.BUSY, "talks go on"


def test_a_call_that_was_handed_on_does_not_come_back_into_an_evacuated_room() -> None:
    desk = Desk(queue("113", "oslo", "bergen", wrap_up_ms=0), national=ROOMS)
    desk.sit("ada")
    desk.sit("bob")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.hand_to("ada", "c1", "bob")
    assert desk.offered_to("c1") == "bob"
    assert only(says(desk, OSLO, RoomState.EVACUATED), Offer) == []
    assert desk.contact("c1").state is ContactState.WAITING
    desk.sit("zoe", "bergen")
    assert desk.offered_to("c1") == "zoe"


def test_who_waits_for_one_operator_alone_waits_for_other_rooms_when_these_are_shut() -> None:
    last = queue(
        "116117",
        "oslo",
        "bergen",
        klass=ContactClass.NORMAL,
        workflow=(Step(reach=Reach.QUEUE, strategy=Strategy.STICKY),),
    )
    desk = Desk(last, queue("b", "bergen"), national=ROOMS)
    desk.sit("ada")
    desk.ring("c1", "116117", caller="4791")
    desk.talk("ada", "c1")
    desk.ring("c2", "116117", caller="4791")
    desk.sit("sun", "sund")
    says(desk, OSLO, RoomState.EVACUATED)
    says(desk, BERGEN, RoomState.EVACUATED)
    desk.wait(5_000)
    desk.crash_and_replay()


def test_whoever_is_on_loan_and_comes_back_into_the_room_is_asked_for_the_emergency_first() -> None:
    desk = Desk(queue("113b", "bergen"), queue("116117", "bergen", "oslo", klass=ContactClass.NORMAL), national=ROOMS)
    desk.sit("fay")
    desk.borrow("l1", "bergen", "oslo", "fay")
    desk.lend("l1", "fay")
    says(desk, OSLO, RoomState.EVACUATED)
    desk.ring("c1", "116117")
    desk.ring("c2", "113b")
    says(desk, OSLO, RoomState.CLOSED)
    assert desk.operator("fay").contact == ContactId("c2")


def test_who_rang_in_an_evacuated_room_is_not_offered_on_before_an_emergency_that_looks_farther_now() -> None:
    national = RoomsConfig((RoomConfig(OSLO, (BERGEN,)), RoomConfig(BERGEN), RoomConfig(RoomId("tromso"))))
    made = Desk(
        queue("113", "oslo", "bergen", workflow=(Step(reach=Reach.NEIGHBOURS),)),
        queue("line", "bergen", klass=ContactClass.URGENT, workflow=(Step(reach=Reach.COUNTRY),)),
        national=national,
    )
    made.send(RoomStateSet(made.now_ms, OSLO, RoomState.EVACUATED))
    made.sit("bob", "bergen")
    made.ring("c1", "line")
    made.ring("e1", "113")
    made.sit("eve", "tromso")
    assert (made.offered_to("c1"), made.offered_to("e1")) == ("bob", None)
    made.send(RoomStateSet(made.now_ms, BERGEN, RoomState.EVACUATED))
    assert (made.offered_to("c1"), made.offered_to("e1")) == (None, "eve")
