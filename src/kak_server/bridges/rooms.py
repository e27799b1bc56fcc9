"""Control rooms that are open, closed or evacuated: what the room's consoles are told, the audit log, the list."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import staff_texts
from kak_server.bridges.outputs import Audit, Dirty, Note, Tell
from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing import api as routing
from kak_server.routing.views import RoomView

if TYPE_CHECKING:
    from kak_server.bridges.context import Context
    from kak_server.bridges.staff import Staff

View = dict[str, Any]
LEVELS = {routing.RoomState.CLOSED: "warning", routing.RoomState.EVACUATED: "alarm"}


class Rooms:
    """Told of RoomChanged; the rest is read from the routing core's state, so that a restart forgets nothing."""

    def __init__(self, ctx: "Context", staff: "Staff") -> None:
        self.ctx = ctx
        self.staff = staff

    @property
    def names(self) -> Mapping[RoomId, str]:
        """The rooms of the configuration, as people call them."""
        return self.staff.loans.room_names

    def changed(self, effect: routing.RoomChanged) -> None:
        """A room is something else now: audited, told to everybody who sits there, and in everybody's lists."""
        detail = {"state": effect.state.value, "reason": effect.reason}
        self.ctx.emit(Audit(effect.by or OperatorId(""), "room.set", effect.room, detail))
        self.ctx.emit(Note("room_changed", "warning", {"room": effect.room, "by": effect.by, **detail}))
        for topic in ("rooms", "queues", "waiting", "operators"):
            self.ctx.emit(Dirty(topic))
        room = self.ctx.core.room(effect.room)
        positions = [view.position for view in self.ctx.core.in_room(effect.room)]
        if room.state is not routing.RoomState.OPEN:
            self._tell(positions, self._notice(room, LEVELS[room.state]))
            return
        for position in positions:
            self.ctx.emit(Tell(position, "notice.cleared", {"id": _id(room.room)}))
        self._tell(positions, {**self._notice(room, "info"), "id": f"{_id(room.room)}-open"})

    def notices_of(self, room: RoomId) -> list[View]:
        """What holds for whoever sits there."""
        view = self.ctx.core.room(room)
        return [] if view.state is routing.RoomState.OPEN else [self._notice(view, LEVELS[view.state])]

    def rows(self) -> list[View]:
        """Every control room and its state, in the order of the configuration."""
        return [self._row(self.ctx.core.room(room), name) for room, name in self.names.items()]

    def _row(self, view: RoomView, name: str) -> View:
        return {
            "room": view.room,
            "name": name,
            "state": view.state.value,
            "reason": view.reason,
            "by": view.by,
            "by_name": None if view.by is None else self.staff.name_of(view.by),
            "since_ms": view.since_ms or None,
        }

    def _notice(self, view: RoomView, level: str) -> View:
        by = "" if view.by is None else self.staff.name_of(view.by)
        texts = staff_texts.room_state(self.names.get(view.room, str(view.room)), view.state, by, view.reason)
        notice = self.staff.notice(_id(view.room), level, f"room-{view.state.value}", texts)
        return {**notice, "at_ms": view.since_ms}

    def _tell(self, positions: list[PositionId], notice: View) -> None:
        for position in positions:
            self.ctx.emit(Tell(position, "notice", notice))


def _id(room: RoomId) -> str:
    return f"room-{room}"
