"""The consoles' streams as the house sees them: by position, and lists by room.

One tick sends all lists that are due; a stream leaves out those that say what it told last. Who waits goes with the
next tick. What changes with every call and decides nothing (who is busy, how many are free) goes with every other tick,
and so does not wake every console twice.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kak_server.bridges.house import House
from kak_server.bridges.lent_lists import Rooms, shown
from kak_server.bridges.outputs import Unseat
from kak_server.console.aio.slices import Sliced
from kak_server.console.ports import Caller, Subscriber
from kak_server.model.ids import PositionId, RoomId, SessionId

LIST_INTERVAL_S = 0.2
LIST_INTERVAL_MAX_S = 1.0
LIST_SENDS_A_SECOND = 100  # of each list, to all consoles together: lists must not own the loop
LIST_SHARE = 0.1  # of the loop's time that building lists may take
SLOW = frozenset({"operators", "queues", "recent", "staff"})
SLOW_INTERVALS = 2  # of the tick, up to LIST_INTERVAL_MAX_S
SLACK_S = 0.02  # a loop's timer may fire a little early
RECENT_DELAY_S = 0.5
RECENT: Mapping[str, Any] = {}  # says only that the list of recent calls has changed
Dirty = dict[str, dict[RoomId, None] | None]  # rooms by topic; None: every room


class ConsoleHub:
    """Tells seats at once; builds each changed list once a room that it changed for, at most five times a second, a few
    milliseconds at a time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._at: dict[PositionId, dict[SessionId, Subscriber]] = defaultdict(dict)
        self._dirty: Dirty = {}
        self._slices = Sliced()
        self._flush_handle: asyncio.Handle | None = None
        self._slow_due_s = 0.0
        self._waiting: dict[Rooms, Any] = {}  # as sent last
        self._recent_handle: asyncio.TimerHandle | None = None
        self._builders: Mapping[str, Callable[[RoomId], Any]] = {
            "rooms": lambda _room: house.staff.rooms.rows(),
            "skills": lambda _room: house.staff_views.skills(),
            "transfer_targets": lambda _room: house.views.targets,
            "queues": house.views.lists.queue_list,
            "waiting": house.views.lists.waiting_list,
            "operators": house.views.lists.operator_list,
            "handed_over": house.views_out.handed_over_list,
            "abandoned": house.views_out.abandoned_list,
            "parked": house.colleagues.parked_list,
            "surges": house.views_callers.surge_list,
            "flags": house.views_callers.flag_list,
            "recent": lambda _room: RECENT,
        }
        self.on_unseat: Callable[[Unseat], None] = lambda _output: None

    def subscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        """This stream hears what is told to its position."""
        if caller.position is not None:
            self._at[caller.position][caller.session] = subscriber

    def unsubscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        """No more."""
        if caller.position is None:
            return
        seat = self._at.get(caller.position, {})
        if seat.get(caller.session) is subscriber:
            del seat[caller.session]
        if not seat:
            self._at.pop(caller.position, None)

    def tell(self, position: PositionId, name: str, data: Mapping[str, Any]) -> None:
        """An event for a position, at once."""
        for subscriber in tuple(self._at.get(position, {}).values()):
            subscriber.push(name, data)

    def tell_session(self, position: PositionId, session: SessionId, name: str, data: Mapping[str, Any]) -> None:
        """An event for one tab's stream."""
        subscriber = self._at.get(position, {}).get(session)
        if subscriber is not None:
            subscriber.push(name, data)

    def tell_all(self, name: str, data: Mapping[str, Any]) -> None:
        """An event for everybody."""
        for position in tuple(self._at):
            self.tell(position, name, data)

    def unseat(self, output: Unseat) -> None:
        """Somebody had to leave: the book of tabs must know."""
        self.on_unseat(output)

    def dirty(self, topic: str, rooms: tuple[RoomId, ...] | None = None) -> None:
        """A list of these rooms (None: of all) looks different; it goes out with the next round. The first change
        after a pause goes at once."""
        if topic == "recent":
            if self._recent_handle is None:  # later: the rows must be in the database when the consoles ask
                self._recent_handle = asyncio.get_running_loop().call_later(RECENT_DELAY_S, self._recent_is_due)
            return
        self._mark(topic, rooms)

    def _mark(self, topic: str, rooms: tuple[RoomId, ...] | None = None) -> None:
        marked = self._dirty.setdefault(topic, {})
        if rooms is None:
            self._dirty[topic] = None
        elif marked is not None:
            marked.update(dict.fromkeys(rooms))
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_soon(self._flush)

    def _recent_is_due(self) -> None:
        self._recent_handle = None
        self._mark("recent")

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        if not dirty:
            self._flush_handle = None
            return
        self._slices.run(self._lists(dirty), self._flushed)

    def _flushed(self, spent_s: float) -> None:
        """The next tick comes later when these lists were much work."""
        interval_s = min(LIST_INTERVAL_MAX_S, max(self._interval_s(), spent_s / LIST_SHARE))
        self._flush_handle = asyncio.get_running_loop().call_later(interval_s, self._flush)

    def _lists(self, dirty: Dirty) -> Iterator[None]:
        """Build and push list after list; the loop may have a turn after each."""
        seats_in: dict[Rooms, list[Subscriber]] = defaultdict(list)
        for position, seats in self._at.items():
            seats_in[self._house.views.rooms_at(position)].extend(seats.values())
        news: dict[RoomId, None] = {}  # rooms in which somebody else waits now
        for rooms, rows in self._send("waiting", dirty.pop("waiting", {}), seats_in):
            if rows != self._waiting.get(rooms):
                self._waiting[rooms] = rows
                news.update(dict.fromkeys(rooms))
            yield
        for rooms in self._waiting.keys() - seats_in.keys():
            del self._waiting[rooms]
        self._hold_back(dirty, news)
        if "staff" in dirty:
            del dirty["staff"]
            self._send_staff()
            yield
        for topic in sorted(dirty):
            for _ in self._send(topic, dirty[topic], seats_in):
                yield

    def _hold_back(self, dirty: Dirty, news: dict[RoomId, None]) -> None:
        """What is slow waits for its tick; but a row and its count go together."""
        slow, now_s = SLOW & dirty.keys(), asyncio.get_running_loop().time()
        if not slow:
            return
        if now_s >= self._slow_due_s - SLACK_S:
            self._slow_due_s = now_s + min(LIST_INTERVAL_MAX_S, SLOW_INTERVALS * self._interval_s())
            return
        for topic in sorted(slow):
            kept = dirty.pop(topic)
            if topic == "queues" and news:
                dirty[topic] = {room: None for room in news if kept is None or room in kept}
                kept = kept if kept is None else {room: None for room in kept if room not in news}
            if kept is None or kept:
                self._mark(topic, None if kept is None else tuple(kept))

    def _send(
        self, topic: str, dirty: dict[RoomId, None] | None, seats_in: Mapping[Rooms, list[Subscriber]]
    ) -> Iterator[tuple[Rooms, Any]]:
        """To every stream that shows one of those rooms the list, each built once; rooms and list, one by one."""
        for rooms in [rooms for rooms in seats_in if dirty is None or any(room in dirty for room in rooms)]:
            rows = shown(topic, self._builders[topic], rooms)
            for subscriber in seats_in[rooms]:
                subscriber.push_list(topic, rows)
            yield rooms, rows

    def _send_staff(self) -> None:
        """Everybody's day, to shift leads alone; built once for all who lead the same rooms."""
        lists: dict[tuple[RoomId, ...], tuple[Any, Any]] = {}
        for position, seats in tuple(self._at.items()):
            operator = self._house.ctx.core.operator_at(position)
            rooms = () if operator is None else self._house.staff.rooms_led(operator)
            if rooms:
                if rooms not in lists:
                    lists[rooms] = self._house.staff_views.rows(rooms), self._house.staff.loans.rows(rooms)
                staff, loans = lists[rooms]
                for subscriber in tuple(seats.values()):
                    subscriber.push_list("staff", staff)
                    subscriber.push_list("loans", loans)

    def _interval_s(self) -> float:
        """The more consoles, the slower the lists."""
        return min(LIST_INTERVAL_MAX_S, max(LIST_INTERVAL_S, self.streams / LIST_SENDS_A_SECOND))

    @property
    def streams(self) -> int:
        """How many are subscribed."""
        return sum(len(seat) for seat in self._at.values())
