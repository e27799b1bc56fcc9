"""Which groups and radios there are: the lab's own, a world file, a server's configuration."""

from pathlib import Path

import pytest
import yaml

from kak_sim.tetra.network import Policy
from kak_sim.tetra.world import LAB, GroupSpec, RadioSpec, WorldError, load
from tests.tidy.source_tree import ROOT


def test_the_lab_has_the_talkgroups_of_its_configuration() -> None:
    configured = yaml.safe_load((ROOT / "configs/lab.yaml").read_text(encoding="utf-8"))["radio"]["talkgroups"]
    assert [(group.gssi, group.name) for group in LAB.groups] == [(item["gssi"], item["name"]) for item in configured]


def test_every_radio_of_the_lab_is_in_a_group_of_its_own_number() -> None:
    assert len({radio.issi for radio in LAB.radios}) == len(LAB.radios) >= 6
    assert {radio.gssi for radio in LAB.radios} == {group.gssi for group in LAB.groups}


def test_a_world_file(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(
        "groups: [{gssi: 1, name: En}]\nradios: [{issi: 7, alias: Bil, gssi: 1}]\npolicy: {grant: deny, max_ms: 900}\n"
    )
    world = load(path)
    assert world.groups == (GroupSpec(1, "En"),)
    assert world.radios == (RadioSpec(7, "Bil", 1),)
    assert world.policy == Policy(grant="deny", max_ms=900)


@pytest.mark.parametrize("name", ["lab.yaml", "national.yaml"])
def test_a_server_configuration_gives_its_groups_and_invented_radios(name: str) -> None:
    world = load(ROOT / "configs" / name)
    assert len(world.groups) >= 5
    assert len(world.radios) >= 10
    assert len({radio.issi for radio in world.radios}) == len(world.radios)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "not YAML"),
        ("nothing: here", "groups"),
        ("groups: []\nradios: []", "groups"),
        ("groups: [{gssi: 0, name: x}]\nradios: []", "gssi"),
        ("groups: [{gssi: 1, name: x}]\nradios: [{issi: 7, alias: b, gssi: 2}]", "not listed"),
        ("groups: [{gssi: 1, name: x}]\nradios: [{issi: 7, alias: b, gssi: 1}, {issi: 7, alias: c, gssi: 1}]", "twice"),
        ("groups: [{gssi: 1, name: x}]\nradios: []\npolicy: {grant: maybe}", "policy"),
        ("radio: {talkgroups: 5}", "talkgroups"),
        ("radio: {talkgroups: []}", "no talkgroups"),
        ("radio: {talkgroups: [{name: x}]}", "talkgroups"),
    ],
)
def test_what_is_not_a_world_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    with pytest.raises(WorldError, match=words):
        load(path)
