"""The SIP room's counts become series of each trunk."""

from prometheus_client import CollectorRegistry

from kak_server.app.trunk_metrics import TrunkMetrics
from kak_server.sip.api import Count


class Told:
    """Metrics that were told some counts."""

    def __init__(self, *counts: Count) -> None:
        self.registry = CollectorRegistry()
        metrics = TrunkMetrics(self.registry, ["carrier", "quiet"])
        for count in counts:
            metrics.count(count)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"kak_sip_trunk_{name}", {"trunk": "carrier", **labels})


def test_calls_answers_failures_and_times() -> None:
    told = Told(
        Count("sip_trunk_call", {"trunk": "carrier"}),
        Count("sip_trunk_final", {"trunk": "carrier", "status": "200"}, ms=2_300),
        Count("sip_trunk_ack", {"trunk": "carrier"}, ms=45),
        Count("sip_trunk_final", {"trunk": "carrier", "status": "404"}, ms=3),
        Count("sip_trunk_final", {"trunk": "carrier", "status": "487"}),
    )
    assert told.sample("calls_total") == 1
    assert told.sample("answered_total") == 1
    assert told.sample("failures_total", status="404") == 1
    assert told.sample("failures_total", status="487") == 1
    assert told.sample("failures_total", status="200") is None
    assert told.sample("invite_final_seconds_count") == 2  # one began before a restart
    assert told.sample("invite_final_seconds_sum") == 2.303
    assert told.sample("ack_rtt_seconds_bucket", le="0.05") == 1
    assert told.sample("ack_rtt_seconds_bucket", le="0.02") == 0


def test_retransmissions_probes_and_pings() -> None:
    told = Told(
        Count("sip_retransmissions", {"trunk": "carrier", "method": "INVITE"}),
        Count("sip_retransmissions_out", {"trunk": "carrier"}),
        Count("sip_retransmissions_out", {"trunk": "carrier"}),
        Count("sip_trunk_options", {"trunk": "carrier", "status": "481"}),
        Count("sip_trunk_options", {"trunk": "carrier", "status": "408"}),
        Count("sip_trunk_missed", {"trunk": "carrier"}),
    )
    assert told.sample("retransmissions_total", direction="in") == 1
    assert told.sample("retransmissions_total", direction="out") == 2
    assert told.sample("probes_total", answer="answered") == 1
    assert told.sample("probes_total", answer="silent") == 1
    assert told.sample("pings_missed_total") == 1
    assert told.sample("up") is None  # a silent telephone says nothing of its trunk


def test_calls_of_ours() -> None:
    told = Told(
        Count("sip_dialled", {"trunk": "carrier"}),
        Count("sip_dial_rtt", {"trunk": "carrier"}, ms=40),
        Count("sip_dial_refused", {"trunk": "carrier", "status": "486"}),
        Count("sip_dialled", {"trunk": "carrier"}),
        Count("sip_dial_refused", {"trunk": "carrier", "status": "silent"}),
        Count("sip_dialled", {"trunk": "carrier"}),
        Count("sip_dial_rtt", {"trunk": "carrier"}, ms=60),
        Count("sip_dial_answered", {"trunk": "carrier"}),
    )
    assert told.sample("dialled_total") == 3
    assert told.sample("dial_answered_total") == 1
    assert told.sample("dial_failures_total", status="486") == 1
    assert told.sample("dial_failures_total", status="silent") == 1
    assert told.sample("dial_rtt_seconds_count") == 2
    assert told.sample("dial_rtt_seconds_sum") == 0.1
    assert told.sample("dialled_total", trunk="quiet") == 0


def test_up_and_down() -> None:
    up, down = Count("sip_trunk_up", {"trunk": "carrier"}), Count("sip_trunk_down", {"trunk": "carrier"})
    assert Told(up).sample("up") == 1
    assert Told(up, down).sample("up") == 0
    assert Told(down, up).sample("up") == 1


def test_trunks_of_the_file_are_there_before_their_first_call_and_strangers_never() -> None:
    told = Told(Count("sip_requests", {"method": "INVITE"}), Count("sip_trunk_call", {"trunk": ""}))
    assert told.sample("calls_total", trunk="quiet") == 0
    assert told.sample("retransmissions_total", trunk="quiet", direction="in") == 0
    assert told.sample("calls_total", trunk="") is None
