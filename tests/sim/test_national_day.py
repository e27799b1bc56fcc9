"""A day of the whole country: the yearly volumes arrive, crews suffice on a usual day, and the report shows it."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from kak_server.config.loader import load_settings
from kak_server.config.settings import Settings
from kak_server.model.ids import ContactId, QueueId
from kak_server.routing.api import ContactClass
from kak_sim.days import national, national_cli, report
from kak_sim.days.day import Day
from kak_sim.days.levels import grouped
from kak_sim.days.watches import Tally, Wait

EMERGENCY, NORMAL = ContactClass.EMERGENCY, ContactClass.NORMAL
Q = QueueId("113")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(Path("configs/national.yaml"))


def wait(number: int, waited_s: float, *, answered: bool) -> Wait:
    return Wait(ContactId(f"c{number}"), Q, 0, "oslo", round(waited_s * 1_000), answered, over=True)


def test_a_level_leaves_out_only_those_who_gave_up_in_time() -> None:
    waits = [
        wait(1, 3, answered=True),
        wait(2, 12, answered=True),
        wait(3, 2, answered=False),
        wait(4, 40, answered=False),
    ]
    level = grouped(waits, lambda _: "all", {Q: 10_000})["all"]
    assert (level.calls, level.answered, level.within, level.short) == (4, 2, 1, 1)
    assert level.share == pytest.approx(1 / 3)
    assert level.abandoned == 0.5
    assert level.mean_wait_s == 7.5
    assert level.longest_ms == 40_000


def test_erlang_c_as_in_the_tables() -> None:
    assert national.wait_share(12, 10.0) == pytest.approx(0.4494, abs=1e-4)
    assert national.wait_share(5, 6.0) == 1.0
    assert national.crew_for(240, 150_000, 10_000, 0.9) == 15  # 14 answer 86.7 % in time


def test_the_years_calls_come_to_the_days_rooms(settings: Settings) -> None:
    world = national.world_of(settings, national.VARIANTS[0], peaks=False)
    per_day = dict.fromkeys(national.CALLS_A_YEAR, 0.0)
    klass_of = {queue.queue: queue.klass for queue in world.config.queues}
    for stream in world.streams:
        per_day[klass_of[stream.queue]] += stream.per_hour * sum(stream.curve)
    assert per_day[EMERGENCY] == pytest.approx(746_000 / 365)
    assert per_day[NORMAL] == pytest.approx(3_200_000 / 365)
    assert len(world.shifts) > 400


def test_on_a_usual_day_help_from_the_whole_country_keeps_the_goals(settings: Settings) -> None:
    told = national_cli.play(settings, national.VARIANTS[2], 1, peaks=False)
    for klass, (_, goal) in national.GOALS.items():
        assert told.whole[klass].share >= goal
        assert told.whole[klass].calls == pytest.approx(national.CALLS_A_YEAR[klass] / 365, rel=0.1)


def test_the_first_calls_are_the_same_under_every_rule(settings: Settings) -> None:
    firsts = []
    for variant in national.VARIANTS[:2]:
        world = national.world_of(settings, variant, peaks=False)
        callers = replace(world.callers, redials=0.0)
        tally = Tally()
        Day(replace(world, callers=callers, hours=2.0), 5, (tally,)).run()
        firsts.append([(row.queue, row.arrived_ms) for row in tally.waits.values()])
    assert firsts[0] == firsts[1]
    assert len(firsts[0]) > 100


@pytest.mark.parametrize(("variant", "helped"), [(0, False), (1, True), (2, True)])
def test_a_variant_says_who_helps_a_room_that_nobody_sits_in(settings: Settings, variant: int, helped: bool) -> None:
    world = national.world_of(settings, national.VARIANTS[variant], peaks=False)
    empty = "amk-oslo"
    shifts = tuple(shift for shift in world.shifts if shift.room != empty)
    tally = Tally()
    Day(replace(world, shifts=shifts, hours=1.0), 5, (tally,)).run()
    room_of = national.queue_of_room(world.config)
    rooms = {wait.room for wait in tally.waits.values() if wait.answered and room_of[wait.queue] == empty}
    assert bool(rooms) is helped
    if not helped:
        assert all(wait.room == room_of[wait.queue] for wait in tally.waits.values() if wait.answered)


def test_rows_for_a_spreadsheet(settings: Settings, tmp_path: Path) -> None:
    told = national_cli.play(settings, national.VARIANTS[1], 2, peaks=False)
    national_cli.write_rows(tmp_path / "rooms.csv", [told])
    rows = list(csv.DictReader((tmp_path / "rooms.csv").open()))
    assert {row["service"] for row in rows} == {"113", "116117"}
    assert sum(int(row["calls"]) for row in rows) == sum(level.calls for level in told.whole.values())


def test_the_report_is_a_page_with_pictures(settings: Settings) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    told = national_cli.play(settings, national.VARIANTS[1], 2, peaks=False)
    text = report.page("A day & a night", [told])
    assert text.count("data:image/png;base64,") == 4
    assert "A day &amp; a night" in text
    assert "amk-oslo" in text
