"""A house that was told other settings is the house that is built of them: nobody goes on with what was."""

from collections import deque
from dataclasses import is_dataclass
from typing import Any

from kak_server.bridges.context import Context
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Dirty
from kak_server.bridges.reconfiguring import reconfigure, tables_of
from kak_server.config.compose import to_house_settings, to_routing_config
from kak_server.config.loader import parse_settings
from kak_server.model.ids import OperatorId
from kak_server.routing.api import ConfigChanged, Configured
from kak_server.routing.step import RoutingCore
from kak_server.runtime.ids import RandomIds

BEFORE = """
rooms: [{id: amk, name: AMK, positions: 2}, {id: gone, name: Gone, positions: 1}]
queues: [{id: nod, name: Nød, numbers: [113], class: emergency, rooms: [amk, gone]}]
operators: [{username: kari, name: Kari, password_hash: $argon2id$x, rooms: [amk], roles: [operator, supervisor]}]
"""
AFTER = """
rooms: [{id: amk, name: AMK Oslo, positions: 3}, {id: lvs, name: Legevakt, positions: 1}]
queues:
  - {id: nod, name: Nødtelefon, numbers: [113, 110], class: urgent, rooms: [lvs, amk], callers: {redial_minutes: 90}}
  - {id: lv, name: Legevakt, numbers: ["116117"], class: emergency, rooms: [lvs]}
areas: [{id: all, numbers: ["116118"], default: lv, municipalities: [{code: "0301", name: Oslo, queue: lv}]}]
routing: {surge_radius_m: 77, calendars: {easter: [2027-03-28]}}
staffing: {hand_over_minutes: 9}
operators:
  - {username: kari, name: Kari N, password_hash: $argon2id$x, rooms: [amk]}
  - {username: ola, name: Ola, password_hash: $argon2id$x, rooms: [lvs], roles: [supervisor]}
"""
LEFT_OUT = frozenset({"core", "out", "events", "now_ms"})
PLAIN = (str, int, float, bool, type(None), bytes)


def house_of(text: str) -> House:
    settings = parse_settings(text)
    core = RoutingCore()
    core.step(Configured(1, to_routing_config(settings), 1))
    return House(to_house_settings(settings), core, RandomIds())


def values(house: House) -> dict[str, str]:
    """Every plain value that can be reached, by the first path to it. The core and the outputs have tests of their
    own."""
    found: dict[str, str] = {}
    seen: set[int] = set()
    todo: deque[tuple[str, Any]] = deque([("house", house)])
    while todo:
        path, thing = todo.popleft()
        if isinstance(thing, Context):
            found[f"{path}.settings"] = repr(thing.settings)
        elif isinstance(thing, PLAIN) or is_dataclass(thing):
            found[path] = repr(thing)
        elif isinstance(thing, dict):
            found[path] = repr(sorted((str(key), repr(value)) for key, value in thing.items()))
        elif isinstance(thing, list | tuple | set | frozenset | deque):
            found[path] = repr(sorted(map(repr, thing)))
        elif type(thing).__module__.startswith("kak_server.bridges") and id(thing) not in seen:
            seen.add(id(thing))
            names = {*getattr(thing, "__dict__", {}), *getattr(type(thing), "__slots__", ())} - LEFT_OUT
            todo.extend((f"{path}.{name}", getattr(thing, name)) for name in sorted(names))
        if isinstance(thing, dict):
            todo.extend((f"{path}[{key}]", value) for key, value in thing.items() if not isinstance(value, PLAIN))
    return {path: text for path, text in found.items() if " at 0x" not in text}


def test_nothing_of_the_old_settings_is_left() -> None:
    before, after = house_of(BEFORE), house_of(AFTER)
    assert values(before) != values(after)
    tables = tables_of(after.ctx.settings)
    people = frozenset({OperatorId("kari"), OperatorId("ola")})
    reconfigure(before, tables, people, ConfigChanged(0, 2), 1)
    left = {
        path: (value, values(after).get(path))
        for path, value in values(before).items()
        if values(after).get(path) != value
    }
    assert left == {}, "these keep what was: let them `serve` the new settings in bridges/reconfiguring.py"


def test_consoles_are_told_the_names_of_queues_anew_when_there_are_others() -> None:
    house = house_of(BEFORE)
    people = frozenset({OperatorId("kari")})

    def told(text: str, version: int) -> bool:
        reconfigure(house, tables_of(house_of(text).ctx.settings), people, ConfigChanged(0, version), version)
        return Dirty("transfer_targets") in house.drain()

    assert not told(BEFORE, 2)
    renamed = BEFORE.replace("name: Nød,", "name: {nb: Nød, en: Emergencies},")
    assert told(renamed, 3)
    assert [dict(row) for row in house.views.targets] == [
        {"queue": "nod", "name": "Nød", "name_en": "Emergencies", "room_name": "AMK"}
    ]
    assert not told(renamed, 4)


def test_the_walk_reaches_what_is_looked_up() -> None:
    """The test above sees the tables it is about."""
    seen = values(house_of(BEFORE))
    for part in ("calls._directory", "calls.queues", "views._rooms", "staff._leads", "abandoned._emergency"):
        assert any(f"house.{part}" in path for path in seen), part
