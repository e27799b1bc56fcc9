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
