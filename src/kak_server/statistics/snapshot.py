"""The reducer's memory as plain JSON and back: kept beside the routing snapshot, so that a restart loses no figure."""

from collections.abc import Mapping
from typing import Any

from kak_server.model.codec import CodecError, from_json, to_json
from kak_server.model.forms import FormStep, upgraded
from kak_server.statistics.columns import BYS, COLUMNS, INDEX, OTHER_MS, By
from kak_server.statistics.contacts import Case
from kak_server.statistics.halfhours import Cell, Cells, HalfHour
from kak_server.statistics.people import Person
from kak_server.statistics.reducer import Reducer

FORMAT = 1
UPGRADERS: Mapping[int, FormStep] = {}
KEY = "statistics"  # in the routing snapshot, whose reader passes over what it does not know


def encode(reducer: Reducer) -> dict[str, Any]:
    """Plain JSON values. Columns go by name, so that a version with other columns reads the rest."""
    book = reducer.book
    return {
        "format": FORMAT,
        "begun": reducer.begun,
        "now_ms": book.now_ms,
        "half_hours": [_half_hour(half_hour) for half_hour in (*book.kept.values(), book.now)],
        "day_start_ms": book.day_start_ms,
        "day": _cells(book.day),
        "cases": [to_json(case) for case in reducer.contacts.cases.values()],
        "people": [{**to_json(person), "doing": COLUMNS[person.doing].name} for person in reducer.people.here.values()],
    }


def decode(data: Any) -> Reducer:
    """A reducer that goes on from there. Raises CodecError if it is no snapshot, or of a form that cannot be read."""
    data = upgraded(data, FORMAT, UPGRADERS, "statistics snapshot")
    reducer = Reducer()
    book = reducer.book
    try:
        *kept, book.now = [_read_half_hour(item) for item in data["half_hours"]]
        book.kept = {half_hour.start_ms: half_hour for half_hour in kept}
        book.now_ms, book.day_start_ms = int(data["now_ms"]), int(data["day_start_ms"])
        book.day = _read_cells(data["day"])
        reducer.begun = bool(data["begun"])
        for item in data["people"]:
            person = from_json(Person, {**item, "doing": INDEX.get(item["doing"], OTHER_MS)})
            reducer.people.here[person.operator] = person
        for item in data["cases"]:
            reducer.contacts.take_up(from_json(Case, item))
    except (KeyError, TypeError, ValueError) as problem:  # CodecError is a ValueError
        raise CodecError(f"the statistics snapshot cannot be read: {problem!r}") from None
    return reducer


def _half_hour(half_hour: HalfHour) -> dict[str, Any]:
    cells = _cells(half_hour.cells)
    return {"start_ms": half_hour.start_ms, "complete": half_hour.complete, "cells": cells}


def _cells(cells: Cells) -> list[list[Any]]:
    return [
        [by, key, cell.room, cell.threshold_ms, cell.goal_percent, cell.changed_ms, cell.named()]
        for by in BYS
        for key, cell in cells[by].items()
    ]


def _read_half_hour(data: Any) -> HalfHour:
    return HalfHour(int(data["start_ms"]), bool(data["complete"]), _read_cells(data["cells"]))


def _read_cells(data: Any) -> Cells:
    cells: Cells = {by: {} for by in BYS}
    for by, key, room, threshold_ms, goal_percent, changed_ms, figures in data:
        cells[_by(by)][str(key)] = cell = Cell(str(room))
        cell.threshold_ms, cell.goal_percent, cell.changed_ms = int(threshold_ms), int(goal_percent), int(changed_ms)
        for name, value in figures.items():
            if name in INDEX:
                cell.figures[INDEX[name]] = int(value)
    return cells


def _by(value: Any) -> By:
    for by in BYS:
        if by == value:
            return by
    raise ValueError(f"no kind of row: {value!r}")
