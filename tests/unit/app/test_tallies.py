"""Plain numbers that look to a scraper like the library's own metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from kak_server.app.tallies import Durations, Tally

BOUNDS_S = (0.005, 0.1, 1.0, 30.0)
SEEN_S = (0.0, 0.005, 0.006, 0.1, 0.5, 1.0, 29.9, 31.0)


def lines(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def test_they_are_told_as_the_library_tells_its_own() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("kak_calls", "Calls", ours, "trunk")
    durations = Durations("kak_wait_seconds", "Wait", BOUNDS_S, ours, "trunk")
    counter = Counter("kak_calls", "Calls", ["trunk"], registry=theirs)
    histogram = Histogram("kak_wait_seconds", "Wait", ["trunk"], buckets=BOUNDS_S, registry=theirs)
    for trunk in ("quiet", "busy"):
        tally.declare(trunk)
        durations.declare(trunk)
        counter.labels(trunk)
        histogram.labels(trunk)
    for seconds in SEEN_S:
        tally.inc("busy")
        counter.labels("busy").inc()
        durations.observe("busy", seconds)
        histogram.labels("busy").observe(seconds)
    assert lines(ours) == lines(theirs)
    tally.declare("busy")
    durations.declare("busy")
    assert lines(ours) == lines(theirs)


def test_what_was_never_declared_is_there_from_its_first() -> None:
    registry = CollectorRegistry()
    Tally("kak_calls", "Calls", registry, "trunk").inc("new")
    Durations("kak_wait_seconds", "Wait", BOUNDS_S, registry, "trunk").observe("new", 0.2)
    assert registry.get_sample_value("kak_calls_total", {"trunk": "new"}) == 1
    assert registry.get_sample_value("kak_wait_seconds_sum", {"trunk": "new"}) == 0.2
