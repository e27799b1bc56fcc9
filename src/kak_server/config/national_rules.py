"""What rooms have in common: neighbours, reserves, calendars and local time as the routing core keeps them."""

from datetime import date

from kak_server.config.local_time import local_time
from kak_server.config.settings import Settings
from kak_server.model.ids import RoomId
from kak_server.routing.api import RoomConfig, RoomsConfig

_EPOCH = date(1970, 1, 1)


def to_rooms_config(settings: Settings) -> RoomsConfig:
    """Rooms, calendars and local time of the routing core."""
    routing = settings.routing
    return RoomsConfig(
        rooms=tuple(
            RoomConfig(
                room=RoomId(room.id),
                neighbours=tuple(RoomId(other) for other in room.neighbours),
                region=room.region or "",
                reserve=room.reserve,
                weight=room.weight,
                help_percent=room.help_percent,
            )
            for room in settings.rooms
        ),
        fair=routing.fair_sharing,
        local=local_time(settings.statistics.timezone),
        calendars={
            name: tuple(sorted((day - _EPOCH).days for day in days)) for name, days in routing.calendars.items()
        },
        recheck_ms=routing.recheck_ms,
    )


def _numbered(days: tuple[date, ...]) -> tuple[int, ...]:
    return tuple(sorted((day - _EPOCH).days for day in days))
