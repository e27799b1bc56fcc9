"""What operators see of a live contact's moves: colleagues in a call, parked calls."""

from typing import Literal

from pydantic import Field

from kak_server.console.models_base import Outgoing

Part = Literal["holder", "member", "consult", "listen", "whisper"]


class Colleague(Outgoing):
    """Another operator in the call beside its holder: invited until `expires_at_ms`, or joined."""

    operator: str
    name: str
    position: str
    part: Literal["member", "consult", "listen", "whisper"]
    state: Literal["invited", "joined"]
    since_ms: int
    expires_at_ms: int | None


class Search(Outgoing):
    """Somebody of a queue or a room is asked for, to talk with first: one after the other, until `until_ms`."""

    queue: str | None
    queue_name: str | None
    room: str | None
    asked: int
    until_ms: int


class NobodyCame(Outgoing):
    """Nobody of the queue or room came: nobody is left of the `asked`, or the time is over. The caller is still
    here."""

    contact: str
    reason: Literal["nobody", "time"]
    asked: int
    queue: str | None
    queue_name: str | None
    room: str | None


class Parked(Outgoing):
    """A call in a slot of this room, for anybody there to take. At `recall_at_ms` it comes back by itself."""

    contact: str
    slot: int
    queue: str
    queue_name: str
    class_: Literal["emergency", "urgent", "normal"] = Field(alias="class")
    caller: str
    by: str
    by_name: str
    since_ms: int
    recall_at_ms: int
    of_room: str | None = None  # of somebody on loan: the borrowing room, in one of whose slots it is
