"""What the house knows of a caller besides this call: earlier calls, others from the same place, a flag on the number.

None of it keeps anybody from being answered, but a blocked number of a class-normal queue that says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.abandoned import Abandoned
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context, HouseSettings
from kak_server.bridges.flags import Flag, Flags
from kak_server.bridges.handling import DEFAULT, Handling
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Dirty, Note, SetTimer
from kak_server.bridges.repeats import Repeats
from kak_server.bridges.silence import SilentCalls
from kak_server.bridges.surge import Cluster, Rule, Sighting, Surge
from kak_server.bridges.turned_away import TurnedAway
from kak_server.model.codec import from_json
from kak_server.model.ids import ContactId, QueueId, RoomId
from kak_server.routing.api import ContactClass
from kak_server.sip.api import IncomingCall


class Callers:
    """Asked when a call comes, changes and ends."""

    def __init__(self, ctx: Context, calls: Calls, abandoned: Abandoned) -> None:
        self.ctx = ctx
        self.calls = calls
        self.abandoned = abandoned
        surge_ms, keep_ms = windows_of(ctx.settings)
        self.repeats = Repeats(ctx, calls.lines, keep_ms, self._klass)
        self.surge = Surge(ctx.settings.surge_radius_m, surge_ms)
        self.flags = Flags(ctx)
        self.turned = TurnedAway(ctx)
        self.silence = SilentCalls(ctx, calls, self)
        calls.on_arriving = self.arriving

    def serve(self, windows: tuple[int, int]) -> None:
        """How long calls are remembered (`windows_of` the settings as they are now), and what is close."""
        self.surge.radius_m = self.ctx.settings.surge_radius_m
        self.surge.keep_ms, self.repeats.keep_ms = windows

    def handling(self, queue: QueueId) -> Handling:
        """The rules of a queue."""
        info = self.calls.queues.get(queue)
        return info.handling if info is not None else DEFAULT

    def turn_away(self, event: IncomingCall) -> bool:
        """Whether the call is from a blocked number, for a queue that does not take those: then that is done."""
        flag = self.flags.of(event.caller.number)
        if flag is None or flag.mode != "blocked" or event.emergency:
            return False
        queue = self.calls.found_queue(event)
        if queue is None or queue.klass is not ContactClass.NORMAL or queue.handling.blocked == "accept":
            return False
        self.turned.refuse(event, queue.handling.blocked, flag)
        return True

    def arriving(self, line: Line) -> Line:
        """A new call, before it goes on the books: of which case it is, and of which incident."""
        line = self.repeats.joined(line, self.handling(line.queue).redial_ms)
        if (repeat := line.repeat) is not None:
            attempts = self.abandoned.rings_again(line.caller.number, line.queue)
            if attempts is not None:
                line = replace(line, repeat=replace(repeat, attempts=attempts))
            fields = {"contact": line.contact, "case": repeat.case, "calls": repeat.calls}
            self.ctx.emit(Note("call_repeated", fields=fields))
        self.repeats.began(line)
        return self._seen(line)

    def located(self, contact: ContactId) -> None:
        """More is known of where a caller is."""
        line = self.calls.lines.get(contact)
        if line is not None and not line.cluster and line.direction == "in":
            self.calls.keep(self._seen(line))

    def ended(self, line: Line) -> None:
        """A call is over; the line is still on the books."""
        self.silence.ended(line)
        if line.direction == "in":
            self.repeats.ended(line, sighting(line))
            if line.cluster:
                self.ctx.emit(Dirty("surges"))

    # --- incidents ----------------------------------------------------------------------------------------------------

    def _seen(self, line: Line) -> Line:
        rules = self.handling(line.queue)
        if not rules.surge_calls and not rules.surge_area_calls:
            return line
        rule = Rule(rules.surge_calls, rules.surge_area_calls, rules.surge_ms)
        found = self.surge.sighted(sighting(line), rule, lambda: self.ctx.ids.new("incident"))
        if found is None:
            return line
        cluster, members = found
        self.ctx.put(f"surge/{cluster.cluster}", cluster)
        self.ctx.emit(SetTimer(f"surge/{cluster.cluster}", cluster.last_ms + cluster.window_ms))
        rooms = self._rooms_of(cluster)
        self.ctx.emit(Dirty("surges", rooms))
        self.ctx.emit(Dirty("waiting", rooms))
        if len(members) > 1:
            self.ctx.emit(Note("surge", "warning", {"incident": cluster.cluster, "calls": cluster.calls}))
        for contact in members[:-1]:
            other = self.calls.lines.get(contact)
            if other is not None:
                self.calls.keep(replace(other, cluster=cluster.cluster))
        return replace(line, cluster=cluster.cluster)

    def quiet(self, cluster: str) -> None:
        """An incident's window is over, unless somebody has called since."""
        for ended in self.surge.over(self.ctx.now_ms):
            self.ctx.delete(f"surge/{ended}")
            self.ctx.emit(Dirty("surges"))
        if (found := self.surge.clusters.get(cluster)) is not None:
            self.ctx.emit(SetTimer(f"surge/{cluster}", found.last_ms + found.window_ms))

    def _rooms_of(self, cluster: Cluster) -> tuple[RoomId, ...]:
        """The rooms that serve a queue with calls of the incident."""
        infos = (self.calls.queues.get(queue) for queue in cluster.queues)
        return tuple(dict.fromkeys(room for info in infos if info is not None for room in info.rooms))

    def incident(self, line: Line) -> Cluster | None:
        """The incident a call belongs to, while it goes on."""
        return self.surge.clusters.get(line.cluster) if line.cluster else None

    def flag(self, line: Line) -> Flag | None:
        """What is said of the caller's number."""
        return self.flags.of(line.caller.number)

    # --- restart ------------------------------------------------------------------------------------------------------

    def restore(self, kind: str, value: Mapping[str, Any]) -> bool:
        """A record of the journal, if it is one of these."""
        if kind == "past":
            self.repeats.restore(value)
        elif kind == "surge":
            self.surge.restore(from_json(Cluster, value))
        elif kind == "flag":
            self.flags.restore(value)
        else:
            return False
        return True

    def restored(self) -> None:
        """All records are here again: the indexes follow."""
        lines = [line for line in self.calls.lines.values() if line.direction == "in"]
        lines.sort(key=lambda line: (line.arrived_at_ms, line.contact))
        self.repeats.restored(lines)
        seen = [(past.sighting, past.cluster) for past in self.repeats.past.values()]
        seen += [(sighting(line), line.cluster) for line in lines]
        for one, cluster in sorted(seen, key=lambda row: (row[0].at_ms, row[0].contact)):
            self.surge.remember(one, cluster)

    def resume(self) -> None:
        """The rooms are up: timers."""
        self.flags.resume()
        self.silence.resume()
        for cluster in self.surge.clusters.values():
            self.ctx.emit(SetTimer(f"surge/{cluster.cluster}", cluster.last_ms + cluster.window_ms))

    def _klass(self, line: Line) -> ContactClass:
        info = self.calls.queues.get(line.queue)
        return info.klass if info is not None else ContactClass.NORMAL


def sighting(line: Line) -> Sighting:
    """Where a call came from, as well as it is known: a place, else the municipality."""
    area, latitude, longitude = "", None, None
    for detail in line.facts.details:
        if detail.label.startswith("area-") and detail.label != "area-unknown":
            area = detail.text
    for place in line.locations:
        if place.latitude is not None and place.longitude is not None and latitude is None:
            latitude, longitude = place.latitude, place.longitude
        if place.areas and not area:
            area = place.areas[0]
    return Sighting(line.contact, line.arrived_at_ms, area, latitude, longitude, line.queue)


def windows_of(settings: HouseSettings) -> tuple[int, int]:
    """The longest times of any queue's rules: of a surge, and of anything at all (ms)."""
    rules = [queue.handling for queue in settings.queues] or [DEFAULT]
    surge_ms = max(rule.surge_ms for rule in rules)
    return surge_ms, max(surge_ms, *(rule.redial_ms for rule in rules))
