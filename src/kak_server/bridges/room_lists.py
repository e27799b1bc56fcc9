"""The lists of a control room's consoles: its queues, who waits there, and who is signed in.

A change of a contact or an operator concerns the rooms that show it, and no others. Rows of those who wait are kept as
they were last shown, since with thousands of them nearly all are as they were a second ago.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from kak_server.bridges.brought_views import BroughtViews, room_for_chats
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context, QueueInfo
from kak_server.bridges.lent_lists import MAX_WAITING_ROWS, RANKS
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Dirty
from kak_server.bridges.views_callers import ViewsCallers
from kak_server.bridges.wait_book import Rooms, WaitBook
from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing.calls_out import queue_of_room, room_of_queue
from kak_server.routing.views import OperatorView

View = dict[str, Any]
Shown = tuple[Line | None, bool, bool, View]  # what a row was made of, and the row
_ORDER = itemgetter(0, 1, 2)


class RoomQueues:
    """The queues of each room, worked out once a configuration."""

    def __init__(self, queues: Mapping[QueueId, QueueInfo]) -> None:
        self.queues = queues
        self._of: dict[RoomId, list[QueueInfo]] = {}
        for info in queues.values():
            for room in dict.fromkeys(info.rooms):
                self._of.setdefault(room, []).append(info)
        self._beside: dict[RoomId, Rooms] = {}

    def of(self, room: RoomId) -> list[QueueInfo]:
        """The queues this room serves."""
        return self._of.get(room, [])

    def rooms(self, queue: QueueId) -> Rooms:
        """The rooms that serve a queue: of a room's calls out this one; none for others that are not configured."""
        info = self.queues.get(queue)
        if info is not None:
            return info.rooms
        room = room_of_queue(queue)
        return () if room is None else (room,)

    def beside(self, room: RoomId) -> Rooms:
        """The rooms that serve a queue together with this one, this one first."""
        found = self._beside.get(room)
        if found is None:
            others = (other for info in self.of(room) for other in info.rooms)
            found = self._beside[room] = tuple(dict.fromkeys((room, *others)))
        return found


class RoomLists:
    """Told of what changed; builds the lists when they are to be sent."""

    def __init__(self, ctx: Context, calls: Calls, callers: ViewsCallers, brought: BroughtViews) -> None:
        self.ctx = ctx
        self.calls = calls
        self.callers = callers
        self.brought = brought
        self.book = WaitBook(ctx)
        self.queues = RoomQueues(calls.queues)
        self._rows: dict[ContactId, Shown] = {}

    def serve(self, queues: RoomQueues) -> None:
        """Other queues from now on, or called something else."""
        self.queues = queues
        self._rows.clear()

    # --- what changed -------------------------------------------------------------------------------------------------

    def contact_changed(self, contact: ContactId) -> None:
        """Who waits is in the lists of the rooms that serve its queue."""
        self._rows.pop(contact, None)
        for queue in self.book.changed(contact):
            rooms = self.queues.rooms(queue)
            self.ctx.emit(Dirty("waiting", rooms))
            self.ctx.emit(Dirty("queues", rooms))

    def person_changed(self, operator: OperatorId, view: OperatorView | None) -> None:
        """Colleagues in the room see it; so do the rooms that share queues, by how many are free."""
        sits_in, serves = self.book.person_changed(operator, view)
        self.ctx.emit(Dirty("operators", sits_in))
        beside = tuple(dict.fromkeys(room for served in serves for room in self.queues.beside(served)))
        self.ctx.emit(Dirty("queues", beside))

    # --- lists --------------------------------------------------------------------------------------------------------

    def queue_list(self, room: RoomId) -> list[View]:
        """The queues this room serves."""
        core = self.ctx.core
        return [
            {
                "queue": info.queue,
                "name": info.name,
                "class": info.klass.value,
                "waiting": core.waiting_count(info.queue),
                "longest_since_ms": self.book.longest_since_ms(info.queue),
                "available": core.idle_count(info.queue),
                "incidents": self.callers.incidents_of(info.queue),
                "of_room": None,
                "skills": info.skills,
            }
            for info in self.queues.of(room)
        ]

    def waiting_list(self, room: RoomId) -> list[View]:
        """Who waits for this room, emergency first, then as they came; of a longer line those who are next."""
        contacts = self.ctx.core.state.contacts
        found = []
        calls_out = queue_of_room(room)  # whoever we have called and left alone
        for queue, name in (*((info.queue, info.name) for info in self.queues.of(room)), (calls_out, str(calls_out))):
            for contact in self.book.first(queue, MAX_WAITING_ROWS):
                row = contacts[contact]
                found.append((RANKS[row.klass], row.arrived_at_ms, row.serial, contact, name))
        found.sort(key=_ORDER)
        rows, lines, plain = self._rows, self.calls.lines, not self.callers.marks_any
        built = []
        for _, _, _, contact, name in found[:MAX_WAITING_ROWS]:
            known = rows.get(contact)
            # As nearly always: nobody is marked, and this one was not when its row was made
            if plain and known is not None and known[0] is lines.get(contact) and not (known[1] or known[2]):
                built.append(known[3])
            else:
                built.append(self._waiting_row(contact, name))
        return built

    def _waiting_row(self, contact: ContactId, queue_name: str) -> View:
        line = self.calls.lines.get(contact)
        flagged, incident = self.callers.marks(line)
        known = self._rows.get(contact)
        if known is not None and known[0] is line and known[1:3] == (flagged, incident):
            return known[3]
        view = self.ctx.core.contact(contact)
        assert view is not None, "who waits is in the core"
        row = {
            "contact": view.contact,
            "queue": view.queue,
            "queue_name": queue_name,
            "class": view.klass.value,
            "caller": view.caller,
            "arrived_at_ms": view.arrived_at_ms,
            "state": view.state.value,
            "transferred_by": view.transferred_by,
            "kind": view.kind.value,
            "key_pressed": self.brought.key_pressed(contact),
            "of_room": None,
            **self.callers.of_waiting(line),
        }
        self._rows[contact] = (line, flagged, incident, row)
        return row

    def operator_list(self, room: RoomId) -> list[View]:
        """Who is signed in in this room."""
        return [
            {
                "operator": row.operator,
                "name": row.name,
                "position": row.position,
                "room": row.room,
                "activity": row.activity.value,
                "state": row.state.value,
                "since_ms": row.since_ms,
                "contact": row.contact,
                "reserved": row.reserved,
                "chat_room": room_for_chats(row.state, len(row.chats), row.chats_max, row.chats_in_call),
                "of_room": None,
            }
            for row in self.ctx.core.in_room(room)
        ]
