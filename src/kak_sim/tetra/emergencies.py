"""Radios' emergency alarms at the simulated gateway: told to every console, and in snapshots while they are up.

An alarm is raised by a radio's key, had by the first operator who says so, and over when a console clears it or its
radio is told to be calm. What became of the last ones is kept for whoever looks.
"""

import itertools
from typing import Any, Literal

from kak_server.model.light import frozen
from kak_server.tetra_gw import wire
from kak_server.tetra_gw.codec import Message
from kak_sim.tetra.gateway import CONSOLE_COMMANDS, Gateway, Room

OVER_MAX = 50


@frozen
class Emergency:
    """As somebody who looks sees it."""

    alarm: str
    issi: int
    alias: str
    gssi: int | None
    state: Literal["raised", "acked", "cleared"]
    by: str = ""
    reason: str = ""


class EmergencyGateway(Gateway):
    """A gateway that knows alarms, one a radio at a time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.alarms: dict[int, wire.EmergencyAlarm] = {}
        self._over: list[Emergency] = []
        self._alarm_numbers = itertools.count(1)

    def emergency(self, issi: int, alias: str, gssi: int | None, on: bool) -> bool:
        """Press the emergency key, or let the alarm be over. False: nothing changed."""
        if on == (issi in self.alarms):
            return False
        if not on:
            self._clear(self.alarms[issi], "", "calm at the radio")
            return True
        number = next(self._alarm_numbers)
        alarm = wire.EmergencyAlarm(alarm=f"{issi}-{self._clock()}-{number}", issi=issi, alias=alias[:64], gssi=gssi)
        self.alarms[issi] = alarm
        self._to_all(alarm)
        return True

    def emergencies(self) -> list[Emergency]:
        """Those that are up, oldest first, and then the last ones that are over."""
        up = (
            Emergency(one.alarm, one.issi, one.alias, one.gssi, "acked" if one.acked_by else "raised", one.acked_by)
            for one in self.alarms.values()
        )
        return [*up, *reversed(self._over)]

    def _find(self, alarm: str) -> wire.EmergencyAlarm | None:
        return next((one for one in self.alarms.values() if one.alarm == alarm), None)

    def _command(self, room: Room, message: Message, body: CONSOLE_COMMANDS) -> None:
        if not isinstance(body, wire.EmergencyAck | wire.EmergencyClear):
            super()._command(room, message, body)
            return
        if room.session is not None:
            self._send(room.session, wire.Ack(result="accepted"), re=message.envelope.id)
        known, by = self._find(body.alarm), (message.envelope.op or room.name)[:64]
        if known is None:
            return  # over already, which is what was wanted
        if isinstance(body, wire.EmergencyClear):
            self._clear(known, by, body.reason)
        elif not known.acked_by:
            self.alarms[known.issi] = known.model_copy(update={"acked_by": by})
            self._to_all(wire.EmergencyState(alarm=known.alarm, issi=known.issi, state="acked", by=by))

    def _clear(self, known: wire.EmergencyAlarm, by: str, reason: str) -> None:
        del self.alarms[known.issi]
        self._over.append(Emergency(known.alarm, known.issi, known.alias, known.gssi, "cleared", by, reason))
        del self._over[:-OVER_MAX]
        self._to_all(wire.EmergencyState(alarm=known.alarm, issi=known.issi, state="cleared", by=by, reason=reason))

    def _to_all(self, body: wire.Body) -> None:
        for room in self.rooms.values():
            if room.session is not None:
                self._send(room.session, body)

    def _snapshot(self, room: Room) -> wire.Snapshot:
        return super()._snapshot(room).model_copy(update={"alarms": list(self.alarms.values())})
