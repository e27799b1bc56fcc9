"""What travels on the event stream's WebSocket, both ways.

`EVENTS` and `COMMANDS` are the tables; the message models made of them exist for the OpenAPI document (TypeScript types
are generated from it) and for checks. On the hot path messages are assembled as text by `stream`.
"""

from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.json_schema import models_json_schema

from kak_server.console.arguments import COMMANDS, Incoming, Name
from kak_server.console.models import (
    Abandoned,
    Call,
    HandedOver,
    Me,
    MediaState,
    Notice,
    Offer,
    OperatorRow,
    Outgoing,
    Phone,
    Queue,
    SeatLostReason,
    SnapshotFields,
    Talkgroup,
    TransferTarget,
    Waiting,
)
from kak_server.console.models_callers import Incident, NumberFlag
from kak_server.console.models_cards import Card, CardMessage, ChatKept, Reading
from kak_server.console.models_moves import NobodyCame, Parked
from kak_server.console.models_staff import Loan, RoomRow, Skill, StaffRow
from kak_server.console.requests import ResultValue
from kak_server.model.codec import Json

# --- event data -------------------------------------------------------------------------------------------------------


class OfferWithdrawn(Outgoing):
    """The offer is over: taken back, expired, or the caller left."""

    contact: str
    epoch: int
    reason: str


class CallEnded(Outgoing):
    """The call, or contact without one, is with this position no more. Of a call out that came to nothing the texts
    say why."""

    contact: str
    cause: str
    text_nb: str = ""
    text_en: str = ""


class MediaChanged(Outgoing):
    """Media of this seat flows, or does not."""

    state: MediaState


class MediaReset(Outgoing):
    """The PeerConnection must be rebuilt now."""

    reason: str


class SeatLost(Outgoing):
    """This tab no longer holds the seat. The last event of a stream."""

    reason: SeatLostReason


class NoticeCleared(Outgoing):
    """A notice no longer holds."""

    id: str


class Nothing(Outgoing):
    """An event that says all by its name."""


EVENTS: dict[str, Any] = {
    "offer": Offer,
    "offer.withdrawn": OfferWithdrawn,
    "call": Call,
    "call.ended": CallEnded,
    "card": Card,
    "card.message": CardMessage,
    "card.ended": CallEnded,
    "chat.kept": ChatKept,
    "reading": Reading,
    "me": Me,
    "queues": list[Queue],
    "waiting": list[Waiting],
    "operators": list[OperatorRow],
    "handed_over": list[HandedOver],
    "abandoned": list[Abandoned],
    "talkgroup": Talkgroup,
    "media": MediaChanged,
    "media.reset": MediaReset,
    "seat.lost": SeatLost,
    "notice": Notice,
    "notice.cleared": NoticeCleared,
    "recent": Nothing,
    "phone": Phone,
    "surges": list[Incident],
    "parked": list[Parked],
    "consult.nobody": NobodyCame,
    "flags": list[NumberFlag],
    "staff": list[StaffRow],
    "loans": list[Loan],
    "rooms": list[RoomRow],
    "skills": list[Skill],
    "transfer_targets": list[TransferTarget],
}

_ADAPTERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in EVENTS.items()}


def check_event(name: str, data: Json) -> None:
    """Hold an event against its model. Raises KeyError for an unknown name, pydantic's ValidationError otherwise."""
    _ADAPTERS[name].validate_python(data)


# --- messages ---------------------------------------------------------------------------------------------------------


class Snapshot(SnapshotFields):
    """The first message, and again whenever the reader has fallen too far behind. Replaces all that went before."""

    type: Literal["snapshot"]
    seq: int


class Resumed(Outgoing):
    """The missed events follow, the first with `seq` + 1."""

    type: Literal["resumed"]
    seq: int


class Ping(Outgoing):
    """Every 5 s. Answer `pong`."""

    type: Literal["ping"]


class Reply(Outgoing):
    """The answer to one command. `result` when ok, else `code` and `message`."""

    type: Literal["reply"]
    id: str
    ok: bool
    result: dict[str, ResultValue] | None = None
    code: str | None = None
    message: str | None = None


class StreamError(Outgoing):
    """A message we could not read. After ten of them the connection is closed."""

    type: Literal["error"]
    code: str
    message: str


class Pong(Incoming):
    """The client lives."""

    type: Literal["pong"]


class CommandMessage(Incoming):
    """A command before its arguments are looked at."""

    type: Literal["command"]
    id: Name
    name: Name
    args: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies defaults


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("."))


def _message_models() -> list[type[BaseModel]]:
    """One model an event and one a command, named like OfferWithdrawnEvent and ContactAcceptCommand."""
    literal: Any = Literal
    made: list[type[BaseModel]] = []
    for name, kind in EVENTS.items():
        event_fields: dict[str, Any] = {"type": (literal[name], ...), "seq": (int, ...), "data": (kind, ...)}
        made.append(create_model(f"{_camel(name)}Event", __base__=Outgoing, **event_fields))
    for name, args in COMMANDS.items():
        command_fields: dict[str, Any] = {
            "type": (Literal["command"], ...),
            "id": (Name, ...),
            "name": (literal[name], ...),
            "args": (args, ...),
        }
        made.append(create_model(f"{_camel(name)}Command", __base__=Incoming, **command_fields))
    return made


def stream_schemas(ref_template: str) -> dict[str, Json]:
    """JSON Schemas of every message by name, with `ServerMessage` and `ClientMessage` as their unions."""
    dynamic = _message_models()
    server: list[type[BaseModel]] = [Snapshot, Resumed, Ping, Reply, StreamError, *dynamic[: len(EVENTS)]]
    client: list[type[BaseModel]] = [Pong, *dynamic[len(EVENTS) :]]
    _, document = models_json_schema(
        [(model, "serialization") for model in server] + [(model, "validation") for model in client],
        ref_template=ref_template,
    )
    schemas: dict[str, Json] = dict(document["$defs"])
    for union, members in (("ServerMessage", server), ("ClientMessage", client)):
        schemas[union] = {
            "title": union,
            "anyOf": [{"$ref": ref_template.format(model=member.__name__)} for member in members],
        }
    return schemas
