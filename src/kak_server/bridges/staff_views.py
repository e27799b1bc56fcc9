"""What consoles show of people's days: one's own, and for shift leads everybody's in their rooms."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kak_server.bridges.brought_views import BroughtViews
from kak_server.bridges.people_found import find_people, person
from kak_server.model.ids import ContactId, OperatorId, PositionId, RoomId
from kak_server.routing.views import OperatorView
from kak_server.routing.words_people import MISSED

if TYPE_CHECKING:
    from kak_server.bridges.context import Context
    from kak_server.bridges.staff import Staff

View = dict[str, Any]


class StaffViews:
    """Read only; every method is a function of the state as it stands."""

    def __init__(self, ctx: "Context", staff: "Staff", brought: BroughtViews) -> None:
        self.ctx = ctx
        self.staff = staff
        self.brought = brought

    def reasons(self) -> list[View]:
        """The organisation's reasons, and the server's own, which nobody chooses."""
        own = {
            "reason": MISSED,
            "name_nb": "Svarte ikke",
            "name_en": "Did not answer",
            "working_time": False,
            "chosen": False,
        }
        listed: list[View] = [
            {
                "reason": reason.reason,
                "name_nb": reason.name_nb,
                "name_en": reason.name_en,
                "working_time": reason.working,
                "chosen": True,
            }
            for reason in self.ctx.core.people_config.reasons
        ]
        return [*listed, own]

    def skills(self) -> Sequence[Mapping[str, str]]:
        """The catalogue of skills, the same object each time; empty where any word is a skill."""
        return self.ctx.settings.skills

    def me(self, operator: OperatorView) -> View:
        """One's own day, beside what `me` says of the state."""
        duty, settings = operator.duty, self.ctx.core.people_config
        counted = duty.extensions < settings.wrap_up_extensions
        left_ms = max(0, settings.wrap_up_extension_ms - duty.extended_ms) if counted else 0
        return {
            **self._day(operator),
            "wrap_up_extensions": duty.extensions,
            "wrap_up_extension_left_ms": left_ms,
            "leads": list(self.staff.rooms_led(operator.operator)),
        }

    def rows(self, rooms: tuple[RoomId, ...]) -> list[View]:
        """For a shift lead: who is on in these rooms or lent to them, since when, and how it is with them."""
        views = {view.operator: view for room in rooms for view in self.ctx.core.in_room(room)}
        for loan in self.ctx.core.loans():
            if loan.room in rooms:
                views.update((view.operator, view) for name in loan.lent if (view := self.ctx.core.operator(name)))
        return [self._row(view) for view in views.values()]

    def _row(self, view: OperatorView) -> View:
        return {
            "operator": view.operator,
            "name": view.name,
            "position": view.position,
            "room": view.room,
            "activity": view.activity.value,
            "reason": view.reason,
            "state": view.state.value,
            "since_ms": view.since_ms,
            "contact": view.contact,
            "contact_kind": self._kind(view.contact),
            "wrap_up_until_ms": view.wrap_up_until_ms,
            "missed": view.missed,
            "rejected": view.rejected,
            "misses_in_row": view.duty.misses_in_row,
            "skills": dict(view.skills),
            "reserved": view.reserved,
            "chats": self.brought.of_staff(view),
            **self._day(view),
        }

    def _kind(self, contact: ContactId | None) -> str | None:
        view = None if contact is None else self.ctx.core.contact(contact)
        return None if view is None else view.kind.value

    def people(self, room: RoomId) -> list[View]:
        """Who is signed in in a room, for leads of others who would like to borrow them."""
        people, names = self.ctx.core.state.operators, self.staff.rooms.names
        return [person(self.ctx, names, people[view.operator]) for view in self.ctx.core.in_room(room)]

    def found(self, text: str) -> list[View]:
        """Who is signed in anywhere, by name or room, for whoever asks somebody into a call."""
        return find_people(self.ctx, self.staff.rooms.names, text)

    def _day(self, view: OperatorView) -> View:
        duty = view.duty
        return {
            "note": duty.note,
            "on_since_ms": duty.on_since_ms,
            "activity_since_ms": duty.activity_since_ms,
            "leaving": duty.leaving,
            "forced": self._forced(view),
            "hand_over": self.hand_over(view.position),
            "loan": self.staff.loans.of(view.operator),
        }

    def _forced(self, view: OperatorView) -> View | None:
        forced = view.duty.forced
        if forced is None:
            return None
        return {
            "to": forced.to.value,
            "by": forced.by,
            "by_name": self.staff.name_of(forced.by),
            "at_ms": forced.at_ms,
            "reason": forced.reason,
            "note": forced.note,
            "waits": forced.waits,
        }

    def hand_over(self, position: PositionId) -> View | None:
        """The change of shifts at a position."""
        row = self.ctx.core.hand_over(position)
        if row is None:
            return None
        return {
            "position": row.position,
            "outgoing": row.outgoing,
            "outgoing_name": self.staff.name_of(row.outgoing),
            "incoming": row.incoming,
            "incoming_name": row.name,
            "since_ms": row.since_ms,
            "until_ms": row.until_ms,
        }

    def status(self, incoming: OperatorId) -> View:
        """How it goes with the seat somebody waits for."""
        position = self.ctx.core.waits_for(incoming)
        if position is not None:
            return {"state": "waiting", "position": position, "hand_over": self.hand_over(position)}
        seated = self.ctx.core.operator(incoming)
        if seated is not None:
            return {"state": "ready", "position": seated.position, "hand_over": None}
        return {"state": "none", "position": None, "hand_over": None}

    def snapshot(self, operator: OperatorId, position: PositionId) -> View:
        """What a console needs of it."""
        rooms = self.staff.rooms_led(operator)
        return {
            "rooms": self.staff.rooms.rows(),
            "reasons": self.reasons(),
            "skills": self.skills(),
            "staff": self.rows(rooms),
            "loans": self.staff.loans.rows(rooms),
        }
