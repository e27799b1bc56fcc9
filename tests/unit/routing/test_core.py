"""The core as a whole: replay, snapshots, views, timers, new rules."""

import json

import pytest

from kak_server.model.codec import CodecError
from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId
from kak_server.routing.api import ContactChanged, ContactClass, ContactState, OperatorChanged, TimerFired
from kak_server.routing.codec import decode_event
from kak_server.routing.invariants import violations
from kak_server.routing.step import RoutingCore
from tests.unit.routing.desk import Desk, offers_in, queue, refused


def busy_desk() -> Desk:
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=20_000), queue("116117", klass=ContactClass.NORMAL))
    desk.sit("kari", at="p1", emd=4)
    desk.sit("ola", at="p2", ready=False)
    desk.sit("mia", at="p3")
    desk.ring("c1", caller="+4790000001")
    desk.talk("kari", "c1")
    desk.hold("kari", "c1")
    desk.ring("c2")
    desk.accept("mia", "c2")
    desk.ring("c3", "116117")
    desk.wait(100)
    desk.ring("c4")
    return desk


def test_replaying_the_events_gives_the_same_state() -> None:
    desk = busy_desk()
    again = RoutingCore()
    effects = [effect for event in desk.events for effect in again.step(event)]
    assert effects == desk.effects
    assert again.digest() == desk.core.digest()


def test_a_snapshot_survives_json_and_goes_on_alike() -> None:
    desk = busy_desk()
    restored = RoutingCore.restore(json.loads(json.dumps(desk.core.snapshot())))
    assert restored.digest() == desk.core.digest()
    assert violations(restored.state) == []
    assert restored.timers() == desk.core.timers()
    event = TimerFired(desk.now_ms + 20_000, "widen:c4")
    assert restored.step(event) == desk.core.step(event)
    assert restored.contacts() == desk.core.contacts()


@pytest.mark.parametrize(
    "data", [None, [], {}, {"format": 2}, {"format": 1}, {"format": 1, "now_ms": 1, "next_serial": "x"}]
)
def test_what_is_no_snapshot_is_refused(data: object) -> None:
    with pytest.raises(CodecError):
        RoutingCore.restore(data)


def test_a_snapshot_with_a_contact_of_no_queue_is_refused() -> None:
    data = busy_desk().core.snapshot()
    data["contacts"][0]["queue"] = "elsewhere"
    with pytest.raises(CodecError, match="elsewhere"):
        RoutingCore.restore(data)


def test_the_digest_tells_states_apart() -> None:
    desk = busy_desk()
    digest = desk.core.digest()
    desk.gone("c3")
    assert desk.core.digest() != digest


def test_time_that_goes_backwards_stands_still() -> None:
    desk = Desk()
    desk.ring("c1")
    desk.now_ms -= 5_000
    desk.ring("c2")
    assert desk.contact("c2").arrived_at_ms == desk.contact("c1").arrived_at_ms


def test_changed_notices_come_last_and_once() -> None:
    desk = Desk()
    desk.sit("kari")
    effects = desk.ring("c1")
    assert effects[-2:] == (ContactChanged(ContactId("c1")), OperatorChanged(OperatorId("kari")))
    assert len([effect for effect in effects if isinstance(effect, ContactChanged | OperatorChanged)]) == 2


def test_views_show_what_consoles_need() -> None:
    desk = busy_desk()
    c1, kari = desk.contact("c1"), desk.operator("kari")
    assert (c1.state, c1.held, c1.position, c1.caller) == (ContactState.HELD, True, "p1", "+4790000001")
    assert c1.answered_at_ms == c1.connected_at_ms == desk.now_ms - 100
    assert (kari.contact, kari.skills, kari.media_up) == ("c1", {"emd": 4}, True)
    assert desk.core.operator_at(PositionId("p1")) == "kari"
    assert desk.core.operator_at(PositionId("p9")) is None
    assert desk.core.operator(OperatorId("x")) is None
    assert desk.core.contact(ContactId("x")) is None
    assert desk.core.served_queues(OperatorId("kari")) == ("113", "116117")
    assert desk.core.served_queues(OperatorId("x")) == ()
    assert [view.contact for view in desk.core.waiting(QueueId("113"))] == ["c4"]
    assert desk.core.waiting(QueueId("x")) == ()
    assert desk.core.idle(QueueId("x")) == ()
    assert [config.queue for config in desk.core.queues()] == ["113", "116117"]
    assert desk.core.now_ms == desk.now_ms


def test_new_rules_keep_who_waits_and_ask_whoever_may_now() -> None:
    desk = Desk(queue("113", "oslo", skills={"emd": 9}))
    desk.sit("kari")
    desk.ring("c1")
    effects = desk.configure(queue("113", "oslo"))
    assert offers_in(effects) == [("c1", "kari", 1)]


def test_new_rules_match_in_order() -> None:
    desk = Desk(queue("a", "none"), queue("b", "none", klass=ContactClass.NORMAL))
    desk.ring("later", "b")
    desk.ring("first", "a")
    desk.sit("kari")
    effects = desk.configure(queue("a", "oslo"), queue("b", "oslo", klass=ContactClass.NORMAL))
    assert offers_in(effects) == [("first", "kari", 1)]


def test_new_rules_change_class_and_own_room_time() -> None:
    desk = Desk(queue("113", "oslo", "bergen", klass=ContactClass.NORMAL, own_room_ms=60_000))
    desk.sit("bente", "bergen")
    desk.ring("c1")
    desk.wait(5_000)
    effects = desk.configure(queue("113", "oslo", "bergen", own_room_ms=4_000))
    assert offers_in(effects) == [("c1", "bente", 1)]
    assert desk.contact("c1").klass is ContactClass.EMERGENCY


def test_a_queue_that_is_gone_serves_those_it_has_and_takes_no_more() -> None:
    desk = Desk(queue("113"), queue("old"))
    desk.sit("kari")
    desk.ring("c1", "old")
    desk.talk("kari", "c1")
    desk.ring("c2", "old")
    desk.configure(queue("113"))
    assert refused(desk.ring("c3", "old")) == ["unknown-queue"]
    assert refused(desk.transfer("kari", "c1", "old")) == ["unknown-queue"]
    restored = RoutingCore.restore(desk.core.snapshot())
    assert restored.digest() == desk.core.digest()
    desk.hang_up("kari", "c1")
    desk.done("kari")
    assert desk.offered_to("c2") == "kari"
    desk.gone("c2")
    assert QueueId("old") not in desk.core.state.queues
    assert [config.queue for config in desk.core.queues()] == ["113"]


def test_unknown_event_names_are_named() -> None:
    with pytest.raises(CodecError, match="Teleported"):
        decode_event("Teleported", {})
    with pytest.raises(CodecError, match="ContactGone"):
        decode_event("ContactGone", {"now_ms": 1})
