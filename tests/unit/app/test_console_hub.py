"""The hub over a real house: seats at once, lists once a room and at most five times a second."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kak_server.app import hub
from kak_server.console.messages import check_event
from kak_server.console.ports import Caller
from kak_server.model.ids import OperatorId, PositionId, RoomId, SessionId
from kak_server.routing.api import LoanAgreed, LoanAsked, LoanEnded
from tests.unit.app.desk import Desk, Stream

AMK_1, AMK_2, LVS_1 = PositionId("amk-1"), PositionId("amk-2"), PositionId("lvs-1")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def listen(desk: Desk, position: PositionId | None, session: str = "s1") -> tuple[Caller, Stream]:
    caller, stream = Caller(SessionId(session), OperatorId("kari"), position, 1), Stream()
    desk.hub.subscribe(caller, stream)
    return caller, stream


async def test_a_seat_hears_what_is_told_to_it_and_no_other_does(desk: Desk) -> None:
    _, here = listen(desk, AMK_1)
    _, second_tab = listen(desk, AMK_1, "s2")
    _, there = listen(desk, AMK_2, "s3")
    desk.hub.tell(AMK_1, "offer", {"contact": "c1"})
    assert here.events == second_tab.events == [("offer", {"contact": "c1"})]
    assert there.events == []
    desk.hub.tell_all("notice", {"id": "n1"})
    assert there.names() == ["notice"]
    desk.hub.tell_session(AMK_1, SessionId("s2"), "seat.lost", {"reason": "another-tab"})
    assert (here.names()[-1], second_tab.names()[-1]) == ("notice", "seat.lost")


async def test_a_stream_that_is_over_hears_nothing_and_leaves_nothing(desk: Desk) -> None:
    caller, old = listen(desk, AMK_1)
    _, new = listen(desk, AMK_1)  # the same session connected again
    desk.hub.unsubscribe(caller, old)  # the old connection's end comes late
    desk.hub.tell(AMK_1, "offer", {})
    assert (old.events, len(new.events)) == ([], 1)
    desk.hub.unsubscribe(caller, new)
    assert desk.hub.streams == 0
    desk.hub.tell(AMK_1, "offer", {})
    assert len(new.events) == 1


async def test_who_sits_nowhere_hears_nothing(desk: Desk) -> None:
    caller, stream = listen(desk, None)
    desk.hub.tell_all("notice", {})
    desk.hub.unsubscribe(caller, stream)
    assert (stream.events, desk.hub.streams) == ([], 0)


async def test_a_room_gets_its_own_lists_built_once(desk: Desk) -> None:
    _, amk = listen(desk, AMK_1)
    _, amk_too = listen(desk, AMK_2, "s2")
    _, lvs = listen(desk, LVS_1, "s3")
    desk.ring()
    async with asyncio.timeout(20):
        while not {"queues", "waiting"} <= dict(amk.lists).keys() & dict(amk_too.lists).keys():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    lists = dict(amk.lists)
    assert [row["queue"] for row in lists["queues"]] == ["nod"]
    assert len(lists["waiting"]) == 1
    assert dict(amk_too.lists)["waiting"] is lists["waiting"]
    assert lvs.lists == []  # nothing of theirs changed
    desk.hub.dirty("queues")
    async with asyncio.timeout(20):
        while not lvs.lists:  # noqa: ASYNC110 - the hub has nothing to wait on
            await asyncio.sleep(0.02)
    assert [row["queue"] for row in dict(lvs.lists)["queues"]] == ["lv"]


async def test_every_room_is_told_what_all_queues_are_called(desk: Desk) -> None:
    _, lvs = listen(desk, LVS_1)
    desk.hub.dirty("transfer_targets")
    async with asyncio.timeout(20):
        while not lvs.lists:  # noqa: ASYNC110 - the hub has nothing to wait on
            await asyncio.sleep(0.005)
    told = dict(lvs.lists)["transfer_targets"]
    check_event("transfer_targets", list(told))
    assert {row["queue"] for row in told} >= {"nod", "lv"}


async def test_a_burst_of_changes_is_a_few_lists(desk: Desk) -> None:
    _, stream = listen(desk, AMK_1)
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for number in range(40):
        desk.ring(f"call{number}")
        await asyncio.sleep(0.005)
    await until_last(stream, "waiting", lambda rows: len(rows) == 40)  # the last word is the truth
    waiting = [data for name, data in stream.lists if name == "waiting"]
    assert len(waiting) <= 2 + (loop.time() - begun_s) / (hub.LIST_INTERVAL_S - hub.SLACK_S)


async def test_the_list_of_recent_calls_is_said_to_have_changed_once_its_row_is_in(desk: Desk) -> None:
    _, stream = listen(desk, AMK_1)
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    desk.hub.dirty("recent")
    desk.hub.dirty("recent")
    assert await until_told(stream, "recent") == ["recent"]
    assert loop.time() - begun_s >= hub.RECENT_DELAY_S - hub.SLACK_S
    await asyncio.sleep(2 * hub.LIST_INTERVAL_S)
    assert stream.lists == []


async def until_told(stream: Stream, name: str) -> list[str]:
    """Everything that was pushed until this list was."""
    async with asyncio.timeout(20):
        while name not in dict(stream.lists):  # noqa: ASYNC110 - it watches the hub's insides
            await asyncio.sleep(0.005)
    names = sorted(name for name, _ in stream.lists)
    stream.lists.clear()
    return names


async def test_who_is_free_goes_with_every_other_tick(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LIST_INTERVAL_S", 0.4)
    _, stream = listen(desk, AMK_1)
    for topic in ("queues", "operators"):
        desk.hub.dirty(topic)
    assert await until_told(stream, "queues") == ["operators", "queues"]  # after a pause at once
    for topic in ("queues", "operators", "parked"):
        desk.hub.dirty(topic)
    assert await until_told(stream, "parked") == ["parked"]
    assert await until_told(stream, "queues") == ["operators", "queues"]


async def test_how_many_wait_goes_with_those_who_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LIST_INTERVAL_S", 0.4)
    _, stream = listen(desk, AMK_1)
    for topic in ("queues", "operators"):
        desk.hub.dirty(topic)
    await until_told(stream, "queues")
    desk.ring()
    desk.hub.dirty("operators")
    assert await until_told(stream, "waiting") == ["queues", "waiting"]


async def until_last(stream: Stream, name: str, right: Callable[[Any], bool]) -> None:
    """Until the list told last is as it should be."""
    async with asyncio.timeout(20):
        while not any(told == name for told, _ in stream.lists) or not right(dict(stream.lists)[name]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_whoever_is_on_loan_hears_of_both_rooms_and_the_others_of_their_own(desk: Desk) -> None:
    """A change of either room's list goes to the seat on loan; when the loan is over, only its own room's."""
    for name, seat in (("kari", "amk-1"), ("ola", "amk-2")):
        desk.sit(name, seat)
    now = desk.now_ms
    lead, amk, lvs = OperatorId("lead"), RoomId("amk"), RoomId("lvs")
    (_, lent), (_, stays) = listen(desk, AMK_1), listen(desk, AMK_2, "s2")
    asked = LoanAsked(now, "loan-1", lead, lvs, amk, now + 3_600_000)
    desk.dispatcher.feed(lambda house, _: house.ctx.route(asked))
    desk.dispatcher.feed(lambda house, _: house.ctx.route(LoanAgreed(now, "loan-1", lead, (OperatorId("kari"),))))
    await until_last(lent, "queues", lambda rows: [row["queue"] for row in rows] == ["nod", "lv"])
    desk.ring("there", "116117")
    await until_last(lent, "waiting", lambda rows: len(rows) == 1)
    assert [row["of_room"] for row in dict(lent.lists)["waiting"]] == ["lvs"]
    assert {row["queue"] for name, rows in stays.lists if name == "queues" for row in rows} <= {"nod"}
    assert not dict(stays.lists).get("waiting")
    desk.dispatcher.feed(lambda house, _: house.ctx.route(LoanEnded(now, "loan-1", lead)))
    await until_last(lent, "waiting", lambda rows: not rows)
