"""Contacts without a call as consoles and integrators see them. Shapes are those of docs/integrators/position-api.md
and docs/integrators/contacts.md."""

from typing import Any

from kak_server.bridges.brought import BroughtContacts
from kak_server.bridges.brought_talk import message_view
from kak_server.bridges.brought_types import Brought, Message
from kak_server.bridges.calls import JOINED
from kak_server.bridges.chat_hands import ChatHands
from kak_server.bridges.chat_silence import ChatSilence
from kak_server.bridges.context import Context
from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing.api import INVITES, ContactState, Offer, OperatorState
from kak_server.routing.views import ContactView, OperatorView

View = dict[str, Any]
_WAITS = (ContactState.WAITING, ContactState.OFFERED)

HISTORY_MAX = 20
"""So many messages, the last ones, are shown to a colleague who is asked for a chat; the card has all."""


class BroughtViews:
    """Read only."""

    def __init__(self, ctx: Context, brought: BroughtContacts, silence: ChatSilence, hands: ChatHands) -> None:
        self.ctx = ctx
        self.brought = brought
        self.silence = silence
        self.hands = hands
        hands.draw = lambda view: self.card(view, self._queue_name(view))

    def on_offer(self, view: ContactView, operator: OperatorId | None) -> View:
        """What an offer says of it beside what it says of calls. Whoever is asked by a colleague sees what was
        written."""
        one = self.brought.contacts.get(view.contact)
        if one is None:
            return {"kind": "voice", "channel": "", "text": "", "messages": [], "area": "", "key_pressed": None}
        said = self.brought.messages.get(view.contact)
        text = said[-1].text if said else one.asked.text
        return {
            "kind": one.kind,
            "channel": one.asked.channel,
            "text": text,
            "caller_name": one.asked.caller_name,
            "caller_source": "none",
            "area": one.asked.area,
            "key_pressed": _key_pressed(one),
            **self._handed(view, operator),
        }

    def _handed(self, view: ContactView, operator: OperatorId | None) -> View:
        row = self.hands.asked(view, operator)
        if row is None:
            return {"messages": []}
        said = self.brought.messages.get(view.contact, [])[-HISTORY_MAX:]
        return {
            "epoch": INVITES + row.number,
            "expires_at_ms": row.expires_at_ms,
            "purpose": "hand-on",
            "invited_by": view.operator,
            "invited_by_name": self.hands.name(view.operator) if view.operator is not None else "",
            "messages": [message_view(message) for message in said],
        }

    def card(self, view: ContactView, queue_name: str) -> View:
        """The card at the operator's who has it."""
        one = self.brought.contacts[view.contact]
        asked = one.asked
        return {
            "contact": view.contact,
            "kind": one.kind,
            "channel": asked.channel,
            "queue": view.queue,
            "queue_name": queue_name,
            "class": view.klass.value,
            "caller": asked.caller,
            "caller_name": asked.caller_name,
            "area": asked.area,
            "language": asked.language,
            "text": "" if one.kind == "chat" else asked.text,
            "source": self.source(one),
            "reference": asked.reference,
            "arrived_at_ms": view.arrived_at_ms,
            "answered_at_ms": view.connected_at_ms or view.since_ms,
            "messages": [message_view(said) for said in self.brought.messages.get(view.contact, ())],
            "key_pressed": _key_pressed(one),
            **self.silence.on_card(view.contact),
            **self.hands.on_card(view),
        }

    def _queue_name(self, view: ContactView) -> str:
        info = self.brought.calls.queues.get(view.queue)
        return info.name if info is not None else str(view.queue)

    def key_pressed(self, contact: ContactId) -> View | None:
        """What became of the key of a radio's emergency; None: nothing, or it is none."""
        one = self.brought.contacts.get(contact)
        return None if one is None else _key_pressed(one)

    def of_staff(self, operator: OperatorView) -> list[View]:
        """The chats that somebody has, for their shift lead."""
        views = [self.ctx.core.contact(chat) for chat in operator.chats]
        return [
            {
                "contact": view.contact,
                "queue": view.queue,
                "queue_name": self._queue_name(view),
                "class": view.klass.value,
                "caller": self.brought.contacts[view.contact].asked.caller,
                "caller_name": self.brought.contacts[view.contact].asked.caller_name,
                "since_ms": view.connected_at_ms or view.since_ms,
            }
            for view in views
            if view is not None and view.contact in self.brought.contacts
        ]

    def source(self, one: Brought) -> str:
        """Who brought it, in words."""
        known = self.ctx.settings.integrators
        return next((each.name for each in known if each.integrator == one.by), one.by)

    def held_by(self, operator: OperatorView) -> list[ContactView]:
        """The contacts without a call that this operator has, chats in the order of their coming."""
        ours = [operator.contact, *operator.chats]
        views = [self.ctx.core.contact(each) for each in ours if each is not None and each in self.brought.contacts]
        return [view for view in views if view is not None and view.state in JOINED]

    def offered_to(self, operator: OperatorView) -> ContactView | None:
        """The chat that this operator is asked for."""
        return self.ctx.core.contact(operator.chat_offer) if operator.chat_offer is not None else None

    def has(self, effect: Offer) -> bool:
        """Whether an offer is of one of these."""
        return effect.contact in self.brought.contacts

    # --- for the integrator -------------------------------------------------------------------------------------------

    def outside(self, one: Brought) -> View:
        """How it stands. Who the operators are is nobody's business outside."""
        view = None if one.over else self.ctx.core.contact(one.contact)
        state = "ended" if view is None else "waiting" if view.state in _WAITS else "connected"
        return {
            "contact": one.contact,
            "kind": one.kind,
            "reference": one.asked.reference,
            "queue": one.queue,
            "class": view.klass.value if view is not None else one.klass,
            "state": state,
            "arrived_at_ms": one.arrived_at_ms,
            "answered_at_ms": one.operator_answered_at_ms or None,
            "ended_at_ms": one.ended_at_ms or None,
            "cause": one.cause,
            "messages": len(self.brought.messages.get(one.contact, ())),
            "ends_at_ms": self.silence.on_card(one.contact)["ends_at_ms"],
            "skills_unknown": list(one.skills_unknown),
        }

    @staticmethod
    def outside_message(message: Message) -> View:
        """A message, without the operator's name."""
        return {"number": message.number, "by": message.by, "text": message.text, "at_ms": message.at_ms}


def _key_pressed(one: Brought) -> View | None:
    """What became of a radio's emergency key since it made the contact; None: nothing."""
    key = one.key_pressed
    if key is None:
        return None
    return {
        "presses": key.presses,
        "pressed_at_ms": key.pressed_at_ms or None,
        "calmed_at_ms": key.calmed_at_ms or None,
        "calmed_by": key.calmed_by,
    }


def chats_of(operator: OperatorView) -> View:
    """How many chats an operator has, and may have."""
    return {
        "chats": len(operator.chats),
        "chats_max": operator.chats_max,
        "chats_in_call": operator.chats_in_call,
    }


def room_for_chats(state: OperatorState, chats: int, chats_max: int, chats_in_call: int) -> int:
    """How many more chats somebody takes, as they are just now."""
    most = min(chats_max, chats_in_call) if state is OperatorState.BUSY else chats_max
    return max(0, most - chats)
