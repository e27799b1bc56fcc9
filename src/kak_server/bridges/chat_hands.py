"""Chats in other people's hands: handed on by name, and looked into by a shift lead who leaves them where they are.

Who is asked for a chat that is handed on is the routing core's to say. Who looks in is nobody's but ours: it takes
no place among the chats, and whoever has the chat sees the name. Nothing of it is kept: after a restart the shift lead
looks in again.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought import BroughtContacts
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Tell
from kak_server.bridges.reasons import texts
from kak_server.model.ids import ContactId, OperatorId, PositionId
from kak_server.routing import api as routing
from kak_server.routing.views import ContactView, HandingView

View = dict[str, Any]

READERS_MAX = 8
"""So many look into one chat at most."""

TOLD = frozenset({"rejected", "expired", "gives-way", "activity", "media", "moved", "signed-out", "evacuated"})
"""Why a colleague does not take a chat, where the giver has not said so."""


class ChatHands:
    """Who is asked for a chat by its holder, and who looks into which chat: each at one position, one chat at most."""

    def __init__(self, ctx: Context, brought: BroughtContacts) -> None:
        self.ctx = ctx
        self.brought = brought
        self.draw: Callable[[ContactView], View] = lambda _view: {}
        self.redraw: Callable[[ContactId], None] = lambda _contact: None
        self._reading: dict[PositionId, tuple[ContactId, OperatorId]] = {}

    # --- handed on ----------------------------------------------------------------------------------------------------

    def withdrawn(self, effect: routing.WithdrawOffer) -> None:
        """The colleague does not take it: whoever handed it on is told, and has it still."""
        if effect.epoch <= routing.INVITES or effect.reason not in TOLD or effect.contact not in self.brought.contacts:
            return
        view = self.ctx.core.contact(effect.contact)
        if view is None or view.position is None:
            return
        told = {"contact": effect.contact, "operator": effect.operator, "name": self.name(effect.operator)}
        self.ctx.emit(Tell(view.position, "chat.kept", {**told, "reason": effect.reason}))

    def asked(self, view: ContactView, operator: OperatorId | None) -> HandingView | None:
        """How this operator is asked for a chat that somebody else has."""
        row = view.handing
        return row if row is not None and row.operator == operator else None

    def on_card(self, view: ContactView) -> View:
        """What the holder's card says of it."""
        row = view.handing
        handing = None
        if row is not None:
            handing = {
                "operator": row.operator,
                "name": self.name(row.operator),
                "since_ms": row.since_ms,
                "expires_at_ms": row.expires_at_ms,
            }
        return {"handing": handing, "readers": [self.name(who) for _, who in self._readers(view.contact)]}

    def name(self, operator: OperatorId) -> str:
        """Of somebody, as long as they are here."""
        view = self.ctx.core.operator(operator)
        return view.name if view is not None else operator

    # --- looked into --------------------------------------------------------------------------------------------------

    def look_in(self, position: PositionId, operator: OperatorId, view: ContactView) -> None:
        """Shown what is written there, from now on. Raises RefusedError."""
        one = self.brought.contacts.get(view.contact)
        if one is None or one.kind != "chat":
            raise RefusedError("not-a-chat", "only what is written can be read")
        if view.operator == operator:
            raise RefusedError("busy", "you have that chat")
        if self._reading.get(position) == (view.contact, operator):
            return
        if len(list(self._readers(view.contact))) >= READERS_MAX:
            raise RefusedError("limit", "too many look into that chat")
        self.look_away(position)
        self._reading[position] = view.contact, operator
        self.redraw(view.contact)

    def look_away(self, position: PositionId, cause: str = "") -> None:
        """Through with it, or the seat is another's; nothing if nobody there looked in."""
        found = self._reading.pop(position, None)
        if found is None:
            return
        self.ctx.emit(Tell(position, "reading", self._seen(found[0], None, cause)))
        self.redraw(found[0])

    def drawn(self, contact: ContactId, view: ContactView | None) -> None:
        """The chat looks different: so it does to who looks in, unless they have it by now."""
        for position, operator in list(self._readers(contact)):
            if view is not None and view.operator == operator:
                del self._reading[position]
                self.ctx.emit(Tell(position, "reading", self._seen(contact, None, "")))
            else:
                self.ctx.emit(Tell(position, "reading", self._seen(contact, view, "")))

    def said(self, contact: ContactId, message: View) -> None:
        """Somebody has written."""
        for position, _ in self._readers(contact):
            self.ctx.emit(Tell(position, "card.message", message))

    def over(self, contact: ContactId, cause: str) -> None:
        """The chat has ended: there is no more to read."""
        for position, _ in list(self._readers(contact)):
            del self._reading[position]
            self.ctx.emit(Tell(position, "reading", self._seen(contact, None, cause)))

    def at(self, position: PositionId, operator: OperatorId) -> View | None:
        """What this operator looks into there, for a console that draws itself anew."""
        contact, who = self._reading.get(position, (None, None))
        view = self.ctx.core.contact(contact) if contact is not None and who == operator else None
        return self._seen(view.contact, view, "") if view is not None else None

    def _readers(self, contact: ContactId) -> Iterator[tuple[PositionId, OperatorId]]:
        if not self._reading:  # asked at every change of every chat
            return iter(())
        return ((position, who) for position, (where, who) in self._reading.items() if where == contact)

    def _seen(self, contact: ContactId, view: ContactView | None, cause: str) -> View:
        holder = view.operator if view is not None else None
        return {
            "contact": contact,
            "card": self.draw(view) if view is not None else None,
            "holder": holder,
            "holder_name": self.name(holder) if holder is not None else "",
            "cause": cause,
            **texts(cause),
        }
