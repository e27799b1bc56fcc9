"""Explanations come from a process of its own, bounded in number and time."""

import asyncio
import sys
from pathlib import Path

import pytest

from kak_server.app import explaining
from kak_server.app.explaining import Explainer
from kak_server.config.loader import parse_settings
from kak_server.console.models_explanation import ContactExplanation
from kak_server.runtime.nursery import Nursery
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk


def journal(folder: Path) -> Path:
    desk = JournaledDesk(folder, queue("113"))
    desk.sit("kari", at="p1")
    desk.sit("ola", at="p2", ready=False)
    desk.ring("c1")
    desk.journal.close()
    return folder


async def test_it_is_what_the_api_sends(tmp_path: Path) -> None:
    nursery = Nursery()
    explainer = Explainer(journal(tmp_path), nursery)
    result = await explainer.explain("c1")
    explainer.close()
    nursery.close()
    assert result.ok
    told = ContactExplanation.model_validate(result.result)
    assert told.model_dump(mode="json") == result.result
    assert (told.known, told.rooms) == (True, ["oslo"])
    offered = told.steps[1].considered
    assert offered is not None
    assert [(one.name, one.chosen) for one in offered.best] == [("Kari", True)]
    assert [(group.count, group.reason_nb) for group in offered.others] == [(1, "i pause")]


async def test_skills_and_rooms_are_called_by_their_names_of_that_moment(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113", "oslo", "bergen", skills={"emd": 3}))
    desk.ring("c1")
    desk.journal.close()
    text = "rooms: [{id: oslo, name: NAME, positions: 1}]\nqueues: [{id: '113', name: Nød, rooms: [oslo]}]\n"
    skills = "skills: [{id: emd, name: {nb: Nødmelding, en: Emergency}}]\n"
    running = [parse_settings(text.replace("NAME", "AMK Oslo") + skills)]
    nursery = Nursery()
    explainer = Explainer(tmp_path, nursery, lambda: running[0])

    async def first() -> tuple[str, str]:
        told = ContactExplanation.model_validate((await explainer.explain("c1")).result)
        return told.steps[0].text_en, told.steps[0].text_nb

    en, nb = await first()
    assert "served by AMK Oslo and bergen, skills needed: Emergency 3." in en
    assert "betjenes av AMK Oslo og bergen, kompetanse som kreves: Nødmelding 3." in nb
    running[0] = parse_settings(text.replace("NAME", "AMK Viken") + "skills: [{id: emd, name: {nb: Nødmelding}}]\n")
    assert "served by AMK Viken and bergen, skills needed: Nødmelding 3." in (await first())[0]
    explainer.close()
    nursery.close()


async def test_an_unknown_contact_and_no_journal(tmp_path: Path) -> None:
    nursery = Nursery()
    explainer = Explainer(journal(tmp_path), nursery)
    assert (await explainer.explain("c9")).code == "not-found"
    assert (await explainer.explain("--help")).code == "not-found"
    explainer.close()
    nowhere = Explainer(tmp_path / "nowhere", nursery)
    assert (await nowhere.explain("c1")).code == "unavailable"
    nowhere.close()
    nursery.close()


async def test_it_is_bounded_in_number_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    nursery = Nursery()
    nursery.start()
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(explaining, "WAITING_MAX", 1)
    explainer = Explainer(tmp_path, nursery, timeout_s=0.5)
    results = await asyncio.gather(*(explainer.explain("c1") for _ in range(5)))
    assert [result.code for result in results] == ["unavailable"] * 5
    assert sorted(result.message.split(" ")[0] for result in results) == ["No", "No", "No", "Too", "Too"]
    long = Explainer(tmp_path, nursery, timeout_s=60)
    asking = asyncio.create_task(long.explain("c1"))
    await asyncio.sleep(0.3)
    long.close()
    await asyncio.to_thread(nursery.close)
    assert (await asyncio.wait_for(asking, 10)).code == "unavailable"
