"""A time zone as a table, for the routing core: a replay must not depend on the rules of the machine it runs on."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kak_server.routing.words_workflow import LocalTime

FROM_YEAR, TO_YEAR = 2020, 2045  # a journal is not older, and a configuration is read anew at each start
_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=8)
def local_time(zone_name: str) -> LocalTime:
    """From when on local time is how far ahead of UTC. Raises ZoneInfoNotFoundError."""
    zone = ZoneInfo(zone_name)
    at, end = datetime(FROM_YEAR, 1, 1, tzinfo=UTC), datetime(TO_YEAR, 1, 1, tzinfo=UTC)
    from_ms, ahead = [0], [_ahead_ms(at, zone)]
    while at < end:
        following = at + timedelta(days=7)
        if _ahead_ms(following, zone) != ahead[-1]:
            changes = _change(at, following, zone)
            from_ms.append(int(changes.timestamp()) * 1_000)
            ahead.append(_ahead_ms(changes, zone))
        at = following
    return LocalTime(tuple(from_ms), tuple(ahead))


def _ahead_ms(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * 1_000


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The minute from which on the offset is that of `after`."""
    old = _ahead_ms(before, zone)
    while after - before > _MINUTE:
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        if _ahead_ms(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after
