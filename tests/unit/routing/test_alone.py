"""A caller is kept for one operator only as long as that one can be asked; staff is who could be."""

from typing import Any

import pytest

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.api import Condition, ContactClass, Reach, RoomConfig, RoomsConfig, RoomState, Step, Strategy
from tests.unit.routing.desk import Desk, offers_in, queue

STICKY = Step(reach=Reach.QUEUE, strategy=Strategy.STICKY)
NAMED = Step(reach=Reach.QUEUE, strategy=Strategy.NAMED, operator=OperatorId("ada"))
BOTH = pytest.mark.parametrize("step", [STICKY, NAMED], ids=["sticky", "named"])


def national(reserve: int = 0) -> RoomsConfig:
    return RoomsConfig((RoomConfig(RoomId("oslo"), reserve=reserve), RoomConfig(RoomId("bergen"))), recheck_ms=5_000)


def desk(step: Step, *, reserve: int = 0, klass: ContactClass = ContactClass.NORMAL, **more: Any) -> Desk:
    """Ada in Oslo has talked with +4791; Bob in Bergen is idle."""
    config = queue("q", "oslo", "bergen", klass=klass, wrap_up_ms=0, workflow=(step,), **more)
    made = Desk(config, queue("113", "oslo"), national=national(reserve))
    made.sit("ada")
    made.sit("eva")
    made.ring("c0", "q", "+4791")
    made.talk("ada", "c0")
    made.hang_up("ada", "c0")
    made.leave("eva")
    made.sit("bob", "bergen")
    return made


def evacuate(made: Desk) -> None:
    made.send(api.RoomStateSet(made.now_ms, RoomId("oslo"), RoomState.EVACUATED))


def loses_sound(made: Desk) -> None:
    made.media("oslo-ada", False)


def goes_on_a_break(made: Desk) -> None:
    made.says("ada", api.Activity.BREAK)


def is_to_leave(made: Desk) -> None:
    made.takes_over("new", "oslo-ada")


UNABLE = pytest.mark.parametrize("unable", [evacuate, loses_sound, goes_on_a_break, is_to_leave])


@BOTH
@UNABLE
def test_a_caller_is_not_kept_for_who_cannot_be_asked(step: Step, unable: Any) -> None:
    made = desk(step)
    unable(made)
    made.ring("c1", "q", "+4791")
    assert made.offered_to("c1") == "bob"


@BOTH
@UNABLE
def test_a_caller_who_waits_for_one_goes_to_the_others_at_once_when_that_one_cannot_be_asked_any_more(
    step: Step, unable: Any
) -> None:
    made = desk(step)
    made.ring("c1", "q", "+4791")
    made.talk("ada", "c1")
    made.ring("c2", "q", "+4791")
    assert made.offered_to("c2") is None, "ada will be free again"
    unable(made)
    assert made.offered_to("c2") == "bob"


@BOTH
@pytest.mark.parametrize("klass", [ContactClass.NORMAL, ContactClass.EMERGENCY])
def test_after_a_no_the_others_are_asked(step: Step, klass: ContactClass) -> None:
    made = desk(step, klass=klass)
    made.ring("c1", "q", "+4791")
    assert made.offered_to("c1") == "ada"
    assert offers_in(made.reject("ada", "c1")) == [("c1", "bob", 2)]


@BOTH
@pytest.mark.parametrize("klass", [ContactClass.NORMAL, ContactClass.EMERGENCY])
def test_after_an_offer_that_rang_out_the_others_are_asked(step: Step, klass: ContactClass) -> None:
    made = desk(step, klass=klass)
    made.ring("c1", "q", "+4791")
    assert offers_in(made.wait(15_000)) == [("c1", "bob", 2)]


@BOTH
def test_whoever_is_alone_may_be_asked_again(step: Step) -> None:
    made = desk(step)
    made.leave("bob")
    made.ring("c1", "q", "+4791")
    assert offers_in(made.reject("ada", "c1")) == [("c1", "ada", 2)]


@BOTH
def test_a_caller_is_not_kept_for_who_is_kept_for_emergencies(step: Step) -> None:
    made = desk(step, reserve=1)
    made.ring("c1", "q", "+4791")
    assert made.offered_to("c1") == "bob"


# --- staff ------------------------------------------------------------------------------------------------------------


def staffed(klass: ContactClass = ContactClass.NORMAL) -> Desk:
    """Nobody of Oslo: Bergen is asked at once. `kept`: Oslo has somebody, and Bergen is not asked."""
    nobody = Step(reach=Reach.QUEUE, when=Condition(staff_below=1))
    config = queue("q", "oslo", "bergen", klass=klass, workflow=(Step(reach=Reach.OWN), nobody))
    made = Desk(config, queue("b", "bergen"), queue("s", "stavanger"), national=national())
    made.sit("ada")
    made.sit("bob", "bergen")
    return made


def is_short(made: Desk) -> bool:
    """Whether the condition held for somebody who calls now."""
    made.ring("c1", "q")
    return bool(made.core.state.contacts[made.contact("c1").contact].fired & 2)


@UNABLE
def test_who_cannot_be_asked_is_no_staff(unable: Any) -> None:
    made = staffed()
    assert not is_short(made)
    made.talk("ada", "c1")
    unable(made)
    made.gone("c1")
    assert is_short(made)


def test_who_is_lent_away_is_no_staff_but_for_the_emergencies_that_were_kept() -> None:
    for klass, kept, short in (
        (ContactClass.NORMAL, True, True),
        (ContactClass.EMERGENCY, True, False),
        (ContactClass.EMERGENCY, False, True),
    ):
        made = staffed(klass)
        made.borrow("l1", "bergen", "oslo", "ada")
        made.lend("l1", "ada", own_emergencies=kept)
        assert is_short(made) is short, (klass, kept)


def test_who_is_lent_to_the_room_is_staff_for_the_queues_of_the_loan() -> None:
    for queues, short in (((), False), (("q",), False), (("other",), True)):
        made = staffed()
        made.configure(*(row for row in made.core.queues()), queue("other", "oslo"), national=national())
        made.leave("ada")
        made.sit("eva", "bergen")
        made.borrow("l1", "oslo", "bergen", "eva", queues=queues)
        made.lend("l1", "eva")
        assert is_short(made) is short, queues


def test_an_absent_operator_who_is_asked_by_name_does_not_keep_a_caller_from_another_queue() -> None:
    config = queue(
        "q",
        "oslo",
        klass=ContactClass.NORMAL,
        wrap_up_ms=0,
        workflow=(STICKY, Step(after_ms=20_000, overflow_queue=QueueId("b"))),
    )
    made = Desk(config, queue("b", "bergen"), national=national())
    made.sit("ada")
    made.ring("c0", "q", "+4791")
    made.talk("ada", "c0")
    made.hang_up("ada", "c0")
    made.sit("bob", "bergen")
    made.ring("c1", "q", "+4791")
    made.wait(30_000)
    assert made.offered_to("c1") == "bob"
