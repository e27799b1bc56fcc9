"""Moves of live calls with real processes: everybody has a tone of their own, and what each end hears says who it talks
with."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from kak_sim.audio import tone, write_wav
from kak_sim.callers.caller import Caller
from kak_sim.callers.heard import Heard
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import ApiRefusedError
from kak_sim.robots.robot import Robot
from tests.support.lab import LAB_CONFIG, calling, running_lab
from tests.support.robots import in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

LEAD = "sofie"
CITIZEN_HZ, FIRST_HZ, SECOND_HZ, LEAD_HZ, PARKED_HZ = 400, 2_000, 1_200, 1_600, 700


@contextlib.asynccontextmanager
async def two_at_desks(lab: Lab) -> AsyncIterator[tuple[Robot, Robot, Caller, str]]:
    """The first operator talks with a citizen, the second is on a break; the contact."""
    async with (
        robot_at(lab, "kari", "oslo-1", voice_hz=FIRST_HZ) as first,
        calling(lab, "113", "+4791500001", source=steady(CITIZEN_HZ)) as citizen,
    ):
        await citizen.answered()
        await first.client.until(in_call)
        async with robot_at(lab, "ola", "oslo-2", voice_hz=SECOND_HZ) as second:
            await second.client.command("activity.set", activity="break", reason="")
            for robot in (first, second):
                robot.rtp.rest(False)
            yield first, second, citizen, str(first.client.view["call"]["contact"])


def sounds(heard: Heard, tone_hz: int) -> bool:
    """Whether the tone is in the last moments of what an end heard, among others."""
    return heard.tone_present(tone_hz, time.time_ns() - 400_000_000, 300, share=0.6, power=0.1)


async def hears(heard: Heard, *tones_hz: int, not_hz: tuple[int, ...] = (), what: str = "") -> None:
    """Wait until an end hears these tones, and none of the others."""

    def right() -> bool:
        since_ns = time.time_ns() - 350_000_000
        silent = (not heard.tone_present(hz, since_ns, 300, share=0.1, power=0.1) for hz in not_hz)
        return all(sounds(heard, hz) for hz in tones_hz) and all(silent)

    await eventually(right, what=f"{what} hears {tones_hz} and not {not_hz}")


async def part_is(robot: Robot, part: str) -> None:
    """Wait until the operator's card says how they take part."""
    await robot.client.until(lambda seen: (seen.view["call"] or {}).get("part") == part)


async def test_a_parked_call_is_taken_by_one_and_survives_a_kill(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, two_at_desks(lab) as (first, second, citizen, contact):
        assert (await first.client.command("contact.park", contact=contact))["slot"] == 1
        await hears(citizen.heard, not_hz=(FIRST_HZ, SECOND_HZ), what="the parked citizen")
        await second.client.until(lambda seen: [row["contact"] for row in seen.view["parked"]] == [contact])
        await second.client.command("contact.unpark", contact=contact)
        await second.client.until(in_call)
        with pytest.raises(ApiRefusedError, match="offer-gone"):
            await first.client.command("contact.unpark", contact=contact)
        await hears(citizen.heard, SECOND_HZ, not_hz=(FIRST_HZ,), what="the citizen")
        await hears(second.heard, CITIZEN_HZ, what="the second")
        await second.client.command("contact.park", contact=contact)
        await hears(citizen.heard, not_hz=(FIRST_HZ, SECOND_HZ), what="the citizen who is parked again")
        await lab.kill_control()  # (in the very turn of the loop that answers it the worker may not have been told yet)
        await hears(citizen.heard, not_hz=(FIRST_HZ, SECOND_HZ), what="the citizen of a control that died")
        await lab.start_control()
        async with robot_at(lab, LEAD, "oslo-3", voice_hz=LEAD_HZ) as third:
            third.rtp.rest(False)
            await third.client.command("activity.set", activity="break", reason="")
            assert [row["contact"] for row in third.client.view["parked"]] == [contact]
            await third.client.command("contact.unpark", contact=contact)
            await hears(citizen.heard, LEAD_HZ, not_hz=(FIRST_HZ, SECOND_HZ), what="the citizen after the kill")


async def test_a_parked_call_that_nobody_takes_comes_back_to_who_parked_it(tmp_path: Path) -> None:
    rooms = yaml.safe_load(LAB_CONFIG.read_text(encoding="utf-8"))["rooms"]
    (tmp_path / "data/prompts").mkdir(parents=True)
    write_wav(tmp_path / "data/prompts/parked.wav", tone(PARKED_HZ, 1_000))
    async with (
        running_lab(tmp_path, simulators=False, rooms=[{**room, "park_recall_s": 5} for room in rooms]) as lab,
        two_at_desks(lab) as (first, second, citizen, contact),
    ):
        await hears(citizen.heard, FIRST_HZ, what="the citizen")
        await first.client.command("contact.park", contact=contact)
        await hears(citizen.heard, PARKED_HZ, not_hz=(FIRST_HZ, SECOND_HZ), what="the parked citizen")
        await second.client.until(lambda seen: [row["contact"] for row in seen.view["parked"]] == [contact])
        await first.client.until(in_call)
        await hears(citizen.heard, FIRST_HZ, not_hz=(PARKED_HZ, SECOND_HZ), what="the citizen who came back")
        await hears(first.heard, CITIZEN_HZ, what="the first")
        assert [first.client.view["call"]["contact"], second.client.view["parked"]] == [contact, []]


async def test_an_attended_transfer_between_operators(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, two_at_desks(lab) as (first, second, citizen, contact):
        await first.client.command("colleague.invite", contact=contact, operator="ola", purpose="consult")
        await part_is(second, "consult")
        await hears(first.heard, SECOND_HZ, not_hz=(CITIZEN_HZ,), what="the first")
        await hears(second.heard, FIRST_HZ, not_hz=(CITIZEN_HZ,), what="the second")
        await hears(citizen.heard, not_hz=(FIRST_HZ, SECOND_HZ), what="the citizen on hold")
        await first.client.command("consult.swap", contact=contact)
        await hears(first.heard, CITIZEN_HZ, not_hz=(SECOND_HZ,), what="the first, swapped")
        await hears(second.heard, not_hz=(FIRST_HZ, CITIZEN_HZ), what="the second, swapped")
        await first.client.command("consult.swap", contact=contact)
        await hears(first.heard, SECOND_HZ, what="the first, swapped back")
        await first.client.command("consult.complete", contact=contact)
        await part_is(second, "holder")
        await hears(second.heard, CITIZEN_HZ, not_hz=(FIRST_HZ,), what="the second")
        await hears(citizen.heard, SECOND_HZ, not_hz=(FIRST_HZ,), what="the citizen")
        await eventually(lambda: first.client.view["call"] is None, what="the first is free")
        # the second asks for somebody of the queue, whoever that is, and it is the first
        await first.client.command("wrapup.done")
        await first.client.until(lambda seen: seen.view["me"]["state"] == "idle")
        await second.client.command("contact.consult_queue", contact=contact, queue="113-oslo")
        await part_is(first, "consult")
        await hears(second.heard, FIRST_HZ, not_hz=(CITIZEN_HZ,), what="the second, who asked for somebody")
        await hears(citizen.heard, not_hz=(FIRST_HZ, SECOND_HZ), what="the citizen on hold once more")
        await second.client.command("consult.merge", contact=contact)
        await hears(citizen.heard, FIRST_HZ, SECOND_HZ, what="the citizen with both")


async def test_two_operators_and_a_caller_hear_each_other_and_are_three_tracks(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, two_at_desks(lab) as (first, second, citizen, contact):
        await first.client.command("colleague.invite", contact=contact, operator="ola", purpose="conference")
        await part_is(second, "member")
        await hears(citizen.heard, FIRST_HZ, SECOND_HZ, what="the citizen")
        await hears(first.heard, CITIZEN_HZ, SECOND_HZ, what="the first")
        await hears(second.heard, CITIZEN_HZ, FIRST_HZ, what="the second")
        await first.client.command("contact.hangup", contact=contact)
        await part_is(second, "holder")
        await hears(citizen.heard, SECOND_HZ, not_hz=(FIRST_HZ,), what="the citizen with who stayed")
        await asyncio.sleep(0.5)
        await second.client.command("contact.hangup", contact=contact)
        assert (await citizen.over(10)).cause == "bye"

        async def labels() -> list[str]:
            calls = await second.client.request("GET", "/api/v1/calls?limit=5")
            tracks: list[dict[str, str]] = next((row["tracks"] for row in calls if row["contact"] == contact), [])
            return sorted(track["label"] for track in tracks)

        async def complete() -> bool:
            return await labels() == ["caller", "operator", "operator", "operator"]

        await eventually(complete, 20, what="the tracks: the caller, each operator, and who stayed as the holder")


async def test_a_shift_lead_listens_whispers_and_takes_over(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, two_at_desks(lab) as (first, second, citizen, contact):
        with pytest.raises(ApiRefusedError, match="not-allowed"):
            await second.client.command("contact.listen", contact=contact, whisper=False)
        async with robot_at(lab, LEAD, "oslo-3", voice_hz=LEAD_HZ) as lead:
            await lead.client.command("activity.set", activity="break", reason="")
            lead.rtp.rest(False)
            await lead.client.command("contact.listen", contact=contact, whisper=False)
            await hears(lead.heard, CITIZEN_HZ, FIRST_HZ, what="the lead")
            await hears(first.heard, CITIZEN_HZ, not_hz=(LEAD_HZ,), what="the operator")
            await lead.client.command("contact.listen", contact=contact, whisper=True)
            await hears(first.heard, CITIZEN_HZ, LEAD_HZ, what="the operator whispered to")
            await hears(citizen.heard, FIRST_HZ, not_hz=(LEAD_HZ,), what="the citizen")
            await lead.client.command("contact.take_over", contact=contact)
            await hears(citizen.heard, LEAD_HZ, not_hz=(FIRST_HZ,), what="the citizen taken over")
            await hears(lead.heard, CITIZEN_HZ, not_hz=(FIRST_HZ,), what="the lead")
