"""From one configuration to the next in the routing core: the one event that says what differs."""

from collections.abc import Iterable
from dataclasses import replace

from kak_server.config.compose import to_routing_config
from kak_server.config.people import OperatorSection
from kak_server.config.settings import Settings
from kak_server.config.staffing import capacity_of
from kak_server.model.ids import OperatorId, RoomId
from kak_server.routing.api import Apply, ConfigChanged, Configured, OperatorRules, RoutingConfig
from kak_server.routing.rules import capacity_of as capacity_now
from kak_server.routing.step import RoutingCore


def event_of_change(before: Settings, after: Settings, version: int, apply: Apply) -> ConfigChanged:
    """What a published version changes; `now_ms` is set by whoever sends it. Rules that follow from several objects are
    compared as they come out, so that it does not matter which of them changed."""
    known = {person.username: person for person in before.operators}
    same_staffing = before.staffing == after.staffing
    people = []
    for person in after.operators:
        former = known.get(person.username)
        if former is person and same_staffing:
            continue  # the very same object: nearly always
        rules = _rules(after, person)
        if former is None or rules != _rules(before, former):
            people.append(rules)
    return _event(to_routing_config(before), to_routing_config(after), people, version, apply)


def event_at_start(core: RoutingCore, after: Settings, version: int, apply: Apply) -> Configured | ConfigChanged | None:
    """What a core that has been restored lacks of the version that is to run; None if nothing. A new core is told the
    whole."""
    if not core.queues() and not core.contacts():
        return Configured(0, to_routing_config(after), version)
    signed_in = core.state.operators
    people = [
        _rules(after, person)
        for person in after.operators
        if (row := signed_in.get(OperatorId(person.username))) is not None
        and (row.name, row.skills, capacity_now(row))
        != (person.name, person.skills, capacity_of(after.staffing, person))
    ]
    event = _event(replace(core.state.config, queues=core.queues()), to_routing_config(after), people, version, apply)
    nothing = replace(event, version=core.version) == ConfigChanged(0, core.version, apply=apply)
    return None if nothing and core.version == version else event


def _event(
    before: RoutingConfig, after: RoutingConfig, people: Iterable[OperatorRules], version: int, apply: Apply
) -> ConfigChanged:
    present = {queue.queue: queue for queue in before.queues}
    wanted = {queue.queue for queue in after.queues}
    rest = replace(after, queues=())
    return ConfigChanged(
        0,
        version,
        tuple(queue for queue in after.queues if present.get(queue.queue) != queue),
        tuple(sorted(name for name in present if name not in wanted)),
        tuple(people),
        rest if rest != replace(before, queues=()) else None,
        apply,
    )


def _rules(settings: Settings, person: OperatorSection) -> OperatorRules:
    return OperatorRules(
        OperatorId(person.username),
        person.name,
        dict(person.skills),
        tuple(RoomId(room) for room in person.rooms),
        capacity_of(settings.staffing, person),
    )
