"""The laws of ringing at several notice who rings that should not: the stream or the rules are told otherwise."""

from dataclasses import replace

from kak_server.model.ids import ContactId
from kak_server.routing import api
from kak_sim import ring_laws
from tests.unit.routing.desk import Desk, queue

FAN = api.Step(strategy=api.Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=1_000)


def desk_of_four(step: api.Step = FAN) -> Desk:
    desk = Desk(queue("113", workflow=(step,)))
    for who in ("ada", "bob", "cia", "dag"):
        desk.sit(who)
    return desk


def test_as_many_as_the_step_says_ring_and_no_more() -> None:
    desk = desk_of_four()
    assert list(ring_laws.broken(desk.ring("c1"), {}, desk.core.state)) == []
    more = desk.wait(1_000)
    assert any(isinstance(effect, api.Offer) for effect in more)
    assert list(ring_laws.broken(more, {ContactId("c1"): 1}, desk.core.state)) == []


def test_too_many_at_once_are_noticed() -> None:
    desk = desk_of_four()
    effects = desk.ring("c1")
    first = next(effect for effect in effects if isinstance(effect, api.Offer))
    assert list(ring_laws.broken((*effects, first), {}, desk.core.state)) == ["c1 rings at 3 more at once"]


def test_more_than_the_most_are_noticed() -> None:
    desk = desk_of_four(replace(FAN, ring_max=4))
    desk.ring("c1")
    more = desk.wait(1_000)
    row = desk.core.state.queue_of(desk.core.state.contacts[ContactId("c1")])
    row.config = replace(row.config, workflow=(FAN,))
    found = list(ring_laws.broken(more, {ContactId("c1"): 1}, desk.core.state))
    assert found == ["c1 rings at 4, and 3 are the most"]


def test_who_is_asked_alone_by_now_is_asked_alone() -> None:
    desk = desk_of_four()
    desk.ring("c1")
    more = desk.wait(1_000)
    row = desk.core.state.queue_of(desk.core.state.contacts[ContactId("c1")])
    row.config = replace(row.config, workflow=(api.Step(strategy=api.Strategy.LONGEST_IDLE),))
    found = list(ring_laws.broken(more, {ContactId("c1"): 1}, desk.core.state))
    assert found == ["c1 rings at 1 more, and its steps ask one at a time by now"]
