"""Explanations call skills, rooms, queues and positions by their names, where the configuration has one."""

from pathlib import Path

from kak_server.routing.api import QueueConfig, Reach, RoomsConfig, Step, Strategy
from kak_server.runtime.explain import Explanation, explanation, lines
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import Said
from kak_server.runtime.reasons import grouped, in_names, until_then
from tests.unit.routing.desk import queue
from tests.unit.routing.test_workflows import NATIONAL
from tests.unit.runtime.journaled import JournaledDesk

NAMES = Names(
    skills={"emd": Said("Emergency dispatch", "Nødmelding"), "eng": Said("English", "Engelsk")},
    rooms={"oslo": Said("AMK Oslo", "AMK Oslo"), "bergen": Said("AMK Bergen", "AMK Bergen")},
)


def desk(folder: Path, *queues: QueueConfig, national: RoomsConfig = NATIONAL) -> JournaledDesk:
    return JournaledDesk(folder, *queues, national=national)


def whole(made: JournaledDesk, folder: Path) -> Explanation:
    made.journal.close()
    told = explanation(folder, "c1", NAMES)
    assert told is not None
    return told


def test_an_arrival_and_its_steps_are_told_by_name(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=3_000, reach=Reach.QUEUE, relax=2, drop=("eng",)))
    made = desk(tmp_path, queue("q", "oslo", "bergen", "bodo", skills={"emd": 5, "eng": 1}, workflow=steps))
    made.sit("a", emd=3)
    made.ring("c1", "q")
    made.wait(3_000)
    told = whole(made, tmp_path)
    first = told.steps[0]
    assert "asks AMK Oslo alone; AMK Oslo, AMK Bergen and bodo from 3 s on" in first.text_en
    assert "AMK Oslo, AMK Bergen og bodo fra 3 s" in first.text_nb
    assert first.text_en.endswith("skills needed: Emergency dispatch 5, English 1.")
    assert first.text_nb.endswith("kompetanse som kreves: Nødmelding 5, Engelsk 1.")
    text = "\n".join(step.text_en for step in told.steps)
    tekst = "\n".join(step.text_nb for step in told.steps)
    assert "It waits, first in its queue: A has skill Emergency dispatch at 3, 5 is needed (3 from 3 s on)." in text
    assert "2 levels less than needed will do, English not needed any more" in text
    assert "2 nivå mindre enn kravet er nok, Engelsk kreves ikke lenger" in tekst
    assert "until then below the level needed (Emergency dispatch 3, 5 was needed)" in text
    assert "til da under nivået som krevdes (Nødmelding 3, 5 var krevd)" in tekst


def test_queues_and_positions_are_told_by_name(tmp_path: Path) -> None:
    names = Names(
        queues={"q": Said("Emergency Oslo", "Nød Oslo"), "b": Said("Emergency Bergen", "Nød Bergen")},
        positions={"p1": "AMK Oslo 1", "p2": "AMK Oslo 2"},
    )
    made = desk(tmp_path, queue("q", "oslo"), queue("b", "bergen"))
    made.sit("a", at="p1")
    made.ring("c1", "q")
    made.talk("a", "c1")
    made.sit("a", at="p2")
    made.transfer("a", "c1", "b")
    made.journal.close()
    told = explanation(tmp_path, "c1", names)
    assert told is not None
    text = "\n".join(step.text_nb for step in told.steps)
    for sentence in (
        "kom til køen Nød Oslo, klasse nød",
        "Tilbud 1 til A på AMK Oslo 1, den eneste som kan spørres.",
        "I samtale med A på AMK Oslo 1.",
        "A flyttet fra AMK Oslo 1 til AMK Oslo 2 med samtalen.",
        "Den venter i køen Nød Bergen nå",
    ):
        assert sentence in text, text
    (offer,) = [step for step in told.steps if step.text_en.startswith("Offer ")]
    assert offer.considered is not None
    assert [(one.position, one.position_name) for one in offer.considered.best] == [("p1", "AMK Oslo 1")]


def test_who_was_considered_is_of_rooms_and_skills_with_names(tmp_path: Path) -> None:
    workflow = (Step(reach=Reach.COUNTRY, strategy=Strategy.MOST_SKILLED),)
    made = desk(tmp_path, queue("q", "oslo", skills={"emd": 2}, workflow=workflow))
    made.sit("far", "bergen", emd=5)
    made.sit("low", "oslo", emd=1)
    made.sit("unnamed", "bodo", emd=3)
    made.ring("c1", "q")
    (offer,) = [step for step in whole(made, tmp_path).steps if step.text_en.startswith("Offer ")]
    assert offer.considered is not None
    assert [(one.room, one.room_name) for one in offer.considered.best] == [("bergen", "AMK Bergen"), ("bodo", "bodo")]
    assert [one.merit_nb for one in offer.considered.best] == ["nivå 5 (Nødmelding 5)", "nivå 3 (Nødmelding 3)"]
    assert [other.reason_nb for other in offer.considered.others] == ["uten kompetanse Nødmelding på nivå 2"]
    assert "1. Far (AMK Bergen, idle" in "".join(lines(offer))


def test_where_it_rang_in_vain_has_a_name(tmp_path: Path) -> None:
    steps = (Step(reach=Reach.OWN), Step(after_ms=10_000, reach=Reach.NEIGHBOURS))
    made = desk(tmp_path, queue("q", "oslo", workflow=steps))
    for who, room in (("a", "oslo"), ("b", "oslo"), ("c", "bergen")):
        made.sit(who, room)
        made.wait(1_000)
    made.ring("c1", "q")
    made.wait(15_000)
    step = [step for step in whole(made, tmp_path).steps if step.text_en.startswith("Offer ")][1]
    assert "as it rang in vain in AMK Oslo, among them" in step.text_en
    assert step.considered is not None
    assert (step.considered.rang_out_in, step.considered.rang_out_in_name) == ("oslo", "AMK Oslo")


def test_every_room_and_skill_in_a_reason_is_named_and_nothing_else() -> None:
    for reason, several, one in (
        ("sits in room oslo, which does not serve emd", "in rooms that do not serve emd", "in room AMK Oslo, which"),
        (
            "sits in room oslo, and bergen is asked alone",
            "in other rooms, and AMK Bergen is asked alone",
            "in room AMK Oslo, while AMK Bergen was asked alone",
        ),
        ("is on loan to oslo for other queues", "on loan to AMK Oslo for other queues", "on loan to AMK Oslo for"),
        ("is on loan to oslo", "on loan to AMK Oslo", "on loan to AMK Oslo"),
        (
            "is kept in reserve for the emergencies of bergen",
            "in reserve for emergencies of AMK Bergen",
            "in reserve for emergencies of AMK Bergen",
        ),
        ("sits in room bergen, which is evacuated", "in evacuated rooms", "in room AMK Bergen, which was evacuated"),
        ("sits in room moss, which is evacuated", "in evacuated rooms", "in room moss, which was evacuated"),
    ):
        assert grouped(reason, NAMES).en == several
        assert until_then(reason, NAMES).en.startswith(one)
        assert in_names(reason, IDS) == reason
    alone = "sits in room oslo, and bergen is asked alone at first (the country from 10 s on)"
    assert in_names(alone, NAMES) == (
        "sits in room AMK Oslo, and AMK Bergen is asked alone at first (the country from 10 s on)"
    )
    assert in_names("is in a call", NAMES) == "is in a call"
    assert in_names("is on the moon", NAMES) == "is on the moon"


def test_a_name_that_looks_like_a_pattern_is_said_as_it_is() -> None:
    odd = Names(rooms={"oslo": Said("\\1 &", "\\2")})
    assert grouped("is on loan to oslo", odd) == Said("on loan to \\1 &", "utlånt til \\2")


def test_where_it_is_parked_has_a_name(tmp_path: Path) -> None:
    made = desk(tmp_path, queue("q", "oslo"))
    made.sit("a", "oslo")
    made.ring("c1", "q")
    made.talk("a", "c1")
    made.park("a", "c1")
    text = [step.text_en for step in whole(made, tmp_path).steps]
    assert any(" parked it in slot 1 of AMK Oslo until " in line for line in text), text
