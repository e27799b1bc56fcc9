"""Many calls from one place at one time: a likely single incident, shown as such while each call is answered all the
same.

Incremental: a call looks at the newest few in its own and the eight neighbouring cells of a grid, or in its area, and
at nothing else. What is too old is forgotten as new calls come.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from kak_server.model.ids import ContactId, QueueId
from kak_server.model.light import frozen

KEPT_IN_A_CELL = 64
MAX_SIGHTINGS = 20_000
EARTH_RADIUS_M = 6_371_000.0
M_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180  # of latitude; of longitude at the equator

Cell = tuple[int, int]
K = TypeVar("K")


@frozen
class Rule:
    """So many `calls` within `window_ms` and the radius of each other, or `area_calls` in one area; 0: not."""

    calls: int
    area_calls: int
    window_ms: int


@frozen
class Sighting:
    """One call: when, and from where as far as known (degrees, WGS 84). `area` "": unknown."""

    contact: ContactId
    at_ms: int
    area: str = ""
    latitude: float | None = None
    longitude: float | None = None
    queue: QueueId = QueueId("")

    @property
    def placed(self) -> bool:
        """Whether the spot is known, not just the area."""
        return self.latitude is not None and self.longitude is not None


@frozen
class Cluster:
    """A likely incident. The place is the mean of the placed calls; it is over `window_ms` after its last call."""

    cluster: str
    area: str
    first_ms: int
    last_ms: int
    window_ms: int
    calls: int = 0
    latitude: float | None = None
    longitude: float | None = None
    placed: int = 0
    queues: tuple[QueueId, ...] = ()  # that have calls of it

    def joined_by(self, sighting: Sighting) -> "Cluster":
        """With one call more."""
        calls, placed = self.calls + 1, self.placed
        latitude, longitude = self.latitude, self.longitude
        if sighting.latitude is not None and sighting.longitude is not None:
            placed += 1
            latitude = _mean(latitude, sighting.latitude, placed)
            longitude = _mean(longitude, sighting.longitude, placed)
        return replace(
            self,
            calls=calls,
            placed=placed,
            queues=self.queues if sighting.queue in self.queues else (*self.queues, sighting.queue),
            latitude=latitude,
            longitude=longitude,
            area=self.area or sighting.area,
            first_ms=min(self.first_ms, sighting.at_ms),
            last_ms=max(self.last_ms, sighting.at_ms),
        )


def _mean(old: float | None, new: float, count: int) -> float:
    return new if old is None else old + (new - old) / count


@dataclass(slots=True)
class Surge:
    """The newest calls by place, and the incidents they make. Feed calls in order of time."""

    radius_m: float
    keep_ms: int  # the longest window of any rule
    clusters: dict[str, Cluster] = field(default_factory=dict)
    of: dict[ContactId, str] = field(default_factory=dict)  # calls that are kept, and their incident
    _cells: dict[Cell, deque[Sighting]] = field(default_factory=dict)
    _areas: dict[str, deque[Sighting]] = field(default_factory=dict)
    _all: deque[Sighting] = field(default_factory=deque)

    def sighted(
        self, sighting: Sighting, rule: Rule, new_id: Callable[[], str]
    ) -> tuple[Cluster, list[ContactId]] | None:
        """A call came. The incident it belongs to, and the calls that belong to it from now on (this one last); None:
        nothing out of the ordinary."""
        self._forget(sighting.at_ms - self.keep_ms)
        since_ms = sighting.at_ms - rule.window_ms
        near = [other for other in self._near(sighting) if other.at_ms >= since_ms]
        self._keep(sighting)
        found = self._cluster_of(near, sighting.at_ms)
        if found is None and rule.calls and sighting.placed and len(near) + 1 >= rule.calls:
            found = self._begin(sighting, rule, new_id())
        if found is None and not sighting.placed and sighting.area:
            near = [o for o in self._areas[sighting.area] if o.at_ms >= since_ms and o.contact != sighting.contact]
            found = self._cluster_of(near, sighting.at_ms)
            if found is None and rule.area_calls and len(near) + 1 >= rule.area_calls:
                found = self._begin(sighting, rule, new_id())
        if found is None:
            return None
        fresh = [other for other in near if not self.of.get(other.contact)] if not found.calls else []
        for member in (*fresh, sighting):
            found = found.joined_by(member)
            self.of[member.contact] = found.cluster
        self.clusters[found.cluster] = found
        return found, [member.contact for member in (*fresh, sighting)]

    def restore(self, cluster: Cluster) -> None:
        """An incident from before a restart."""
        self.clusters[cluster.cluster] = cluster

    def remember(self, sighting: Sighting, cluster: str) -> None:
        """A call from before a restart, in order of time; `cluster` "" if it was of none."""
        self._keep(sighting)
        self.of[sighting.contact] = cluster

    def over(self, now_ms: int) -> list[str]:
        """Incidents without a call for their window end here; their ids."""
        ended = [name for name, cluster in self.clusters.items() if cluster.last_ms + cluster.window_ms <= now_ms]
        for name in ended:
            del self.clusters[name]
        return ended

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _begin(self, sighting: Sighting, rule: Rule, name: str) -> Cluster:
        return Cluster(name, sighting.area, sighting.at_ms, sighting.at_ms, rule.window_ms)

    def _cluster_of(self, near: list[Sighting], now_ms: int) -> Cluster | None:
        """The incident of the newest neighbour that has one which is not over."""
        for other in reversed(near):
            cluster = self.clusters.get(self.of.get(other.contact, ""))
            if cluster is not None and cluster.last_ms + cluster.window_ms > now_ms:
                return cluster
        return None

    def _near(self, sighting: Sighting) -> Iterator[Sighting]:
        """Calls within the radius, cell by cell."""
        if sighting.latitude is None or sighting.longitude is None:
            return
        row = self._row(sighting.latitude)
        for other_row in (row - 1, row, row + 1):
            column = self._column(other_row, sighting.longitude)
            for other_column in (column - 1, column, column + 1):
                for other in self._cells.get((other_row, other_column), ()):
                    if other.contact != sighting.contact and distance_m(sighting, other) <= self.radius_m:
                        yield other

    def _row(self, latitude: float) -> int:
        return math.floor(latitude * M_PER_DEGREE / self.radius_m)

    def _column(self, row: int, longitude: float) -> int:
        """Columns are as wide as the radius in the middle of their row, at least; near the poles there are few."""
        middle = min(89.0, abs((row + 0.5) * self.radius_m / M_PER_DEGREE))
        return math.floor(longitude * M_PER_DEGREE * math.cos(math.radians(middle)) / self.radius_m / 1.1)

    def _keep(self, sighting: Sighting) -> None:
        while len(self._all) >= MAX_SIGHTINGS:
            self._drop(self._all.popleft())
        self._all.append(sighting)
        self.of.setdefault(sighting.contact, "")
        if sighting.latitude is not None and sighting.longitude is not None:
            row = self._row(sighting.latitude)
            cell = (row, self._column(row, sighting.longitude))
            self._cells.setdefault(cell, deque(maxlen=KEPT_IN_A_CELL)).append(sighting)
        if sighting.area:
            self._areas.setdefault(sighting.area, deque(maxlen=KEPT_IN_A_CELL)).append(sighting)

    def _forget(self, before_ms: int) -> None:
        while self._all and self._all[0].at_ms < before_ms:
            self._drop(self._all.popleft())

    def _drop(self, sighting: Sighting) -> None:
        """The oldest call of all is the oldest in its cell and its area too, unless these were full."""
        self.of.pop(sighting.contact, None)
        if sighting.latitude is not None and sighting.longitude is not None:
            row = self._row(sighting.latitude)
            _pop_oldest(self._cells, (row, self._column(row, sighting.longitude)), sighting)
        if sighting.area:
            _pop_oldest(self._areas, sighting.area, sighting)


def _pop_oldest(index: dict[K, deque[Sighting]], key: K, one: Sighting) -> None:
    line = index.get(key)
    if line and line[0] is one:
        line.popleft()
        if not line:
            del index[key]


def distance_m(one: Sighting, other: Sighting) -> float:
    """Great-circle distance of two placed calls (haversine); infinite if one is not placed."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return math.inf
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    half_height = math.sin((b - a) / 2) ** 2
    half_width = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    root = math.sqrt(half_height + math.cos(a) * math.cos(b) * half_width)
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, root))
