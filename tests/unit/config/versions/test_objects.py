"""Objects by content: what counts, what does not, and what is wrong with one."""

from pathlib import Path

import pytest

from kak_server.config.loader import load_settings, parse_settings
from kak_server.config.versions.catalogue import Catalogue, edited, replaced
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import (
    KINDS,
    Key,
    ObjectProblem,
    ReadObject,
    located,
    object_hash,
    objects_of,
    read_object,
    section_of,
)
from kak_server.config.versions.yaml_text import from_yaml, to_yaml
from tests.unit.config.versions.samples import catalogue

ONE = Key("staffing", "staffing")
CONFIGS = Path(__file__).parents[4] / "configs"


def test_every_list_at_the_top_is_versioned() -> None:
    assert {"rooms", "queues", "areas", "operators"} <= set(KINDS)
    assert KINDS["operators"].name_field == "username"
    assert (KINDS["rooms"].least, KINDS["rooms"].most) == (1, 1_000)


@pytest.mark.parametrize("name", ["lab.yaml", "minimal.yaml", "national.yaml"])
def test_objects_of_the_examples_make_the_same_sections_again(name: str) -> None:
    settings = load_settings(CONFIGS / name)
    for found in objects_of(settings):
        again = section_of(found.key, found.content)
        left_out = {"password", "password_hash", "file"}
        assert not isinstance(again, list)
        assert again.model_dump(exclude=left_out) == found.section.model_dump(exclude=left_out)


def test_what_stands_at_its_default_does_not_change_the_hash() -> None:
    plain = read_object("queues", {"id": "q", "name": "Q", "rooms": ["r"]})
    spelt = read_object("queues", {"id": "q", "rooms": ["r"], "wrap_up_ms": 10_000, "name": "Q", "class": "normal"})
    assert isinstance(plain, ReadObject)
    assert isinstance(spelt, ReadObject)
    assert plain.content == spelt.content
    assert object_hash("queues", plain.content) != object_hash("rooms", plain.content)


def test_passwords_are_no_part_of_a_person() -> None:
    person = {"username": "kari", "name": "Kari", "rooms": ["r"], "password_hash": "$argon2id$secret"}
    found = read_object("operators", person)
    assert isinstance(found, ReadObject)
    assert "secret" not in found.content
    assert found.password_hash == "$argon2id$secret"


def test_what_is_wrong_is_told_with_its_path() -> None:
    bad = {"id": "q", "name": "Q", "rooms": [], "skills": {"doctor": 11}, "colour": "red"}
    problems = read_object("queues", bad)
    assert isinstance(problems, list)
    assert {(str(one.key), one.path) for one in problems} == {
        ("queues/q", "rooms"),
        ("queues/q", "skills.doctor"),
        ("queues/q", "colour"),
    }
    assert str(problems[0]).startswith("queues/q ")


def test_an_object_is_called_what_it_says() -> None:
    assert read_object("rooms", {"id": "a", "name": "A", "positions": 1}, "b") == [
        ObjectProblem(Key("rooms", "b"), "id", "says a, not b")
    ]
    unknown = read_object("trunks", {})
    assert isinstance(unknown, list)
    assert "no such kind" in str(unknown[0])
    assert isinstance(read_object("rooms", "nonsense", "a"), list)


def test_stored_content_of_another_release_is_a_problem_and_no_crash() -> None:
    assert isinstance(section_of(Key("rooms", "a"), '{"id":"a","name":"A","positions":1,"later":2}'), list)
    assert isinstance(section_of(Key("rooms", "a"), "no json"), list)


def test_findings_between_sections_name_the_object() -> None:
    settings = parse_settings("rooms: [{id: r, name: R, positions: 1}]\nqueues: [{id: q, name: Q, rooms: [r]}]\n")
    assert located(settings, ("queues", 0, "rooms", 1), "t") == ObjectProblem(Key("queues", "q"), "rooms[1]", "t")
    assert located(settings, ("radio", "talkgroups", 0), "t") == ObjectProblem(None, "radio.talkgroups[0]", "t")
    assert located(settings, ("queues", 7), "t").key is None


def test_a_section_of_the_organisation_is_one_object_while_it_says_something() -> None:
    text = "rooms: [{id: r, name: R, positions: 1}]\nqueues: [{id: q, name: Q, rooms: [r]}]\n"
    plain, empty = parse_settings(text), Catalogue({})
    assert KINDS["staffing"].name_field == ""
    assert "staffing" not in {found.key.kind for found in objects_of(plain)}
    (said,) = [one for one in objects_of(parse_settings(f"{text}staffing: {{hand_over_minutes: 7}}")) if one.key == ONE]
    assert (str(said.key), said.content) == ("staffing", '{"hand_over_minutes":7}')
    version = empty.after(edited(empty, {said.key: said.content}))
    assert to_yaml(version) == "staffing: {hand_over_minutes: 7}\n"
    read = from_yaml(to_yaml(version))
    assert edited(version, replaced(version, read.objects, KINDS)) == ()
    unset = from_yaml("staffing: {}")
    gone = edited(version, replaced(version, unset.objects, unset.kinds))
    assert [change.after for change in gone] == [None]
    whole = catalogue(plain).after(edited(empty, {said.key: said.content}))
    settings, problems = Composer().whole(plain, whole, {})
    assert problems == []
    assert settings is not None
    assert settings.staffing.hand_over_minutes == 7
