"""The operator's page is reloaded, or loses its event stream, in mid-call: the call does not notice."""

import asyncio
import time
from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from tests.support.browser import (
    StreamCutter,
    at,
    chromium,
    headset,
    microphone_tone,
    needs_chromium,
    sign_in,
    sound_up,
)
from tests.support.lab import calling, running_lab
from tests.support.report import report
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.xdist_group("e2e"), needs_chromium]

CALLER_HZ, OPERATOR_HZ = 440, 1000
MS = 1_000_000


async def test_a_reloaded_page_is_back_in_the_call_within_two_seconds(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            await eventually(lambda: caller.heard.tone_started_ns(OPERATOR_HZ), what="the caller hears the operator")
            contact = await at(page, "call-card").get_attribute("data-contact")
            await asyncio.sleep(1)
            reloaded_ns = time.time_ns()
            await page.reload(wait_until="commit")
            await sound_up(page)
            up_ms = (time.time_ns() - reloaded_ns) / MS
            ear = await headset(page, CALLER_HZ).attach()
            await ear.until_tone(CALLER_HZ)
            assert await at(page, "call-card").get_attribute("data-contact") == contact
            back_ns = await eventually(
                lambda: caller.heard.tone_started_ns(OPERATOR_HZ, reloaded_ns + 200 * MS), what="the caller hears again"
            )
            await asyncio.sleep(1)
            silent_ms = caller.heard.longest_tone_gap_ms(OPERATOR_HZ, reloaded_ns - 500 * MS, back_ns + 500 * MS)
            report("refresh", page_connected_again_ms=round(up_ms), operator_unheard_ms=round(silent_ms))
            assert silent_ms < 2_000, "the caller did not hear the operator for too long"
            assert caller.heard.longest_gap_ms(reloaded_ns - 500 * MS, time.time_ns()) < 200, "the caller's audio ended"
            assert caller.ended is None
            await caller.hang_up()


async def test_ten_seconds_without_the_event_stream_cost_no_audio(tmp_path: Path) -> None:
    cutter = StreamCutter()
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1", cutter=cutter)
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            ear = await headset(page, CALLER_HZ).attach()
            await ear.until_tone(CALLER_HZ)
            await eventually(lambda: caller.heard.tone_started_ns(OPERATOR_HZ), what="the caller hears the operator")
            since_ns = time.time_ns()
            await cutter.cut()
            await at(page, "stream-state").and_(page.locator("[data-state=open]")).wait_for(state="hidden")
            await asyncio.sleep(10)
            cutter.heal()
            await at(page, "stream-state").and_(page.locator("[data-state=open]")).wait_for()
            until_ns = time.time_ns()
            await asyncio.sleep(0.5)
            assert caller.heard.longest_tone_gap_ms(OPERATOR_HZ, since_ns, until_ns) < 200
            assert await ear.longest_gap_ms(CALLER_HZ, since_ns / MS, until_ns / MS) < 200
            await at(page, "call-hangup").click()
            assert (await caller.over()).cause == "bye"
