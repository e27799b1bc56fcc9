"""Section of the programs that bring contacts without a call: chats, alarms, radios' emergencies."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from kak_server.bridges.brought_types import KINDS, Integrator
from kak_server.config.fields import Identifier, Section, Text
from kak_server.model.ids import QueueId


class IntegratorSection(Section):
    """A program that may bring contacts over the API (docs/integrators/contacts.md)."""

    id: Identifier = Field(description="identifier, in the audit log and in records")
    name: Text = Field(description="name on the consoles")
    token_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 (hex) of its token; a token is 32 random bytes or more"
    )
    kinds: tuple[Literal["chat", "alarm", "radio"], ...] = Field(
        tuple(KINDS), min_length=1, max_length=3, description="what it may bring"
    )
    queues: tuple[Identifier, ...] = Field((), max_length=2_000, description="queues it may bring to; none: all")
    max_open: int = Field(200, ge=1, le=2_000, description="contacts at once that have not ended")
    contacts_per_minute: int = Field(120, ge=1, le=6_000, description="new contacts")
    messages_per_minute: int = Field(60, ge=1, le=600, description="messages from outside in one chat")


def to_integrators(sections: tuple[IntegratorSection, ...]) -> tuple[Integrator, ...]:
    """What the bridges must know of them."""
    return tuple(
        Integrator(
            integrator=one.id,
            name=one.name,
            token_sha256=one.token_sha256,
            kinds=frozenset(one.kinds),
            queues=frozenset(QueueId(queue) for queue in one.queues),
            max_open=one.max_open,
            contacts_a_minute=one.contacts_per_minute,
            messages_a_minute=one.messages_per_minute,
        )
        for one in sections
    )


def check_integrators(
    sections: tuple[IntegratorSection, ...], queues: frozenset[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with them: location and text."""
    ids = Counter(one.id for one in sections)
    tokens = Counter(one.token_sha256 for one in sections)
    for n, one in enumerate(sections):
        if ids[one.id] > 1:
            yield ("integrators", n, "id"), f"integrator {one.id} is used twice"
        if tokens[one.token_sha256] > 1:
            yield ("integrators", n, "token_sha256"), "each integrator needs a token of its own"
        for m, queue in enumerate(one.queues):
            if queue not in queues:
                yield ("integrators", n, "queues", m), f"there is no queue {queue}"
