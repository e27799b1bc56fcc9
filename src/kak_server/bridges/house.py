"""The whole house between its rooms, pure: an input with its time goes in, outputs come out in order.

SIP, media and radio events, console commands and timers all enter here; the routing core decides; what follows for the
citizen's call, the operator's seat and the radio is worked out and drained as outputs. Nothing here waits, reads a
clock or touches a socket.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kak_server.bridges import commands, far_ends, giving_way, recovery, replacing, worker_events
from kak_server.bridges.abandoned import Abandoned
from kak_server.bridges.brought import BroughtContacts
from kak_server.bridges.brought_talk import BroughtTalk
from kak_server.bridges.brought_views import BroughtViews
from kak_server.bridges.callers import Callers
from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.chat_hands import ChatHands
from kak_server.bridges.chat_silence import ChatSilence
from kak_server.bridges.colleagues import Colleagues
from kak_server.bridges.context import Context, HouseSettings, Ids
from kak_server.bridges.fetched import Fetched
from kak_server.bridges.outgoing import Outgoing
from kak_server.bridges.outputs import CancelTimer, Note, Output, SetTimer, Tell
from kak_server.bridges.parties import Parties
from kak_server.bridges.patches import Patches
from kak_server.bridges.phone_desk import PhoneDesk
from kak_server.bridges.phone_view import PhoneViews
from kak_server.bridges.radio_emergency import RadioEmergencies
from kak_server.bridges.seats import Seats
from kak_server.bridges.staff import Staff
from kak_server.bridges.staff_views import StaffViews
from kak_server.bridges.stale import without_stale_tells
from kak_server.bridges.talkgroups import Group, Talkgroups
from kak_server.bridges.transfers import Transfers
from kak_server.bridges.videos import Videos
from kak_server.bridges.views import Views
from kak_server.bridges.views_callers import ViewsCallers
from kak_server.bridges.views_out import ViewsOut
from kak_server.bridges.workflows import Workflows
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, PositionId
from kak_server.routing import api as routing
from kak_server.routing.step import RoutingCore
from kak_server.sip import api as sip
from kak_server.tetra_gw import api as radio

ROUTING_TIMER = "routing/"


class House:
    """Feed `sip_event`, `media_event`, `radio_event`, `command`, `timer`; then `drain` and do what it says."""

    def __init__(self, settings: HouseSettings, core: RoutingCore, ids: Ids) -> None:
        self.ctx = Context(settings, core, ids)
        self.ctx.on_effect = self._on_effect
        self.last_boot = ""  # of the worker we were last attached to
        self.calls = Calls(self.ctx)
        self.seats = Seats(self.ctx)
        self.groups = Talkgroups(self.ctx, self._group_changed, self._seat_keyed)
        self.patches = Patches(self.ctx, self.calls, self.groups)
        self.videos = Videos(self.ctx, self.calls)
        self.abandoned = Abandoned(self.ctx)
        self.colleagues = Colleagues(self.ctx, self.calls)
        self.brought = BroughtContacts(self.ctx, self.calls)
        self.emergencies = RadioEmergencies(self.ctx, self.brought, self.groups)
        self.chat_silence = ChatSilence(self.ctx, self.brought)
        self.chat_hands = ChatHands(self.ctx, self.brought)
        self.brought_talk = BroughtTalk(self.ctx, self.brought, self.chat_silence, self.chat_hands)
        self.brought_talk.redraw = self.chat_hands.redraw = self.redraw
        self.callers = Callers(self.ctx, self.calls, self.abandoned)
        self.parties = Parties(self.ctx, self.calls)
        self.workflows = Workflows(self.ctx, self.calls, self.parties)
        self.outgoing = Outgoing(self.ctx, self.calls, self.abandoned)
        self.transfers = Transfers(self.ctx, self.calls, self.parties)
        self.views_out = ViewsOut(self.ctx, self.calls, self.transfers, self.abandoned)
        self.phone_desk = PhoneDesk(
            self.ctx, self.calls, self.seats, self.groups, self.outgoing, self.transfers, self.stand
        )
        phones = self.phone_desk.phones
        self.colleagues.on_left, self.colleagues.on_holder = phones.parted, phones.promoted
        self.phone_views = PhoneViews(self.ctx, self.phone_desk.phones)
        self.views_callers = ViewsCallers(self.ctx, self.calls, self.callers)
        self.views = Views(
            self.ctx,
            self.calls,
            self.seats,
            self.groups,
            self.videos,
            self.views_out,
            self.phone_views,
            self.views_callers,
            self.colleagues,
            BroughtViews(self.ctx, self.brought, self.chat_silence, self.chat_hands),
        )
        self.emergencies.redraw, self.emergencies.changed = self.redraw, self.views.lists.contact_changed
        self.staff = Staff(self.ctx, self.seats)
        self.staff_views = StaffViews(self.ctx, self.staff, self.views.brought)
        self.views.staff = self.staff_views
        self._effects: Mapping[type[Any], Callable[[Any], None]] = {
            routing.StartWaiting: self.calls.start_waiting,
            routing.Offer: self._offer,
            routing.Standby: self._stand_by,
            routing.WithdrawOffer: self._withdraw,
            routing.Connect: self.connect,
            routing.DialOut: self.outgoing.dial_out,
            routing.Announce: self.workflows.announce,
            routing.OverflowOut: self.workflows.overflow_out,
            routing.SetHold: lambda e: far_ends.hold(self, e.contact, e.on),
            routing.ReleaseOperator: self._release,
            routing.EndContact: lambda e: self.end(e.contact, e.cause),
            routing.PositionLeft: self._position_left,
            routing.PositionMoved: self._moved,
            routing.SetTimer: lambda e: self.ctx.emit(SetTimer(ROUTING_TIMER + e.key, e.at_ms)),
            routing.CancelTimer: lambda e: self.ctx.emit(CancelTimer(ROUTING_TIMER + e.key)),
            routing.Refused: self._refused,
            routing.ContactChanged: self._contact_changed,
            routing.OperatorChanged: self._operator_changed,
            **self.staff.effects(),
            **self.colleagues.effects(),
        }
        self._timers = {**self._timer_table(), **worker_events.worker_timers(self)}

    def _timer_table(self) -> Mapping[str, Callable[[str], None]]:
        """Who is told of a timer, by the first word of its key."""
        return {
            "uplink": lambda rest: self.groups.renew(Gssi(int(rest))),
            "ptt": self._lease_ended,
            "hang": lambda rest: self.patches.hang(ContactId(rest)),
            "unheard": lambda rest: self.patches.unheard(ContactId(rest)),
            "refer": lambda rest: self.transfers.refer_timed_out(ContactId(rest)),
            "phone": lambda rest: self.phone_desk.phones.rested(PositionId(rest)),
            "notice": self.ctx.notices.clear,
            "mute": lambda rest: self.redraw_some(self.callers.silence.waited(ContactId(rest))),
            "surge": self.callers.quiet,
            "flag": self.callers.flags.expired,
            "brought": lambda rest: self.brought.forget(ContactId(rest)),
            "chat-idle": lambda rest: self.redraw_some(self.chat_silence.due(ContactId(rest))),
            "turned": lambda rest: self.callers.turned.said(CallId(rest)),
        }

    def at(self, now_ms: int) -> None:
        """The time of the next input (UTC ms); earlier than the last counts as the last."""
        self.ctx.now_ms = max(self.ctx.now_ms, now_ms)
        self.ctx.refused.clear()

    def drain(self) -> list[Output]:
        """What to do, in order; also settles what is pending."""
        self.ctx.settle()
        self.phone_views.tell()
        out, self.ctx.out = self.ctx.out, []
        return without_stale_tells(out)

    # --- inputs ---------------------------------------------------------------------------------------------------

    def sip_event(self, event: sip.SipEvent, now_ms: int) -> None:
        """From the SIP room."""
        self.at(now_ms)
        if self.phone_desk.sip_event(event):
            pass
        elif isinstance(event, sip.IncomingCall):
            if not replacing.takes_place(self, event) and not self.callers.turn_away(event):
                self.calls.incoming(event)
        elif isinstance(event, sip.CallEnded | sip.CallCancelled) and self.callers.turned.over(event.call):
            pass
        elif isinstance(event, sip.CallCancelled):
            self.calls.ended(event.call, "cancelled")
        elif far_ends.take(self, event):
            pass
        elif isinstance(event, sip.CallConfirmed):
            self.calls.confirmed(event)
        elif isinstance(event, sip.CallMediaChanged):
            self.calls.media_changed(event)
        elif isinstance(event, sip.ProbeAnswered):
            self.ctx.emit(Note("probe_answered", fields={"call": event.call, "status": event.status}))
        self.ctx.settle()

    def media_event(self, event: rpc.Event, now_ms: int, *, late: bool = False) -> None:
        """From the media worker. `late`: from before the census of this attach, which told what came of it."""
        self.at(now_ms)
        worker_events.take(self, event, late=late)
        self.ctx.settle()

    def fetched(self, call: CallId, found: Fetched, now_ms: int) -> None:
        """What a location or data by reference came to, or why it could not be had."""
        self.at(now_ms)
        contact = self.calls.fetched(call, found)
        if contact is not None:
            self.callers.located(contact)
            self.redraw(contact)
        self.ctx.settle()

    def radio_event(self, event: radio.RadioEvent, now_ms: int) -> None:
        """From the radio gateway."""
        self.at(now_ms)
        if isinstance(event, radio.PatchChanged):
            contact = self.patches.on_gateway(event)
            if contact is not None:
                self.redraw(contact)
        elif isinstance(event, radio.CommandRejected):
            fields = {"command": event.command, "gssi": event.gssi, "code": event.code}
            self.ctx.emit(Note("radio_command_rejected", "warning", fields))
        elif isinstance(event, radio.EmergencyRaised | radio.EmergencyChanged):
            self.emergencies.take(event)
        else:
            self.groups.on_event(event)
            if isinstance(event, radio.LinkChanged) and event.up:
                self.patches.assert_again()
        self.ctx.settle()

    def timer(self, key: str, now_ms: int) -> None:
        """A timer set by SetTimer is due."""
        self.at(now_ms)
        if key.startswith(ROUTING_TIMER):
            self.ctx.route(routing.TimerFired(self.ctx.now_ms, key.removeprefix(ROUTING_TIMER)))
        else:
            kind, _, rest = key.partition("/")
            handler = self._timers.get(kind)
            if handler is not None:
                handler(rest)
        self.ctx.settle()

    def _lease_ended(self, rest: str) -> None:
        gssi, _, position = rest.partition("/")
        self.groups.lease_ended(Gssi(int(gssi)), PositionId(position))

    def command(self, by: commands.By, name: str, args: commands.Args, now_ms: int) -> commands.Outcome:
        """An operator's command."""
        self.at(now_ms)
        return commands.run(self, by, name, args)

    def stand(self, operator: OperatorId) -> str:
        """Somebody goes home: the seat's keys come up, nobody listens or views there. "" or "busy"."""
        view = self.ctx.core.operator(operator)
        refused = self.seats.stand(operator)
        if view is not None and not refused:
            self.groups.release_all(view.position)
            self.videos.leave(view.position)
            self.chat_hands.look_away(view.position)
        return refused

    def worker_attached(self, census: rpc.Census, boot: str, now_ms: int) -> None:
        """A worker answered the attach: bring it to what is desired."""
        self.at(now_ms)
        recovery.worker_attached(self, census, boot)
        self.ctx.settle()

    def leg_refused(self, create: rpc.CreateRtp, code: str, now_ms: int) -> None:
        """The worker could not make an RTP leg (somebody else has its port): nobody must talk into it unheard."""
        self.at(now_ms)
        worker_events.leg_refused(self, create, code)
        self.ctx.settle()

    def worker_lost(self, reason: str, now_ms: int) -> None:
        """The socket to the worker broke. Sound may well go on without us, and so may recording: cards only say
        that nobody knows."""
        self.at(now_ms)
        self.ctx.worker_attached = False
        self.ctx.tapings.worker_gone()
        self.ctx.notices.media_lost()
        self.ctx.emit(Note("media_worker_lost", "error", {"reason": reason}))
        self.ctx.settle()

    # --- effects of the routing core ------------------------------------------------------------------------------

    def _on_effect(self, effect: routing.Effect) -> None:
        handler = self._effects.get(type(effect))
        if handler is not None:
            handler(effect)

    def _offer(self, effect: routing.Offer) -> None:
        view = self.ctx.core.contact(effect.contact)
        if view is not None:
            self.ctx.emit(Tell(effect.position, "offer", self.views.offer(view, effect.operator)))
            if not self.views.brought.has(effect):
                self.phone_desk.phones.offer(effect)

    def _stand_by(self, effect: routing.Standby) -> None:
        """Answered second: the console says so until the offer is taken back, or joined after all."""
        view = self.ctx.core.contact(effect.contact)
        if view is not None:
            self.ctx.emit(Tell(effect.position, "offer", self.views.offer(view, effect.operator)))

    def _withdraw(self, effect: routing.WithdrawOffer) -> None:
        data = {"contact": effect.contact, "epoch": effect.epoch, "reason": effect.reason}
        self.ctx.emit(Tell(effect.position, "offer.withdrawn", data))
        self.phone_desk.phones.withdrawn(effect)
        self.chat_hands.withdrawn(effect)

    def connect(self, effect: routing.Connect) -> None:
        """Join caller and operator."""
        if self.brought.connect(effect):
            return
        seat = self.seats.seats.get(effect.position)
        self.calls.connect(effect, seat is not None and seat.media == "up")
        if (line := self.calls.lines.get(effect.contact)) is not None and line.direction == "in":
            self.abandoned.got_through(line.caller.number)

    def _release(self, effect: routing.ReleaseOperator) -> None:
        self.patches.remove(effect.contact, effect.cause)
        self.videos.close(effect.contact)
        self.ctx.notices.heard(effect.contact)
        told = "card.ended" if effect.contact in self.brought.contacts else "call.ended"
        self.ctx.emit(Tell(effect.position, told, self.views_out.ended(effect.contact, effect.cause)))
        self.phone_desk.phones.released(effect)
        self.calls.refresh(effect.contact)
        view = self.ctx.core.contact(effect.contact)
        if view is not None and view.state is not routing.ContactState.ENDED:
            far_ends.hold(self, effect.contact, False)  # whoever talks with the peer next must hear it

    def _moved(self, effect: routing.PositionMoved) -> None:
        self.calls.moved(effect.contact, effect.position)
        self.ctx.notices.heard(effect.contact)

    def end(self, contact: ContactId, cause: str) -> None:
        """The contact is over: its patch, its video, its call."""
        self.patches.remove(contact, cause)
        if (line := self.calls.lines.get(contact)) is not None:
            self.videos.end(line)
            self.parties.end_all(line, cause)
            self.abandoned.ended(line)
            self.callers.ended(line)
        self.brought.ended(contact, cause)
        self.chat_hands.over(contact, cause)
        self.calls.end(contact, cause)
        self.ctx.emit(Note("contact_ended", fields={"contact": contact, "cause": cause}))

    def _position_left(self, effect: routing.PositionLeft) -> None:
        self.groups.release_all(effect.position)
        self.videos.leave(effect.position)
        self.chat_hands.look_away(effect.position)
        self.phone_desk.left(effect.position)
        if effect.reason in ("moved", "forced"):
            self.seats.vacate(effect.position)
        told = "taken-over" if effect.reason == "taken" else effect.reason
        self.ctx.emit(Tell(effect.position, "seat.lost", {"reason": told}))
        if effect.reason in ("forced", "handed-over"):
            self.staff.left(effect)

    def _refused(self, effect: routing.Refused) -> None:
        self.ctx.refused.append(effect)
        self.ctx.emit(Note("routing_refused", fields={"code": effect.code, "contact": effect.contact}))
        if effect.contact is not None and self.ctx.core.contact(effect.contact) is None:
            self.calls.turn_away(effect.contact, effect.text)

    def _contact_changed(self, effect: routing.ContactChanged) -> None:
        self.patches.not_talking(effect.contact)
        self.brought.changed(effect.contact)
        self.chat_silence.changed(effect.contact)
        giving_way.look(self, effect.contact)
        self.calls.refresh(effect.contact)
        self.views.lists.contact_changed(effect.contact)
        self.views_out.touched(effect.contact)
        self.colleagues.touched(effect.contact)
        self.staff.calls_left.changed(effect.contact)
        self.redraw(effect.contact)

    def _operator_changed(self, effect: routing.OperatorChanged) -> None:
        view = self.ctx.core.operator(effect.operator)
        if view is not None:
            self.ctx.emit(Tell(view.position, "me", self.views.me(view)))
        self.staff.changed(effect.operator, view)
        self.views.lists.person_changed(effect.operator, view)

    # --- redrawing ------------------------------------------------------------------------------------------------

    def redraw(self, contact: ContactId) -> None:
        """The call card at the seat that has it, and at those of colleagues in it."""
        view = self.ctx.core.contact(contact)
        if view is not None and view.state in JOINED:
            for operator, position in self.colleagues.seats_of(view):
                self.ctx.emit(Tell(position, *self.views.at_seat(view, operator)))
        self.chat_hands.drawn(contact, view)

    def redraw_some(self, contact: ContactId | None) -> None:
        """The same, where there may be none."""
        if contact is not None:
            self.redraw(contact)

    def _group_changed(self, group: Group) -> None:
        visible = not group.info.rooms
        for position in self.seats.seats:
            if visible or self.views.room_of(position) in group.info.rooms:
                self.ctx.emit(Tell(position, "talkgroup", self.views.group(group, position)))
        for line in self.calls.lines.values():
            if line.patch is not None and line.patch.gssi == group.info.gssi:
                self.redraw(line.contact)

    def _seat_keyed(self, position: PositionId) -> None:
        """While a seat's microphone is keyed towards the radio its caller does not hear it."""
        keyed = any(("ptt", str(position)) in group.keys for group in self.groups.groups.values())
        (self.calls.keyed_seats.add if keyed else self.calls.keyed_seats.discard)(position)
        operator = self.ctx.core.operator_at(position)
        view = self.ctx.core.operator(operator) if operator is not None else None
        if view is not None and view.contact is not None:
            self.calls.refresh(view.contact)
