"""What a contact's row keeps of its moves: who takes part beside the holder, its park slot, where it came from."""

from dataclasses import dataclass, field

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.routing.words_moves import Part


@dataclass(slots=True)
class Participant:
    """An operator beside the holder: invited (`expires_at_ms`) or joined."""

    operator: OperatorId
    number: int
    part: Part
    by: OperatorId
    since_ms: int
    expires_at_ms: int | None = None

    @property
    def joined(self) -> bool:
        """Whether their sound is in the contact."""
        return self.expires_at_ms is None


@dataclass(slots=True)
class Slot:
    """Where a parked contact is, who parked it, and when it comes back."""

    room: RoomId
    number: int
    by: OperatorId
    recall_at_ms: int


@dataclass(slots=True)
class Search:
    """The holder seeks somebody of a queue or a room; `asked`: each is asked once, the last one now."""

    queue: QueueId | None
    room: RoomId | None
    until_ms: int
    asked: list[OperatorId] = field(default_factory=list)


@dataclass(slots=True)
class Handing:
    """A chat is handed on: this colleague is asked for it, and its holder has it until they say yes."""

    operator: OperatorId
    number: int
    since_ms: int
    expires_at_ms: int


@dataclass(slots=True)
class Moves:
    """Of one contact. `participants` in order of coming."""

    participants: dict[OperatorId, Participant] = field(default_factory=dict)
    numbers: int = 0  # participants so far
    slot: Slot | None = None
    back_to: OperatorId | None = None  # gets it back if the colleague it is offered to does not take it
    transferred_by: OperatorId | None = None  # may pull it back until somebody else talks in it
    by_name: bool = False  # the newest offer was to one operator alone, whatever queues they serve
    consulting: bool = False  # on hold because its holder talks with a colleague
    search: Search | None = None
    handing: Handing | None = None

    @property
    def consulted(self) -> bool:
        """A colleague is asked to talk first, or does."""
        return any(row.part is Part.CONSULT for row in self.participants.values())

    def joined(self, *parts: Part) -> list[Participant]:
        """Those who take part so (in any way, if none is named), in order of coming."""
        rows = self.participants.values()
        return [row for row in rows if row.joined and (not parts or row.part in parts)]
