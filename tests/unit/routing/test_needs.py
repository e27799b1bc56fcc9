"""The indexes' own books: what is out of date goes in one sweep, and what is made later is found."""

from heapq import heappop

import pytest

from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing import needs
from kak_server.routing.api import Activity, ContactArrived
from kak_server.routing.needs import HEAP_MIN, STALE_MAX, Bench, BenchEntry
from tests.unit.routing.desk import Desk, queue

PEOPLE = 3 * STALE_MAX


def benches(desk: Desk) -> list[Bench]:
    return [bench for found in desk.core.state.index.benches_in.values() for bench in found]


def test_when_all_have_become_busy_their_bench_is_swept_at_once() -> None:
    desk = Desk()
    assert PEOPLE < HEAP_MIN  # or they would be tidied as they come
    for number in range(PEOPLE):
        desk.sit(f"op{number}")
    for number in range(PEOPLE - 1):
        desk.says(f"op{number}", Activity.BREAK)
    desk.ring("c1")
    assert desk.offered_to("c1") == f"op{PEOPLE - 1}"
    assert max(len(bench.heap) for bench in benches(desk)) < STALE_MAX


def test_also_who_was_turned_down_looks_past_them_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    for number in range(PEOPLE):
        desk.sit(f"op{number}")
        desk.wait(1)
    desk.ring("c1")
    assert desk.offered_to("c1") == "op0"
    for number in range(1, PEOPLE - 1):
        desk.says(f"op{number}", Activity.BREAK)
    taken: list[BenchEntry] = []

    def take(heap: list[BenchEntry]) -> BenchEntry:
        taken.append(heappop(heap))
        return taken[-1]

    monkeypatch.setattr(needs, "heappop", take)
    desk.reject("op0", "c1")
    assert desk.offered_to("c1") == f"op{PEOPLE - 1}"
    assert len(taken) <= STALE_MAX + 2


def test_what_a_wish_asks_for_later_is_looked_for_by_those_who_sit_already() -> None:
    desk = Desk(queue("113"))
    desk.sit("kari", psyk=5)
    desk.ring("first")
    desk.talk("kari", "first")
    crew = desk.core.state.operators[OperatorId("kari")].crew
    before = {room: len(found) for room, found in desk.core.state.index.hubs_in.items()}
    desk.send(ContactArrived(desk.now_ms, ContactId("second"), QueueId("113"), "", skills={"psyk": 2}))
    after = {room: len(found) for room, found in desk.core.state.index.hubs_in.items()}
    assert sum(after.values()) > sum(before.values())
    assert crew.room in after
    desk.hang_up("kari", "first")
    desk.done("kari")
    assert desk.offered_to("second") == "kari"
    assert RoomId("") not in after
