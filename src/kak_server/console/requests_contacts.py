"""Bodies of integrators' requests about contacts without a call, and of their answers."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from kak_server.console.arguments import Incoming, Name, Note, Written
from kak_server.console.models import Outgoing, ServiceClass
from kak_server.console.models_cards import CardKind
from kak_server.console.requests import Number

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Level = Annotated[int, Field(ge=1, le=10)]


class ContactRequest(Incoming):
    """A chat, an alarm or a radio's emergency for a queue, which is named or is that of a number. `reference` is the
    integrator's own name for it: the same request again gives the same contact. `text`: the alarm's, or the first
    message of the chat. `class`: in place of the queue's, where the queue permits it (the answer says what it is).
    `priority_s`: credit within the class, in place of the queue's."""

    kind: CardKind
    reference: Name
    queue: Name | None = None
    number: Number | None = None
    caller: Note = ""
    caller_name: Note = ""
    channel: Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z0-9-]*$")] = ""
    text: Written | Literal[""] = ""
    area: Note = ""
    language: Language | None = None
    class_: ServiceClass | None = Field(None, alias="class")
    priority_s: Annotated[int, Field(ge=-3_600, le=3_600)] | None = None
    skills: Annotated[dict[Name, Level], Field(max_length=10)] = {}  # noqa: RUF012 - pydantic copies defaults

    @model_validator(mode="after")
    def _fits(self) -> "ContactRequest":
        if (self.queue is None) == (self.number is None):
            raise ValueError("give queue or number, not both")
        if self.kind == "alarm" and not self.text:
            raise ValueError("an alarm needs a text")
        return self


class MessageRequest(Incoming):
    """What the citizen writes; `key` is the integrator's own name for it: the same again is the same message."""

    text: Written
    key: Note = ""


class ContactInfo(Outgoing):
    """How a contact stands. `messages`: how many there are, both ways; `cause` once it has ended: operator-hangup,
    ended-outside, idle, or a fault of ours. `ends_at_ms`: then a silent chat ends by itself unless somebody writes.
    `skills_unknown`: those asked for that are not in the catalogue; an emergency is taken without them."""

    contact: str
    kind: CardKind
    reference: str
    queue: str
    class_: ServiceClass | Literal[""] = Field(alias="class")  # "": not known any more
    state: Literal["waiting", "connected", "ended"]
    arrived_at_ms: int
    answered_at_ms: int | None
    ended_at_ms: int | None
    cause: str
    messages: int
    ends_at_ms: int | None = None
    skills_unknown: list[str] = []  # noqa: RUF012 - pydantic copies defaults


class ContactMessage(Outgoing):
    """One message of a chat; `number` counts from 1 within it, both ways."""

    number: int
    by: Literal["outside", "operator"]
    text: str
    at_ms: int


class ContactMessages(Outgoing):
    """The messages behind the number that was asked with; ask again with the last one's."""

    messages: list[ContactMessage]
    state: Literal["waiting", "connected", "ended"]
