"""The metrics of a process."""

from kak_server.app.metrics import Metrics


def test_what_the_sip_room_counts_is_told_by_name_with_its_beginning() -> None:
    metrics = Metrics()
    for name in ("sip_requests", "sip_requests", "sip_responses"):
        metrics.sip(name)
    lines = metrics.text().decode().splitlines()
    assert "# TYPE kak_sip_events_total counter" in lines
    assert 'kak_sip_events_total{name="sip_requests"} 2.0' in lines
    assert 'kak_sip_events_total{name="sip_responses"} 1.0' in lines
    assert sum(line.startswith('kak_sip_events_created{name="sip_') for line in lines) == 2


def test_nothing_counted_is_no_sample() -> None:
    assert not [line for line in Metrics().text().decode().splitlines() if line.startswith("kak_sip_events_total{")]
