"""Skills that integrators ask for are those of the catalogue; an emergency is taken without those that are not."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought_types import Asked
from kak_server.bridges.outputs import JournalEvent, Note
from kak_server.model.ids import QueueId
from kak_server.routing.api import ContactArrived, ContactClass
from tests.unit.bridges.test_brought import ALARM, CHAT, KEY, audited, bring, info, w
from tests.unit.bridges.test_recovery import after_restart
from tests.unit.bridges.world import World

__all__ = ["w"]  # the fixture

CATALOGUE = tuple(
    {"skill": skill, "name_nb": skill, "name_en": skill, "description": ""} for skill in ("nurse", "poison", "lang-pl")
)
NURSE_AND_MORE = {"nurse": 3, "midwife": 2, "diver": 1}


@pytest.fixture
def listed(w: World) -> World:
    """With a catalogue of skills."""
    w.house.ctx.settings = replace(w.house.ctx.settings, skills=CATALOGUE)
    return w


def needed(w: World) -> dict[str, int]:
    """By the last contact that arrived."""
    events = [o.event for o in w.outputs if isinstance(o, JournalEvent)]
    return dict(next(one for one in reversed(events) if isinstance(one, ContactArrived)).skills)


def taken_without(w: World) -> list[Any]:
    return [(o.level, o.fields) for o in w.outputs if isinstance(o, Note) and o.name == "contact_skills_unknown"]


def emergency_queue(w: World) -> QueueId:
    return next(q for q, its in w.house.calls.queues.items() if its.klass is ContactClass.EMERGENCY)


def test_an_unknown_skill_is_refused_and_those_known_are_named(listed: World) -> None:
    with pytest.raises(RefusedError) as refused:
        bring(listed, replace(CHAT, skills=NURSE_AND_MORE))
    assert refused.value.code == "unknown-skill"
    assert str(refused.value) == "no such skill: diver, midwife; those known: lang-pl, nurse, poison"
    assert listed.house.brought.contacts == {}
    one = bring(listed, replace(CHAT, skills={"nurse": 3}))
    assert (needed(listed), info(listed, one)["skills_unknown"]) == ({"nurse": 3}, [])
    assert taken_without(listed) == []


def test_without_a_catalogue_any_word_is_a_skill(w: World) -> None:
    one = bring(w, replace(CHAT, skills=NURSE_AND_MORE))
    assert (needed(w), info(w, one)["skills_unknown"]) == (NURSE_AND_MORE, [])


@pytest.mark.parametrize(
    "asked",
    [
        ALARM,  # to an emergency queue
        replace(ALARM, klass="emergency"),  # in a class of its own, which the queue does not permit
        Asked("radio", "r1", queue="116117", caller="2001"),
    ],
)
def test_an_emergency_is_taken_without_it_and_told_so(listed: World, asked: Asked) -> None:
    if asked is ALARM:
        asked = replace(ALARM, number="", queue=emergency_queue(listed))
    asked = replace(asked, skills=NURSE_AND_MORE)
    one = bring(listed, asked)
    assert needed(listed) == {"nurse": 3}
    assert info(listed, one)["skills_unknown"] == ["diver", "midwife"]
    assert taken_without(listed) == [
        ("warning", {"by": "helsenorge", "contact": one.contact, "skills": "diver, midwife"}),
    ]
    assert audited(listed)["skills_unknown"] == "diver, midwife"


def test_a_repetition_after_a_restart_and_another_catalogue_says_what_was_said(listed: World) -> None:
    asked = replace(ALARM, number="", queue=emergency_queue(listed), skills=NURSE_AND_MORE)
    one = bring(listed, asked)
    again = after_restart(listed, listed.house.ctx.settings)
    again.house.ctx.settings = replace(again.house.ctx.settings, skills=CATALOGUE[1:])
    assert bring(again, asked).contact == one.contact
    assert info(again, one)["skills_unknown"] == ["diver", "midwife"]
    chat = bring(listed, replace(CHAT, skills={"nurse": 1}))
    listed.house.ctx.settings = replace(listed.house.ctx.settings, skills=CATALOGUE[1:])
    assert bring(listed, replace(CHAT, skills={"nurse": 1})).contact == chat.contact, "what is held stays"


def test_a_key_of_a_radio_has_no_skills_and_needs_no_catalogue(listed: World) -> None:
    listed.house.ctx.settings = replace(listed.house.ctx.settings, radio_emergency_queue=emergency_queue(listed))
    listed.house.at(listed.now_ms)
    listed.radio(KEY)
    assert needed(listed) == {}
