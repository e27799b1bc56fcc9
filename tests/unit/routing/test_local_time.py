"""Local days and times of day."""

import pytest

from kak_server.config.local_time import local_time
from kak_server.routing.api import LocalTime
from kak_server.routing.local_time import moment, within

SPRING_MS = 1_774_746_000_000  # 2026-03-29 01:00 UTC, when clocks in Oslo go from 02:00 to 03:00


def test_summer_and_winter() -> None:
    oslo = local_time("Europe/Oslo")
    before, after = moment(SPRING_MS - 1, oslo), moment(SPRING_MS, oslo)
    assert (before.minute, after.minute) == (119, 180)
    assert before.weekday == after.weekday == 6
    assert before.day == after.day == 20_541


def test_without_a_table_it_is_utc() -> None:
    assert moment(0, LocalTime()) == (0, 3, 0)
    assert moment(-1, LocalTime((5,), (60_000,)))[2] == 0


@pytest.mark.parametrize(
    ("minute", "from_min", "until_min", "inside"),
    [
        (60, 60, 120, True),
        (120, 60, 120, False),
        (30, 1_380, 60, True),
        (1_400, 1_380, 60, True),
        (700, 1_380, 60, False),
        (700, None, 701, True),
        (700, 701, None, False),
    ],
)
def test_the_night_goes_past_midnight(minute: int, from_min: int | None, until_min: int | None, inside: bool) -> None:
    assert within(minute, from_min, until_min) is inside
