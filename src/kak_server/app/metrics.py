"""Counters and gauges for Prometheus. No patient data: labels are codes and names of our own."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kak_server.app.tallies import Tally


class Metrics:
    """One registry a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter("kak_events", "Things that happened in the house", ["name"], registry=self.registry)
        self.sip = Tally("kak_sip_events", "SIP: requests, responses, refusals", self.registry).inc  # by name
        self._radio = Counter("kak_radio_events", "Radio gateway", ["name"], registry=self.registry)
        self._commands = Counter("kak_commands", "Operators' commands", ["name", "code"], registry=self.registry)
        self._refused = Counter(
            "kak_media_refused", "Commands the media worker refused", ["code"], registry=self.registry
        )
        self._faults = Counter("kak_faults", "Bugs of ours, caught", registry=self.registry)
        self.journal_lag_ms = Gauge("kak_journal_sync_lag_ms", "How far the disk is behind", registry=self.registry)
        self.collected_s = Histogram(
            "kak_collector_seconds",
            "Passes of Python's collector over everything, in quiet seconds",
            buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
            registry=self.registry,
        )
        self.loop_lag_s = Histogram(
            "kak_loop_lag_seconds",
            "How late the event loop ran",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
            registry=self.registry,
        )

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge read at each scrape."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def event(self, name: str) -> None:
        """One of the house's notes."""
        self._events.labels(name).inc()

    def radio(self, name: str) -> None:
        """Something in the radio room."""
        self._radio.labels(name).inc()

    def command(self, name: str, code: str) -> None:
        """A command's outcome; unknown names share one label."""
        self._commands.labels(name if code != "unknown-command" else "unknown", code or "ok").inc()

    def media_refused(self, code: str) -> None:
        """A worker's refusal."""
        self._refused.labels(code).inc()

    def fault(self) -> None:
        """A bug of ours."""
        self._faults.inc()

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)


def census_gauges(metrics: Metrics, census: Mapping[str, Callable[[], float]]) -> None:
    """Gauges of what is held: zero after load, or something leaks."""
    for name, value in census.items():
        metrics.gauge(f"kak_census_{name}", f"Census: {name}", value)
