"""Several operators in one contact, and contacts parked: what follows for consoles and sound.

Who takes part and how is the routing core's to say; here it becomes seats in the contact's mix, call cards, and lists.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Dirty, Note, Tell
from kak_server.bridges.reasons import texts
from kak_server.model.ids import ContactId, OperatorId, PositionId, RoomId
from kak_server.routing import api as routing
from kak_server.routing.views import ContactView, ParticipantView, SearchView

View = dict[str, Any]


class Colleagues:
    """Effects of the core about participants and park slots."""

    def __init__(self, ctx: Context, calls: Calls) -> None:
        self.ctx = ctx
        self.calls = calls
        self._parked_now: set[ContactId] = set()
        self.on_left: Callable[[routing.ParticipantLeft], None] = lambda _effect: None  # the seat's phone
        self.on_holder: Callable[[routing.HolderChanged], None] = lambda _effect: None

    def touched(self, contact: ContactId) -> None:
        """A contact changed: is it, or was it, in a slot?"""
        row = self.ctx.core.state.contacts.get(contact)  # no view: this is asked at every change of every contact
        parked = row is not None and row.moves.slot is not None
        if parked or contact in self._parked_now:
            (self._parked_now.add if parked else self._parked_now.discard)(contact)
            self.ctx.emit(Dirty("parked"))

    def resume(self) -> None:
        """After a restart."""
        self._parked_now = {contact for room in self.ctx.core.state.slots.values() for contact in room.values()}

    def effects(self) -> Mapping[type[Any], Callable[[Any], None]]:
        """What is done with each."""
        return {
            routing.Parked: self._parked,
            routing.ParticipantJoined: self._joined,
            routing.ParticipantLeft: self._left,
            routing.SearchChanged: self._search_changed,
            routing.HolderChanged: self._holder_changed,
        }

    def _parked(self, effect: routing.Parked) -> None:
        fields = {"contact": effect.contact, "room": effect.room, "slot": effect.slot, "by": effect.by}
        self.ctx.emit(Note("contact_parked", fields=fields))
        if (line := self.calls.lines.get(effect.contact)) is not None:
            self.calls.keep(line.left_alone(self.ctx.now_ms))

    def _joined(self, effect: routing.ParticipantJoined) -> None:
        self.calls.refresh(effect.contact)
        fields = {"contact": effect.contact, "operator": effect.operator, "part": effect.part.value}
        self.ctx.emit(Note("participant_joined", fields=fields))

    def _left(self, effect: routing.ParticipantLeft) -> None:
        data = {"contact": effect.contact, "cause": effect.cause, **texts(effect.cause)}
        self.ctx.emit(Tell(effect.position, "call.ended", data))
        self.on_left(effect)
        self.calls.refresh(effect.contact)
        fields = {"contact": effect.contact, "operator": effect.operator, "cause": effect.cause}
        self.ctx.emit(Note("participant_left", fields=fields))

    def _search_changed(self, effect: routing.SearchChanged) -> None:
        """Who asked for somebody is told that nobody comes; they have the caller still."""
        fields = {"contact": effect.contact, "change": effect.change, "asked": effect.asked}
        self.ctx.emit(Note("colleague_sought", fields=fields))
        if effect.change in ("nobody", "time"):
            said = {"contact": effect.contact, "reason": effect.change, "asked": effect.asked}
            self.ctx.emit(Tell(effect.position, "consult.nobody", {**said, **self._where(effect)}))

    def _holder_changed(self, effect: routing.HolderChanged) -> None:
        """The new holder's name goes into the record; the sound follows with the contact's change."""
        line = self.calls.lines.get(effect.contact)
        if line is not None:
            self.calls.keep(replace(line, last_operator=effect.operator, last_position=str(effect.position)))
            self.calls.refresh(effect.contact)
        self.on_holder(effect)
        fields = {"contact": effect.contact, "operator": effect.operator, "former": effect.former}
        self.ctx.emit(Note("holder_changed", fields=fields))

    def resumed(self, contact: ContactId, view: ContactView) -> None:
        """After a restart: whose it was when we died is whose it is."""
        line = self.calls.lines.get(contact)
        if line is not None and view.operator is not None and line.last_operator not in (None, view.operator):
            self.calls.keep(replace(line, last_operator=view.operator, last_position=str(view.position)))

    # --- what consoles show -------------------------------------------------------------------------------------------

    def guest_of(self, view: ContactView, operator: OperatorId) -> ParticipantView | None:
        """How this operator takes part beside the holder."""
        return next((row for row in view.participants if row.operator == operator), None)

    def on_card(self, view: ContactView, operator: OperatorId | None) -> View:
        """What the card of this operator says of who else is there."""
        guest = self.guest_of(view, operator) if operator is not None else None
        return {
            "part": "holder" if guest is None else guest.part.value,
            "holder": view.operator,
            "holder_name": self._name(view.operator) if view.operator is not None else "",
            "consulting": view.consulting,
            "search": self._search(view),
            "colleagues": [
                {
                    "operator": row.operator,
                    "name": self._name(row.operator),
                    "position": row.position,
                    "part": row.part.value,
                    "state": "joined" if row.joined else "invited",
                    "since_ms": row.since_ms,
                    "expires_at_ms": row.expires_at_ms,
                }
                for row in view.participants
            ],
        }

    def _search(self, view: ContactView) -> View | None:
        """Of which queue or room somebody is sought."""
        search = view.search
        if search is None:
            return None
        return {**self._where(search), "asked": search.asked, "until_ms": search.until_ms}

    def _where(self, sought: SearchView | routing.SearchChanged) -> View:
        info = self.calls.queues.get(sought.queue) if sought.queue is not None else None
        name = info.name if info is not None else sought.queue
        return {"queue": sought.queue, "queue_name": name, "room": sought.room}

    def on_offer(self, view: ContactView, operator: OperatorId | None) -> View:
        """What an offer says where it is an invitation: its own epoch and time, for what, and by whom."""
        guest = self.guest_of(view, operator) if operator is not None else None
        if guest is None or guest.expires_at_ms is None:
            return {"purpose": "", "invited_by": None, "invited_by_name": None}
        return {
            "epoch": routing.INVITES + guest.number,
            "expires_at_ms": guest.expires_at_ms,
            "purpose": "consult" if guest.part is routing.Part.CONSULT else "conference",
            "invited_by": guest.by,
            "invited_by_name": self._name(guest.by),
        }

    def parked_list(self, room: RoomId) -> list[View]:
        """The slots of this room that are taken, in order."""
        rows = []
        for number, contact in sorted(self.ctx.core.state.slots.get(room, {}).items()):
            view = self.ctx.core.contact(contact)
            if view is None or view.slot is None:
                continue
            info = self.calls.queues.get(view.queue)
            rows.append(
                {
                    "contact": contact,
                    "slot": number,
                    "queue": view.queue,
                    "queue_name": info.name if info is not None else str(view.queue),
                    "class": view.klass.value,
                    "caller": view.caller,
                    "by": view.slot.by,
                    "by_name": self._name(view.slot.by),
                    "since_ms": view.since_ms,
                    "recall_at_ms": view.slot.recall_at_ms,
                    "of_room": None,
                }
            )
        return rows

    def seats_of(self, view: ContactView) -> list[tuple[OperatorId, PositionId]]:
        """Who has a card of this contact: its holder, and those who joined."""
        seats = []
        if view.operator is not None and view.position is not None:
            seats.append((view.operator, view.position))
        return seats + [(row.operator, row.position) for row in view.participants if row.joined]

    def _name(self, operator: OperatorId) -> str:
        view = self.ctx.core.operator(operator)
        return view.name if view is not None else operator
