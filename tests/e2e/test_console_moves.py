"""A call is parked and fetched at the console in Chromium, with its sound, and a shift lead is told why."""

from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from tests.e2e.test_calls_out import CITIZEN_HZ, OPERATOR_HZ, hears, silent_of
from tests.support.browser import at, chromium, headset, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), needs_chromium]


async def test_a_call_is_parked_and_fetched_by_key_and_the_lead_is_told_why_it_came(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, lab.base_url, "sofie", "oslo-1")
        async with calling(lab, "113", source=steady(CITIZEN_HZ)) as citizen:
            await at(page, "offer-card").wait_for()
            await page.keyboard.press("Enter")
            await citizen.answered()
            await hears(citizen.heard, OPERATOR_HZ, what="the citizen")

            await page.keyboard.press("s")
            await at(page, "call-card").wait_for(state="hidden")
            await eventually(lambda: silent_of(citizen.heard, OPERATOR_HZ), what="the operator is out of it")
            await at(page, "tab-parked").get_by_text("1").wait_for()
            await page.keyboard.press("u")
            assert await page.locator("[data-testid^=recall-]").inner_text() != "0:00"
            await page.keyboard.press("Enter")
            await page.locator("[data-testid=call-card][data-state=connected]").wait_for()
            ear = await headset(page, CITIZEN_HZ).attach()
            await ear.until_tone(CITIZEN_HZ)
            await hears(citizen.heard, OPERATOR_HZ, what="the citizen, fetched,")
            await at(page, "tab-parked").get_by_text("0").wait_for()

            await page.keyboard.press("y")
            await page.locator("[data-testid=why][data-state=told]").wait_for()
            who = page.locator("[data-testid=why-who]").first
            assert "Sofie Haugen ✓ valgt" in await who.inner_text()
            await page.keyboard.press("Escape")
            await at(page, "why").wait_for(state="hidden")
            assert await at(page, "call-card").is_visible(), "Escape closed the panel and nothing else"
