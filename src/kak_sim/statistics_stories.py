"""What the statistics' auditor writes down: of a contact, of an operator, and of single moments."""

from dataclasses import dataclass, field

from kak_server.model.light import frozen
from kak_server.routing import api


@dataclass(slots=True)
class ContactStory:
    """One contact. `home`: the queue it arrived for. `place`: what it is doing now."""

    contact: str
    home: str
    home_room: str
    began_ms: int
    threshold_ms: int
    queue: str
    room: str
    outgoing: bool = False
    place: str = "waiting"
    operator: str = ""
    answered_ms: int | None = None
    ended_ms: int | None = None
    chat: bool = False
    taken_ms: int = 0


@dataclass(slots=True)
class Stay:
    """A contact in a queue's line. `came` and `went` count everything that happens, to order what shares a moment."""

    contact: str
    queue: str
    from_ms: int
    came: int
    to_ms: int | None = None
    went: int | None = None


@frozen
class Piece:
    """A stretch of an operator's time."""

    from_ms: int
    to_ms: int
    doing: str
    room: str
    queue: str


@frozen
class Moment:
    """Something that is counted once, for a queue, a room and an operator ("": none)."""

    at_ms: int
    name: str
    queue: str = ""
    room: str = ""
    operator: str = ""
    count: int = 1


@dataclass(slots=True)
class Work:
    """One operator with one contact, to the end of the wrap-up."""

    operator: str
    contact: str
    queue: str
    began_ms: int
    room: str = ""
    talked: bool = False
    released: bool = False
    ended_ms: int | None = None


@dataclass(slots=True)
class Someone:
    """An operator now."""

    operator: str
    position: str
    room: str
    activity: api.Activity
    media: bool
    ringing: str = ""
    contact: str = ""
    part: str = ""  # in the contact of somebody else
    chats: set[str] = field(default_factory=set)
    paper: bool = False
    paper_queue: str = ""
    broken_into: bool = False  # the paper work, by an offer to them by name: it may go on after it
    work: Work | None = None
    doing: str = ""
    queue: str = ""
    since_ms: int = 0
    since_room: str = ""

    def breaks_off_paper(self) -> None:
        """Its timer is gone: for good, or as long as it rings."""
        self.broken_into, self.paper = self.paper, False

    def stops_ringing(self) -> None:
        """The offer is over, taken or not."""
        self.ringing, self.broken_into = "", False
