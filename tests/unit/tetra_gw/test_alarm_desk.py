"""What an operator does with a radio's emergency, at the gateway: said once, said again when it is asked for again."""

from tests.unit.tetra_gw.trace import Bench, events, sent

ALARM = {"alarm": "7-1", "issi": 7, "alias": "Bil 7", "gssi": 24201}


def test_an_operator_has_it_and_is_done() -> None:
    bench = Bench().up(24201)
    (line,) = bench.do("acknowledge", alarm="7-1", op="kari")
    assert (line["out"]["type"], line["out"]["op"], line["out"]["body"]) == ("emergency.ack", "kari", {"alarm": "7-1"})
    bench.feed({"type": "ack", "re": "$emergency.ack", "body": {"result": "accepted"}})
    (line,) = bench.do("clear_alarm", alarm="7-1", reason="handled", op="kari")
    assert line["out"]["body"] == {"alarm": "7-1", "reason": "handled"}
    bench.feed({"type": "ack", "re": "$emergency.clear", "body": {"result": "accepted"}})
    assert sent(bench.advance(30_000)).count("emergency.clear") == 0
    assert bench.driver.link_up is False  # nobody answered the pings


def test_an_answer_that_does_not_come_is_asked_for_under_the_same_id_and_then_told() -> None:
    bench = Bench().up(24201)
    bench.do("clear_alarm", alarm="7-1", reason="handled", op="kari")
    first = bench.last_id["emergency.clear"]
    lines = bench.advance(5_900)
    assert sent(lines).count("emergency.clear") == 2
    assert bench.last_id["emergency.clear"] == first
    bench.feed({"type": "pong"})
    (refused,) = events(bench.advance(7_000), "CommandRejected")
    assert (refused["command"], refused["code"]) == ("emergency.clear", "TIMEOUT")


def test_what_the_gateway_refuses_is_told() -> None:
    bench = Bench().up(24201)
    bench.do("acknowledge", alarm="7-1", op="kari")
    lines = bench.feed({"type": "ack", "re": "$emergency.ack", "body": {"result": "rejected", "code": "NO"}})
    (refused,) = events(lines, "CommandRejected")
    assert (refused["command"], refused["gssi"], refused["code"]) == ("emergency.ack", None, "NO")


def test_without_a_link_nothing_is_said_and_the_gateway_tells_what_is_up_when_it_is_back() -> None:
    bench = Bench()
    assert sent(bench.do("acknowledge", alarm="7-1", op="kari")) == []
    assert sent(bench.do("clear_alarm", alarm="7-1", reason="handled", op="kari")) == []
    bench.up(24201)
    bench.do("clear_alarm", alarm="7-1", reason="handled", op="kari")
    bench.do("disconnected")
    bench.do("connected")
    bench.feed({"type": "welcome", "body": {"epoch": 1}})
    lines = bench.feed({"type": "snapshot", "body": {"alarms": [ALARM]}})
    assert "emergency.clear" not in sent(lines), "the house says it again, who knows whether it still holds"
    assert [event["alarm"] for event in events(lines, "EmergencyRaised")] == ["7-1"]


def test_what_becomes_of_it_elsewhere_is_told() -> None:
    bench = Bench().up(24201)
    state = {"alarm": "7-1", "issi": 7, "state": "acked", "by": "bente"}
    (told,) = events(bench.feed({"type": "emergency.state", "body": state}), "EmergencyChanged")
    assert (told["alarm"], told["cleared"], told["by"]) == ("7-1", False, "bente")
    state |= {"state": "cleared", "reason": "handled"}
    (told,) = events(bench.feed({"type": "emergency.state", "body": state}), "EmergencyChanged")
    assert (told["cleared"], told["reason"]) == (True, "handled")
