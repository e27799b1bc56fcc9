"""Drafts, versions, and the way from one to the next."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kak_server.app.configuration import library as limits
from kak_server.app.configuration.library import Library
from kak_server.app.configuration.running import ConfigRefused
from kak_server.config.versions.differences import as_text
from kak_server.routing.api import Apply
from tests.unit.app.configuration.test_start import library, renamed

NOD = {"id": "nod", "name": "Nød", "numbers": ["113"], "class": "emergency", "rooms": ["amk"]}
ROOM = {"id": "lvs", "name": "Legevakt", "positions": 1}


@pytest.fixture
def made(tmp_path: Path) -> Library:
    return library(tmp_path)


def draft_of(made: Library, *objects: tuple[str, str, Any]) -> str:
    draft = made.begin("anne", "why").draft
    assert made.edit(draft, objects) == []
    return draft


def publish(made: Library, draft: str, apply: Apply = "new") -> int:
    made.running = made.publish(draft, "anne", "", apply)
    return made.running.number


def refused(code: str) -> Any:
    return pytest.raises(ConfigRefused, check=lambda problem: problem.code == code)


def test_several_edits_are_one_version(made: Library) -> None:
    draft = draft_of(made, ("rooms", "lvs", ROOM))
    assert made.edit(draft, [("queues", "nod", {**NOD, "rooms": ["amk", "lvs"]}), ("operators", "ola", None)]) == []
    assert made.findings(draft) == ([], [])
    assert publish(made, draft) == 2
    assert [room.id for room in made.running.settings.rooms] == ["amk", "lvs"]
    assert [one.username for one in made.running.settings.operators] == ["kari"]
    assert {str(change.key) for change in made.changes(2)} == {"rooms/lvs", "queues/nod", "operators/ola"}
    assert made.store.drafts() == []
    assert made.version(2).comment == "why"


def test_what_is_no_object_is_told_and_not_put_in(made: Library) -> None:
    draft = made.begin("anne", "").draft
    problems = made.edit(draft, [("rooms", "lvs", ROOM), ("queues", "nod", {"id": "nod", "nam": "x"})])
    assert {(str(one.key), one.path) for one in problems} == {
        ("queues/nod", "nam"),
        ("queues/nod", "name"),
        ("queues/nod", "rooms"),
    }
    assert made.draft_changes(draft) == ()


def test_an_unfinished_draft_is_kept_and_not_published(made: Library) -> None:
    draft = draft_of(made, ("queues", "lv", {"id": "lv", "name": "LV", "rooms": ["lvs"]}))
    assert [str(one) for one in made.findings(draft)[0]] == ["queues/lv rooms[0]: there is no room lvs"]
    with pytest.raises(ConfigRefused) as caught:
        made.publish(draft, "anne", "", "new")
    assert caught.value.code == "invalid"
    assert caught.value.problems == ("queues/lv rooms[0]: there is no room lvs",)
    made.edit(draft, [("rooms", "lvs", ROOM)])
    assert publish(made, draft) == 2


def test_rolled_back_is_a_new_version_with_the_old_content(made: Library) -> None:
    first = made.running
    publish(made, draft_of(made, ("rooms", "lvs", ROOM), ("queues", "nod", {**NOD, "priority": 9})))
    made.running = made.roll_back(1, "anne", "", "new")
    assert (made.running.number, made.running.catalogue.digest) == (3, first.catalogue.digest)
    assert made.running.settings == first.settings
    assert made.difference(1, 3) == ()
    assert made.version(3).source == "rolled-back"
    with refused("nothing-changed"):
        made.roll_back(1, "anne", "", "new")
    with refused("not-found"):
        made.roll_back(77, "anne", "", "new")


def test_two_drafts_of_different_objects_are_both_published(made: Library) -> None:
    one = draft_of(made, ("rooms", "lvs", ROOM))
    other = draft_of(made, ("queues", "nod", {**NOD, "priority": 9}))
    publish(made, one)
    assert as_text(made.draft_changes(other)) == "queues/nod changed\n  priority: 0 (default) -> 9\n"
    publish(made, other)
    assert len(made.running.settings.rooms) == 2


def test_two_drafts_of_one_object_are_a_conflict_unless_they_agree(made: Library) -> None:
    drafts = [draft_of(made, ("queues", "nod", {**NOD, "priority": credit})) for credit in (1, 2, 1)]
    publish(made, drafts[0])
    with refused("conflict"):
        made.publish(drafts[1], "anne", "", "new")
    with refused("nothing-changed"):
        made.publish(drafts[2], "anne", "", "new")
    made.drop(drafts[1])
    with refused("not-found"):
        made.drop(drafts[1])


def test_an_edit_is_taken_back(made: Library) -> None:
    draft = draft_of(made, ("rooms", "lvs", ROOM), ("operators", "ola", None))
    made.undo(draft, "operators", "ola")
    assert [str(change.key) for change in made.draft_changes(draft)] == ["rooms/lvs"]
    with refused("not-found"):
        made.undo(draft, "operators", "ola")


def test_out_as_yaml_and_in_again(made: Library) -> None:
    text = made.export(1, passwords=False)
    assert text.startswith("# Version 1: the configuration file\n# file, digest ")
    assert "argon2id" not in text
    draft = made.begin("anne", "").draft
    problems, ignored = made.import_text(draft, text + "server: {lab: true}\n")
    assert (problems, ignored) == ([], ("server",))
    with refused("nothing-changed"):
        made.publish(draft, "anne", "", "new")
    problems, _ = made.import_text(draft, text.replace("name: AMK", "nam: AMK"))
    assert {(str(one.key), one.path) for one in problems} == {("rooms/amk", "name"), ("rooms/amk", "nam")}


def test_a_list_that_is_imported_is_whole_and_the_others_stay(made: Library) -> None:
    draft = draft_of(made, ("operators", "ola", None))
    problems, _ = made.import_text(draft, "operators: [{username: ida, name: Ida, rooms: [amk]}]")
    assert problems == []
    publish(made, draft)
    assert [one.username for one in made.running.settings.operators] == ["ida"]
    assert len(made.running.settings.queues) == 1


def test_hashes_of_passwords_come_and_go_only_when_told(made: Library) -> None:
    text = made.export(1, passwords=True)
    assert "password_hash: $argon2id$ola" in text
    draft = made.begin("anne", "").draft
    made.import_text(draft, text.replace("$argon2id$ola", "$argon2id$fresh"))
    publish(made, draft)
    assert made.running.passwords["ola"] == "$argon2id$fresh"
    assert made.changes(2) == ()
    with refused("nothing-changed"):
        made.roll_back(1, "anne", "", "new")
    assert made.store.passwords()["ola"].password_hash == "$argon2id$fresh"
    with refused("invalid"):
        made.import_text(made.begin("anne", "").draft, text.replace("$argon2id$ola", "geheim"))


def test_a_password_holds_at_once_and_for_every_version(made: Library) -> None:
    made.running = made.set_password("ola", "$argon2id$set", "anne")
    assert (made.running.number, made.running.passwords["ola"]) == (1, "$argon2id$set")
    with refused("not-found"):
        made.set_password("nobody", "$argon2id$set", "anne")


def test_somebody_else_at_the_same_database_is_noticed(made: Library, tmp_path: Path) -> None:
    renamed(library(tmp_path))
    with refused("conflict"):
        made.publish(draft_of(made, ("rooms", "lvs", ROOM)), "anne", "", "new")


def test_what_is_not_there(made: Library) -> None:
    asks: Sequence[Callable[[], Any]] = [
        lambda: made.version(9),
        lambda: made.catalogue(9),
        lambda: made.draft("0"),
        lambda: made.edit("0", []),
        lambda: made.undo("0", "rooms", "amk"),
    ]
    for ask in asks:
        with refused("not-found"):
            ask()


def test_drafts_and_their_edits_are_bounded(made: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EDITS_MAX", 1)
    draft = draft_of(made, ("rooms", "lvs", ROOM))
    with refused("limit"):
        made.edit(draft, [("operators", "ola", None)])
    monkeypatch.setattr(limits, "DRAFTS_MAX", 1)
    with refused("limit"):
        made.begin("anne", "")


EMD = {"id": "emd", "name": {"nb": "Medisinsk nødmelding", "en": "Medical emergency calls"}}


def test_a_catalogue_of_skills_is_drafted_compared_exported_brought_in_and_rolled_back(made: Library) -> None:
    text = made.export(1, passwords=False)
    assert "skills" not in text, "versions from before there was one"
    draft = draft_of(made, ("skills", "emd", EMD), ("queues", "nod", {**NOD, "skills": {"113": 3}}))
    found, _ = made.findings(draft)
    assert [str(one) for one in found] == ["queues/nod skills.113: there is no skill 113 in the catalogue (skills)"]
    assert made.edit(draft, [("queues", "nod", {**NOD, "skills": {"emd": 3}})]) == []
    found, warned = made.findings(draft)
    assert found == []
    assert [str(one) for one in warned] == [
        "queues/nod skills.emd: queue nod needs emd 3, and nobody has it",
        "skills/emd: nobody has skill emd",
    ]
    assert "skills/emd added\n" in as_text(made.draft_changes(draft))
    assert publish(made, draft) == 2
    exported = made.export(2, passwords=False)
    assert "skills:\n- id: emd\n  name: {en: Medical emergency calls, nb: Medisinsk nødmelding}\n" in exported
    draft = made.begin("anne", "").draft
    assert made.import_text(draft, text) == ([], ()), "an old text says nothing of skills: they stay"
    assert [str(change.key) for change in made.draft_changes(draft)] == ["queues/nod"]
    assert made.import_text(draft, exported.replace("nb: Medisinsk nødmelding", "nb: Nød")) == ([], ())
    assert as_text(made.draft_changes(draft)) == "skills/emd changed\n  name.nb: Medisinsk nødmelding -> Nød\n"
    publish(made, draft)
    made.running = made.roll_back(1, "anne", "", "new")
    assert (made.running.number, made.running.settings.skills) == (4, ())
    draft = draft_of(made, ("queues", "nod", {**NOD, "skills": {"anything": 3}}))
    assert publish(made, draft) == 5, "without a catalogue any word is a skill"
    assert made.edit(made.begin("anne", "").draft, [("skills", "emd", {"id": "emd", "name": "Nød"})]) != []
