"""What a contact without a call is made of: who brought it, what was asked for, what has been written in it."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactKind

Kind = Literal["chat", "alarm", "radio"]
KINDS: Mapping[Kind, ContactKind] = {
    "chat": ContactKind.CHAT,
    "alarm": ContactKind.ALARM,
    "radio": ContactKind.RADIO,
}

Sender = Literal["outside", "operator"]

TEXT_MAX = 2_000
"""Characters of one message, and of an alarm's text."""

MESSAGES_MAX = 500
"""Of one chat, both ways; then it must be ended."""


@frozen
class Integrator:
    """A program that brings contacts, as configured. It is known by its token, of which only the SHA-256 (hex) is
    kept. `queues` and `kinds`: what it may bring and where to; no queues: everywhere."""

    integrator: str
    name: str
    token_sha256: str = field(repr=False)
    kinds: frozenset[str] = frozenset(KINDS)
    queues: frozenset[QueueId] = frozenset()
    max_open: int = 200
    contacts_a_minute: int = 120
    messages_a_minute: int = 60  # in one chat


@frozen
class Asked:
    """What an integrator wants: `reference` is its own name for the contact, and makes a repetition harmless. The queue
    by its id or by a number that leads to it. Class and priority (ms of credit) are the queue's, unless said; a class
    that the queue does not permit is the queue's all the same."""

    kind: Kind
    reference: str
    queue: str = ""
    number: str = ""
    caller: str = ""
    caller_name: str = ""
    channel: str = ""  # as people call the way it came by, e.g. sms
    text: str = ""
    area: str = ""
    language: str = ""
    priority_ms: int | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    klass: str = ""


@frozen
class KeyPressed:
    """A radio's emergency key, as its gateway told last: which alarm is up, how often the key was pressed while the
    contact lasts, and when and by whom it was called off (0: it is up; nobody: at the radio itself)."""

    alarm: str
    presses: int = 1
    pressed_at_ms: int = 0
    calmed_at_ms: int = 0
    calmed_by: str = ""


@frozen
class Brought:
    """Journalled under `brought/<contact>`, until some time after its end. Who has it and whether it waits is the
    routing core's to say."""

    contact: ContactId
    by: str  # the integrator's id
    asked: Asked
    queue: QueueId
    arrived_at_ms: int
    operator_answered_at_ms: int = 0
    last_operator: OperatorId | None = None
    last_position: str = ""
    ended_at_ms: int = 0
    cause: str = ""
    klass: str = ""  # the class it goes by; "": of before classes were kept here
    skills_unknown: tuple[str, ...] = ()  # asked for, not in the catalogue: an emergency was taken without them
    read_at_ms: int = 0  # when its integrator first fetched what was written; 0: never
    key_pressed: "KeyPressed | None" = None  # of a radio's emergency: what became of the key since

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.asked.kind

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.ended_at_ms > 0

    def key(self) -> str:
        """The journal's key."""
        return f"brought/{self.contact}"

    def taken_by(self, operator: OperatorId, position: str, now_ms: int) -> "Brought":
        """The same with this operator, the first or another."""
        first_ms = self.operator_answered_at_ms or now_ms
        return replace(self, operator_answered_at_ms=first_ms, last_operator=operator, last_position=position)


@frozen
class Message:
    """Journalled under `said/<contact>/<number>`. Numbers count from 1 within the contact, both ways. `key`: the
    sender's own name for it, so that a repetition is the same message."""

    contact: ContactId
    number: int
    by: Sender
    text: str = field(repr=False)
    at_ms: int
    operator: OperatorId | None = None
    name: str = ""
    key: str = ""

    def record(self) -> str:
        """The journal's key."""
        return f"said/{self.contact}/{self.number}"
