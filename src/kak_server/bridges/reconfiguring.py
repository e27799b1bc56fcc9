"""Another version of the configuration while calls are up: tables are made beforehand and put in place in one input."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from kak_server.bridges.callers import windows_of
from kak_server.bridges.context import (
    HouseSettings,
    QueueInfo,
    called_back_queues,
    directory_of,
    emergency_queues,
    transfer_targets,
)
from kak_server.bridges.directory import Directory
from kak_server.bridges.gazetteer import Gazetteer
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Dirty, Note
from kak_server.bridges.room_lists import RoomQueues
from kak_server.bridges.staff import leads_of
from kak_server.bridges.views import Targets
from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api import ConfigChanged, ForcedTo, OperatorForced

NOBODY = OperatorId("")
"""By whom it is that the configuration signs somebody out."""


@frozen
class Tables:
    """What the house looks things up in, made of its settings away from the loop."""

    settings: HouseSettings
    directory: Directory
    gazetteer: Gazetteer
    queues: dict[QueueId, QueueInfo]
    room_queues: RoomQueues
    emergency: frozenset[QueueId]
    called_back: frozenset[QueueId]
    rooms: dict[PositionId, RoomId]
    room_names: dict[RoomId, str]
    targets: Targets
    leads: Mapping[RoomId, Sequence[OperatorId]]
    windows: tuple[int, int]


def tables_of(settings: HouseSettings) -> Tables:
    """Costs the size of the configuration; for a thread."""
    queues = {info.queue: info for info in settings.queues}
    return Tables(
        settings,
        directory_of(settings),
        Gazetteer(settings.areas),
        queues,
        RoomQueues(queues),
        emergency_queues(settings),
        called_back_queues(settings),
        {info.position: info.room for info in settings.positions},
        {info.room: info.room_name for info in settings.positions},
        transfer_targets(settings),
        leads_of(settings.people),
        windows_of(settings),
    )


def reconfigure(house: House, tables: Tables, people: frozenset[OperatorId], event: ConfigChanged, now_ms: int) -> None:
    """From here on the version holds: one routing event, journalled before anything follows from it.

    Calls that are up keep their queue, their operator and their media. Who is no longer among `people`, or sits where
    no position is any more, is signed out; in mid-call when that is over, for the call and its operator come first.
    """
    house.at(now_ms)
    other_skills = house.ctx.settings.skills != tables.settings.skills
    other_targets = house.views.targets != tables.targets
    house.ctx.settings = tables.settings
    house.calls.serve(tables.directory, tables.gazetteer, tables.queues)
    house.abandoned.serve(tables.emergency, tables.called_back)
    house.views.serve(tables.rooms, tables.targets, tables.room_queues)
    house.callers.serve(tables.windows)
    house.staff.serve(tables.leads, tables.room_names)
    house.phone_desk.phones.serve(tables.settings.phones)
    house.ctx.route(replace(event, now_ms=house.ctx.now_ms))
    house.ctx.settle()
    _dismiss(house, people, tables.rooms.keys())
    house.ctx.emit(Note("config_version", fields={"version": event.version, "apply": event.apply}))
    for topic in ("rooms", "queues", "waiting", "operators", "recent", "staff"):
        house.ctx.emit(Dirty(topic))
    if other_skills:
        house.ctx.emit(Dirty("skills"))
    if other_targets:
        house.ctx.emit(Dirty("transfer_targets"))
    house.ctx.settle()


def started(house: House) -> None:
    """After a restart: by then another version may run than the one by which people have signed in."""
    settings = house.ctx.settings
    _dismiss(house, settings.people.keys(), {info.position for info in settings.positions})
    house.ctx.settle()


def _dismiss(house: House, people: Set[OperatorId], positions: Set[PositionId]) -> None:
    """Who is none of `people`, or sits at none of `positions`, is signed out: at once, or after the call and its paper
    work. No console of theirs could answer the next one."""
    for operator in house.ctx.core.strangers(people, positions):
        view = house.ctx.core.operator(operator)
        told = view is not None and view.duty.forced is not None and view.duty.forced.to is ForcedTo.SIGNED_OUT
        if house.stand(operator) and not told:
            house.ctx.route(OperatorForced(house.ctx.now_ms, operator, NOBODY, ForcedTo.SIGNED_OUT))
            house.ctx.settle()
            house.ctx.emit(Note("config_operator_busy", "warning", {"operator": operator}))
