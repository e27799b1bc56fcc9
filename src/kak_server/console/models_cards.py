"""Contacts without a call as operators see them: chats, alarms, radios' emergencies."""

from typing import Literal

from pydantic import Field

from kak_server.console.models_base import Outgoing

ContactKind = Literal["voice", "video", "chat", "alarm", "radio"]
CardKind = Literal["chat", "alarm", "radio"]


class CardMessage(Outgoing):
    """A message of a chat; numbers count from 1 within it, both ways. `name`: of the operator who wrote it."""

    contact: str
    number: int
    by: Literal["outside", "operator"]
    name: str = ""
    text: str
    at_ms: int


class Card(Outgoing):
    """A contact without a call at this position, whole at each change but for single messages (`card.message`).
    `source`: who brought it; `reference`: their name for it; `channel`: the way it came by, e.g. sms. A chat that fell
    silent says since when, and when it ends by itself unless somebody writes (null: it does not)."""

    contact: str
    kind: CardKind
    channel: str = ""
    queue: str
    queue_name: str
    class_: Literal["emergency", "urgent", "normal"] = Field(alias="class")
    caller: str
    caller_name: str = ""
    area: str = ""
    language: str = ""
    text: str = ""
    source: str = ""
    reference: str = ""
    arrived_at_ms: int
    answered_at_ms: int | None
    messages: list[CardMessage] = []
    silent_since_ms: int | None = None
    ends_at_ms: int | None = None
