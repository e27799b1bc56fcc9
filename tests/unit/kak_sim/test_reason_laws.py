"""The laws of reasons notice what is not so: the sentence that the core says is sound, and each lie in it is not."""

import pytest

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_sim import reason_laws
from tests.unit.routing.desk import BERGEN, Desk, queue

STEPS = (
    api.Step(reach=api.Reach.OWN),
    api.Step(after_ms=2_500, rooms=(BERGEN,), when=api.Condition(waiting_from=1)),
    api.Step(after_ms=5_000, relax=1),
    api.Step(after_ms=9_000, drop=("doctor",)),
)


def waits() -> Desk:
    desk = Desk(queue("113", skills={"doctor": 4}, workflow=STEPS))
    desk.sit("ada", doctor=3)
    desk.sit("bob", "bergen", doctor=5)
    desk.ring("c1")
    return desk


def findings(desk: Desk, reason: str) -> list[str]:
    return list(reason_laws.broken(desk.core.state, desk.core.state.contacts[ContactId("c1")], reason))


def test_what_the_core_says_is_so() -> None:
    desk = waits()
    said = [desk.core.why_not(ContactId("c1"), OperatorId(who)) for who in ("ada", "bob")]
    assert said == [
        "has skill doctor at 3, 4 is needed (3 from 5 s on)",
        "sits in room bergen, and oslo is asked alone at first (further rooms from 2.5 s on, if its condition holds)",
    ]
    assert [found for reason in said for found in findings(desk, reason or "")] == []


@pytest.mark.parametrize(
    "lie",
    [
        "has skill doctor at 3, 4 is needed",
        "has skill doctor at 3, 4 is needed (3 from 9 s on)",
        "has skill doctor at 3, 4 is needed (2 from 5 s on)",
        "has skill doctor at 3, 4 is needed (not from 9 s on)",
        "has skill doctor at 2, 4 is needed (3 from 5 s on)",
        "has skill doctor at 3, 4 is needed (3 from 5 s on, if its condition holds)",
        "sits in room bergen, and oslo is asked alone",
        "sits in room bergen, which does not serve 113",
        "sits in room bergen, which no step to come asks",
        "sits in room bergen, and oslo is asked alone at first (further rooms from 2.5 s on)",
        "sits in room bergen, and oslo is asked alone at first (further rooms from 5 s on, if its condition holds)",
        "sits in room tromso, and oslo is asked alone at first (the country from 5 s on)",
    ],
)
def test_a_lie_is_noticed(lie: str) -> None:
    assert len(findings(waits(), lie)) == 1
