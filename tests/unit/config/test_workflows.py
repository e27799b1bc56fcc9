"""Workflows as they are written: what the core is told, and what is wrong with them, with the place in the file."""

from pathlib import Path

import pytest

from kak_server.config.compose import to_routing_config
from kak_server.config.loader import load_settings as load
from kak_server.config.problems import ConfigError
from kak_server.routing.api import Condition, ContactClass, Reach, RoomState, Strategy

BASE = """\
server: {{lab: true}}
routing: {{calendars: {{holidays: [2026-12-25, 2027-01-01]}}, fair_sharing: true, recheck_ms: 2000}}
rooms:
  - {{id: oslo, name: Oslo, positions: 2, neighbours: [bergen], region: east, reserve: 1, weight: 3, help_percent: 20}}
  - {{id: bergen, name: Bergen, positions: 2}}
queues:
  - id: "113"
    name: 113
    class: emergency
    rooms: [oslo]
    skills: {{emd: 3}}
  - id: q
    name: Q
    rooms: [oslo, bergen]
    skills: {{doctor: 2}}
    preferred: {{english: 1}}
    workflow:
{steps}
operators:
  - {{username: kari, name: Kari, password: lab, rooms: [oslo]}}
"""


def written(folder: Path, *steps: str) -> Path:
    path = folder / "kak.yaml"
    path.write_text(BASE.format(steps="\n".join(f"      - {step}" for step in steps)))
    return path


def test_steps_and_conditions_reach_the_core(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "{reach: own}",
        "{after_ms: 5000, reach: neighbours, rooms: [bergen], relax: 1, drop: [doctor],"
        " strategy: ring-all, ring_max: 6}",
        '{after_ms: 6000, overflow_queue: "113", when: {from: "22:00", until: "06:30", days: [sat, sun], on: holidays,'
        " classes: [normal], staff_below: 2, waiting_from: 4, own_room: [closed]}}",
    )
    config = to_routing_config(load(path))
    queue = config.queues[1]
    first, second, third = queue.workflow
    assert (first.reach, dict(queue.preferred)) == (Reach.OWN, {"english": 1})
    assert (second.after_ms, second.reach, second.rooms, second.relax) == (5_000, Reach.NEIGHBOURS, ("bergen",), 1)
    assert (second.drop, second.strategy, second.ring_first, second.ring_max) == (("doctor",), Strategy.RING_ALL, 5, 6)
    assert third.overflow_queue == "113"
    assert third.when == Condition(
        classes=(ContactClass.NORMAL,),
        weekdays=(5, 6),
        from_min=22 * 60,
        until_min=6 * 60 + 30,
        calendar="holidays",
        staff_below=2,
        waiting_from=4,
        room_states=(RoomState.CLOSED,),
    )
    oslo, bergen = config.national.rooms
    assert (oslo.neighbours, oslo.region, oslo.reserve, oslo.weight, oslo.help_percent) == (
        ("bergen",),
        "east",
        1,
        3,
        20,
    )
    assert (bergen.neighbours, bergen.region, bergen.reserve) == ((), "", 0)
    assert (config.national.fair, config.national.recheck_ms) == (True, 2_000)
    assert config.national.calendars == {"holidays": (20_812, 20_819)}


WRONG = [
    ("{rooms: [moon]}", "queues.1.workflow.0.rooms.0", "there is no room moon"),
    ("{overflow_queue: moon}", "queues.1.workflow.0.overflow_queue", "there is no queue moon"),
    ("{overflow_queue: q}", "queues.1.workflow", "come back to it"),
    ("{drop: [piano]}", "queues.1.workflow.0.drop.0", "asks for no skill piano"),
    ("{ring_first: 9, ring_max: 3}", "queues.1.workflow.0.ring_first", "above ring_max"),
    ("{ring_max: 21}", "queues.1.workflow.0.ring_max", "less than or equal to 20"),
    ("{strategy: named}", "queues.1.workflow.0.operator", "belongs to the strategy named"),
    ("{strategy: named, operator: nobody}", "queues.1.workflow.0.operator", "there is no user nobody"),
    ("{strategy: sticky}", "queues.1.workflow.0.strategy", "no later step asks anybody else"),
    ("{use_reserves: true}", "queues.1.workflow.0.use_reserves", "only emergencies"),
    ("{tell_position: true}", "queues.1.workflow.0.tell_position", "told with an announcement"),
    ("{when: {on: easter}}", "queues.1.workflow.0.when.on", "there is no calendar easter"),
    ('{when: {from: "25:00"}}', "queues.1.workflow.0.when.from", ""),
    ('{overflow_queue: "113", overflow_number: 110}', "queues.1.workflow.0.overflow_number", "either to a queue"),
    ("{reach: moon}", "queues.1.workflow.0.reach", ""),
    ("{piano: 1}", "queues.1.workflow.0.piano", ""),
]


@pytest.mark.parametrize(("step", "where", "text"), WRONG, ids=[step for step, _, _ in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, step: str, where: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, step))
    message = str(caught.value)
    assert where.rpartition(".")[2].lower() in message
    assert text in message
    assert "line 18: " in message or "line 17: " in message  # the step's, or the workflow's


def test_steps_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in the order of their times"):
        load(written(tmp_path, "{after_ms: 9000, reach: own}", "{after_ms: 1000, reach: country}"))
