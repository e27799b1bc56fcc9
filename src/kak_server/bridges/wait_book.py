"""Who waits where, kept as contacts change, so that a room's lists cost what they show and not what there is.

With ten thousand who wait in a country of 190 rooms, a list that looks at every contact for every room would hold the
loop for seconds. What is kept here follows from the routing core's state and is read from it anew after a restart.
"""

from collections.abc import Iterable

from kak_server.bridges.context import Context
from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactState
from kak_server.routing.ordered import Ordered
from kak_server.routing.views import OperatorView

Rooms = tuple[RoomId, ...]


@frozen
class Place:
    """Where a contact was last seen waiting, or offered to somebody."""

    queue: QueueId
    offered: bool
    arrived_at_ms: int


class WaitBook:
    """Told of every change of a contact and of an operator; says whose lists look different for it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._places: dict[ContactId, Place] | None = None
        self._offered: dict[QueueId, dict[ContactId, None]] = {}
        self._since: dict[QueueId, Ordered[tuple[int, ContactId]]] = {}
        self._people: dict[OperatorId, tuple[RoomId, RoomId]] | None = None
        self._away: dict[RoomId, dict[RoomId, int]] = {}  # by the room that is served: where those of others sit

    # --- told -----------------------------------------------------------------------------------------------------

    def changed(self, contact: ContactId) -> tuple[QueueId, ...]:
        """A contact is different now: the queues whose lists are; none while it is with an operator."""
        places = self._seen()
        former = places.pop(contact, None)
        if former is not None:
            self._take_out(contact, former)
        place = self._place(contact)
        if place is not None:
            places[contact] = place
            self._put_in(contact, place)
        return tuple(dict.fromkeys(one.queue for one in (former, place) if one is not None))

    def person_changed(self, operator: OperatorId, view: OperatorView | None) -> tuple[Rooms, Rooms]:
        """An operator is different now, or gone (None): the rooms whose lists of people look different, and the rooms
        they serve. One who comes or goes can leave all others who serve the same room in its reserve, or take them out
        of it: those who sit there, and those on loan to it where they sit."""
        people = self._known()
        former = people.pop(operator, None)
        now = None
        if view is not None:
            now = people[operator] = (view.room, view.duty.loan.room if view.duty.loan is not None else view.room)
        if former != now:
            self._count_away(former, -1)
            self._count_away(now, 1)
        seen = [one for one in (former, now) if one is not None]
        served = tuple(dict.fromkeys(one[1] for one in seen))
        homes = (home for room in served for home in (room, *self._away.get(room, ())))
        return tuple(dict.fromkeys((*(one[0] for one in seen), *homes))), served

    # --- asked ----------------------------------------------------------------------------------------------------

    def first(self, queue: QueueId, count: int) -> Iterable[ContactId]:
        """Those of a queue to show: all who are offered to somebody, and the first of those who wait."""
        self._seen()
        return [*self._offered.get(queue, ()), *self._ctx.core.first_waiting(queue, count)]

    def longest_since_ms(self, queue: QueueId) -> int | None:
        """When the one who waits longest arrived (UTC ms); None: nobody waits."""
        self._seen()
        first = self._since[queue].first if queue in self._since else None
        return None if first is None else first[0]

    # --- inside ---------------------------------------------------------------------------------------------------

    def _seen(self) -> dict[ContactId, Place]:
        """All who wait; read from the core at the first look, after that only what changes."""
        if self._places is None:
            self._places = {}
            for contact in self._ctx.core.state.contacts:
                place = self._place(contact)
                if place is not None:
                    self._places[contact] = place
                    self._put_in(contact, place)
        return self._places

    def _known(self) -> dict[OperatorId, tuple[RoomId, RoomId]]:
        if self._people is None:
            rows = self._ctx.core.state.operators.values()
            self._people = {row.operator: (row.room, row.serves_room) for row in rows}
            for place in self._people.values():
                self._count_away(place, 1)
        return self._people

    def _count_away(self, place: tuple[RoomId, RoomId] | None, by: int) -> None:
        """Somebody on loan, more or less."""
        if place is None or place[0] == place[1]:
            return
        home, served = place
        homes = self._away.setdefault(served, {})
        homes[home] = homes.get(home, 0) + by
        if not homes[home]:
            del homes[home]
        if not homes:
            del self._away[served]

    def _place(self, contact: ContactId) -> Place | None:
        row = self._ctx.core.state.contacts.get(contact)
        if row is None or row.state not in (ContactState.WAITING, ContactState.OFFERED):
            return None
        return Place(row.queue, row.state is ContactState.OFFERED, row.arrived_at_ms)

    def _put_in(self, contact: ContactId, place: Place) -> None:
        if place.offered:
            self._offered.setdefault(place.queue, {})[contact] = None
        else:
            self._since.setdefault(place.queue, Ordered()).add((place.arrived_at_ms, contact))

    def _take_out(self, contact: ContactId, place: Place) -> None:
        """A queue that is empty leaves nothing behind."""
        if place.offered:
            del self._offered[place.queue][contact]
            if not self._offered[place.queue]:
                del self._offered[place.queue]
            return
        line = self._since[place.queue]
        line.remove((place.arrived_at_ms, contact))
        if not line:
            del self._since[place.queue]
