"""The lists of a seat whose operator is on loan: those of the room they sit in, and then what the borrowing room has
beside it, marked with that room. Everybody else at their seats sees their room's alone."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from kak_server.model.ids import PositionId, RoomId
from kak_server.routing.api import ContactClass

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

View = dict[str, Any]
MAX_WAITING_ROWS = 100
"""A console shows so many waiting contacts, those who matter most; the queues' counts tell of the rest."""
RANKS = {ContactClass.EMERGENCY: 0, ContactClass.URGENT: 1, ContactClass.NORMAL: 2}
Rooms = tuple[RoomId, ...]
"""The rooms whose lists a seat shows: its own, and the borrowing one."""
Topic = Literal["queues", "waiting", "operators", "parked", "handed_over", "abandoned"]
KEYS: Mapping[Topic, str] = {
    "queues": "queue",
    "waiting": "contact",
    "operators": "operator",
    "parked": "contact",
    "handed_over": "contact",
    "abandoned": "contact",
}
"""The lists that somebody on loan sees of both rooms, and what tells their rows apart."""
_KEYS: Mapping[str, str] = {str(topic): key for topic, key in KEYS.items()}
_RANKS = {klass.value: rank for klass, rank in RANKS.items()}


def shown_at(ctx: "Context", position: PositionId, home: RoomId) -> Rooms:
    """The rooms of which a seat shows the lists."""
    operator = ctx.core.operator_at(position)
    row = ctx.core.state.operators.get(operator) if operator is not None else None
    return (home,) if row is None or row.serves_room == row.room else (home, row.serves_room)


def shown(topic: str, build: Callable[[RoomId], Any], rooms: Rooms) -> Any:
    """A list as seats that show these rooms see it. Cost: that of both lists."""
    own, key = build(rooms[0]), _KEYS.get(topic)
    if len(rooms) == 1 or key is None:
        return own
    known = {row[key] for row in own}
    rows = [*own, *({**row, "of_room": rooms[1]} for row in build(rooms[1]) if row[key] not in known)]
    if topic == "waiting":
        rows.sort(key=lambda row: (_RANKS[row["class"]], row["arrived_at_ms"]))
        del rows[MAX_WAITING_ROWS:]
    return rows
