"""Rules that lead nowhere are warned of."""

from pathlib import Path

import pytest

from kak_server.config.loader import load_settings, parse_settings
from kak_server.config.warnings import warnings

BASE = """\
server: {{lab: true}}
rooms: [{{id: oslo, name: Oslo, positions: 2{room}}}, {{id: voss, name: Voss, positions: 1}}]
queues: [{{id: q, name: Q, rooms: [{rooms}]{queue}}}]
operators: [{people}]
"""
KARI = "{username: kari, name: Kari, password: lab, rooms: [oslo], skills: {emd: 4}}"


def told(room: str = "", queue: str = "", rooms: str = "oslo", people: str = KARI) -> list[tuple[str, str]]:
    text = BASE.format(room=room, queue=queue, rooms=rooms, people=people)
    return [(".".join(map(str, location)), words) for location, words in warnings(parse_settings(text))]


def test_what_can_be_done_is_not_warned_of() -> None:
    assert told(queue=", skills: {emd: 4}") == []
    assert told(queue=", skills: {emd: 6}, workflow: [{reach: own}, {after_ms: 9000, relax: 2}]") == []
    assert told(queue=", skills: {ger: 1}, workflow: [{reach: own}, {after_ms: 9000, drop: [ger]}]") == []
    assert told(queue=", skills: {ger: 1}", people="") == []


@pytest.mark.parametrize(
    ("case", "where", "words"),
    [
        ({"queue": ", skills: {ger: 1}"}, "queues.0.skills.ger", "queue q needs ger 1, and nobody has it"),
        ({"queue": ", skills: {emd: 5}"}, "queues.0.skills.emd", "queue q needs emd 5, and nobody has more than 4"),
        ({"rooms": "voss"}, "queues.0.rooms", "nobody may sit in a room that serves queue q"),
        ({"rooms": "voss, oslo"}, "queues.0.rooms.0", "nobody may sit in voss, the own room of queue q"),
        ({"queue": ", workflow: [{reach: region}]"}, "queues.0.workflow.0.reach", "room oslo belongs to no region"),
        ({"room": ", minimum_staff: 3"}, "rooms.0.minimum_staff", "room oslo has 2 positions"),
    ],
)
def test_what_can_never_be(case: dict[str, str], where: str, words: str) -> None:
    assert told(**case) == [(where, words)]


@pytest.mark.parametrize("name", ["lab", "national"])
def test_our_own_examples_lead_somewhere(name: str) -> None:
    assert warnings(load_settings(Path(f"configs/{name}.yaml"))) == []
