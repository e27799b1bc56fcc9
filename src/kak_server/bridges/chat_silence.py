"""Chats that fall silent: their operator is reminded, and where the citizen wrote last is nobody's turn but ours.

A chat whose last word is the operator's ends by itself when its queue's time is up, so that a place is not kept for
somebody who has gone. It is only pointed out, and never ended, where the citizen wrote last (whoever waits for an
answer must not be sent away for waiting), and where it is an emergency. Nothing here is kept: it follows from what was
written and from the routing core's state.
"""

from kak_server.bridges.brought import BroughtContacts
from kak_server.bridges.brought_types import Brought
from kak_server.bridges.calls import JOINED
from kak_server.bridges.context import Context
from kak_server.bridges.handling import DEFAULT
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer
from kak_server.model.ids import ContactId
from kak_server.model.light import frozen
from kak_server.routing import api as routing
from kak_server.routing.views import ContactView

WARNED_MS = 120_000
"""So long before the end the operator is told, and by the integrator the citizen; at most half of the queue's time."""


@frozen
class Silent:
    """A chat that was pointed out. `ends_at_ms` (UTC ms): then it ends unless somebody writes; None: it does not."""

    since_ms: int
    ends_at_ms: int | None


class ChatSilence:
    """Told of every change of a chat and of every message; one timer a chat, looked at when it is due."""

    def __init__(self, ctx: Context, brought: BroughtContacts) -> None:
        self.ctx = ctx
        self.brought = brought
        self.silent: dict[ContactId, Silent] = {}
        self._armed: set[ContactId] = set()  # only asked for members

    def changed(self, contact: ContactId) -> None:
        """It is with somebody now, or no longer."""
        one = self.brought.contacts.get(contact)
        if one is None or one.kind != "chat":  # asked at every change of every call
            return
        if self._held(one) is None:
            self._forget(contact)
        elif contact not in self._armed and contact not in self.silent:
            self._arm(one)

    def said(self, contact: ContactId) -> ContactId | None:
        """Somebody has written. The chat whose card looks different now."""
        one = self.brought.contacts[contact]
        if contact not in self.silent or self._held(one) is None:
            return None
        del self.silent[contact]
        self._arm(one)
        return contact

    def due(self, contact: ContactId) -> ContactId | None:
        """Its timer fired: written in meanwhile, to be pointed out, or over. The chat whose card is another now."""
        self._armed.discard(contact)
        one = self.brought.contacts.get(contact)
        view = self._held(one) if one is not None else None
        limit_ms = self._limit_ms(one) if one is not None else 0
        if one is None or view is None or not limit_ms:
            self._forget(contact)
            return contact if view is not None else None
        found, now_ms = self.silent.get(contact), self.ctx.now_ms
        if found is None and now_ms < self._last_ms(one, view) + limit_ms - warned_ms(limit_ms):
            self._arm(one)
            return None
        if found is None:
            self.silent[contact] = self._pointed_out(one, view, limit_ms)
            return contact
        if found.ends_at_ms is not None and now_ms >= found.ends_at_ms:
            self.ctx.emit(Note("chat_fell_silent", fields={"contact": contact, "queue": one.queue}))
            self.ctx.route(routing.ChatIdle(now_ms, contact))
        return None

    def resume(self) -> None:
        """After a restart."""
        for contact in list(self.brought.contacts):
            self.changed(contact)

    def on_card(self, contact: ContactId) -> dict[str, int | None]:
        """What its card says of it."""
        found = self.silent.get(contact)
        return {
            "silent_since_ms": None if found is None else found.since_ms,
            "ends_at_ms": None if found is None else found.ends_at_ms,
        }

    # --- inside -------------------------------------------------------------------------------------------------------

    def _held(self, one: Brought) -> ContactView | None:
        """The chat, if it is with an operator."""
        view = None if one.over else self.ctx.core.contact(one.contact)
        joined = view is not None and view.state in JOINED and view.state is not routing.ContactState.CONNECTING
        return view if joined else None

    def _limit_ms(self, one: Brought) -> int:
        info = self.brought.calls.queues.get(one.queue)
        return (info.handling if info is not None else DEFAULT).chat_idle_ms

    def _last_ms(self, one: Brought, view: ContactView) -> int:
        """When somebody wrote last, or the operator came."""
        said = self.brought.messages.get(one.contact)
        return max(said[-1].at_ms if said else 0, view.connected_at_ms or 0)

    def _arm(self, one: Brought) -> None:
        view, limit_ms = self._held(one), self._limit_ms(one)
        if view is None or not limit_ms:
            return
        at_ms = self._last_ms(one, view) + limit_ms - warned_ms(limit_ms)
        self._set(one.contact, max(at_ms, self.ctx.now_ms))

    def _pointed_out(self, one: Brought, view: ContactView, limit_ms: int) -> Silent:
        """From here on it says so; whoever was away while we were has as long as others to write."""
        last_ms = self._last_ms(one, view)
        said = self.brought.messages.get(one.contact)
        ours = not said or said[-1].by == "operator"
        if view.klass is routing.ContactClass.EMERGENCY or not ours:
            return Silent(last_ms, None)
        ends_at_ms = max(last_ms + limit_ms, self.ctx.now_ms + warned_ms(limit_ms))
        self._set(one.contact, ends_at_ms)
        return Silent(last_ms, ends_at_ms)

    def _set(self, contact: ContactId, at_ms: int) -> None:
        self._armed.add(contact)
        self.ctx.emit(SetTimer(f"chat-idle/{contact}", at_ms))

    def _forget(self, contact: ContactId) -> None:
        self.silent.pop(contact, None)
        if contact in self._armed:
            self._armed.discard(contact)
            self.ctx.emit(CancelTimer(f"chat-idle/{contact}"))


def warned_ms(limit_ms: int) -> int:
    """How long before its end a silent chat is pointed out."""
    return min(WARNED_MS, limit_ms // 2)
