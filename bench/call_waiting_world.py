"""The country of `make bench-call-waiting` as a configuration: 190 rooms, 400 queues with skills and overflow, and
robots in a few of the rooms."""

import json
from pathlib import Path
from typing import Any

from kak_sim.lab import Ports, write_config

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE.parent / "configs" / "lab.yaml"
ROOMS, REGIONS, SHARED = 190, 16, 4
SEATS = 5  # robots in a room
RTP_PORTS = (33_000, 60_999)  # a port is set aside for each who waits
SKILLS = ("113", "legevakt", "psyk")
FREE_ROOM, BUSY_ROOM = 0, 100  # the first room of those who are free, and of those who work off the queue


def _room(number: int) -> str:
    return f"room-{number}"


def _queue(name: str, number: str, klass: str, rooms: list[str], skills: dict[str, int], steps: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": {"nb": name, "en": name},
        "numbers": [number],
        "class": klass,
        "rooms": rooms,
        "skills": skills,
        "workflow": steps,
        "offer_timeout_ms": 15_000,
        "wrap_up_ms": 60_000,
        "waiting": "ring",
    }


def queues() -> list[dict[str, Any]]:
    """Of each room one for emergencies and one for all else, which goes on to that of the region; and a few that need a
    skill nobody else needs."""
    emergency: list[dict[str, Any]] = [
        {"reach": "own"},
        {"after_ms": 5_000, "reach": "neighbours"},
        {"after_ms": 10_000, "reach": "region"},
        {"after_ms": 20_000, "reach": "country", "relax": 1},
    ]
    ordinary: list[dict[str, Any]] = [
        {"reach": "own"},
        {"after_ms": 10_000, "reach": "neighbours", "strategy": "most-skilled"},
        {"after_ms": 30_000, "reach": "neighbours", "overflow_queue": "region-0"},
    ]
    made = []
    for number in range(ROOMS):
        room = [_room(number)]
        made.append(_queue(f"e-{number}", f"+4700{10_000 + number}", "emergency", room, {"113": 3}, emergency))
        steps = [*ordinary[:2], {**ordinary[2], "overflow_queue": f"region-{number % REGIONS}"}]
        made.append(_queue(f"o-{number}", f"+4700{20_000 + number}", "normal", room, {"legevakt": 2}, steps))
    for region in range(REGIONS):
        rooms = [_room(number) for number in range(ROOMS) if number % REGIONS == region]
        steps = [{"reach": "queue"}, {"after_ms": 20_000, "reach": "country"}]
        made.append(_queue(f"region-{region}", f"+4700{30_000 + region}", "normal", rooms, {"legevakt": 2}, steps))
    rare = [{"reach": "queue", "strategy": "most-skilled"}]
    for number in range(SHARED):
        rooms = [_room(FREE_ROOM + at) for at in range(number, number + 8)]
        made.append(_queue(f"rare-{number}", f"+4700{40_000 + number}", "urgent", rooms, {"psyk": 2}, rare))
    return made


def waiting_numbers() -> list[str]:
    """Of the queues that fill up."""
    return [f"+4700{base + number}" for number in range(ROOMS) for base in (10_000, 20_000)]


def free_numbers() -> list[str]:
    """Of the queues for which somebody is free."""
    return [f"+4700{40_000 + number}" for number in range(SHARED)]


def people(count: int, first_room: int) -> list[tuple[str, str]]:
    """User names and positions of robots, so many a room."""
    places = [(first_room + at // SEATS, at % SEATS + 1) for at in range(count)]
    return [(f"robot-{room}-{seat}", f"{_room(room)}-{seat}") for room, seat in places]


def config(folder: Path, ports: Ports, free: int, busy: int, durability: str) -> Path:
    """All of it, written."""
    rows = [(name, {"psyk": 5}) for name, _ in people(free, FREE_ROOM)]
    rows += [(name, {"113": 6, "legevakt": 4}) for name, _ in people(busy, BUSY_ROOM)]
    operators = [
        {
            "username": name,
            "name": name,
            "password": "lab",
            "roles": ["operator"],
            "rooms": [_room(int(name.split("-")[1]))],
            "skills": skills,
        }
        for name, skills in rows
    ]
    rooms = [
        {
            "id": _room(number),
            "name": f"Room {number}",
            "kind": "amk",
            "positions": SEATS,
            "neighbours": [_room((number - 1) % ROOMS), _room((number + 1) % ROOMS)],
            "region": f"region-{number % REGIONS}",
        }
        for number in range(ROOMS)
    ]
    changes = {
        "sip": {"devices": []},
        "rooms": rooms,
        "skills": [{"id": skill, "name": {"nb": skill, "en": skill}} for skill in SKILLS],
        "queues": queues(),
        "operators": operators,
        "radio": {"gateways": [], "talkgroups": []},
        "media": {"rtp_port_min": RTP_PORTS[0], "rtp_port_max": RTP_PORTS[1]},
        "limits": {"max_contacts": 20_000, "max_sip_calls": 12_000},
        "journal": {"durability": durability},
    }
    plain = json.loads(json.dumps(changes))  # nothing twice the same object: the file knows no aliases
    return write_config(TEMPLATE, folder, ports, plain)
