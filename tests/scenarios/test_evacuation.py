"""A control room is evacuated while callers wait, told as people would tell it, with a kill -9 in the middle of it."""

import pytest

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.api import (
    Activity,
    ContactClass,
    ContactState,
    Offer,
    OperatorState,
    Reach,
    RoomChanged,
    RoomConfig,
    RoomsConfig,
    RoomState,
    RoomStateSet,
    Step,
    Strategy,
    WithdrawOffer,
)
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, only, queue

OSLO, BERGEN, MOSS = RoomId("oslo"), RoomId("bergen"), RoomId("moss")


class JournalledDesk(Desk):
    """The laws of the core are checked after each step; the journal's events are all that outlives it."""

    def crash(self) -> None:
        """kill -9."""
        again = RoutingCore()
        for event in self.events:
            again.step(event)
        assert again.digest() == self.core.digest()
        assert RoutingCore.restore(self.core.snapshot()).digest() == self.core.digest()
        self.core = again


def three_centres(*steps: Step, own_room_ms: int = 0) -> JournalledDesk:
    """Oslo's 113; Bergen is its neighbour, Moss is not."""
    desk = JournalledDesk()
    desk.configure(
        queue("113", "oslo", "bergen", workflow=steps, own_room_ms=own_room_ms),
        national=RoomsConfig((RoomConfig(OSLO, neighbours=(BERGEN,)), RoomConfig(BERGEN), RoomConfig(MOSS))),
    )
    return desk


def say(desk: JournalledDesk, state: RoomState, reason: str = "") -> list[RoomChanged]:
    return only(desk.send(RoomStateSet(desk.now_ms, OSLO, state, OperatorId("sofie"), reason)), RoomChanged)


@pytest.mark.parametrize("workflow", [True, False])
def test_those_who_wait_go_to_the_neighbours_at_once_and_the_call_that_is_up_goes_on(workflow: bool) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=120_000, reach=Reach.NEIGHBOURS)) if workflow else ()
    desk = three_centres(*steps, own_room_ms=0 if workflow else 120_000)
    desk.sit("kari", "oslo", at="oslo-1")
    desk.sit("ola", "oslo", at="oslo-2")
    for who in ("bente", "berit"):
        desk.sit(who, "bergen")
    desk.sit("mona", "moss")
    desk.ring("heart", "113")
    desk.talk("kari", "heart")
    desk.ring("rings-at-ola", "113")
    desk.ring("waits", "113")
    desk.wait(2_000)
    assert (desk.offered_to("rings-at-ola"), desk.offered_to("waits")) == ("ola", None)

    effects = desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.EVACUATED, OperatorId("sofie"), "fire alarm"))
    assert [(e.state, e.reason, e.by) for e in only(effects, RoomChanged)] == [
        (RoomState.EVACUATED, "fire alarm", "sofie")
    ]
    assert [(e.contact, e.reason) for e in only(effects, WithdrawOffer)] == [("rings-at-ola", "evacuated")]
    assert {desk.offered_to("rings-at-ola"), desk.offered_to("waits")} == {"bente", "berit"}, "at once, both"
    assert desk.contact("heart").state is ContactState.CONNECTED, "Kari takes her headset along or not: no call is cut"

    desk.crash()
    room = desk.core.room(OSLO)
    assert (room.state, room.reason, room.by, room.since_ms) == (
        RoomState.EVACUATED,
        "fire alarm",
        "sofie",
        desk.now_ms,
    )
    assert {desk.offered_to("rings-at-ola"), desk.offered_to("waits")} == {"bente", "berit"}
    for contact in ("rings-at-ola", "waits"):
        helper = desk.offered_to(contact)
        assert helper is not None
        desk.talk(helper, contact)
    desk.ring("later", "113")
    desk.gone("heart")
    desk.done("kari")
    desk.wait(30_000)
    assert desk.offered_to("later") is None, "Oslo has two who are free, and nobody is asked in a burning house"
    assert desk.operator("ola").state is OperatorState.IDLE

    desk.crash()
    assert [e.state for e in say(desk, RoomState.OPEN, "")] == [RoomState.OPEN]
    assert desk.offered_to("later") in ("kari", "ola"), "home again"


def test_what_oslo_had_in_hand_goes_to_bergen_too() -> None:
    """A parked call, one that rings at a colleague by name, and a caller who would wait for one alone."""
    steps = (Step(reach=Reach.QUEUE, strategy=Strategy.STICKY),)
    desk = JournalledDesk()
    desk.configure(
        queue("113", "oslo", "bergen"),
        queue("116117", "oslo", "bergen", klass=ContactClass.NORMAL, workflow=steps),
        queue("moss", "moss"),
        national=RoomsConfig((RoomConfig(OSLO, neighbours=(BERGEN,)), RoomConfig(BERGEN), RoomConfig(MOSS))),
    )
    for who in ("kari", "ola", "per"):
        desk.sit(who, "oslo", at=f"oslo-{who}")
    desk.ring("sticks", "116117", caller="+4791")
    talked = desk.offered_to("sticks")
    assert talked is not None
    desk.talk(talked, "sticks")
    desk.hang_up(talked, "sticks")
    desk.done(talked)
    desk.says(talked, Activity.BREAK)
    first, second = sorted({"kari", "ola", "per"} - {talked})
    desk.ring("parked", "113")
    holder = desk.offered_to("parked")
    assert holder is not None
    desk.talk(holder, "parked")
    desk.park(holder, "parked")
    desk.done(holder)
    desk.ring("handed", "113")
    holder = desk.offered_to("handed")
    assert holder is not None
    desk.talk(holder, "handed")
    desk.hand_to(holder, "handed", first if holder == second else second)
    desk.done(holder)
    assert desk.contact("handed").state is ContactState.OFFERED

    effects = desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.EVACUATED, OperatorId("sofie"), "fire alarm"))
    assert only(effects, Offer) == [], "nobody in Oslo is rung for any of it, and nobody else is there"
    assert [desk.contact(name).state for name in ("parked", "handed")] == [ContactState.WAITING] * 2
    desk.crash()
    desk.says(talked, Activity.AVAILABLE)
    desk.ring("sticks-again", "116117", caller="+4791")
    for who in ("bente", "berit", "brit"):
        desk.sit(who, "bergen")
    desk.wait(5_000)
    asked = {desk.offered_to(name) for name in ("parked", "handed", "sticks-again")}
    assert asked == {"bente", "berit", "brit"}, "Bergen has all three"
    desk.wait(14_000)
    assert all(desk.operator(who).state is OperatorState.IDLE for who in ("kari", "ola", "per"))
