"""The switch: who gets the floor, who waits, who is interrupted, and when a call is over."""

import pytest

from kak_sim.tetra.network import (
    QUEUE_MAX,
    CallReleased,
    CallStarted,
    Denied,
    Granted,
    Idle,
    Interrupted,
    Network,
    NetworkEvent,
    Party,
    Policy,
    Queued,
    Taken,
)

GSSI = 24201
A = Party("radio", "1", 1, "Bil 1")
B = Party("radio", "2", 2, "Bil 2")
ROOM = Party("console", "oslo", 9, "Sentral oslo")


def kinds(events: list[NetworkEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def network(policy: Policy | None = None) -> Network:
    return Network([(GSSI, "AMK Oslo 1")], policy)


def talking(policy: Policy | None = None, party: Party = A, priority: int = 0) -> Network:
    net = network(policy)
    net.request(GSSI, party, "t1", priority, 0)
    net.drain()
    return net


def test_a_free_floor_is_granted_and_starts_a_call() -> None:
    net = network()
    net.request(GSSI, A, "t1", 0, 0)
    assert net.drain() == [
        CallStarted(GSSI, 1, 0),
        Granted(GSSI, A, "t1", 1, 60_000),
        Taken(GSSI, 1, A, 0),
    ]


def test_the_call_ends_after_its_hang_time() -> None:
    net = talking()
    net.cease(GSSI, A, 1_000)
    assert net.drain() == [Idle(GSSI, 1)]
    net.timer(3_999)
    assert net.drain() == []
    net.timer(4_000)
    assert net.drain() == [CallReleased(GSSI, 1, "hang_time")]
    net.timer(9_000)
    assert net.drain() == []


def test_somebody_who_talks_within_the_hang_time_goes_on_in_the_same_call() -> None:
    net = talking()
    net.cease(GSSI, A, 1_000)
    net.drain()
    net.request(GSSI, B, "t2", 0, 2_000)
    assert net.drain() == [Granted(GSSI, B, "t2", 1, 60_000), Taken(GSSI, 1, B, 0)]


def test_the_queue_is_served_by_priority_then_arrival() -> None:
    net = talking()
    net.request(GSSI, B, "t2", 0, 1)
    net.request(GSSI, ROOM, "t3", 1, 2)
    assert net.drain() == [
        Queued(GSSI, B, "t2", 1),
        Queued(GSSI, ROOM, "t3", 1),
        Queued(GSSI, B, "t2", 2),
    ]
    net.cease(GSSI, A, 3)
    assert net.drain() == [Granted(GSSI, ROOM, "t3", 1, 60_000), Taken(GSSI, 1, ROOM, 1), Queued(GSSI, B, "t2", 1)]
    net.cease(GSSI, B, 4)
    net.cease(GSSI, ROOM, 5)
    assert kinds(net.drain()) == ["Idle"]


@pytest.mark.parametrize(("priority", "cause"), [(2, "preempted"), (3, "emergency")])
def test_a_higher_pre_emptive_priority_interrupts(priority: int, cause: str) -> None:
    net = talking()
    net.request(GSSI, B, "t2", priority, 10)
    assert net.drain() == [
        Interrupted(GSSI, A, "t1", "Bil 2", cause),
        Granted(GSSI, B, "t2", 1, 60_000),
        Taken(GSSI, 1, B, priority),
    ]


def test_an_equal_priority_does_not_interrupt() -> None:
    net = talking(priority=3)
    net.request(GSSI, B, "t2", 3, 10)
    assert kinds(net.drain()) == ["Queued"]


def test_an_emergency_call_says_so() -> None:
    net = network()
    net.request(GSSI, A, "t1", 3, 0)
    assert net.drain()[0] == CallStarted(GSSI, 1, 15)


def test_a_burst_has_a_longest_time() -> None:
    net = talking(Policy(max_ms=500))
    net.timer(499)
    assert net.drain() == []
    net.timer(500)
    assert net.drain() == [Interrupted(GSSI, A, "t1", "", "timer"), Idle(GSSI, 1)]


def test_asking_again_while_talking_puts_the_newer_request_in_force() -> None:
    net = talking()
    net.request(GSSI, A, "t2", 0, 1)
    assert net.drain() == [Granted(GSSI, A, "t2", 1, 60_000)]
    net.interrupt(GSSI, "x", "y", 2)
    assert net.drain()[0] == Interrupted(GSSI, A, "t2", "x", "y")


def test_asking_again_while_waiting_keeps_the_place() -> None:
    net = talking()
    net.request(GSSI, B, "t2", 0, 1)
    net.request(GSSI, B, "t3", 0, 2)
    assert net.drain()[-1] == Queued(GSSI, B, "t3", 1)
    assert len(net.groups[GSSI].queue) == 1


def test_the_queue_has_an_end() -> None:
    net = talking()
    for number in range(QUEUE_MAX + 1):
        net.request(GSSI, Party("radio", f"q{number}", 100 + number, "q"), f"q{number}", 0, 1)
    assert net.drain()[-1] == Denied(GSSI, Party("radio", f"q{QUEUE_MAX}", 100 + QUEUE_MAX, "q"), "q8", "queue_full")


def test_a_group_that_is_not_there_is_denied() -> None:
    net = network()
    net.request(99, A, "t1", 0, 0)
    assert net.drain() == [Denied(99, A, "t1", "unknown_group")]
    net.cease(99, A, 0)
    assert not net.interrupt(99, "x", "y", 0)


def test_policy_denies_consoles_but_never_an_emergency() -> None:
    net = network(Policy(grant="deny"))
    net.request(GSSI, ROOM, "t1", 2, 0)
    assert net.drain() == [Denied(GSSI, ROOM, "t1", "denied")]
    net.request(GSSI, A, "t2", 0, 0)
    assert "Granted" in kinds(net.drain())
    net.request(GSSI, ROOM, "t3", 3, 0)
    assert "Granted" in kinds(net.drain())


def test_policy_queues_until_it_changes() -> None:
    net = network(Policy(grant="queue"))
    net.request(GSSI, ROOM, "t1", 0, 0)
    assert net.drain() == [Queued(GSSI, ROOM, "t1", 1)]
    net.set_policy(Policy(), 10)
    assert kinds(net.drain()) == ["CallStarted", "Granted", "Taken"]


def test_policy_may_deny_a_busy_floor() -> None:
    net = talking(Policy(busy="deny"))
    net.request(GSSI, B, "t2", 0, 1)
    assert net.drain() == [Denied(GSSI, B, "t2", "busy")]


def test_policy_interrupts_those_it_concerns() -> None:
    net = talking(Policy(interrupt_after_ms=100, scope="radios"))
    net.timer(100)
    assert kinds(net.drain()) == ["Interrupted", "Idle"]
    net.request(GSSI, ROOM, "t2", 0, 200)
    net.drain()
    net.timer(400)
    assert net.drain() == []


def test_a_party_that_leaves_talks_and_waits_nowhere() -> None:
    net = Network([(1, "a"), (2, "b")])
    net.request(1, A, "t1", 0, 0)
    net.request(2, B, "t2", 0, 0)
    net.request(2, A, "t3", 0, 0)
    net.leave(A, 10)
    assert net.groups[1].talker is None
    assert net.groups[2].queue == []
    assert net.groups[2].talker is not None


def test_call_numbers_have_14_bits() -> None:
    net = network(Policy(hang_ms=0))
    net._last_call = 0x3FFF
    net.request(GSSI, A, "t1", 0, 0)
    assert net.groups[GSSI].call == 1
