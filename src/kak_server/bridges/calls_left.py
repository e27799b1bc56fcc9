"""People we have called who talked with somebody and are left with nobody: shift leads know until somebody has them.

Such a call belongs to its room, or to the queue it was about (who rang there and was called back); no other warning
would ever speak of it. One that was passed on to a queue was not left: it waits there as others do.
"""

from typing import TYPE_CHECKING

from kak_server.bridges import staff_texts
from kak_server.bridges.outputs import Note
from kak_server.model.ids import ContactId, RoomId
from kak_server.routing.api import ContactState
from kak_server.routing.calls_out import COUNTRY_AFTER_MS, room_of_queue
from kak_server.routing.state import Contact

if TYPE_CHECKING:
    from kak_server.bridges.context import Context
    from kak_server.bridges.staff import Staff


class CallsLeft:
    """Told of every change of a contact. Nothing is kept but who was told: the rest is the routing core's state."""

    def __init__(self, ctx: "Context", staff: "Staff") -> None:
        self.ctx = ctx
        self.staff = staff
        self._told: dict[ContactId, RoomId] = {}

    def changed(self, contact: ContactId) -> None:
        """It waits and nobody is asked, or is asked again and again; or it does so no more."""
        row = self.ctx.core.state.contacts.get(contact)
        if row is None or not row.outgoing:  # asked at every change of every contact
            self._over(contact)
            return
        own = room_of_queue(row.queue)
        about = self.ctx.core.rules_of(contact) if own is None else None
        room = own if about is None else next(iter(about.rooms), None)
        rings = row.state is ContactState.OFFERED
        left = own is not None or row.head
        if room is None or not left or not (rings or row.state is ContactState.WAITING):
            self._over(contact)
        elif contact not in self._told and (not rings or self._rings_on(row, own)):
            self._told[contact] = room
            self.ctx.emit(Note("call_out_left", "error", {"contact": contact, "room": room}))
            texts = staff_texts.call_out_left(row.caller, "" if about is None else about.name)
            self.staff.tell_room(room, _id(contact), "alarm", "call-out-left", texts)

    def _rings_on(self, row: Contact, own: RoomId | None) -> bool:
        """Everybody has been asked. When that is so in a configured queue is its workflow's to say."""
        return own is not None and self.ctx.now_ms >= row.entered_at_ms + COUNTRY_AFTER_MS

    def resume(self) -> None:
        """After a restart."""
        for contact in self.ctx.core.state.contacts:
            self.changed(contact)

    def _over(self, contact: ContactId) -> None:
        room = self._told.pop(contact, None)
        if room is not None:
            self.staff.clear_room(room, _id(contact))


def _id(contact: ContactId) -> str:
    return f"left-{contact}"
