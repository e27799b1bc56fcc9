"""A shift in two control rooms: hold, transfer, reject, an announcement, and an operator's computer that dies."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from kak_sim.audio import mean_power
from kak_sim.callers.location import Place
from kak_sim.callers.sound import steady
from kak_sim.robots.client import ApiRefusedError
from kak_sim.robots.robot import Manner
from tests.support.browser import at, chromium, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, operator, running_lab
from tests.support.robots import VOICE_HZ, in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

CALLER_HZ = 440
MS = 1_000_000


async def test_a_call_is_transferred_from_oslo_to_bergen(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1") as oslo,
        robot_at(lab, "ingrid", "bergen-1", voice_hz=900) as bergen,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
    ):
        await oslo.client.until(in_call)
        contact = oslo.client.view["call"]["contact"]
        arrived_ms = oslo.client.view["call"]["arrived_at_ms"]
        await eventually(lambda: caller.heard.tone_started_ns(VOICE_HZ), what="the caller hears Oslo")
        await oslo.client.command("contact.transfer", contact=contact, queue="113-bergen")
        await bergen.client.until(in_call)
        call = bergen.client.view["call"]
        assert (call["contact"], call["queue"], call["arrived_at_ms"]) == (contact, "113-bergen", arrived_ms)
        await oslo.client.until(lambda client: client.view["call"] is None)
        since_ns = time.time_ns()
        await asyncio.sleep(1)
        assert caller.heard.tone_present(900, since_ns, 900), "the caller does not hear Bergen"
        assert bergen.heard.tone_present(CALLER_HZ, since_ns, 900), "Bergen does not hear the caller"
        assert not oslo.heard.tone_present(CALLER_HZ, since_ns, 900, share=0.1), "Oslo still hears the caller"
        await caller.hang_up()


async def test_a_held_caller_hears_a_tone_and_nobody_and_comes_back(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1") as robot,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
    ):
        await robot.client.until(in_call)
        contact = robot.client.view["call"]["contact"]
        await eventually(lambda: caller.heard.tone_started_ns(VOICE_HZ), what="the caller hears the operator")
        await robot.client.command("contact.hold", contact=contact, on=True)
        await robot.client.until(lambda client: client.view["call"]["state"] == "held")
        await asyncio.sleep(0.3)
        since_ns = time.time_ns()
        await asyncio.sleep(4)
        assert not caller.heard.tone_present(VOICE_HZ, since_ns, 4_000, share=0.02), (
            "the held caller hears the operator"
        )
        assert not robot.heard.tone_present(CALLER_HZ, since_ns, 4_000, share=0.02), (
            "the operator hears the held caller"
        )
        assert mean_power(caller.heard.samples(since_ns)) > 0, "a held caller hears that the line lives"
        await robot.client.command("contact.hold", contact=contact, on=False)
        await robot.client.until(in_call)
        since_ns = time.time_ns()
        await eventually(lambda: caller.heard.tone_started_ns(VOICE_HZ, since_ns), what="the caller is back")
        await caller.hang_up()


async def test_a_rejected_offer_goes_to_the_next_and_skills_decide_who_is_asked(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "lars", "oslo-3") as no_skill,  # speaks for the out-of-hours service only
        robot_at(lab, "kari", "oslo-1", Manner(reject_every=1, wrap_up_ms=None)) as rejects,
        robot_at(lab, "ola", "oslo-2", Manner(accept_after_ms=200, wrap_up_ms=None)) as takes,
        calling(lab, "113", "+4791500005", source=steady(CALLER_HZ)) as caller,
    ):
        await caller.answered()
        await takes.client.until(lambda client: in_call(client, "+4791500005"))
        assert no_skill.client.saw("offer") == []
        assert {row.outcome for row in rejects.handled} <= {"rejected", "withdrawn:rejected"}
        await caller.hang_up()


async def test_a_waiting_caller_hears_the_announcement_and_is_then_connected(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        calling(lab, "116117", source=steady(CALLER_HZ)) as caller,
    ):
        await caller.answered()  # nobody is signed in: answered by the queue
        await asyncio.sleep(2)
        assert mean_power(caller.heard.samples()) > 10_000, "no announcement"
        async with robot_at(lab, "lars", "legevakt-1") as robot:
            await robot.client.until(in_call)
            since_ns = time.time_ns()
            await asyncio.sleep(1)
            assert caller.heard.tone_present(VOICE_HZ, since_ns + 100 * MS, 800), "the announcement is still there"
            assert robot.client.view["call"]["answered_at_ms"] >= robot.client.view["call"]["arrived_at_ms"]
            await caller.hang_up()


async def test_unknown_numbers_are_refused_and_anonymous_callers_are_not(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, operator(lab, "kari", "oslo-1") as kari:
        async with calling(lab, "999999") as lost:
            assert (await lost.over()).status == 404
        async with calling(lab, "113", "", source=steady(CALLER_HZ)) as hidden:
            await hidden.ring()
            await kari.until(lambda client: len(client.view["waiting"]) == 1)
            await hidden.hang_up()
            await kari.until(lambda client: client.view["waiting"] == [])


async def test_location_and_asserted_number_reach_the_operator(tmp_path: Path) -> None:
    from_network: dict[str, Any] = {"asserted": "+4791500099"}
    async with running_lab(tmp_path, simulators=False) as lab, robot_at(lab, "kari", "oslo-1") as robot:
        place = Place.parse("59.91,10.75,30")
        async with calling(lab, "urn:service:sos.ambulance", "+4700000000", location=place, **from_network) as caller:
            await robot.client.until(in_call)
            call = robot.client.view["call"]
            assert (call["caller"], call["caller_source"]) == ("+4791500099", "p-asserted-identity")
            where = call["location"]
            assert (where["latitude"], where["longitude"], where["radius_m"]) == (59.91, 10.75, 30.0)
            await caller.hang_up()


@needs_chromium
async def test_an_operators_computer_that_is_gone_for_good_loses_no_caller(tmp_path: Path) -> None:
    """5 s without media: the caller hears an announcement and is the next one for whoever is there."""
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        calling(lab, "113", "+4791500001", source=steady(CALLER_HZ)) as caller,
    ):
        async with chromium(microphone_tone(tmp_path / "mic.wav", 1000)) as browser:
            page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
            await at(page, "offer-answer").click()
            await caller.answered()
            await eventually(lambda: caller.heard.tone_started_ns(1000), what="the caller hears the operator")
        gone_ns = time.time_ns()  # the browser is closed: power off, as far as the server can see
        async with calling(lab, "113", "+4791500002", source=steady(800)) as later:
            await later.ring()
            await asyncio.sleep(8)
            assert caller.ended is None
            async with robot_at(lab, "ola", "oslo-2") as ola:
                await ola.client.until(lambda client: in_call(client, "+4791500001"), 15)
                since_ns = time.time_ns()
                await asyncio.sleep(1)
                assert caller.heard.tone_present(VOICE_HZ, since_ns, 900)
                assert mean_power(caller.heard.samples(gone_ns + 5_500 * MS, since_ns)) > 1_000, "no announcement"
                await caller.hang_up()
                await later.hang_up()


async def test_signing_out_in_a_call_is_refused(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1") as robot,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
    ):
        await robot.client.until(in_call)
        for path in ("/api/v1/session", "/api/v1/position"):
            with pytest.raises(ApiRefusedError) as refusal:
                await robot.client.request("DELETE", path)
            assert (refusal.value.code, refusal.value.status) == ("busy", 409)
        await caller.hang_up()
