"""A zone as a table gives what the zone itself gives, and the days of the statistics are those of the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kak_server.config.compose import to_routing_config
from kak_server.config.loader import load_settings
from kak_server.config.local_time import local_time
from kak_server.config.settings import SOURCE_TREE
from kak_server.statistics.halfhours import HALF_HOUR_MS, ahead_ms, day_of

OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize("name", ["Europe/Oslo", "UTC", "America/New_York", "Asia/Kolkata"])
def test_every_half_hour_of_some_years(name: str) -> None:
    table, zone = local_time(name), ZoneInfo(name)
    at = datetime(2025, 12, 28, 0, 0, tzinfo=UTC)
    while at.year < 2028:
        offset = at.astimezone(zone).utcoffset()
        assert offset is not None
        assert ahead_ms(int(at.timestamp() * 1_000), table) == offset.total_seconds() * 1_000
        at += timedelta(minutes=30)


def test_days_of_23_and_25_hours() -> None:
    """Every half hour belongs to the calendar's day; the days on which clocks change have 46 and 50."""
    table = local_time("Europe/Oslo")
    lengths: dict[str, int] = {}
    at_ms = int(datetime(2026, 1, 1, tzinfo=OSLO).timestamp() * 1_000)
    while (local := datetime.fromtimestamp(at_ms / 1_000, OSLO)).year == 2026:
        midnight = local.replace(hour=0, minute=0)
        assert day_of(at_ms + 1, table) == int(midnight.timestamp() * 1_000)
        lengths[str(local.date())] = lengths.get(str(local.date()), 0) + 1
        at_ms += HALF_HOUR_MS
    assert len(lengths) == 365
    assert {day: n for day, n in lengths.items() if n != 48} == {"2026-03-29": 46, "2026-10-25": 50}


def test_the_core_is_told() -> None:
    config = to_routing_config(load_settings(SOURCE_TREE / "configs" / "lab.yaml", ()))
    assert config.national.local == local_time("Europe/Oslo")
