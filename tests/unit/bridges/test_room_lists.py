"""The lists of a room are those that looking at everything gives, and whoever's list changes is told so."""

import random
from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges.house import House
from kak_server.bridges.lent_lists import MAX_WAITING_ROWS, RANKS
from kak_server.bridges.outputs import Dirty
from kak_server.model.ids import CallId, ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import ContactState
from kak_server.routing.step import RoutingCore
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, CountingIds, World, settings

ROOMS = (RoomId("oslo"), RoomId("bergen"))
NUMBERS = ("113", "1131", "116117")
SEATS = {KARI: SEAT_1, OLA: SEAT_2, OperatorId("eva"): PositionId("bergen-1")}


def by_looking(w: World, room: RoomId) -> tuple[list[tuple[str, str]], list[tuple[str, int, int | None]]]:
    """Who waits (contact, state) and the queues (waiting, longest), the straightforward way."""
    core = w.house.ctx.core
    infos = [info for info in w.house.calls.queues.values() if room in info.rooms]
    waits = (ContactState.WAITING, ContactState.OFFERED)
    rows = [view for view in core.contacts() if view.state in waits and view.queue in {i.queue for i in infos}]
    rows.sort(key=lambda view: (RANKS[view.klass], view.arrived_at_ms))
    queues = []
    for info in infos:
        line = core.waiting(info.queue)
        queues.append((str(info.queue), len(line), min((view.arrived_at_ms for view in line), default=None)))
    return [(str(view.contact), view.state.value) for view in rows], queues


def shown(w: World, room: RoomId) -> tuple[list[tuple[str, str]], list[tuple[str, int, int | None]]]:
    lists = w.house.views.lists
    waiting = [(row["contact"], row["state"]) for row in lists.waiting_list(room)]
    return waiting, [(row["queue"], row["waiting"], row["longest_since_ms"]) for row in lists.queue_list(room)]


def pictures(w: World) -> dict[tuple[str, RoomId], Any]:
    lists = w.house.views.lists
    made = {("waiting", room): list(lists.waiting_list(room)) for room in ROOMS}
    made.update({("queues", room): lists.queue_list(room) for room in ROOMS})
    made.update({("operators", room): lists.operator_list(room) for room in ROOMS})
    return made


def one_thing(w: World, die: random.Random, number: int) -> None:
    """Somebody calls, answers, says no, transfers, hangs up or takes a break."""
    calls = sorted(w.house.calls.by_call)
    kind = die.randrange(7)
    operator = die.choice(list(SEATS))
    view = w.house.ctx.core.operator(operator)
    contact = w.house.ctx.core.contact(view.contact) if view is not None and view.contact is not None else None
    if kind <= 1 and len(calls) < 40:
        w.ring(f"call{number}", die.choice(NUMBERS), caller=f"+47{die.randrange(90_000_000, 90_000_009)}")
    elif kind == 2 and calls:
        w.ends(CallId(die.choice(calls)), "cancelled")
    elif view is None:
        w.sit(operator, SEATS[operator])
    elif contact is not None and contact.state is ContactState.OFFERED:
        name = die.choice(("contact.accept", "contact.reject"))
        w.do(name, {"contact": contact.contact, "epoch": contact.epoch}, operator, SEATS[operator])
    elif contact is not None and kind == 3:
        queue = die.choice(("113-bergen", "116117"))
        w.do("contact.transfer", {"contact": contact.contact, "queue": queue}, operator, SEATS[operator])
    elif contact is not None:
        w.do("contact.hangup", {"contact": contact.contact}, operator, SEATS[operator])
    else:
        activity = die.choice(("break", "available", "available"))
        w.do("activity.set", {"activity": activity}, operator, SEATS[operator])


def test_lists_are_those_of_looking_at_everything_and_every_change_is_told() -> None:
    told = 0
    for seed in range(6):
        die, w = random.Random(seed), World(House(settings(), RoutingCore(), CountingIds()))
        w.configure()
        before = pictures(w)
        for number in range(150):
            w.pass_ms(die.choice((1, 200)))
            since = len(w.outputs)
            one_thing(w, die, number)
            after = pictures(w)
            dirty = [output for output in w.outputs[since:] if isinstance(output, Dirty)]
            for (topic, room), rows in after.items():
                marked = any(one.topic == topic and (one.rooms is None or room in one.rooms) for one in dirty)
                assert marked or rows == before[topic, room], f"seed {seed}, step {number}: {topic} of {room} changed"
                told += marked
            before = after
            for room in ROOMS:
                assert shown(w, room) == by_looking(w, room), f"seed {seed}, step {number}"
    assert told > 500


def test_after_a_restart_the_book_is_read_from_the_core() -> None:
    w = World(House(settings(), RoutingCore(), CountingIds()))
    w.configure()
    w.sit()
    offered, waits = w.ring("call1"), w.ring("call2")
    anew = World(House(settings(), RoutingCore.restore(w.house.ctx.core.snapshot()), CountingIds(1_000)), w.now_ms)
    assert shown(anew, ROOMS[0]) == shown(w, ROOMS[0])
    assert [contact for contact, _ in shown(anew, ROOMS[0])[0]] == [offered, waits]


def test_a_call_in_one_room_is_nothing_to_the_others() -> None:
    w = World(House(settings(), RoutingCore(), CountingIds()))
    w.configure()
    w.ring("first", "1131")
    since = len(w.outputs)
    w.ring("second", "1131")
    rooms = {room for one in w.outputs[since:] if isinstance(one, Dirty) for room in one.rooms or ROOMS}
    assert rooms == {RoomId("bergen")}


def test_a_row_says_so_when_the_number_is_flagged_meanwhile() -> None:
    w = World(House(settings(), RoutingCore(), CountingIds()))
    w.configure()
    contact = w.ring("call1", caller="+4790000001")
    lists = w.house.views.lists
    assert lists.waiting_list(ROOMS[0])[0]["flagged"] is False
    w.sit()
    w.do("number.flag", {"number": "+4790000001", "mode": "flagged", "reason": "tester", "hours": 1})
    (row,) = [row for row in lists.waiting_list(ROOMS[0]) if row["contact"] == contact]
    assert row["flagged"] is True


def test_ten_thousand_who_wait_cost_a_room_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many contacts are looked at for one room's list."""
    w = World(House(replace(settings(), max_lines=5_000, rtp_port_max=39_999), RoutingCore(), CountingIds()))
    w.configure()
    for number in range(600):
        w.ring(f"call{number}", "1131")
    w.ring("oslo", "113")
    looked: list[ContactId] = []
    core = w.house.ctx.core
    contact_of = core.contact
    core.contact = lambda contact: looked.append(contact) or contact_of(contact)  # type: ignore[method-assign,func-returns-value]
    w.house.views.lists.waiting_list(ROOMS[0])
    assert len(looked) == 1
    looked.clear()
    rows = w.house.views.lists.waiting_list(ROOMS[1])
    assert (len(rows), len(looked)) == (MAX_WAITING_ROWS, MAX_WAITING_ROWS)
    again: list[str] = []
    monkeypatch.setattr(w.house.callers.flags, "of", again.append)
    assert w.house.views.lists.waiting_list(ROOMS[1]) == rows
    assert len(looked) == MAX_WAITING_ROWS  # nothing changed: as they were shown
    assert again == []  # and nobody is marked: no number is looked up
    assert core.waiting_count(QueueId("113-bergen")) == 600
