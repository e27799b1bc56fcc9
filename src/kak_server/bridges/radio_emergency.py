"""Radios' emergencies: the key makes a contact by itself, in the queue that the configuration names, and what becomes
of the contact is told to the gateway: that an operator has it, and that it is done.

The gateway tells what is up after each reconnect; what was said of it, and perhaps lost with the link or with us, is
said again then. So nothing of it needs to be kept.
"""

from collections.abc import Callable
from dataclasses import replace

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought import LOST_IN_RESTART, BroughtContacts
from kak_server.bridges.brought_types import Asked, Brought, Integrator, KeyPressed
from kak_server.bridges.calls import JOINED
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Note, ToRadio
from kak_server.bridges.talkgroups import Talkgroups
from kak_server.model.ids import ContactId, Gssi, OperatorId
from kak_server.tetra_gw.api import EmergencyChanged, EmergencyRaised

TETRA = Integrator("TETRA", "TETRA", "", kinds=frozenset({"radio"}), max_open=1_000, contacts_a_minute=6_000)
"""Who brings them. Identifiers of the configuration have no capitals, and no token has an empty hash."""

DONE = "operator-hangup"
"""How a contact ends that an operator is through with; any other end says nothing about the alarm."""

HANDLED = "handled"
"""Why it is cleared, for the gateway and the other control rooms."""


class RadioEmergencies:
    """One contact a radio at a time."""

    def __init__(self, ctx: Context, brought: BroughtContacts, groups: Talkgroups) -> None:
        self.ctx = ctx
        self.brought = brought
        self.groups = groups
        self._up: dict[str, str] = {}  # radio -> the alarm that the gateway has of it, as far as it told us
        brought.on_taken = self._taken
        brought.on_over = self._over
        self.redraw: Callable[[ContactId], None] = lambda _contact: None  # its card is another now
        self.changed: Callable[[ContactId], None] = lambda _contact: None  # and its row among those who wait

    def take(self, event: EmergencyRaised | EmergencyChanged) -> None:
        """From the gateway."""
        if isinstance(event, EmergencyRaised):
            self._raised(event)
            return
        if event.cleared and self._up.get(str(event.issi)) == event.alarm:
            del self._up[str(event.issi)]
        state = "cleared" if event.cleared else "acked"
        fields = {"issi": event.issi, "alarm": event.alarm, "state": state, "by": event.by, "reason": event.reason}
        self.ctx.emit(Note("radio_emergency_state", fields=fields))
        one = self._open_of(str(event.issi))
        if event.cleared and one is not None:
            self._calmed(one, event)

    def _open_of(self, caller: str) -> Brought | None:
        """The contact that the radio's emergency is, as long as it lasts."""
        ours = (self.brought.contacts[contact] for contact in self.brought.open_of(TETRA.integrator))
        return next((one for one in ours if one.asked.caller == caller), None)

    def _calmed(self, one: Brought, event: EmergencyChanged) -> None:
        """Called off at the radio or elsewhere: whoever has it, or will, must see it, and decides."""
        key = one.key_pressed or KeyPressed(one.asked.reference)
        if key.alarm == event.alarm and not key.calmed_at_ms:
            self._keep(one, replace(key, calmed_at_ms=self.ctx.now_ms, calmed_by=event.by))

    def _pressed_again(self, one: Brought, alarm: str) -> None:
        """Another alarm of a radio whose first is not done with: the same contact, and a new cry for help."""
        key = one.key_pressed or KeyPressed(one.asked.reference)
        if key.alarm != alarm:
            self._keep(one, KeyPressed(alarm, key.presses + 1, self.ctx.now_ms))
            self.ctx.emit(Note("radio_emergency_again", fields={"issi": one.asked.caller, "alarm": alarm}))

    def _keep(self, one: Brought, key: KeyPressed) -> None:
        self.brought.keep(replace(one, key_pressed=key))
        self.redraw(one.contact)
        self.changed(one.contact)

    def _raised(self, event: EmergencyRaised) -> None:
        """An alarm that was here before (after a reconnect) is the one it was."""
        fields = {"issi": event.issi, "alarm": event.alarm}
        queue = self.ctx.settings.radio_emergency_queue
        caller = str(event.issi)
        self._up[caller] = event.alarm
        if queue is None:
            self.ctx.emit(Note("radio_emergency_unrouted", "error", fields))
            return
        known = self._open_of(caller)
        if known is not None:
            self._pressed_again(known, event.alarm)
            self._told_again(known)
            return
        # By its name alone: the radio's group, what they are called and the queue may be others by now.
        before = self.brought.by_reference(TETRA, event.alarm)
        if before is not None and before.cause != LOST_IN_RESTART:
            self._over(before)
            return
        if before is not None:  # nobody knows whether it was seen to, and at the gateway it is up
            self.brought.forget(before.contact)
        group = self.groups.groups.get(event.gssi) if event.gssi is not None else None
        place = group.info.name if group is not None else str(event.gssi or "")
        text = " · ".join(part for part in (event.alias, caller, place) if part)
        asked = Asked("radio", event.alarm, str(queue), caller=caller, caller_name=event.alias, area=place, text=text)
        try:
            self.brought.bring(TETRA, asked)
        except RefusedError as refused:
            self.ctx.emit(Note("radio_emergency_refused", "error", {**fields, "code": refused.code}))

    def _told_again(self, one: Brought) -> None:
        view = self.ctx.core.contact(one.contact)
        if view is not None and view.state in JOINED and view.operator is not None:
            self._tell("ack_alarm", one, view.operator)

    def _taken(self, one: Brought) -> None:
        """An operator has it."""
        if one.by == TETRA.integrator and one.last_operator is not None:
            self._tell("ack_alarm", one, one.last_operator)

    def _over(self, one: Brought) -> None:
        """It has ended, or had when the gateway told of it again."""
        if one.by == TETRA.integrator and one.over and one.cause == DONE:
            self._tell("clear_alarm", one, one.last_operator)

    def _tell(self, action: str, one: Brought, operator: OperatorId | None) -> None:
        """Of the alarm that made the contact, and of a newer one of the same radio that came into it."""
        newest = one.key_pressed.alarm if one.key_pressed is not None else one.asked.reference
        for alarm in dict.fromkeys((one.asked.reference, self._up.get(one.asked.caller, newest))):
            if action == "ack_alarm":
                self.ctx.emit(ToRadio("ack_alarm", Gssi(0), op=operator, alarm=alarm))
            else:
                self.ctx.emit(ToRadio("clear_alarm", Gssi(0), op=operator, alarm=alarm, reason=HANDLED))
