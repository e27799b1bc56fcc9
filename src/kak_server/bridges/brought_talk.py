"""Messages of a chat: what the citizen writes reaches the operator at once, and what the operator writes waits for the
integrator, numbered."""

from collections.abc import Callable
from typing import Any

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought import BroughtContacts
from kak_server.bridges.brought_types import MESSAGES_MAX, TEXT_MAX, Brought, Integrator, Message, Sender
from kak_server.bridges.calls import JOINED
from kak_server.bridges.chat_hands import ChatHands
from kak_server.bridges.chat_silence import ChatSilence
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Tell
from kak_server.model.ids import ContactId, OperatorId

View = dict[str, Any]


def message_view(message: Message) -> View:
    """One message as consoles show it."""
    return {
        "contact": message.contact,
        "number": message.number,
        "by": message.by,
        "name": message.name,
        "text": message.text,
        "at_ms": message.at_ms,
    }


class BroughtTalk:
    """Both ways."""

    def __init__(self, ctx: Context, brought: BroughtContacts, silence: ChatSilence, hands: ChatHands) -> None:
        self.ctx = ctx
        self.brought = brought
        self.silence = silence
        self.hands = hands
        self.redraw: Callable[[ContactId], None] = lambda _contact: None

    def from_outside(self, by: Integrator, contact: ContactId, text: str, key: str) -> tuple[Message, bool]:
        """The citizen writes. The message, and whether it is new. Raises RefusedError."""
        one = self.brought.of(by, contact)
        if (old := self._said_before(one, "outside", key)) is not None:
            return old, False
        self._may_be_said(one, text)
        self.brought.rate(by.messages_a_minute, f"messages/{contact}")
        return self._say(one, "outside", text, key)

    def from_operator(self, contact: ContactId, operator: OperatorId, text: str, key: str) -> Message:
        """The operator who has the chat writes. Raises RefusedError."""
        one = self.brought.contacts.get(contact)
        view = self.ctx.core.operator(operator)
        if one is None or view is None:
            raise RefusedError("unknown-contact", "that chat is over")
        if (old := self._said_before(one, "operator", key)) is not None:
            return old
        self._may_be_said(one, text)
        return self._say(one, "operator", text, key, operator, view.name)[0]

    def after(self, by: Integrator, contact: ContactId, number: int) -> list[Message]:
        """All messages of the chat behind that one; the first look at any is audited. Raises RefusedError."""
        one = self.brought.of(by, contact)
        said = self.brought.messages.get(one.contact, [])[max(0, number) :]
        if said:
            self.brought.read(one)
        return said

    def _say(
        self, one: Brought, by: Sender, text: str, key: str, operator: OperatorId | None = None, name: str = ""
    ) -> tuple[Message, bool]:
        message, new = self.brought.say(one, by, text, key=key, operator=operator, name=name)
        view = self.ctx.core.contact(one.contact)
        if new and view is not None and view.position is not None and view.state in JOINED:
            self.ctx.emit(Tell(view.position, "card.message", message_view(message)))
        if new:
            self.hands.said(one.contact, message_view(message))
        if new and self.silence.said(one.contact):
            self.redraw(one.contact)
        return message, new

    def _said_before(self, one: Brought, by: Sender, key: str) -> Message | None:
        said = self.brought.messages.get(one.contact, ())
        return next((old for old in said if key and old.key == key and old.by == by), None)

    def _may_be_said(self, one: Brought, text: str) -> None:
        if one.kind != "chat":
            raise RefusedError("not-a-chat", "only chats have messages")
        if one.over:
            raise RefusedError("gone", "that chat is over")
        if not text.strip() or len(text) > TEXT_MAX:
            raise RefusedError("bad-request", f"text: 1 to {TEXT_MAX} characters")
        if len(self.brought.messages.get(one.contact, ())) >= MESSAGES_MAX:
            raise RefusedError("limit", f"a chat has {MESSAGES_MAX} messages at most")
