"""More becomes known of a contact while it waits, talks, or is over."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, RoomId
from kak_server.routing import api
from kak_server.routing.api import Condition, ContactKind, Reach, Step, Strategy
from kak_server.routing.invariants import violations
from tests.unit.routing.desk import Desk, only, queue
from tests.unit.routing.test_workflows import asked, come, desk


def described(made: Desk, contact: str = "c1", **facts: Any) -> tuple[api.Effect, ...]:
    effects = made.send(api.ContactDescribed(made.now_ms, ContactId(contact), **facts))
    assert violations(made.core.state) == []
    return effects


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        (Condition(areas=("0301",)), {"area": "0301"}),
        (Condition(languages=("se",)), {"language": "se"}),
        (Condition(kinds=(ContactKind.VIDEO,)), {"kind": ContactKind.VIDEO}),
    ],
)
def test_a_step_that_waited_for_this_is_done_at_once(when: Condition, facts: dict[str, Any]) -> None:
    made = desk(Step(reach=Reach.OWN), Step(reach=Reach.COUNTRY, when=when))
    made.sit("far", "bodo")
    come(made)
    assert asked(made) is None
    described(made, **facts)
    assert asked(made) == "far"


@pytest.mark.parametrize("steps", [(), (Step(strategy=Strategy.LONGEST_IDLE, reach=Reach.OWN),)])
def test_the_language_changes_who_comes_first_with_a_workflow_and_without(steps: tuple[Step, ...]) -> None:
    made = Desk(queue("q", "oslo", skills={"emd": 1}, workflow=steps))
    come(made)
    described(made, language="se")
    made.sit("last", "oslo", emd=1)
    assert asked(made) == "last"
    for who, skills in (("lars", {"emd": 1}), ("risten", {"emd": 1, "lang-se": 5})):
        made.wait(1_000)
        seat, available = PositionId(who), api.Activity.AVAILABLE
        made.send(
            api.OperatorSignedIn(made.now_ms, OperatorId(who), who, seat, RoomId("oslo"), skills, available, True)
        )
    made.reject("last", "c1")
    assert asked(made) == "risten"


def test_what_is_said_stays_and_what_is_not_said_too() -> None:
    made = desk(Step(reach=Reach.OWN))
    come(made, area="0301", language="se")
    assert only(described(made, language="no"), api.ContactChanged)
    row = made.core.state.contacts[ContactId("c1")]
    assert (row.area, row.language, row.kind) == ("0301", "no", ContactKind.VOICE)
    assert described(made, language="no") == (), "said twice"
    assert described(made, "c2", language="no") == (), "over, or never here"
    described(made, area="")
    assert row.area == ""


def test_a_chat_becomes_no_video_and_a_call_no_chat() -> None:
    made = desk(Step(reach=Reach.OWN))
    come(made, kind=ContactKind.CHAT)
    come(made, "c2")
    assert described(made, kind=ContactKind.VIDEO) == ()
    assert described(made, "c2", kind=ContactKind.CHAT) == ()
    described(made, "c2", kind=ContactKind.VIDEO)
    assert made.contact("c2").kind is ContactKind.VIDEO
    described(made, "c2", kind=ContactKind.VOICE)
    assert made.contact("c2").kind is ContactKind.VOICE


def test_in_a_conversation_it_counts_when_the_contact_waits_again() -> None:
    video = queue("video", "bodo", workflow=(Step(), Step(when=Condition(kinds=(ContactKind.VIDEO,)), announce="look")))
    made = Desk(queue("q", "oslo"), video)
    made.sit("anna", "oslo")
    come(made)
    made.talk("anna", "c1")
    described(made, kind=ContactKind.VIDEO)
    assert [said.prompt for said in only(made.transfer("anna", "c1", "video"), api.Announce)] == ["look"]
    assert violations(made.core.state) == []
