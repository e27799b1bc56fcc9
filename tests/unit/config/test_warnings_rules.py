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


ROOMS = """\
server: {lab: true}
rooms:
  - {id: oslo, name: Oslo, positions: 1, region: east, neighbours: [hamar, moss]}
  - {id: moss, name: Moss, positions: 1, region: east}
  - {id: hamar, name: Hamar, positions: 1, region: inland}
  - {id: voss, name: Voss, positions: 1}
queues: [{id: q, name: Q, rooms: [oslo, voss], workflow: [%s]}]
operators: []
"""


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        ("{reach: own}, {after_ms: 1, reach: neighbours}, {after_ms: 2, reach: country}", []),
        ("{reach: own}, {after_ms: 1, reach: region}, {after_ms: 2, rooms: [hamar]}, {after_ms: 3, relax: 1}", []),
        ("{reach: neighbours}, {after_ms: 1, reach: region, rooms: [hamar]}, {after_ms: 2, reach: country}", []),
        ("{reach: neighbours}, {after_ms: 1, reach: region}, {after_ms: 2, reach: country}", [(1, "hamar")]),
        ("{rooms: [hamar]}, {after_ms: 1, reach: queue}, {after_ms: 2, reach: own}", [(1, "hamar"), (2, "voss")]),
        ("{reach: country}, {after_ms: 1, relax: 1}, {after_ms: 2, reach: region}", [(2, "the rest of the country")]),
    ],
)
def test_a_step_after_which_fewer_are_asked(workflow: str, expected: list[tuple[int, str]]) -> None:
    """Such a caller could wait while somebody is idle who might have been asked a moment ago."""
    found = [(".".join(map(str, where)), words) for where, words in warnings(parse_settings(ROOMS % workflow))]
    assert found == [
        (f"queues.0.workflow.{number}.reach", f"no longer asks {who}, whom the step before asks")
        for number, who in expected
    ]


def test_many_who_are_no_longer_asked_are_counted() -> None:
    rooms = ", ".join(f"{{id: r{number}, name: R, positions: 1, region: east}}" for number in range(6))
    text = f"""\
server: {{lab: true}}
rooms: [{rooms}]
queues: [{{id: q, name: Q, rooms: [r0], workflow: [{{reach: region}}, {{after_ms: 1, reach: own}}]}}]
operators: []
"""
    ((_where, words),) = warnings(parse_settings(text))
    assert words == "no longer asks r1, r2, r3 and 2 more, whom the step before asks"


@pytest.mark.parametrize("name", ["lab", "national"])
def test_our_own_examples_lead_somewhere(name: str) -> None:
    assert warnings(load_settings(Path(f"configs/{name}.yaml"))) == []
