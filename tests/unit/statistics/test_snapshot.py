"""A reducer that was put away and taken up again goes on as if nothing had happened."""

import json
from pathlib import Path

import pytest

from kak_server.model.codec import CodecError, dumps
from kak_server.statistics import snapshot
from kak_server.statistics.reducer import Reducer
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MeasuredDesk


def put_away(reducer: Reducer) -> Reducer:
    return snapshot.decode(json.loads(dumps(snapshot.encode(reducer))))


def a_day(desk: MeasuredDesk, *, restarts: bool) -> dict[object, object]:
    """Calls across two borders, with somebody who waits all the time."""

    def perhaps_restart() -> None:
        if restarts:
            desk.reducer = put_away(desk.reducer)

    desk.at("08:00:00")
    desk.sit("ada")
    for number in range(40):
        desk.ring(f"c{number}")
        desk.wait(47_000)
        perhaps_restart()
        holder = desk.core.operator(desk.operator("ada").operator)
        assert holder is not None
        if holder.contact is not None and number % 3:
            desk.talk("ada", holder.contact)
            desk.wait(50_000)
            perhaps_restart()
            desk.hang_up("ada", holder.contact)
        if number % 5 == 0:
            desk.close()
    desk.at("11:00:00")
    desk.close()
    return dict(desk.rows.items())


def test_restarts_change_no_figure() -> None:
    straight = a_day(MeasuredDesk(queue("113", wrap_up_ms=20_000)), restarts=False)
    assert a_day(MeasuredDesk(queue("113", wrap_up_ms=20_000)), restarts=True) == straight
    assert len(straight) > 10


def test_the_day_so_far_survives() -> None:
    desk = MeasuredDesk(queue("113"))
    a_day(desk, restarts=False)
    before = {key: cell.named() for key, cell in desk.reducer.book.today()["queue"].items()}
    after = {key: cell.named() for key, cell in put_away(desk.reducer).book.today()["queue"].items()}
    assert before == after
    assert before["113"]["offered"] == 40


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"format": 2},
        {"format": 1},
        {"format": 1, "half_hours": []},
        {
            "format": 1,
            "half_hours": [{"start_ms": 0, "complete": True, "cells": [["nobody", "x", "", 0, 0, False, {}]]}],
        },
    ],
)
def test_what_is_no_snapshot_is_refused(broken: object) -> None:
    with pytest.raises(CodecError):
        snapshot.decode(broken)


def test_a_column_of_another_version_is_passed_over() -> None:
    desk = MeasuredDesk(queue("113"))
    desk.at("08:00:00")
    desk.ring("c1")
    data = json.loads(dumps(snapshot.encode(desk.reducer)))
    for cell in data["half_hours"][-1]["cells"]:
        cell[-1]["coffees"] = 7
    assert snapshot.decode(data).book.now.cells["queue"]["113"].named() == {
        "offered": 1,
        "pending": 1,
        "waiting_peak": 1,
    }


def test_begin_in_the_middle() -> None:
    """A core whose past nobody counted: the half hour says so, and no outcome is credited to an arrival not seen."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=0))
    desk.at("08:10:00")
    desk.sit("ada")
    desk.ring("c1")
    desk.ring("c2")
    desk.reducer = Reducer()
    desk.reducer.adopt(desk.core.state)
    desk.wait(10_000)
    desk.talk("ada", "c1")
    desk.gone("c2")
    desk.hang_up("ada", "c1")
    desk.ring("c3")
    desk.at("08:30:00")
    figures = desk.row("08:00", "queue", "113")
    assert (figures["offered"], figures["answers"], figures["handled"]) == (1, 1, 1)
    assert "answered" not in figures
    assert "abandoned" not in figures
    assert not any(row.complete for row in desk.rows.values())


def test_no_code_of_ours_is_needed_to_read_it(tmp_path: Path) -> None:
    """It is JSON of plain values: the journal takes it as it is."""
    desk = MeasuredDesk(queue("113"))
    desk.at("08:00:00")
    desk.ring("c1")
    (tmp_path / "kept").write_bytes(dumps(snapshot.encode(desk.reducer)))
    assert json.loads((tmp_path / "kept").read_bytes()) == snapshot.encode(desk.reducer)
