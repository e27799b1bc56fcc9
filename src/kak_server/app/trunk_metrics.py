"""Metrics of each trunk: how many calls, how they went, how fast, what had to be said twice, and whether it lives."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kak_server.app.tallies import Durations, Tally
from kak_server.sip.api import Count

_RTT_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_FINAL_S = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)  # somebody must pick up
_SILENT = "408"  # also what a request of ours gets that nobody answers (RFC 3261 section 8.1.3.1)


class TrunkMetrics:
    """Takes the SIP room's counts and keeps those that name a trunk. Trunks of the file are there from the start."""

    def __init__(self, registry: CollectorRegistry, trunks: Iterable[str]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"kak_sip_trunk_{name}", text, ["trunk", *labels], registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"kak_sip_trunk_{name}", text, ["trunk"], buckets=buckets, registry=registry)

        # Those that every call touches
        self._calls = Tally("kak_sip_trunk_calls", "Calls that came in and were let in", registry, "trunk")
        self._answered = Tally("kak_sip_trunk_answered", "Calls answered with 2xx", registry, "trunk")
        final, ack = "kak_sip_trunk_invite_final_seconds", "kak_sip_trunk_ack_rtt_seconds"
        self._final = Durations(final, "From a new INVITE to its final answer", _FINAL_S, registry, "trunk")
        self._ack = Durations(ack, "From our first 200 to its ACK", _RTT_S, registry, "trunk")
        self._failures = counter("failures", "Final answers other than 2xx to new calls, by status", "status")
        self._shed = counter("shed", "New calls not let in above capacity, by reason", "why")
        self._repeats = counter("retransmissions", "Messages that came or went again", "direction")
        self._missed = counter("pings_missed", "OPTIONS of ours to the trunk that nobody answered")
        self._probes = counter("probes", "OPTIONS of ours inside calls, by whether the peer answered", "answer")
        self._dialled = counter("dialled", "INVITEs of ours to the trunk, those after a challenge or a redirection too")
        self._dial_answered = counter("dial_answered", "Calls of ours that were answered")
        self._dial_failures = counter("dial_failures", "INVITEs of ours refused, by status or silent", "status")
        self._dial_rtt = histogram("dial_rtt_seconds", "From an INVITE of ours to the first answer of any kind", _RTT_S)
        self._up = Gauge(
            "kak_sip_trunk_up",
            "Whether the trunk answers our OPTIONS; no sample while that is not known",
            ["trunk"],
            registry=registry,
        )
        for trunk in trunks:
            for declared in (self._calls, self._answered, self._final, self._ack):
                declared.declare(trunk)
            for metric in (self._dialled, self._dial_answered, self._dial_rtt):
                metric.labels(trunk)
            for direction in ("in", "out"):
                self._repeats.labels(trunk, direction)

    def count(self, count: Count) -> None:
        """One count of the SIP room's."""
        trunk = count.labels.get("trunk")
        if not trunk:
            return
        if count.name == "sip_trunk_call":
            self._calls.inc(trunk)
        elif count.name == "sip_shed":
            self._shed.labels(trunk, count.labels.get("why", "")).inc()
        elif count.name == "sip_trunk_final":
            self._finished(trunk, count)
        elif count.name == "sip_trunk_ack" and count.ms is not None:
            self._ack.observe(trunk, count.ms / 1000)
        elif count.name == "sip_retransmissions":
            self._repeats.labels(trunk, "in").inc()
        elif count.name == "sip_retransmissions_out":
            self._repeats.labels(trunk, "out").inc()
        elif count.name == "sip_trunk_options":
            answer = "silent" if count.labels.get("status") == _SILENT else "answered"
            self._probes.labels(trunk, answer).inc()
        elif count.name.startswith("sip_dial"):
            self._dial(trunk, count)
        elif count.name == "sip_trunk_missed":
            self._missed.labels(trunk).inc()
        elif count.name in ("sip_trunk_up", "sip_trunk_down"):
            self._up.labels(trunk).set(float(count.name == "sip_trunk_up"))

    def _dial(self, trunk: str, count: Count) -> None:
        if count.name == "sip_dialled":
            self._dialled.labels(trunk).inc()
        elif count.name == "sip_dial_answered":
            self._dial_answered.labels(trunk).inc()
        elif count.name == "sip_dial_refused":
            self._dial_failures.labels(trunk, count.labels.get("status", "")).inc()
        elif count.ms is not None:
            self._dial_rtt.labels(trunk).observe(count.ms / 1000)

    def _finished(self, trunk: str, count: Count) -> None:
        status = count.labels.get("status", "")
        if status.startswith("2"):
            self._answered.inc(trunk)
        else:
            self._failures.labels(trunk, status).inc()
        if count.ms is not None:
            self._final.observe(trunk, count.ms / 1000)
