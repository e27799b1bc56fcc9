"""Out as YAML and in again: nothing changes on the way, and nothing is read that must not be."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from kak_server.config.loader import load_settings, parse_settings
from kak_server.config.versions.catalogue import Catalogue, edited, replaced
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import KINDS
from kak_server.config.versions.yaml_text import from_yaml, to_yaml
from tests.unit.config.versions.samples import FILE, catalogue, catalogues, machine

CONFIGS = Path(__file__).parents[4] / "configs"


@settings(max_examples=150, deadline=None)
@given(version=catalogues)
def test_out_and_in_again_is_the_same(version: Catalogue) -> None:
    read = from_yaml(to_yaml(version, "version 7"))
    assert read.problems == ()
    assert edited(version, replaced(version, read.objects, KINDS)) == ()


@pytest.mark.parametrize("name", ["lab.yaml", "national.yaml"])
def test_the_examples_out_and_in_again(name: str) -> None:
    version = catalogue(load_settings(CONFIGS / name))
    read = from_yaml(to_yaml(version))
    assert read.problems == ()
    assert edited(version, replaced(version, read.objects, KINDS)) == ()


def test_hashes_of_passwords_stand_there_only_when_asked_for() -> None:
    assert "password" not in to_yaml(catalogue())
    text = to_yaml(catalogue(), passwords={"kari": "$argon2id$v=19$abc"})
    assert text.count("password_hash") == 1
    read = from_yaml(text)
    assert {one.key.name: one.password_hash for one in read.objects if one.key.kind == "operators"} == {
        "kari": "$argon2id$v=19$abc",
        "ola": None,
    }


def test_sections_of_the_machine_are_left_alone_and_unknown_ones_told() -> None:
    read = from_yaml(FILE + "colours: [red]\n")
    assert read.ignored == ("server",)
    assert read.kinds == ("rooms", "queues", "operators")
    assert [(one.path, one.text) for one in read.problems] == [("colours", "unknown key")]


def test_a_text_from_outside_reads_no_file_and_no_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("geheim")
    text = f"""
rooms: [{{id: oslo, name: !file {tmp_path}/secret, positions: 1}}]
queues: [{{id: q, name: !env HOME, rooms: [oslo]}}]
areas: [{{id: a, numbers: [1], default: q, file: {tmp_path}/secret}}]
"""
    read = from_yaml(text)
    assert "geheim" not in str(read)
    assert len([one for one in read.problems if "server's own" in one.text or "must be sent" in one.text]) == 3
    trusted = from_yaml(text.replace("areas", "#"), base=tmp_path)
    assert "geheim" in trusted.objects[0].content


def test_problems_carry_the_line() -> None:
    read = from_yaml(
        "rooms:\n  - {id: a, name: A, positions: 1}\n  - {id: b, positions: 1}\n  - {id: a, name: A, positions: 2}\n"
    )
    assert [str(one) for one in read.problems] == ["rooms/b name: line 3: missing", "rooms/a: stands there twice"]
    assert from_yaml("- 1").problems[0].text.startswith("expected sections")
    assert from_yaml("rooms: 3").problems[0].text == "expected a list"
    assert from_yaml("rooms: [\n").problems
    assert from_yaml("").objects == ()


def test_the_order_of_the_file_is_kept() -> None:
    text = to_yaml(catalogue(machine()))
    assert text.index("113-oslo") < text.index("doctor")
    assert text.splitlines()[1].startswith("- {id: oslo,")


def test_calendars_and_workflows_go_out_and_come_in() -> None:
    text = """
rooms: [{id: oslo, name: Oslo, positions: 1, neighbours: [bergen]}, {id: bergen, name: Bergen, positions: 1}]
queues:
  - id: q
    name: Q
    rooms: [oslo]
    workflow: [{after_ms: 5000, rooms: [bergen]}, {after_ms: 9000, when: {on: easter}, overflow_number: "22000000"}]
routing: {calendars: {easter: [2027-03-28, 2027-03-29]}}
"""
    version = catalogue(parse_settings(text))
    read = from_yaml(to_yaml(version))
    assert read.problems == ()
    assert edited(version, replaced(version, read.objects, KINDS)) == ()
    settings, problems = Composer().whole(parse_settings(text), version, {})
    assert problems == []
    assert settings == parse_settings(text)
