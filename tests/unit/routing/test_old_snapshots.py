"""Snapshots that former versions of the program wrote: upgraded, and the state goes on from there."""

import json
from pathlib import Path
from typing import Any

import pytest

from kak_server.model.codec import CodecError
from kak_server.model.forms import NewerFormError
from kak_server.routing.invariants import violations
from kak_server.routing.snapshot_forms import FORMAT, UPGRADERS
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, queue

SNAPSHOTS = sorted((Path(__file__).parent / "snapshots").glob("*.json"))
"""Each of the same hour: Kari does paper work, Ola is called for c4, Bente talks in a queue that is no more, Per has a
break; four wait for an emergency operator, c2 and c8 for one who speaks a skill that nobody has."""


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def resumed(data: Any) -> Desk:
    desk = Desk.__new__(Desk)
    desk.core = RoutingCore.restore(data)
    desk.now_ms = desk.core.now_ms
    desk.events, desk.effects, desk.timers = [], [], dict(desk.core.timers())
    return desk


def test_there_are_snapshots() -> None:
    assert len(SNAPSHOTS) >= 2


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.name)
def test_an_old_snapshot_is_read_as_it_was_and_obeys_the_laws(path: Path) -> None:
    data = read(path)
    before = json.dumps(data)
    core = RoutingCore.restore(data)
    assert json.dumps(data) == before, "what was read is not changed"
    assert violations(core.state) == []
    rows = {row["contact"]: (row["state"], row["queue"], row["operator"]) for row in data["contacts"]}
    assert {view.contact: (view.state.value, view.queue, view.operator) for view in core.contacts()} == rows
    people = {row["operator"]: (row["state"], row["activity"], row["contact"]) for row in data["operators"]}
    assert {view.operator: (view.state.value, view.activity.value, view.contact) for view in core.operators()} == people
    since = {row["operator"]: row["since_ms"] for row in data["operators"]}
    assert {view.operator: view.duty.activity_since_ms for view in core.operators()} == since
    assert core.timers() == {key: timer["at_ms"] for key, timer in data["timers"].items()}
    assert core.snapshot()["format"] == FORMAT
    assert RoutingCore.restore(core.snapshot()).digest() == core.digest()


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.name)
def test_who_waited_then_is_offered_from_there_on(path: Path) -> None:
    desk = resumed(read(path))
    desk.accept("ola", "c4")
    desk.joined("c4")
    desk.wait(3_000)  # the own room's time is over for c5 and c6
    desk.hang_up("bente", "c3")
    desk.done("bente")
    assert desk.offered_to("c5") == "bente"
    desk.done("kari")
    assert desk.offered_to("c6") == "kari"
    again = RoutingCore.restore(desk.core.snapshot())
    assert again.digest() == desk.core.digest()


def test_a_queue_without_rows_and_rules_that_are_not_there_are_named() -> None:
    data = read(SNAPSHOTS[0])
    data["contacts"][0]["queue"] = "nowhere"
    with pytest.raises(CodecError, match="unknown queue or rules of c2: nowhere"):
        RoutingCore.restore(data)


def test_a_snapshot_of_a_newer_form_says_so_and_one_that_cannot_be_upgraded_too() -> None:
    data = read(SNAPSHOTS[0])
    with pytest.raises(NewerFormError, match=f"a routing snapshot of format 99; this program knows {FORMAT}"):
        RoutingCore.restore({**data, "format": 99})
    with pytest.raises(CodecError, match="a routing snapshot of format 1 cannot be read"):
        RoutingCore.restore({**data, "contacts": [7]})
    with pytest.raises(CodecError, match="not a routing snapshot of a known format"):
        RoutingCore.restore({**data, "format": "1"})


def test_every_form_has_a_step_to_the_next() -> None:
    assert sorted(UPGRADERS) == list(range(1, FORMAT))


def test_what_form_one_said_later_with_workflows_is_left_as_it_is() -> None:
    """The number stayed while fields were added: a row that tells its steps keeps them."""
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=5_000))
    desk.ring("c1")
    desk.wait(1_000)
    now = desk.core.snapshot()
    assert RoutingCore.restore({**now, "format": 1}).digest() == desk.core.digest()
