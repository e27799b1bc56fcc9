"""What the core remembers of a control room."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.words_workflow import RoomState


class Watched:
    """Base of a room's row: what is worked out. `reserve` is how many idle operators are kept for the room's own
    emergencies; `guards` those idle now who could serve them; `guard_mask` the profiles of those emergencies."""

    if not TYPE_CHECKING:  # mypy takes a dataclass's own slots for all there are
        __slots__ = ("guard_mask", "guards", "help_percent", "reserve", "weight")

    guard_mask: int
    guards: dict[OperatorId, Any]  # operators' rows
    reserve: int
    weight: int
    help_percent: int


@dataclass(slots=True)
class Room(Watched):
    """A room's state, and how it stands with the others where help is shared by weight."""

    room: RoomId
    state: RoomState = RoomState.OPEN
    reason: str = ""
    helped: int = 0  # help its callers got from other rooms, by weight
    balance: int = 0  # whether its operators' next help is due to others or to its own callers
    by: OperatorId | None = None  # who said the state, and when; None and 0: it was never said
    since_ms: int = 0

    def __post_init__(self) -> None:
        self.guard_mask = 0
        self.guards = {}
        self.reserve = 0
        self.weight = 1
        self.help_percent = 50

    @property
    def short(self) -> bool:
        """Every idle operator who could serve the room's own emergencies is needed for them."""
        return len(self.guards) <= self.reserve
