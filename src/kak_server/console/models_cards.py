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


class Handing(Outgoing):
    """A colleague is asked for a chat by whoever has it, until `expires_at_ms`."""

    operator: str
    name: str
    since_ms: int
    expires_at_ms: int


class KeyPressed(Outgoing):
    """What became of a radio's emergency key since: how often it was pressed while the contact lasts, when last (null:
    once), and when and by whom it was called off at the radio network (null: it is up; `""`: at the radio itself)."""

    presses: int
    pressed_at_ms: int | None
    calmed_at_ms: int | None
    calmed_by: str = ""


class Card(Outgoing):
    """A contact without a call at this position, whole at each change but for single messages (`card.message`).
    `source`: who brought it; `reference`: their name for it; `channel`: the way it came by, e.g. sms. A chat that fell
    silent says since when, and when it ends by itself unless somebody writes (null: it does not). `handing`: a
    colleague is asked for it, who has it as soon as they say yes. `readers`: shift leads who look into the chat."""

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
    handing: Handing | None = None
    readers: list[str] = []
    key_pressed: KeyPressed | None = None


class ChatKept(Outgoing):
    """The colleague who was asked for a chat does not take it: it is where it was."""

    contact: str
    operator: str
    name: str
    reason: Literal["rejected", "expired", "gives-way", "activity", "media", "moved", "signed-out", "evacuated"]


class Reading(Outgoing):
    """A chat that this shift lead looks into, whole at each change but for single messages (`card.message`). No card:
    not any more, and `cause` says why the chat ended if it has."""

    contact: str
    card: Card | None
    holder: str | None
    holder_name: str
    cause: str = ""
    text_nb: str = ""
    text_en: str = ""


class StaffChat(Outgoing):
    """A chat that somebody of the room has."""

    contact: str
    queue: str
    queue_name: str
    class_: Literal["emergency", "urgent", "normal"] = Field(alias="class")
    caller: str
    caller_name: str = ""
    since_ms: int
