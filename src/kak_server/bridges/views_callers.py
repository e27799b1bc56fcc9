"""What consoles show of a caller besides the call: earlier calls, the likely incident, a flag on the number, silence.
Shapes are those of docs/integrators/position-api.md."""

from typing import Any

from kak_server.bridges.callers import Callers
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.flags import Flag
from kak_server.bridges.line import Line
from kak_server.bridges.surge import Cluster
from kak_server.model.ids import OperatorId, QueueId, RoomId

View = dict[str, Any]
MAX_FLAG_ROWS = 200
"""A console shows the newest entries of the list of numbers; a call card shows its own, however old."""


class ViewsCallers:
    """Read only."""

    def __init__(self, ctx: Context, calls: Calls, callers: Callers) -> None:
        self.ctx = ctx
        self.calls = calls
        self.callers = callers

    def of_offer(self, line: Line | None) -> View:
        """What an offer and a call card both say."""
        repeat = line.repeat if line is not None else None
        flag = self.callers.flag(line) if line is not None else None
        incident = self.callers.incident(line) if line is not None else None
        return {
            "repeat": {
                "case": repeat.case,
                "calls": repeat.calls,
                "first_arrived_at_ms": repeat.first_arrived_at_ms,
                "answered": repeat.answered,
            }
            if repeat is not None
            else None,
            "flag": self._flag(flag) if flag is not None else None,
            "incident": self._incident(incident) if incident is not None else None,
        }

    def of_call(self, line: Line | None) -> View:
        """What only a call card says."""
        rules = self.callers.handling(line.queue if line is not None else QueueId(""))
        return {
            "silence": line.silence if line is not None else "",
            "silent_procedure": {"nb": rules.silent_procedure_nb, "en": rules.silent_procedure_en},
        }

    def marks(self, line: Line | None) -> tuple[bool, bool]:
        """Whether the caller's number is flagged, and whether the call belongs to an incident that goes on."""
        if line is None:
            return False, False
        return self.callers.flag(line) is not None, self.callers.incident(line) is not None

    @property
    def marks_any(self) -> bool:
        """Whether any number is flagged, or any incident goes on."""
        return bool(self.callers.flags.rows or self.callers.surge.clusters)

    def of_waiting(self, line: Line | None) -> View:
        """What a row of those who wait says."""
        repeat = line.repeat if line is not None else None
        incident = self.callers.incident(line) if line is not None else None
        return {
            "calls": repeat.calls if repeat is not None else 1,
            "first_arrived_at_ms": repeat.first_arrived_at_ms if repeat is not None else None,
            "flagged": line is not None and self.callers.flag(line) is not None,
            "incident": incident.cluster if incident is not None else None,
        }

    def incidents_of(self, queue: QueueId) -> list[str]:
        """Incidents that calls of this queue belong to, the oldest first."""
        return [one.cluster for one in self.callers.surge.clusters.values() if queue in one.queues]

    def snapshot(self, room: RoomId) -> View:
        """The snapshot's part."""
        return {"surges": self.surge_list(room), "flags": self.flag_list(room)}

    def surge_list(self, room: RoomId) -> list[View]:
        """Likely incidents that this room's queues have calls of."""
        queues = {info.queue for info in self.calls.queues.values() if room in info.rooms}
        rows = self.callers.surge.clusters.values()
        return [self._incident(one) for one in rows if not queues.isdisjoint(one.queues)]

    def flag_list(self, _room: RoomId) -> list[View]:
        """Numbers with a flag, the newest first; the same everywhere."""
        newest = sorted(self.callers.flags.rows.values(), key=lambda flag: (-flag.at_ms, flag.number))
        return [{"number": flag.number, **self._flag(flag)} for flag in newest[:MAX_FLAG_ROWS]]

    def _flag(self, flag: Flag) -> View:
        return {
            "mode": flag.mode,
            "reason": flag.reason,
            "by": flag.by,
            "by_name": self._name(flag.by),
            "at_ms": flag.at_ms,
            "until_ms": flag.until_ms,
        }

    @staticmethod
    def _incident(one: Cluster) -> View:
        return {
            "incident": one.cluster,
            "area": one.area,
            "latitude": one.latitude,
            "longitude": one.longitude,
            "calls": one.calls,
            "first_ms": one.first_ms,
            "last_ms": one.last_ms,
            "queues": list(one.queues),
        }

    def _name(self, operator: OperatorId) -> str:
        view = self.ctx.core.operator(operator)
        return view.name if view is not None else operator
