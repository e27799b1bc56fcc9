"""The laws of searches notice: each case is a sound stream with one lie in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing import api
from kak_sim.search_laws import SearchLaws
from tests.unit.routing.desk import Desk, queue

Lie = Callable[[api.Event, tuple[api.Effect, ...]], tuple[api.Effect, ...]]


class LyingDesk(Desk):
    """What the laws hear goes past a liar."""

    def __init__(self, lie: Lie) -> None:
        self.laws, self.lie, self.findings = SearchLaws(), lie, list[str]()
        rooms = api.RoomsConfig(rooms=(api.RoomConfig(RoomId("bergen")),))
        super().__init__(queue("113"), queue("113b", "bergen", "oslo", own_room_ms=9_000), national=rooms)

    def send(self, event: api.Event) -> tuple[api.Effect, ...]:
        effects = super().send(event)
        self.findings += self.laws.observe(event, self.lie(event, effects), self.core.state)
        return effects


def day(lie: Lie) -> list[str]:
    """Bob and Cia say no, then nobody is left; Bob is asked again by name of his room, and comes."""
    desk = LyingDesk(lie)
    desk.sit("ada")
    desk.ring("c1")
    desk.talk("ada", "c1")
    for who, room in (("bob", "bergen"), ("cia", "oslo"), ("dag", "bergen")):
        desk.wait(1_000)
        desk.sit(who, room, ready=who != "dag")
    desk.seek("ada", "c1", "113b")
    for who in ("bob", "cia"):
        desk.reject(who, "c1", desk.guest_epoch("c1", who))
    desk.seek("dag", "c1", room="bergen")  # not Dag's to ask
    desk.seek("ada", "c1", room="bergen")
    desk.comes_in("bob", "c1")
    return desk.findings


def changed(kind: type[api.Effect], **values: Any) -> Lie:
    def lie(_event: api.Event, effects: tuple[api.Effect, ...]) -> tuple[api.Effect, ...]:
        return tuple(
            replace(effect, **values) if isinstance(effect, kind) and is_last(effect) else effect for effect in effects
        )

    return lie


def is_last(effect: Any) -> bool:
    """Not what a search begins with; of the offers those that are invitations."""
    return getattr(effect, "change", "") != "begun" and getattr(effect, "purpose", "x") != ""


def without(kind: type[api.Effect]) -> Lie:
    return lambda _, effects: tuple(one for one in effects if not (isinstance(one, kind) and is_last(one)))


def nobody_free(_event: api.Event, effects: tuple[api.Effect, ...]) -> tuple[api.Effect, ...]:
    """Where Dag is refused it is said that nobody was free, and Bob was."""
    return tuple(replace(one, code="nobody-free") if isinstance(one, api.Refused) else one for one in effects)


def test_the_truth_breaks_no_law() -> None:
    assert day(lambda _, effects: effects) == []


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (changed(api.Offer, operator=OperatorId("dag")), "none of those sought"),
        (changed(api.Offer, operator=OperatorId("ada")), "cannot be"),
        (changed(api.Offer, operator=OperatorId("cia")), "twice in one search"),
        (changed(api.Offer, expires_at_ms=1), "is asked until 1"),
        (changed(api.SearchChanged, asked=1), "are said to have been asked"),
        (changed(api.SearchChanged, operator=OperatorId("bob")), "hears that nobody comes"),
        (changed(api.SearchChanged, change="time"), "over by time"),
        (changed(api.SearchChanged, room=RoomId("oslo")), "about no search"),
        (without(api.SearchChanged), "nobody rings"),
        (without(api.Offer), "nobody rings"),
        (nobody_free, "may be asked"),
    ],
)
def test_a_lie_is_noticed(lie: Lie, said: str) -> None:
    findings = day(lie)
    assert any(said in text for text in findings), findings
