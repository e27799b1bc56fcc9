"""What a console shows, built from the routing core, the lines, the seats and the radio. Shapes are those of
docs/integrators/position-api.md."""

from collections.abc import Mapping
from typing import Any

from kak_server.bridges import views_caller
from kak_server.bridges.brought_views import BroughtViews, chats_of
from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.colleagues import Colleagues
from kak_server.bridges.context import Context, transfer_targets
from kak_server.bridges.lent_lists import Rooms, shown, shown_at
from kak_server.bridges.line import Line, location_text
from kak_server.bridges.phone_view import PhoneViews
from kak_server.bridges.room_lists import RoomLists, RoomQueues
from kak_server.bridges.seats import Seats
from kak_server.bridges.staff_views import StaffViews
from kak_server.bridges.talkgroups import Group, Talkgroups
from kak_server.bridges.videos import Videos
from kak_server.bridges.views_callers import ViewsCallers
from kak_server.bridges.views_out import ViewsOut, of_call_out
from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import OperatorState
from kak_server.routing.views import ContactView, OperatorView

View = dict[str, Any]
Targets = tuple[Mapping[str, str], ...]


class Views:
    """Read only; every method is a function of the state as it stands."""

    def __init__(
        self,
        ctx: Context,
        calls: Calls,
        seats: Seats,
        groups: Talkgroups,
        videos: Videos,
        out: ViewsOut,
        phones: PhoneViews,
        callers: ViewsCallers,
        colleagues: Colleagues,
        brought: BroughtViews,
    ) -> None:
        self.ctx = ctx
        self.calls = calls
        self.seats = seats
        self.groups = groups
        self.videos = videos
        self.out = out
        self.phones = phones
        self.callers = callers
        self.colleagues = colleagues
        self.brought = brought
        self.lists = RoomLists(ctx, calls, callers, brought)
        self.staff: StaffViews  # given by the house
        self._rooms = {p.position: p.room for p in ctx.settings.positions}
        self.targets: Targets = transfer_targets(ctx.settings)

    def serve(self, rooms: dict[PositionId, RoomId], targets: Targets, queues: RoomQueues) -> None:
        """Other seats, rooms and queues from now on."""
        self._rooms, self.targets = rooms, targets
        self.lists.serve(queues)

    def queue_name(self, queue: QueueId) -> str:
        """The queue's name for people."""
        info = self.calls.queues.get(queue)
        return info.name if info is not None else str(queue)

    def offer(self, view: ContactView, operator: OperatorId | None = None) -> View:
        """An offer for the seat it rings at, or an invitation of this operator."""
        line = self.calls.lines.get(view.contact)
        return {
            **self._who_calls(view, line),
            "expires_at_ms": view.offer_expires_at_ms or 0,
            "location_text": location_text(line.locations) if line else "",
            "standby": operator is not None and view.standby == operator,
            "talked_with": None if line is None else self.out.name_of(line.last_operator),
            **self.colleagues.on_offer(view, operator),
            **self.brought.on_offer(view, operator),
        }

    def call(self, view: ContactView, operator: OperatorId | None = None) -> View:
        """The call card of this operator; of the holder, if none is named."""
        line = self.calls.lines.get(view.contact)
        gap = self.ctx.tapings.shown(view.contact)
        return {
            **self._who_calls(view, line),
            "answered_at_ms": view.connected_at_ms or view.since_ms,
            "first_answered_at_ms": view.answered_at_ms,
            "state": view.state.value,
            "location": views_caller.location(line),
            "details": views_caller.details(line),
            "patch": self._patch(line),
            "video": self._video(line),
            "recording": bool(line and line.answered) and self.ctx.tapings.stores(view.contact),
            "recording_gap": gap,
            **of_call_out(line),
            "can_refer": line is not None and self.out.can_refer(line),
            **self.callers.of_call(line),
            **self.colleagues.on_card(view, operator),
        }

    def at_seat(self, view: ContactView, operator: OperatorId | None) -> tuple[str, View]:
        """The event that draws the contact at this operator's seat: a call card, or the card of one without a call."""
        if view.contact in self.brought.brought.contacts:
            return "card", self.brought.card(view, self.queue_name(view.queue))
        return "call", self.call(view, operator)

    def _who_calls(self, view: ContactView, line: Line | None) -> View:
        """What an offer and a call card both begin with."""
        return {
            "contact": view.contact,
            "epoch": view.epoch,
            "queue": view.queue,
            "queue_name": self.queue_name(view.queue),
            "class": view.klass.value,
            "caller": view.caller,
            **views_caller.who(line),
            **self.callers.of_offer(line),
            "arrived_at_ms": view.arrived_at_ms,
        }

    def me(self, operator: OperatorView) -> View:
        """The operator's own line."""
        return {
            "operator": operator.operator,
            "name": operator.name,
            "position": operator.position,
            "room": operator.room,
            "activity": operator.activity.value,
            "reason": operator.reason,
            "state": operator.state.value,
            "since_ms": operator.since_ms,
            "wrap_up_until_ms": operator.wrap_up_until_ms,
            **chats_of(operator),
            **self.staff.me(operator),
        }

    def group(self, group: Group, position: PositionId) -> View:
        """A talkgroup as this seat sees it."""
        talker = group.talker
        return {
            "gssi": group.info.gssi,
            "name": group.info.name,
            "attached": group.attached.value,
            "monitored": position in group.monitors,
            "floor": group.floor.value,
            "talker": (
                {"issi": talker.issi, "alias": talker.alias, "priority": talker.priority}
                if talker is not None and talker.issi is not None
                else None
            ),
            "cause": group.cause,
            "level": group.level,
        }

    def visible_groups(self, room: RoomId) -> list[Group]:
        """The talkgroups a room may use."""
        return [group for group in self.groups.groups.values() if not group.info.rooms or room in group.info.rooms]

    def room_of(self, position: PositionId) -> RoomId:
        """The control room a seat stands in; no room for a seat that is no longer in the configuration."""
        return self._rooms.get(position, RoomId(""))

    def rooms_at(self, position: PositionId) -> Rooms:
        """The rooms whose lists a seat shows: its own, and the one its operator is lent to."""
        return shown_at(self.ctx, position, self.room_of(position))

    def snapshot(self, operator: OperatorId, position: PositionId) -> View:
        """Everything a console needs to draw itself."""
        me = self.ctx.core.operator(operator)
        rooms = self.rooms_at(position)
        room = rooms[0]
        contact = self.ctx.core.contact(me.contact) if me is not None and me.contact is not None else None
        asked = contact if me is not None and me.state is OperatorState.OFFERED else None
        if asked is None and me is not None:
            asked = self.brought.offered_to(me)
        cards = self.brought.held_by(me) if me is not None else []
        whole = contact is not None and contact.state in JOINED and contact not in cards
        seats = self.colleagues.seats_of(contact) if contact is not None and whole else []
        joined = (operator, position) in seats
        seat = self.seats.seats.get(position)
        return {
            "me": self.me(me) if me is not None else None,
            "offer": self.offer(asked, operator) if asked is not None else None,
            "call": self.call(contact, operator) if joined and contact is not None else None,
            "cards": [self.brought.card(view, self.queue_name(view.queue)) for view in cards],
            "reading": self.brought.hands.at(position, operator),
            "queues": shown("queues", self.lists.queue_list, rooms),
            "waiting": shown("waiting", self.lists.waiting_list, rooms),
            "operators": shown("operators", self.lists.operator_list, rooms),
            "talkgroups": [self.group(group, position) for group in self.visible_groups(room)],
            "transfer_targets": self.targets,
            "media": {"state": seat.media if seat is not None and seat.media != "new" else "none", "generation": ""},
            "notices": [*self.ctx.notices.of(position), *self.staff.staff.notices_of(operator, position)],
            **self.staff.snapshot(operator, position),
            **self.out.snapshot(rooms),
            **self.callers.snapshot(room),
            "parked": shown("parked", self.colleagues.parked_list, rooms),
            "phone": self.phones.of(position),
        }

    def _patch(self, line: Line | None) -> View | None:
        if line is None or line.patch is None:
            return None
        group = self.groups.groups.get(line.patch.gssi)
        return {
            "patch": line.patch.patch,
            "gssi": line.patch.gssi,
            "name": group.info.name if group else "",
            "state": line.patch.state,
            "floor": group.floor.value if group else "free",
        }

    def _video(self, line: Line | None) -> View:
        if line is None or line.video is None:
            return {"state": "none", "url": None, "link_expires_ms": None}
        state = "live" if line.video.live else "invited"
        return {"state": state, "url": self.videos.url(line.video), "link_expires_ms": line.video.expires_ms}
