"""Places in the queue, told to those who wait.

A place is taken from the waiting order when the caller is about to hear it, and stays what it was for as long as that
announcement plays; at its end the next one takes the place anew. What is being told is in nobody's record: after a
restart an announcement that still plays is heard to its end, and one that has ended begins again.
"""

from kak_server.bridges.context import Context
from kak_server.bridges.line import Line
from kak_server.bridges.who_hears import TOLD
from kak_server.model.ids import ContactId


class Places:
    """What each caller who waits is being told."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._told: dict[ContactId, int] = {}

    def of(self, line: Line) -> int:
        """The place this caller is being told now; 0: none."""
        if not line.tells_place:
            self._told.pop(line.contact, None)
            return 0
        told = self._told.get(line.contact)
        if told is None:
            told = self._told[line.contact] = self.ctx.core.place(line.contact)
        return told

    def taken(self, contact: ContactId, place: int) -> None:
        """The routing core has taken the place for an announcement that begins."""
        self._told[contact] = place

    def ended(self, play: str) -> ContactId | None:
        """A play ended. The contact whose caller is to hear the next place; None if it was no such play."""
        if not play.startswith(TOLD):
            return None
        contact = ContactId(play.removeprefix(TOLD))
        self._told.pop(contact, None)
        self.ctx.desk.ended(f"contact/{contact}", play)
        return contact

    def forget(self, contact: ContactId) -> None:
        """The contact is over."""
        self._told.pop(contact, None)
