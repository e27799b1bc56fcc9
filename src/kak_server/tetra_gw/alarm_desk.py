"""The driver's part in radios' emergencies: what the gateway tells of them, and that an operator has one or is done.

Nothing is kept of them here: the gateway holds what is up and tells it anew after each reconnect, and the house, which
has the journal, says again then what it had said.
"""

from kak_server.model.ids import Gssi, Issi, OperatorId
from kak_server.tetra_gw import wire
from kak_server.tetra_gw.api import CommandRejected, EmergencyChanged, EmergencyRaised
from kak_server.tetra_gw.outbox import Outbox, Pending

REASON_MAX = 64


class AlarmDesk:
    """All alarms of one gateway session. `link_up` is set by the session."""

    def __init__(self, outbox: Outbox) -> None:
        self.link_up = False
        self._outbox = outbox

    def acknowledge(self, alarm: str, op: OperatorId, now_ms: int) -> None:
        """This operator has it. Not said while the link is down: the gateway will ask."""
        if self.link_up:
            self._outbox.command(wire.EmergencyAck(alarm=alarm), now_ms, op=op, alarm=alarm)

    def clear(self, alarm: str, reason: str, op: OperatorId | None, now_ms: int) -> None:
        """It is over. Likewise."""
        if self.link_up:
            body = wire.EmergencyClear(alarm=alarm, reason=reason[:REASON_MAX])
            self._outbox.command(body, now_ms, op=op, alarm=alarm)

    def link_lost(self) -> None:
        """What was said and not answered is said again when the gateway tells what is up."""
        self.link_up = False

    def on_alarm(self, body: wire.EmergencyAlarm) -> None:
        """A radio's emergency key."""
        gssi = None if body.gssi is None else Gssi(body.gssi)
        self._outbox.emit(EmergencyRaised(body.alarm, Issi(body.issi), body.alias, gssi))

    def on_state(self, body: wire.EmergencyState) -> None:
        """Somebody has it, or it is over."""
        self._outbox.emit(EmergencyChanged(body.alarm, Issi(body.issi), body.state == "cleared", body.by, body.reason))

    def refused(self, pending: Pending, code: str, text: str) -> None:
        """The gateway would not, or did not answer."""
        self._outbox.emit(CommandRejected(pending.name, None, code, text))
