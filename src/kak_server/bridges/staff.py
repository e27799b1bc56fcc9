"""Shift leads and their people: who leads which room, what leads and operators are told, what is audited."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kak_server.bridges import staff_texts
from kak_server.bridges.calls_left import CallsLeft
from kak_server.bridges.outputs import Audit, Dirty, Note, Tell, Unseat
from kak_server.bridges.rooms import Rooms
from kak_server.bridges.staff_loans import StaffLoans
from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api as routing
from kak_server.routing.views import OperatorView
from kak_server.routing.words_people import MISSED

if TYPE_CHECKING:
    from kak_server.bridges.context import Context
    from kak_server.bridges.seats import Seats

Notice = dict[str, Any]


@frozen
class PersonInfo:
    """A person as configured. `leads`: control rooms whose shift lead the person is; `capacity`: what they take beside
    a call."""

    name: str
    leads: tuple[RoomId, ...] = ()
    capacity: routing.Capacity = routing.CALLS_ALONE


def leads_of(people: Mapping[OperatorId, PersonInfo]) -> Mapping[RoomId, Sequence[OperatorId]]:
    """The shift leads of each room. Costs the number of people."""
    leads: dict[RoomId, list[OperatorId]] = {}
    for operator, person in people.items():
        for room in person.leads:
            leads.setdefault(room, []).append(operator)
    return leads


def capacity_of(people: Mapping[OperatorId, PersonInfo], operator: OperatorId) -> routing.Capacity:
    """What somebody takes by kind of contact; calls alone, where nothing is known of them."""
    person = people.get(operator)
    return routing.CALLS_ALONE if person is None else person.capacity


class Staff:
    """Told of the routing core's effects about people; tells those concerned."""

    def __init__(self, ctx: "Context", seats: "Seats") -> None:
        self.ctx = ctx
        self.seats = seats
        self._own: dict[OperatorId, dict[str, Notice]] = {}
        self._rooms: dict[RoomId, dict[str, Notice]] = {}
        self._about: dict[OperatorId, dict[str, RoomId]] = {}  # whom the notices of rooms are about
        self.loans = StaffLoans(ctx, self)
        self.rooms = Rooms(ctx, self)
        self.calls_left = CallsLeft(ctx, self)
        self._leads = leads_of(ctx.settings.people)

    def serve(self, leads: Mapping[RoomId, Sequence[OperatorId]], room_names: Mapping[RoomId, str]) -> None:
        """Another version of the configuration: who leads which room now, and what rooms are called."""
        self._leads = leads
        self.loans.room_names = room_names

    def effects(self) -> Mapping[type[Any], Callable[[Any], None]]:
        """What it handles."""
        return {
            routing.MadeNotReady: self._made_not_ready,
            routing.MissesTolerated: self._tolerated,
            routing.Forced: self._forced,
            routing.HandOverChanged: self._hand_over,
            routing.LoanChanged: self.loans.changed,
            routing.RoomChanged: self.rooms.changed,
        }

    # --- who leads ----------------------------------------------------------------------------------------------------

    def rooms_led(self, operator: OperatorId) -> tuple[RoomId, ...]:
        """The rooms whose shift lead somebody is."""
        person = self.ctx.settings.people.get(operator)
        return () if person is None else person.leads

    def leads(self, operator: OperatorId, *rooms: RoomId) -> bool:
        """Whether somebody is the shift lead of one of these rooms."""
        return any(room in self.rooms_led(operator) for room in rooms)

    def name_of(self, operator: OperatorId) -> str:
        """A person's name, signed in or not."""
        view = self.ctx.core.operator(operator)
        if view is not None:
            return view.name
        person = self.ctx.settings.people.get(operator)
        return str(operator) if person is None else person.name

    def audience(self, room: RoomId) -> list[PositionId]:
        """Where the room's shift leads sit now; where none does, everybody in the room has to know."""
        views = [self.ctx.core.operator(operator) for operator in self._leads.get(room, ())]
        leads = [view.position for view in views if view is not None]
        return leads or [view.position for view in self.ctx.core.in_room(room)]

    # --- notices ------------------------------------------------------------------------------------------------------

    def notices_of(self, operator: OperatorId, position: PositionId) -> list[Notice]:
        """What holds now for somebody at a position."""
        found = list(self._own.get(operator, {}).values())
        view = self.ctx.core.operator(operator)
        if view is not None:
            found += self.rooms.notices_of(view.room)
        rooms = self.rooms_led(operator) if view is None else (view.room, *self.rooms_led(operator))
        for room in dict.fromkeys(rooms):
            if room in self._rooms and position in self.audience(room):
                found += self._rooms[room].values()
        return found

    def tell_operator(self, view: OperatorView, name: str, level: str, code: str, texts: staff_texts.Texts) -> None:
        """A notice for one person, until it is cleared."""
        notice = self.notice(name, level, code, texts)
        self._own.setdefault(view.operator, {})[name] = notice
        self.ctx.emit(Tell(view.position, "notice", notice))

    def tell_leads(self, view: OperatorView, name: str, level: str, code: str, texts: staff_texts.Texts) -> None:
        """A notice about somebody for the shift leads of their room, until it is cleared."""
        self._about.setdefault(view.operator, {})[name] = view.room
        self.tell_room(view.room, name, level, code, texts)

    def tell_room(self, room: RoomId, name: str, level: str, code: str, texts: staff_texts.Texts) -> None:
        """A notice for the shift leads of a room, until it is cleared."""
        notice = self.notice(name, level, code, texts)
        self._rooms.setdefault(room, {})[name] = notice
        for position in self.audience(room):
            self.ctx.emit(Tell(position, "notice", notice))

    def _clear_about(self, about: OperatorId, name: str) -> None:
        """A notice about somebody holds no more."""
        names = self._about.get(about, {})
        room = names.pop(name, None)
        if room is None:
            return
        if not names:
            del self._about[about]
        self.clear_room(room, name)

    def clear_room(self, room: RoomId, name: str) -> None:
        """Over for the room's leads; also for those who had to be told while no lead was there."""
        notices = self._rooms.get(room, {})
        if notices.pop(name, None) is None:
            return
        if not notices:
            del self._rooms[room]
        told = [*self.audience(room), *(view.position for view in self.ctx.core.in_room(room))]
        for position in dict.fromkeys(told):
            self.ctx.emit(Tell(position, "notice.cleared", {"id": name}))

    def clear_own(self, operator: OperatorId, name: str) -> None:
        """A notice for one person holds no more."""
        view = self.ctx.core.operator(operator)
        self._clear_own(operator, name, None if view is None else view.position)

    def _clear_own(self, operator: OperatorId, name: str, position: PositionId | None) -> None:
        notices = self._own.get(operator, {})
        if notices.pop(name, None) is None:
            return
        if not notices:
            del self._own[operator]
        if position is not None:
            self.ctx.emit(Tell(position, "notice.cleared", {"id": name}))

    def notice(self, name: str, level: str, code: str, texts: staff_texts.Texts) -> Notice:
        """As the position API has it."""
        nb, en = texts
        return {"id": name, "level": level, "code": code, "text_nb": nb, "text_en": en, "at_ms": self.ctx.now_ms}

    def changed(self, operator: OperatorId, view: OperatorView | None) -> None:
        """Somebody looks different, or is gone: notices that hold no more are taken back."""
        self.ctx.emit(Dirty("staff"))
        position = None if view is None else view.position
        missed = view is not None and view.reason == MISSED
        if not missed:
            self._clear_own(operator, "made-not-ready", position)
        if view is None or view.duty.forced is None:
            self._clear_own(operator, "forced", position)
        if operator in self._own and self.ctx.core.loan_of(operator) is None:
            for name in [name for name in self._own[operator] if name.startswith("loan-")]:
                self._clear_own(operator, name, position)
        if operator in self._about:
            if not missed:
                self._clear_about(operator, f"made-not-ready-{operator}")
            if view is None or not view.duty.misses_in_row:
                self._clear_about(operator, f"unanswered-{operator}")

    def resume(self) -> None:
        """After a restart: what the state says is told again."""
        self.loans.resume()
        self.calls_left.resume()
        limit = self.ctx.core.people_config.misses
        for view in self.ctx.core.operators():
            if view.reason == MISSED:
                self._made_not_ready(routing.MadeNotReady(view.operator, view.position, view.duty.misses_in_row))
            elif limit and view.duty.misses_in_row >= limit:
                self._tolerated(routing.MissesTolerated(view.operator, view.position, view.duty.misses_in_row))

    # --- effects ------------------------------------------------------------------------------------------------------

    def _made_not_ready(self, effect: routing.MadeNotReady) -> None:
        view = self.ctx.core.operator(effect.operator)
        if view is None:
            return
        self.ctx.emit(Note("made_not_ready", "warning", {"operator": view.operator, "misses": effect.misses}))
        self.tell_operator(
            view, "made-not-ready", "warning", "made-not-ready", staff_texts.made_not_ready(effect.misses)
        )
        texts = staff_texts.made_not_ready_to_lead(view.name, view.position, effect.misses)
        self.tell_leads(view, f"made-not-ready-{view.operator}", "warning", "operator-made-not-ready", texts)

    def _tolerated(self, effect: routing.MissesTolerated) -> None:
        view = self.ctx.core.operator(effect.operator)
        if view is None:
            return
        self.ctx.emit(Note("last_one_misses", "error", {"operator": view.operator, "misses": effect.misses}))
        texts = staff_texts.last_one_misses(view.name, view.position, effect.misses)
        self.tell_leads(view, f"unanswered-{view.operator}", "alarm", "last-one-misses", texts)

    def _forced(self, effect: routing.Forced) -> None:
        to, by = effect.to.value, self.name_of(effect.by)
        detail = {"to": to, "reason": effect.reason, "note": effect.note, "waits": effect.waits}
        self.ctx.emit(Audit(effect.by, "operator.forced", effect.operator, {**detail, "position": effect.position}))
        self.ctx.emit(Note("operator_forced", fields={"operator": effect.operator, "by": effect.by, "to": to}))
        view = self.ctx.core.operator(effect.operator)
        if view is not None:
            self.tell_operator(view, "forced", "warning", "forced", staff_texts.forced(by, effect))

    def _hand_over(self, effect: routing.HandOverChanged) -> None:
        detail = {"outgoing": effect.outgoing, "incoming": effect.incoming, "change": effect.change}
        self.ctx.emit(Audit(effect.incoming, "position.hand-over", effect.position, detail))
        self.ctx.emit(Note("hand_over", fields={"position": effect.position, **detail}))
        self.ctx.emit(Dirty("staff"))
        view = self.ctx.core.operator(effect.incoming)
        if effect.change == "done" and view is not None and view.position == effect.position:
            self.seats.succeed(effect.position, effect.incoming)

    # --- the change of shifts -----------------------------------------------------------------------------------------

    def stand_by(
        self, operator: OperatorId, name: str, position: PositionId, room: RoomId, skills: Mapping[str, int]
    ) -> routing.Refused | None:
        """The next shift's operator waits for the seat, or has it at once."""
        before = len(self.ctx.refused)
        able = capacity_of(self.ctx.settings.people, operator)
        self.ctx.route(routing.HandOverStarted(self.ctx.now_ms, position, operator, name, room, dict(skills), able))
        self.ctx.settle()
        return self.ctx.refused[-1] if len(self.ctx.refused) > before else None

    def stop_waiting(self, operator: OperatorId) -> None:
        """The incoming goes away."""
        position = self.ctx.core.waits_for(operator)
        if position is not None:
            self.ctx.route(routing.HandOverCancelled(self.ctx.now_ms, position, operator))
            self.ctx.settle()

    def left(self, effect: routing.PositionLeft) -> None:
        """Somebody had to leave a position: the console's tab there goes with them."""
        self.ctx.emit(Unseat(effect.position, effect.operator, effect.reason))
