"""Why a contact went where it went, as the API tells it."""

from typing import Annotated, Any

from pydantic import Field

from kak_server.console.models_base import Outgoing


class ConsideredOperator(Outgoing):
    """Somebody who might have been asked. `rank` is the routing core's, smaller first: when the contact was let pass
    before (-1: never), the widening of the workflow, the strategy's key, the id. `merit_*`: what the strategy looks at
    beside the idle time, in words; "" if at nothing. `room_name` and `position_name`: of the version that runs,
    or the ids."""

    operator: str
    name: str
    position: str
    room: str
    own_room: bool
    idle_since_ms: int
    chosen: bool
    rank: list[Any]
    merit_en: str = ""
    merit_nb: str = ""
    room_name: str = ""
    position_name: str = ""


class ConsideredOthers(Outgoing):
    """So many were not asked for one reason; a few of their names."""

    count: int
    reason_en: str
    reason_nb: str
    names: list[str]


class ConsideredOperators(Outgoing):
    """Everybody who was signed in at a decision: `able` might be asked, the first of them are `best` by the queue's
    `strategy`; `others` might not. `nearer_first`: people of nearer rooms come before all others, whatever the
    strategy. `rang_out_in`: it had rung in vain in this room, so that rooms farther out came before it and nearer
    ones; "" if that was no matter; `rang_out_in_name` is what the room is called."""

    able: int
    best: list[ConsideredOperator]
    others: list[ConsideredOthers]
    strategy: str
    nearer_first: bool = False
    rang_out_in: str = ""
    rang_out_in_name: str = ""


class ExplanationStep(Outgoing):
    """One thing that happened. `after_ms` since the contact arrived; null for what is beside it, a restart say.
    `considered` where somebody was asked, or nobody could be."""

    at_ms: int
    after_ms: int | None
    text_en: str
    text_nb: str
    considered: ConsideredOperators | None


class ContactExplanation(Outgoing):
    """A contact's way, from the journal alone. `complete`: false if the journal has a hole, if what can be read of it
    does not tell how the contact came (`began`), or if the way has more steps than are told; `over`: the contact has
    ended; `known`: false if what can be read of the journal does not tell whether it has. `rooms`: the own rooms of its
    queues, and those whose people were asked."""

    contact: str
    complete: bool
    over: bool
    steps: Annotated[list[ExplanationStep], Field(max_length=1_100)]
    known: bool = True
    rooms: list[str] = []
    began: bool = True
