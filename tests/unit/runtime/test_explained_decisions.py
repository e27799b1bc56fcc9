"""Each decision is told with its true reason: strategy, workflow, version, and what went before."""

from pathlib import Path
from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing import api, ranking
from kak_server.routing.api import Condition, ContactClass, QueueConfig, Reach, RoomConfig, RoomsConfig, Step, Strategy
from kak_server.routing.state import Contact, Operator, State
from kak_server.runtime.explain import Explanation, explanation
from kak_server.runtime.passed_over import TOLD_MAX
from kak_server.runtime.step_sentences import when_said
from kak_server.runtime.story import Story
from tests.unit.routing.desk import queue
from tests.unit.routing.test_workflows import NATIONAL
from tests.unit.runtime.journaled import JournaledDesk


def desk(folder: Path, *queues: QueueConfig, national: RoomsConfig = NATIONAL) -> JournaledDesk:
    return JournaledDesk(folder, *queues, national=national)


def whole(made: JournaledDesk, folder: Path, contact: str = "c1") -> Explanation:
    made.journal.close()
    told = explanation(folder, contact)
    assert told is not None
    return told


def english(made: JournaledDesk, folder: Path, contact: str = "c1") -> list[str]:
    return [step.text_en for step in whole(made, folder, contact).steps]


def offers(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("Offer ")]


def merits(told: Explanation) -> list[str]:
    (seen,) = [step.considered for step in told.steps if step.text_en.startswith("Offer ") and step.considered]
    return [one.merit_en for one in seen.best]


# --- who was chosen, and why just then --------------------------------------------------------------------------------


def test_the_most_skilled_is_not_said_to_be_idle_longest(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", skills={"emd": 1}, workflow=(Step(strategy=Strategy.MOST_SKILLED),)))
    made.sit("a", emd=1)
    made.wait(5_000)
    made.sit("b", emd=9)
    made.ring("c1", "q")
    told = whole(made, tmp_path)
    (offer,) = offers([step.text_en for step in told.steps])
    assert "first of 2 who may be asked (most skilled first)" in offer
    assert "idle" not in offer
    assert merits(told) == ["levels 9 (emd 9)", "levels 1 (emd 1)"]


def test_where_it_rang_in_vain_is_why_rooms_farther_out_come_first(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=10_000, reach=Reach.NEIGHBOURS))
    made = desk(tmp_path, queue("q", "oslo", workflow=steps))
    for who, room in (("a", "oslo"), ("b", "oslo"), ("c", "bergen")):
        made.sit(who, room)
        made.wait(1_000)
    made.ring("c1", "q")
    made.wait(15_000)
    told = whole(made, tmp_path)
    step = [step for step in told.steps if step.text_en.startswith("Offer ")][1]
    order = "rooms farther out first, as it rang in vain in oslo, among them longest idle first"
    assert step.text_en.startswith(f"Offer 2 to C at bergen-c, first of 2 who may be asked ({order})")
    assert "sentraler lenger ute først, fordi det ringte forgjeves i oslo, blant dem lengst ledig først" in step.text_nb
    assert step.considered is not None
    assert [one.operator for one in step.considered.best] == ["c", "b"]
    assert (step.considered.rang_out_in, step.considered.nearer_first) == ("oslo", False)


def test_a_step_that_widens_is_told_and_is_why_somebody_idle_is_asked(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", workflow=(Step(reach=Reach.OWN), Step(after_ms=3_000, reach=Reach.COUNTRY))))
    made.sit("far", "bodo")
    made.wait(60_000)
    made.ring("c1", "q")
    made.wait(3_000)
    lines = english(made, tmp_path)
    assert lines[0].endswith("asks oslo alone; all rooms of the country from 3 s on.")
    assert lines[1] == (
        "It waits, first in its queue: Far sits in room bodo, and oslo is asked alone at first"
        " (the country from 3 s on)."
    )
    assert lines[2] == "Step 2 of the workflow, 3.0 s after it came into the queue: it asks all rooms of the country."
    assert lines[3].startswith(
        "Offer 1 to Far at bodo-far, the only one who may be asked; until then in room bodo,"
        " while oslo was asked alone."
    )


def test_a_step_that_relaxes_is_told_and_is_why_somebody_is_asked(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=3_000, relax=2, drop=("eng",)))
    made = desk(tmp_path, queue("q", skills={"emd": 5, "eng": 1}, workflow=steps))
    made.sit("a", emd=3)
    made.ring("c1", "q")
    made.wait(3_000)
    text = "\n".join(english(made, tmp_path))
    assert "2 levels less than needed will do, eng not needed any more." in text
    assert "until then below the level needed (emd 3, 5 was needed)" in text


def test_a_published_version_is_the_reason_it_is(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", "oslo"))
    made.sit("b", "bergen")
    made.wait(30_000)
    made.ring("c1", "q")
    made.publish(queue("q", "oslo", "bergen"), apply="all")
    lines = english(made, tmp_path)
    published = "Version 1 of the configuration was published, and the call follows it: served by oslo and bergen."
    assert lines.index(published) == 2
    assert "the only one who may be asked; until then in room bergen, which did not serve q." in lines[3]


def test_a_published_version_says_whom_the_call_asks_from_then_on(tmp_path: Path) -> None:
    slow = (Step(reach=Reach.OWN), Step(after_ms=60_000, reach=Reach.COUNTRY))
    quick = (Step(reach=Reach.OWN), Step(after_ms=2_000, reach=Reach.COUNTRY))
    made = desk(tmp_path, queue("q", skills={"emd": 5}, workflow=slow))
    made.ring("c1", "q")
    made.wait(3_000)
    made.publish(queue("q", skills={"emd": 4}, workflow=quick), apply="all")
    assert (
        "Version 1 of the configuration was published, and the call follows it: asks oslo alone; all rooms of the"
        " country from 2 s on, skills needed: emd 4."
    ) in english(made, tmp_path)


def test_of_several_who_ring_each_has_a_place_of_its_own(tmp_path: Path) -> None:
    steps = (Step(strategy=Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=4_000),)
    made = desk(tmp_path, queue("q", workflow=steps))
    for who in ("a", "b", "c"):
        made.sit(who)
        made.wait(1_000)
    made.ring("c1", "q")
    made.wait(4_000)
    told = whole(made, tmp_path)
    first, second, third = offers([step.text_en for step in told.steps])
    assert "first of 3 who may be asked (several at once)" in first
    assert "number 2 of 3 who may be asked (several at once)" in second
    assert "the only one who may be asked" in third
    decisions = [step.considered for step in told.steps if step.text_en.startswith("Offer ") and step.considered]
    assert [[one.chosen for one in seen.best] for seen in decisions] == [[True, True, False], [True]]
    assert [(group.count, group.reason_en) for group in decisions[1].others] == [(2, "asked already")]


def test_by_name_and_whom_the_caller_knows(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", klass=ContactClass.NORMAL, workflow=(Step(strategy=Strategy.STICKY),)))
    made.sit("a")
    made.ring("c0", "q", caller="+4791")
    made.talk("a", "c0")
    made.hang_up("a", "c0")
    made.done("a")
    made.sit("b")
    made.wait(1_000)
    made.ring("c1", "q", caller="+4791")
    told = whole(made, tmp_path)
    (offer,) = offers([step.text_en for step in told.steps])
    assert offer.startswith("Offer 1 to A at oslo-a, whom this caller talked with last.")
    assert merits(told) == ["talked with this caller last"]


def test_a_transfer_to_somebody_is_not_said_to_follow_the_order(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q"))
    for who in ("a", "b", "c"):
        made.sit(who)
        made.wait(1_000)
    made.ring("c1", "q")
    made.talk("a", "c1")
    made.send(api.TransferToOperator(made.now_ms, OperatorId("a"), ContactId("c1"), OperatorId("c")))
    _, second = offers(english(made, tmp_path))
    assert second.startswith("Offer 2 to C at oslo-c, asked by name. It rings until")


def test_who_was_not_signed_in_had_just_come(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q"))
    made.ring("c1", "q")
    made.wait(5_000)
    made.sit("b")
    (offer,) = offers(english(made, tmp_path))
    assert "the only one who may be asked; signed in just then." in offer


@pytest.mark.parametrize(
    ("strategy", "first", "second"),
    [
        (Strategy.LEAST_OCCUPIED, "busy 0 % of the time", "busy 50 % of the time"),
        (Strategy.ROUND_ROBIN, "not asked since sign-in", "asked 0 offers ago"),
        (Strategy.LONGEST_IDLE, "", ""),
    ],
)
def test_the_order_is_said_in_the_words_of_the_strategy(
    tmp_path: Path, strategy: Strategy, first: str, second: str
) -> None:
    made = desk(tmp_path, queue("q", wrap_up_ms=0, workflow=(Step(strategy=strategy),)))
    made.sit("worked")
    made.wait(10_000)
    made.ring("c0", "q")
    made.talk("worked", "c0")
    made.wait(10_000)
    made.hang_up("worked", "c0")
    made.wait(1_000)
    made.sit("fresh")
    made.ring("c1", "q")
    told = whole(made, tmp_path)
    found = merits(told)
    assert found == [first, second]
    assert _best(told)[0].name == ("Worked" if strategy is Strategy.LONGEST_IDLE else "Fresh")


def _best(told: Explanation) -> tuple[Any, ...]:
    return next(step.considered.best for step in told.steps if step.text_en.startswith("Offer ") and step.considered)


# --- what it came with, and whom it asks ------------------------------------------------------------------------------


def test_the_contact_s_own_class_and_needs_are_told_with_the_queue_s(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", klass=ContactClass.NORMAL, skills={"emd": 1}))
    made.sit("a", emd=3)
    made.send(
        api.ContactArrived(
            made.now_ms,
            ContactId("c1"),
            QueueId("q"),
            "+4790",
            klass=ContactClass.EMERGENCY,
            skills={"ger": 4},
            language="sami",
            priority_ms=60_000,
            area="0301",
        )
    )
    lines = english(made, tmp_path)
    assert lines[0] == (
        "Call c1 from +4790 arrived for queue q (q), class emergency (the queue's is normal), served by oslo,"
        " skills needed: emd 1, ger 4, language sami, area 0301, counted as having waited 60.0 s already."
    )


def test_a_class_of_its_own_that_does_not_count_is_not_told(tmp_path: Path) -> None:
    """In an emergency queue everybody is an emergency."""
    made = desk(tmp_path, queue("q"))
    made.send(api.ContactArrived(made.now_ms, ContactId("c1"), QueueId("q"), klass=ContactClass.NORMAL))
    assert "class emergency, served by oslo." in english(made, tmp_path)[0]


def test_a_workflow_that_stays_at_home_is_not_said_to_be_served_by_all(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=3_000, overflow_queue=QueueId("r")))
    made = desk(tmp_path, queue("q", "oslo", "bergen", workflow=steps), queue("r", "bodo"))
    made.ring("c1", "q")
    made.wait(3_000)
    lines = english(made, tmp_path)
    assert "asks oslo alone." in lines[0]
    assert "A step of the workflow leads on to queue r; the arrival time stays (served by bodo)." in lines


def test_a_step_whose_condition_does_not_hold_is_told_once_and_when_it_holds(tmp_path: Path) -> None:
    steps = (
        Step(reach=Reach.OWN),
        Step(after_ms=3_000, reach=Reach.COUNTRY, when=Condition(waiting_from=2, classes=(ContactClass.EMERGENCY,))),
    )
    made = desk(tmp_path, queue("q", workflow=steps))
    made.ring("c1", "q")
    made.wait(9_000)
    made.ring("c2", "q")
    made.wait(2_000)
    lines = english(made, tmp_path)
    condition = "its class is emergency and at least 2 wait in the queue"
    assert f"all rooms of the country from 3 s on if {condition}" in lines[0]
    due = (
        f"Step 2 of the workflow is due, but does not hold (it asks that {condition});"
        " it is looked at again every 2.0 s."
    )
    assert lines.count(due) == 1
    (done,) = [line for line in lines if line.startswith("Step 2 of the workflow, ")]
    assert done == (
        "Step 2 of the workflow, 11.0 s after it came into the queue"
        f" because {condition}: it asks all rooms of the country."
    )


def test_a_prompt_is_not_said_to_have_been_heard(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", workflow=(Step(after_ms=1_000, announce="no-such-prompt"),)))
    made.ring("c1", "q")
    made.wait(1_000)
    text = "\n".join(english(made, tmp_path))
    assert "the caller is to hear no-such-prompt. Whether it could be played the journal does not tell." in text
    assert "hears no-such" not in text


# --- who waits --------------------------------------------------------------------------------------------------------


def test_who_is_put_before_it_is_told_with_the_reason(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", klass=ContactClass.NORMAL), queue("113"))
    made.ring("c1", "q")
    made.wait(10_000)
    made.ring("x1", "113")
    made.sit("kari")
    told = whole(made, tmp_path)
    assert [step.text_en for step in told.steps][2] == (
        "Kari could have been asked, and was asked for x1 of queue 113 first:"
        " its class (emergency) comes before this one's (normal)."
    )
    assert "klassen (nød) går foran denne (normal)" in told.steps[2].text_nb
    assert told.steps[3].text_en == "It waits, first in its queue: Kari has another offer."


@pytest.mark.parametrize(
    ("older", "newer", "reason"),
    [
        ({}, {}, "it came earlier (00:16:40.000 UTC)"),
        ({"priority_ms": 60_000}, None, "its priority counts 60.0 s of waiting, this one's 0.0 s"),
    ],
)
def test_the_order_within_a_class_is_told(
    tmp_path: Path, older: dict[str, Any], newer: dict[str, Any] | None, reason: str
) -> None:
    made = desk(tmp_path, queue("q"))
    first, then = ("x1", "c1") if newer is not None else ("c1", "x1")
    for contact in (first, then):
        more = older if contact == "x1" else {}
        made.send(api.ContactArrived(made.now_ms, ContactId(contact), QueueId("q"), **more))
        made.wait(1_000)
    made.sit("kari")
    text = "\n".join(english(made, tmp_path))
    assert f"Kari could have been asked, and was asked for x1 of queue q first: {reason}." in text


def test_rooms_that_share_by_weight_are_told(tmp_path: Path) -> None:
    shared = RoomsConfig((RoomConfig(RoomId("oslo"), weight=1), RoomConfig(RoomId("bergen"), weight=3)), fair=True)
    made = desk(tmp_path, queue("q", "oslo", "bodo"), queue("b", "bergen", "bodo"), national=shared)
    for number in range(3):
        made.ring(f"c{number}", "q")
        made.ring(f"b{number}", "b")
    for number in range(4):
        made.sit(f"helper{number}", "bodo")
    made.journal.close()
    texts = "\n".join(line for number in range(3) for line in english_of(tmp_path, f"c{number}"))
    assert "rooms share help by weight, and it was the turn of bergen (weight 3)" in texts
    assert "as help from bodo (rooms share help by weight, the own room's is 1)" in texts


def english_of(folder: Path, contact: str) -> list[str]:
    told = explanation(folder, contact)
    assert told is not None
    return [step.text_en for step in told.steps]


def test_what_changes_around_a_contact_that_waits_is_told_and_bounded(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q"), queue("other", "bergen"))
    made.sit("kari")
    made.ring("c0", "q")
    made.talk("kari", "c0")
    made.ring("c1", "q")
    for _ in range(600):
        made.wait(1_000)
        made.says("kari", api.Activity.BREAK)
        made.says("kari", api.Activity.AVAILABLE)
    made.hang_up("kari", "c0")
    lines = english(made, tmp_path)
    waits = [line for line in lines if line.startswith("It waits")]
    assert waits[0] == "It waits, first in its queue: Kari is in a call."
    assert 1 <= len(waits) <= 20, len(waits)


def test_a_change_elsewhere_is_told_when_it_is_time(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q"), queue("113"))
    made.sit("kari")
    made.ring("x1", "113")
    made.talk("kari", "x1")
    made.ring("c1", "q")
    made.wait(15_000)
    made.sit("ola", ready=False)
    lines = english(made, tmp_path)
    assert "It waits, first in its queue: Kari is in a call." in lines
    assert any("Ola is not available (break)" in line for line in lines)


def test_so_many_are_told_one_by_one(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", klass=ContactClass.NORMAL), queue("113"))
    made.ring("c1", "q")
    made.ring("x", "113")
    made.sit("kari")
    for _ in range(TOLD_MAX + 5):
        made.reject("kari", "x")
    lines = english(made, tmp_path)
    assert sum("could have been asked" in line for line in lines) == TOLD_MAX
    assert lines.count("Others were asked for first more often than is told here.") == 1


def test_several_are_not_said_to_has(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", skills={"emd": 3}))
    made.sit("o1", emd=1)
    made.sit("o2", emd=1)
    made.ring("c1", "q")
    assert english(made, tmp_path)[1] == "It waits, first in its queue: 2 lacking skill emd at 3 (O1, O2)."


def test_an_evacuated_room_changes_whom_it_asks_and_that_is_told(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=60_000, reach=Reach.NEIGHBOURS))
    made = desk(tmp_path, queue("q", workflow=steps))
    made.ring("c1", "q")
    made.send(api.RoomStateSet(made.now_ms, RoomId("oslo"), api.RoomState.EVACUATED, OperatorId("sofie"), "fire"))
    text = "\n".join(english(made, tmp_path))
    assert "Room oslo is evacuated now: the call asks bergen and oslo." in text


def test_every_condition_is_said_in_both_languages() -> None:
    when = Condition(
        classes=(ContactClass.EMERGENCY, ContactClass.URGENT),
        kinds=(api.ContactKind.CHAT,),
        areas=("0301",),
        languages=("sami",),
        weekdays=(5, 6),
        from_min=22 * 60,
        until_min=7 * 60 + 30,
        calendar="holidays",
        staff_below=2,
        waiting_from=5,
        room_states=(api.RoomState.CLOSED,),
    )
    said = when_said(when)
    assert said.en == (
        "its class is emergency or urgent and it is of kind Chat and its area is 0301 and its language is sami"
        " and the own room is closed and the day of the week is 6, 7 (Monday is 1) and it is 22:00-07:30"
        " and today is in calendar holidays and fewer than 2 of the own room are at work"
        " and at least 5 wait in the queue"
    )
    assert said.nb == (
        "klassen er nød eller haster og typen er Chat og området er 0301 og språket er sami"
        " og egen sentral er stengt og ukedagen er 6, 7 (mandag er 1) og klokken er 22:00-07:30"
        " og i dag er i kalenderen holidays og færre enn 2 i egen sentral er på jobb og minst 5 venter i køen"
    )
    assert when_said(Condition(in_calendar=False, calendar="holidays", staff_from=3, waiting_below=4)).en == (
        "today is not in calendar holidays and at least 3 of the own room are at work"
        " and fewer than 4 wait in the queue"
    )


def test_events_elsewhere_cost_a_look_at_whom_they_concern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a look at everybody: a call that waits through a busy evening must be explained in seconds."""
    made = desk(tmp_path, queue("q", skills={"emd": 3}))
    for number in range(200):
        made.sit(f"o{number}", "bergen", ready=False)
    made.ring("c1", "q")
    for number in range(400):
        made.wait(10)
        made.says(f"o{number % 200}", api.Activity.AVAILABLE if number < 200 else api.Activity.BREAK)
    made.journal.close()
    looks: list[str] = []
    judge = ranking.why_not

    def counted(state: State, contact: Contact, operator: Operator) -> str | None:
        looks.append(operator.operator)
        return judge(state, contact, operator)

    monkeypatch.setattr(ranking, "why_not", counted)
    assert explanation(tmp_path, "c1") is not None
    assert len(looks) <= 200 * 5 + 2 * 400, len(looks)


def test_a_call_that_only_a_snapshot_knows_is_told_with_its_true_wait(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q"))
    made.ring("c1", "q")
    made.wait(7_000)
    made.ring("c2", "q")
    told = Story(ContactId("c1"), made.core).finish()
    assert [(step.text_en, step.after_ms) for step in told] == [
        (
            "What can be read of the journal does not tell what happened since it came to queue q at 00:16:40.000 UTC.",
            7_000,
        ),
        ("Here the journal ends; the call is waiting.", 7_000),
    ]
