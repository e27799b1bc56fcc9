"""Counters and histograms as plain numbers, made into samples when somebody scrapes: the SIP room counts several times
a message, and a metric of the library costs ten times an addition."""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class Tally(Collector):
    """Counters by the value of one label."""

    def __init__(self, name: str, text: str, registry: CollectorRegistry, label: str = "name") -> None:
        self._name = name
        self._text = text
        self._label = label
        self._counts: dict[str, int] = {}
        self._since_s: dict[str, float] = {}
        registry.register(self)

    def declare(self, value: str) -> None:
        """There from now on, with 0."""
        if value not in self._counts:
            self._counts[value], self._since_s[value] = 0, time.time()

    def inc(self, value: str) -> None:
        """One more."""
        if value in self._counts:
            self._counts[value] += 1
        else:
            self._counts[value], self._since_s[value] = 1, time.time()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What the library asks for."""
        family = CounterMetricFamily(self._name, self._text, labels=[self._label])
        for value, count in list(self._counts.items()):
            family.add_metric([value], count, created=self._since_s[value])
        yield family


class Durations(Collector):
    """Histograms of seconds by the value of one label. `bounds_s` ascend."""

    def __init__(
        self, name: str, text: str, bounds_s: Sequence[float], registry: CollectorRegistry, label: str
    ) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._bounds_s = bounds_s
        self._counts: dict[str, list[int]] = {}  # of each interval, the last without a bound
        self._sums_s: dict[str, float] = {}
        registry.register(self)

    def declare(self, value: str) -> None:
        """There from now on, with nothing in it."""
        if value not in self._counts:
            self._counts[value], self._sums_s[value] = [0] * (len(self._bounds_s) + 1), 0.0

    def observe(self, value: str, seconds: float) -> None:
        """One more."""
        if value not in self._counts:
            self.declare(value)
        self._counts[value][bisect_left(self._bounds_s, seconds)] += 1
        self._sums_s[value] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What the library asks for."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        for value, counts in list(self._counts.items()):
            below, buckets = 0, []
            for bound, count in zip((*map(str, self._bounds_s), "+Inf"), counts, strict=True):
                below += count
                buckets.append((bound, float(below)))
            family.add_metric([value], buckets, self._sums_s[value])
        yield family
