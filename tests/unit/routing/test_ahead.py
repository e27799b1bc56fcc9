"""Why somebody is not asked, where a step to come would change it."""

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing import ranking
from kak_server.routing.api import Condition, ContactClass, Reach, Step, Strategy
from kak_server.routing.state import Contact, Operator, State
from tests.unit.routing.desk import Desk, queue
from tests.unit.routing.test_workflows import NATIONAL


def reason(made: Desk, who: str) -> str | None:
    return made.core.why_not(ContactId("c1"), OperatorId(who))


def test_a_room_that_a_later_step_reaches_is_not_asked_yet() -> None:
    steps = (
        Step(reach=Reach.OWN),
        Step(after_ms=10_000, reach=Reach.NEIGHBOURS),
        Step(after_ms=20_000, rooms=(RoomId("moss"),), when=Condition(waiting_from=5)),
    )
    made = Desk(queue("q", "oslo", workflow=steps), national=NATIONAL)
    for who, room in (("bente", "bergen"), ("mari", "moss"), ("far", "bodo")):
        made.sit(who, room)
    made.ring("c1", "q")
    assert reason(made, "bente") == ("sits in room bergen, and oslo is asked alone at first (neighbours from 10 s on)")
    assert reason(made, "far") == "sits in room bodo, which does not serve q"
    made.wait(10_000)
    assert made.offered_to("c1") == "bente"
    made.reject("bente", "c1")
    assert reason(made, "mari") == (
        "sits in room moss, which is not asked yet (further rooms from 20 s on, if its condition holds)"
    )


def test_a_skill_that_a_later_step_relaxes_is_needed_until_then() -> None:
    steps = (
        Step(reach=Reach.OWN),
        Step(after_ms=3_000, relax=2),
        Step(after_ms=6_000, drop=("emd",), when=Condition(classes=(ContactClass.EMERGENCY,))),
    )
    made = Desk(queue("q", "oslo", skills={"emd": 5}, workflow=steps))
    made.sit("three", emd=3, ready=False)
    made.sit("one", emd=1, ready=False)
    made.ring("c1", "q")
    assert reason(made, "three") == "has skill emd at 3, 5 is needed (3 from 3 s on)"
    assert reason(made, "one") == "has skill emd at 1, 5 is needed (not from 6 s on, if its condition holds)"
    made.wait(6_000)
    assert reason(made, "one") == "is not available (break)"


def test_rooms_that_no_step_asks_any_more_are_told_apart() -> None:
    """The queue has the room, its workflow leads past it."""
    made = Desk(queue("q", "oslo", "bergen", workflow=(Step(reach=Reach.OWN),)))
    made.sit("bente", "bergen")
    made.ring("c1", "q")
    assert reason(made, "bente") == "sits in room bergen, and oslo is asked alone"


def test_the_watcher_sees_each_who_is_asked_of_several_and_who_rings_already() -> None:
    steps = (Step(strategy=Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=4_000),)
    made = Desk(queue("q", "oslo", workflow=steps))
    for who in ("a", "b", "c"):
        made.sit(who)
        made.wait(1_000)
    seen: list[tuple[OperatorId, list[OperatorId], list[OperatorId]]] = []

    def watch(state: State, contact: Contact, operator: Operator) -> None:
        rows = ranking.candidates(state, contact)
        able = [row.operator for row in rows if row.reason is None]
        seen.append((operator.operator, able, [row.operator for row in rows if row.reason == ranking.ASKED]))

    made.core.state.watcher = watch
    made.ring("c1", "q")
    made.wait(4_000)
    assert seen == [("a", ["a", "b", "c"], []), ("b", ["b", "c"], ["a"]), ("c", ["c"], ["a", "b"])]
