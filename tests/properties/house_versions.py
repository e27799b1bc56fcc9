"""The house machine's configuration: other versions are published in the middle of everything, queues, people and seats
are taken away and come back; and control may die over it."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kak_server.bridges.context import HouseSettings
from kak_server.model.ids import QueueId, RoomId
from kak_server.routing.api import Apply, ContactState, OperatorState, QueueConfig, RoutingConfig
from tests.properties.house_lab import Lab, settings, telling
from tests.unit.bridges import world

Change = Callable[[HouseSettings, RoutingConfig], tuple[HouseSettings, RoutingConfig]]
JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)


def _without_queue(settings: HouseSettings, rules: RoutingConfig) -> tuple[HouseSettings, RoutingConfig]:
    gone = QueueId("116117")
    queues = tuple(info for info in settings.queues if info.queue != gone)
    return replace(settings, queues=queues), replace(rules, queues=tuple(q for q in rules.queues if q.queue != gone))


def _without_ola(settings: HouseSettings, rules: RoutingConfig) -> tuple[HouseSettings, RoutingConfig]:
    people = {who: info for who, info in settings.people.items() if who != world.OLA}
    phones = tuple(info for info in settings.phones if info.operator != world.OLA)
    return replace(settings, people=people, phones=phones), rules


def _without_seat(settings: HouseSettings, rules: RoutingConfig) -> tuple[HouseSettings, RoutingConfig]:
    positions = tuple(info for info in settings.positions if info.position != world.SEAT_2)
    phones = tuple(info for info in settings.phones if info.position != world.SEAT_2)
    return replace(settings, positions=positions, phones=phones), rules


def _other_numbers(settings: HouseSettings, rules: RoutingConfig) -> tuple[HouseSettings, RoutingConfig]:
    """113 rings in the other room."""
    numbers = {"113-oslo": ("1131",), "113-bergen": ("113",)}
    queues = (replace(info, numbers=numbers.get(str(info.queue), info.numbers)) for info in settings.queues)
    return replace(settings, queues=tuple(queues)), rules


def _other_rooms(settings: HouseSettings, rules: RoutingConfig) -> tuple[HouseSettings, RoutingConfig]:
    """Both rooms serve every queue, with less time to answer."""
    both = (RoomId("bergen"), RoomId("oslo"))

    def shared(queue: QueueConfig) -> QueueConfig:
        return replace(queue, rooms=both, offer_timeout_ms=7_000)

    queues = tuple(replace(info, rooms=both) for info in settings.queues)
    return replace(settings, queues=queues), replace(rules, queues=tuple(shared(queue) for queue in rules.queues))


CHANGES: dict[str, Change] = {
    "no 116117": _without_queue,
    "no ola": _without_ola,
    "no oslo-2": _without_seat,
    "numbers": _other_numbers,
    "rooms": _other_rooms,
}


class VersionRules:
    """Rules and laws of versions, for the house machine."""

    lab: Lab

    @rule(what=st.sampled_from(["", "", *CHANGES]), apply=st.sampled_from(["new", "all"]), away=st.integers(0, 4))
    def a_version_is_published(self, what: str, apply: Apply, away: int) -> None:
        """By the day of before with one change, or none; now and then while control is away."""
        lab = self.lab
        made, rules = replace(settings(), phones=lab.phones), telling(world.routing_config())
        if what:
            made, rules = CHANGES[what](made, rules)
        before = {view.contact for view in lab.house.ctx.core.contacts() if view.state in JOINED}
        dying = lab.crash_after is not None
        lab.publish(made, rules, apply, away=not away)
        if not dying and away:
            assert before <= {view.contact for view in lab.house.ctx.core.contacts() if view.state in JOINED}

    @invariant()
    def nobody_is_rung_whom_the_configuration_does_not_know(self) -> None:
        lab = self.lab
        positions = {info.position for info in lab.settings.positions}
        assert lab.house.ctx.settings == lab.settings
        assert lab.house.ctx.core.version == lab.version
        for view in lab.house.ctx.core.operators():
            if view.operator in lab.settings.people and view.position in positions:
                continue
            assert view.duty.leaving
            papers = view.wrap_up_until_ms is not None
            assert view.state is OperatorState.BUSY or view.chats or papers
