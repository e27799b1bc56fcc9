"""Local days and times of day from UTC, by the table of the configuration."""

from bisect import bisect_right
from typing import NamedTuple

from kak_server.routing.words_workflow import LocalTime

DAY_MS = 86_400_000
_THURSDAY = 3  # 1970-01-01


class Moment(NamedTuple):
    """A local moment: days since 1970-01-01, weekday (0 Monday), minutes since midnight."""

    day: int
    weekday: int
    minute: int


def moment(now_ms: int, local: LocalTime) -> Moment:
    """The local moment of a UTC time (ms). A time before the table's first counts by the first."""
    row = max(0, bisect_right(local.from_ms, now_ms) - 1)
    day, within_ms = divmod(now_ms + local.ahead_ms[row], DAY_MS)
    return Moment(day, (day + _THURSDAY) % 7, within_ms // 60_000)


def within(minute: int, from_min: int | None, until_min: int | None) -> bool:
    """Whether a time of day lies in [from, until); an end before the begin is the next day's."""
    begin = 0 if from_min is None else from_min
    end = 1_440 if until_min is None else until_min
    return begin <= minute < end if begin <= end else minute >= begin or minute < end
