"""Radios' emergency alarms at the simulated gateway: told to every console, and in snapshots while they are up."""

import itertools
from typing import Any

from kak_server.tetra_gw import wire
from kak_sim.tetra.gateway import Gateway, Room


class EmergencyGateway(Gateway):
    """A gateway that knows alarms. One a radio at a time; an alarm is up until its radio is told to be calm."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.alarms: dict[int, wire.EmergencyAlarm] = {}
        self._alarm_numbers = itertools.count(1)

    def emergency(self, issi: int, alias: str, gssi: int | None, on: bool) -> bool:
        """Press the emergency key, or let the alarm be over. False: nothing changed."""
        if on == (issi in self.alarms):
            return False
        if not on:
            del self.alarms[issi]
            return True
        number = next(self._alarm_numbers)
        alarm = wire.EmergencyAlarm(alarm=f"{issi}-{self._clock()}-{number}", issi=issi, alias=alias[:64], gssi=gssi)
        self.alarms[issi] = alarm
        for room in self.rooms.values():
            if room.session is not None:
                self._send(room.session, alarm)
        return True

    def _snapshot(self, room: Room) -> wire.Snapshot:
        return super()._snapshot(room).model_copy(update={"alarms": list(self.alarms.values())})
