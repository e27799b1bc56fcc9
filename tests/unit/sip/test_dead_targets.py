"""Targets that did not answer."""

from kak_server.sip.api import Target
from kak_server.sip.dead_targets import MAX_DEAD, DeadTargets

A, B, C = (Target("udp", f"192.0.2.{last}", 5060) for last in (1, 2, 3))


def test_the_dead_come_last_for_a_while() -> None:
    dead = DeadTargets(1000)
    assert dead.order((A, B), 0) == (A, B)
    dead.mark(A, 0)
    assert dead.order((A, B, C), 999) == (B, C, A)
    assert dead.order((A,), 999) == (A,)
    assert dead.order((A, B, C), 1000) == (A, B, C)
    dead.mark(B, 1000)
    dead.clear(B)
    assert dead.order((B, A), 1500) == (B, A)


def test_the_transport_and_port_matter_not_the_name() -> None:
    dead = DeadTargets(1000)
    dead.mark(Target("tcp", A.host, A.port, "name"), 0)
    assert dead.order((A, Target("tcp", A.host, A.port)), 1) == (A, Target("tcp", A.host, A.port))
    assert dead.order((Target("tcp", A.host, A.port), A), 1) == (A, Target("tcp", A.host, A.port))


def test_the_list_is_bounded() -> None:
    dead = DeadTargets(10)
    for number in range(MAX_DEAD + 5):
        dead.mark(Target("udp", "192.0.2.1", number), 0)
    assert len(dead) == MAX_DEAD
    dead.mark(A, 20)  # all the others have expired by now
    assert len(dead) == 1
