"""Calls out from the console in Chromium: everybody has a tone of their own, and the page is listened to."""

import asyncio
import time
from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from tests.e2e.test_calls_out import (
    BUSY,
    CITIZEN_HZ,
    FIRE_HZ,
    HOSPITAL,
    HOSPITAL_HZ,
    OPERATOR_HZ,
    POLICE_HZ,
    callee,
    has_ended,
    hears,
    outside,
    silent_of,
)
from tests.support.browser import Ear, at, chromium, headset, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), needs_chromium]

EACH = 0.1  # of the sound's power, for one of several tones at once


async def page_hears(ear: Ear, *places: int, timeout_s: float = 10.0) -> None:
    """Wait until all these tones of the ear (by place) are in the page's sound together for 300 ms."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        rows = await ear.rows(time.time() * 1000 - 400)
        there = [all(row.tones[place] > EACH * row.power > 0 for place in places) for row in rows]
        if sum(there) >= 30:
            return
        assert time.monotonic() < deadline_s, f"the page does not hear {places}: {rows[-3:]}"
        await asyncio.sleep(0.1)


async def test_the_triple_notification_joins_110_and_112_and_the_operator_leaves_them(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=steady(CITIZEN_HZ)) as citizen:
            await at(page, "offer-card").wait_for()
            await page.keyboard.press("Enter")
            await citizen.answered()
            ear = await headset(page, CITIZEN_HZ, FIRE_HZ, POLICE_HZ).attach()
            await at(page, "triple").click()
            fire, police = await callee(exchange, "110"), await callee(exchange, "112")
            for number in ("110", "112"):
                await page.locator(f"[data-number='{number}'][data-state=answered]").wait_for()
            assert await at(page, "triple").is_disabled(), "both are there"
            await page_hears(ear, 0, 1, 2)
            await hears(citizen.heard, OPERATOR_HZ, FIRE_HZ, POLICE_HZ, what="the citizen")
            await hears(fire.heard, CITIZEN_HZ, OPERATOR_HZ, POLICE_HZ, what="110")
            await hears(police.heard, CITIZEN_HZ, OPERATOR_HZ, FIRE_HZ, what="112")

            await page.keyboard.press("g")
            assert not await at(page, "call-card").is_hidden(), "one press leaves nobody"
            await page.keyboard.press("g")
            await at(page, "call-card").wait_for(state="hidden")
            await eventually(lambda: silent_of(citizen.heard, OPERATOR_HZ), what="the operator has left")
            await at(page, "count-handed-over").get_by_text("1").wait_for()
            exchange.hang_up(police.name)
            await has_ended(police)
            await hears(citizen.heard, FIRE_HZ, what="the citizen, without the operator,")
            await hears(fire.heard, CITIZEN_HZ, what="110, without the operator,")
            await citizen.hang_up()
            await has_ended(fire)
            await at(page, "count-handed-over").get_by_text("0").wait_for()


async def test_a_number_is_dialled_from_the_pad_and_hung_up_and_a_busy_one_says_so(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1", available=False)
        ear = await headset(page, HOSPITAL_HZ).attach()
        await page.keyboard.press("n")
        await page.keyboard.type(HOSPITAL)
        await page.keyboard.press("Enter")
        await page.locator("[data-testid=call-card][data-direction=out][data-far-end=ringing]").wait_for()
        hospital = await callee(exchange, f"+47{HOSPITAL}")
        await page.locator("[data-testid=call-card][data-state=connected]").wait_for()
        await ear.until_tone(HOSPITAL_HZ)
        await hears(hospital.heard, OPERATOR_HZ, what="the hospital")
        await page.keyboard.press("l")
        await page.keyboard.press("l")
        await at(page, "call-card").wait_for(state="hidden")
        await has_ended(hospital)

        await page.keyboard.press("n")
        await page.keyboard.type(BUSY)
        await page.keyboard.press("Enter")
        await at(page, "call-outcome").get_by_text("Opptatt").wait_for()
        await at(page, "dial-again").click()
        await eventually(lambda: exchange.invites == 3, what="dialled again")
