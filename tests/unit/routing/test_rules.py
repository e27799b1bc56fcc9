"""Versions of the rules while contacts are there: who follows which, and what is left when nobody does."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Capacity,
    ConfigChanged,
    Configured,
    ContactArrived,
    ContactClass,
    ContactKind,
    ContactState,
    HandOverStarted,
    Offer,
    OperatorRules,
    QueueConfig,
    Refused,
    RoomState,
    RoomStateSet,
    RoutingConfig,
)
from kak_server.routing.rules import capacity_of
from kak_server.routing.state import rules_id
from kak_server.routing.step import RoutingCore
from kak_server.routing.words_workflow import Step
from tests.unit.routing.desk import BERGEN, OSLO, Desk, queue

OWN = queue("113", "oslo", "bergen", own_room_ms=60_000)
WIDE = queue("113", "bergen", "oslo")


def rules(desk: Desk, contact: str) -> QueueConfig | None:
    return desk.core.rules_of(ContactId(contact))


def test_who_waits_keeps_the_rules_and_who_comes_gets_the_new_ones() -> None:
    desk = Desk(OWN)
    desk.ring("before")
    assert desk.publish(WIDE) == ()
    desk.ring("after")
    assert (rules(desk, "before"), rules(desk, "after")) == (OWN, WIDE)
    desk.sit("bob", "bergen")
    assert desk.contact("after").operator == "bob"  # "before" came first, but its own room alone is asked
    assert desk.contact("before").state is ContactState.WAITING
    assert [view.contact for view in desk.core.waiting(QueueId("113"))] == ["before"]


def test_told_so_everybody_follows_at_once() -> None:
    desk = Desk(OWN)
    desk.sit("bob", "bergen")
    desk.ring("before")
    effects = desk.publish(WIDE, apply="all")
    assert [effect.operator for effect in effects if isinstance(effect, Offer)] == ["bob"]
    assert rules(desk, "before") == WIDE
    assert desk.core.state.older == {}


def test_former_rules_go_with_their_last_contact() -> None:
    desk = Desk(OWN)
    desk.ring("a")
    desk.ring("b")
    desk.publish(WIDE)
    assert set(desk.core.state.older[QueueId("113")]) == {rules_id(OWN)}
    desk.gone("a")
    assert desk.core.state.older
    desk.gone("b")
    assert desk.core.state.older == {}
    assert desk.core.queues() == (WIDE,)


def test_a_call_in_progress_wraps_up_by_the_rules_it_came_in_on() -> None:
    desk = Desk(queue("113", wrap_up_ms=7_000))
    desk.sit("ada")
    desk.ring("a")
    desk.talk("ada", "a")
    desk.publish(queue("113", wrap_up_ms=90_000))
    desk.hang_up("ada", "a")
    assert desk.operator("ada").wrap_up_until_ms == desk.now_ms + 7_000


def test_rolled_back_rules_are_those_that_contacts_still_follow() -> None:
    desk = Desk(OWN)
    desk.ring("old")
    desk.publish(WIDE)
    desk.publish(OWN)
    assert desk.core.state.older == {}
    desk.ring("new")
    assert len(desk.core.state.queues[QueueId("113")].members) == 2


def test_three_versions_at_once() -> None:
    desk = Desk(OWN)
    versions = [replace(OWN, priority=number) for number in range(3)]
    for number, config in enumerate(versions):
        desk.publish(config)
        desk.ring(f"c{number}")
    assert [rules(desk, f"c{number}") for number in range(3)] == versions
    line = [view.contact for view in desk.core.waiting(QueueId("113"))]
    assert line == ["c2", "c1", "c0"]  # each with the credit of its own rules
    restored = RoutingCore.restore(desk.core.snapshot())
    assert restored.digest() == desk.core.digest()
    assert [restored.rules_of(ContactId(f"c{number}")) for number in range(3)] == versions


def test_a_transferred_contact_follows_the_present_rules_of_where_it_goes() -> None:
    desk = Desk(OWN, queue("doctor", "oslo"))
    desk.sit("ada")
    desk.ring("a")
    desk.talk("ada", "a")
    newer = queue("doctor", "oslo", priority=3)
    desk.publish(newer)
    desk.transfer("ada", "a", "doctor")
    assert rules(desk, "a") == newer


def test_a_removed_queue_takes_no_arrivals_and_serves_who_is_there() -> None:
    desk = Desk(OWN, queue("doctor", "oslo"))
    desk.ring("a")
    desk.publish(removed=("113",))
    effects = desk.ring("b")
    assert [effect.code for effect in effects if isinstance(effect, Refused)] == ["unknown-queue"]
    desk.sit("ada")
    desk.talk("ada", "a")
    desk.hang_up("ada", "a")
    assert [config.queue for config in desk.core.queues()] == ["doctor"]
    assert desk.core.state.older == {}


def test_skills_hold_at_once() -> None:
    desk = Desk(queue("doctor", skills={"doctor": 5}))
    desk.sit("ada", doctor=1)
    desk.ring("a", "doctor")
    effects = desk.publish(people=(OperatorRules(OperatorId("ada"), "Ada L.", {"doctor": 5}),))
    assert [effect.operator for effect in effects if isinstance(effect, Offer)] == ["ada"]
    assert desk.operator("ada").name == "Ada L."


def test_capacity_holds_at_once_also_in_a_call_and_is_left_alone_where_a_version_does_not_say() -> None:
    desk = Desk(queue("113"), queue("chats"))
    desk.sit("ada")
    desk.ring("call")
    desk.talk("ada", "call")
    desk.send(ContactArrived(desk.now_ms, ContactId("chat"), QueueId("chats"), "", kind=ContactKind.CHAT))
    assert desk.offered_to("chat") is None
    able = OperatorRules(OperatorId("ada"), "Ada", capacity=Capacity(2, 1, interruptible=False))
    effects = desk.publish(people=(able,))
    assert [effect.contact for effect in effects if isinstance(effect, Offer)] == ["chat"]
    desk.publish(people=(OperatorRules(OperatorId("ada"), "Ada L."),))
    assert capacity_of(desk.core.state.operators[OperatorId("ada")]) == Capacity(2, 1, interruptible=False)
    assert RoutingCore.restore(desk.core.snapshot()).digest() == desk.core.digest()
    desk.publish(people=(OperatorRules(OperatorId("ada"), "Ada L.", capacity=Capacity()),))
    assert desk.offered_to("chat") == "ada", "an offer under way stands"


def test_the_next_shift_brings_its_own_capacity() -> None:
    desk = Desk()
    desk.sit("ada", at="oslo-1")
    desk.ring("call")
    desk.talk("ada", "call")
    able = Capacity(3, 1, interruptible=False)
    seat = (PositionId("oslo-1"), OperatorId("bo"), "Bo", RoomId("oslo"))
    desk.send(HandOverStarted(desk.now_ms, *seat, {}, able))
    assert RoutingCore.restore(desk.core.snapshot()).digest() == desk.core.digest()
    desk.gone("call")
    desk.wait(600_000)
    assert capacity_of(desk.core.state.operators[OperatorId("bo")]) == able


def test_the_rest_of_the_rules_comes_with_the_version_where_it_changed() -> None:
    desk = Desk(OWN)
    desk.publish(config=RoutingConfig(queues=(), max_contacts=1, media_grace_ms=1))
    assert desk.core.state.config.media_grace_ms == 1
    assert desk.core.queues() == (OWN,)
    desk.publish(WIDE)
    assert desk.core.state.config.media_grace_ms == 1


def test_a_snapshot_of_before_versions_is_read() -> None:
    desk = Desk(OWN)
    desk.ring("a")
    data = desk.core.snapshot()
    del data["version"], data["older"]
    data["format"] = 1
    for row in data["contacts"]:
        del row["rules"]
    assert RoutingCore.restore(data).digest() == desk.core.digest()


configs = st.builds(
    queue,
    st.sampled_from(["113", "doctor", "116117"]),
    st.sampled_from(["oslo", "bergen"]),
    klass=st.sampled_from(list(ContactClass)),
    own_room_ms=st.sampled_from([0, 2_000]),
    priority=st.integers(0, 3),
    skills=st.sampled_from([{}, {"doctor": 3}]),
)
wholes = st.lists(configs, min_size=1, max_size=3, unique_by=lambda config: config.queue)
moments = st.lists(st.sampled_from(["ring", "sit", "talk", "wait", "gone"]), max_size=4)


def _live(desk: Desk, moment: str, number: int) -> None:
    waiting = [view.contact for view in desk.core.contacts() if view.state is ContactState.OFFERED]
    if moment == "ring":
        desk.send(ContactArrived(desk.now_ms, ContactId(f"c{number}"), QueueId("113")))
    elif moment == "sit":
        desk.sit(f"op{number}", "oslo" if number % 2 else "bergen", doctor=number % 5)
    elif moment == "talk" and waiting:
        desk.talk(str(desk.contact(waiting[0]).operator), waiting[0])
    elif moment == "wait":
        desk.wait(1_500)
    elif moment == "gone" and desk.core.contacts():
        desk.gone(desk.core.contacts()[0].contact)


def _publish_difference(desk: Desk, whole: list[QueueConfig], version: int) -> None:
    """What tells `whole` from what the core has; told to everybody who is here as well."""
    wanted = {config.queue: config for config in whole}
    present = {config.queue: config for config in desk.core.queues()}
    desk.send(
        ConfigChanged(
            desk.now_ms,
            version,
            tuple(config for name, config in wanted.items() if present.get(name) != config),
            tuple(name for name in present if name not in wanted),
            apply="all",
        )
    )


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(wholes, moments), min_size=1, max_size=5))
def test_after_any_series_of_changes_the_core_equals_one_configured_whole(
    steps: list[tuple[list[QueueConfig], list[str]]],
) -> None:
    """Differences on one desk, the whole of the rules on the other, the same life between."""
    by_change, by_whole = Desk(OWN), Desk(OWN)
    number = 0
    for version, (whole, life) in enumerate(steps, 1):
        _publish_difference(by_change, whole, version)
        by_whole.send(replace(_configured(by_whole, whole), version=version))
        assert by_change.core.digest() == by_whole.core.digest()
        for moment in life:
            number += 1
            _live(by_change, moment, number)
            _live(by_whole, moment, number)
            assert by_change.core.digest() == by_whole.core.digest()


def _configured(desk: Desk, whole: list[QueueConfig]) -> Configured:
    return Configured(desk.now_ms, RoutingConfig(queues=tuple(whole)))


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(wholes, min_size=1, max_size=5))
def test_changes_for_those_who_come_leave_the_rules_of_a_core_configured_once(steps: list[list[QueueConfig]]) -> None:
    """With nobody there it does not matter for whom: the same as a fresh core told the last whole."""
    desk = Desk(OWN)
    desk.sit("ada", doctor=4)
    for version, whole in enumerate(steps, 1):
        wanted = {config.queue: config for config in whole}
        present = {config.queue: config for config in desk.core.queues()}
        changed = tuple(config for name, config in wanted.items() if present.get(name) != config)
        desk.send(ConfigChanged(desk.now_ms, version, changed, tuple(name for name in present if name not in wanted)))
    fresh = Desk(*steps[-1])
    fresh.sit("ada", doctor=4)
    assert {**desk.core.snapshot(), "version": 0} == fresh.core.snapshot()


def test_rooms_are_told_apart_for_the_index_of_who_sits_where() -> None:
    desk = Desk(OWN)
    desk.sit("ada", "oslo", at="p1")
    desk.sit("ada", "bergen", at="p2")
    desk.sit("bob", "oslo", at="p1")
    assert {room: list(people) for room, people in desk.core.state.by_room.items()} == {BERGEN: ["ada"], OSLO: ["bob"]}
    desk.leave("ada")
    assert BERGEN not in desk.core.state.by_room


def test_a_restored_core_opens_a_room_as_the_one_that_lived_on() -> None:
    """Two who came in another order than their names' look for the first of two who wait."""
    desk = Desk(queue("113", "oslo"))
    desk.sit("bob")
    desk.sit("ada")
    desk.send(RoomStateSet(desk.now_ms, OSLO, RoomState.CLOSED))
    desk.ring("c1")
    desk.ring("c2")
    restored = RoutingCore.restore(desk.core.snapshot())
    opened = RoomStateSet(desk.now_ms, OSLO, RoomState.OPEN)
    assert restored.step(opened) == desk.send(opened)
    assert restored.digest() == desk.core.digest()
    assert desk.contact("c1").operator is not None


def test_a_restored_core_takes_new_rules_as_the_one_that_lived_on() -> None:
    desk = Desk(queue("113", "oslo", skills={"doctor": 1}))
    for who in ("bob", "cia", "ada"):
        desk.sit(who)
    desk.ring("c1")
    desk.ring("c2")
    restored = RoutingCore.restore(desk.core.snapshot())
    event = ConfigChanged(desk.now_ms, 2, (queue("113", "oslo"),), config=RoutingConfig(queues=()), apply="all")
    assert restored.step(event) == desk.send(event)
    assert restored.digest() == desk.core.digest()


def test_who_can_do_more_now_is_asked_for_an_emergency_before_a_call_that_waits_by_new_rules() -> None:
    doctors = queue("doctors", "oslo", skills={"doctor": 3})
    advice = queue("116117", "oslo", skills={"doctor": 4}, klass=ContactClass.NORMAL)
    desk = Desk(doctors, advice)
    desk.sit("ada", "oslo", doctor=1)
    desk.ring("c1", "116117")
    desk.ring("c2", "doctors")
    skilled = OperatorRules(OperatorId("ada"), "Ada", {"doctor": 3})
    desk.publish(replace(advice, skills={"doctor": 2}), people=(skilled,), apply="all")
    assert desk.operator("ada").contact == ContactId("c2")


def overflowing(name: str, after_ms: int, **where: object) -> QueueConfig:
    klass = ContactClass.EMERGENCY if name == "113" else ContactClass.NORMAL
    return queue(name, "oslo", klass=klass, workflow=(Step(after_ms=after_ms, **where),))  # type: ignore[arg-type]


OTHER = QueueId("other")


def test_who_waits_by_new_rules_goes_elsewhere_though_the_time_for_it_had_passed_before_they_came() -> None:
    desk = Desk(overflowing("116117", 60_000, overflow_queue=OTHER), queue("other", "bergen"))
    desk.sit("bob", "bergen")
    desk.ring("c1", "116117")
    desk.wait(30_000)
    desk.publish(overflowing("116117", 20_000, overflow_queue=OTHER), apply="all")
    desk.wait(0)
    assert (desk.contact("c1").queue, desk.offered_to("c1")) == (OTHER, "bob")


def test_who_talked_when_new_rules_came_goes_elsewhere_once_the_operator_is_lost() -> None:
    desk = Desk(overflowing("116117", 20_000, overflow_queue=OTHER), queue("other", "bergen"))
    desk.sit("ada", "oslo")
    desk.ring("c1", "116117")
    desk.talk("ada", "c1")
    desk.sit("bob", "bergen")
    desk.wait(30_000)
    desk.publish(overflowing("116117", 21_000, overflow_queue=OTHER), apply="all")
    desk.media("oslo-ada", False)
    desk.wait(5_000)
    assert (desk.contact("c1").queue, desk.offered_to("c1")) == (OTHER, "bob")


def test_an_emergency_goes_to_the_number_outside_of_new_rules_whose_time_has_passed() -> None:
    desk = Desk(overflowing("113", 60_000, overflow_number="110"))
    desk.ring("c1", "113")
    desk.wait(30_000)
    desk.publish(overflowing("113", 20_000, overflow_number="110"), apply="all")
    desk.wait(0)
    assert desk.contact("c1").state is ContactState.HANDED_OVER


def test_a_restored_core_moves_those_of_several_former_rules_in_the_order_of_the_one_that_lived_on() -> None:
    versions = [queue("113", "oslo", wrap_up_ms=number * 1_000) for number in range(6)]
    desk = Desk(versions[0])
    for number, config in enumerate(versions[1:]):
        desk.ring(f"c{9 - number}")
        desk.publish(config)
    restored = RoutingCore.restore(desk.core.snapshot())
    event = ConfigChanged(desk.now_ms, 99, (queue("113", "oslo"),), apply="all")
    assert restored.step(event) == desk.send(event)
    assert restored.digest() == desk.core.digest()
