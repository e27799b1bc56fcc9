"""Paper work in the middle of which somebody is rung by name: when the work that it belongs to is over."""

from kak_sim.statistics_auditor import audit
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MeasuredDesk

S = 1_000


def agrees(desk: MeasuredDesk) -> None:
    """The auditor, who sees the stream alone, says the same of every figure."""
    desk.close()
    counted = {key: row.figures for key, row in desk.rows.items() if row.figures}
    audited = {key: figures for key, figures in audit(desk.steps, desk.now_ms).items() if figures}
    assert counted == audited


def test_work_whose_paper_work_a_recall_breaks_into_is_over_when_the_recall_is_taken() -> None:
    desk = MeasuredDesk(queue("113", wrap_up_ms=20 * S))
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.ring("parked", "113")
    desk.talk("ada", "parked")
    desk.at("08:00:10")
    desk.park("ada", "parked")  # paper work until 08:00:30, comes back at 08:01:10
    desk.at("08:00:40")
    desk.ring("c1", "113")
    desk.talk("ada", "c1")
    desk.at("08:01:00")
    desk.hang_up("ada", "c1")  # paper work until 08:01:20
    desk.at("08:01:15")
    desk.talk("ada", "parked")
    desk.at("08:02:00")
    desk.hang_up("ada", "parked")
    desk.at("08:30:00")
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["handled"], ada["ringing_ms"]) == (3, 5 * S)
    assert ada["handle_wrap_up_ms"] == ada["wrap_up_ms"] == (20 + 10 + 20) * S
    assert ada["handle_talk_ms"] == (10 + 20 + 45) * S
    agrees(desk)


def test_a_call_out_ends_the_paper_work_it_is_made_in_for_good() -> None:
    """A recall, and a call out in the middle of paper work, cancel its timer alike; only the first leaves it to go on.
    So the call out that breaks on our side is over by that, though its operator is rung for another call at once: in
    the half hour in which it broke, not in that in which the other is taken."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=30 * S, offer_timeout_ms=15 * S))
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.at("08:29:00")
    desk.ring("c1", "113")
    desk.talk("ada", "c1")
    desk.at("08:29:20")
    desk.hang_up("ada", "c1")  # paper work until 08:29:50
    desk.at("08:29:25")
    desk.dial("ada", "d1")
    desk.at("08:29:35")
    desk.joined("d1")
    desk.ring("c2", "113")  # waits: nobody is free
    desk.at("08:29:55")
    desk.join_failed("d1")
    assert desk.offered_to("c2") == "ada"
    desk.at("08:30:02")
    desk.talk("ada", "c2")
    desk.at("08:31:00")
    desk.hang_up("ada", "c2")
    desk.gone("d1")
    desk.at("09:00:00")
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["handled"], ada["handle_talk_ms"], ada["handle_wrap_up_ms"]) == (2, (20 + 20) * S, 5 * S)
    later = desk.row("08:30", "operator", "ada")
    assert (later["handled"], later["handle_talk_ms"], later["handle_wrap_up_ms"]) == (1, 58 * S, 30 * S)
    agrees(desk)


def test_paper_work_whose_time_is_over_while_a_recall_rings_is_over_when_the_recall_rings_out() -> None:
    """Also where the recalled call then rings at the same operator as any other of the queue does."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=30 * S, offer_timeout_ms=10 * S), queue("116117", wrap_up_ms=0))
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.at("08:28:40")
    desk.ring("parked", "116117")
    desk.talk("ada", "parked")
    desk.at("08:28:44")
    desk.park("ada", "parked")  # comes back at 08:29:44
    desk.ring("c1", "113")
    desk.talk("ada", "c1")
    desk.at("08:29:20")
    desk.hang_up("ada", "c1")  # paper work until 08:29:50
    desk.at("08:29:45")
    assert desk.offered_to("parked") == "ada"
    desk.at("08:29:55")
    assert desk.offered_to("parked") == "ada", "nobody else is there"
    desk.at("08:30:01")
    desk.talk("ada", "parked")
    desk.at("08:31:00")
    desk.hang_up("ada", "parked")
    desk.at("09:00:00")
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["handled"], ada["wrap_up_ms"], ada["handle_wrap_up_ms"]) == (2, 24 * S, 24 * S)
    later = desk.row("08:30", "operator", "ada")
    assert (later["handled"], later["handle_talk_ms"]) == (1, 59 * S)
    agrees(desk)
