"""Photographs what several people do with one call, and the shift lead's view, as `pictures.py` does the rest.

PYTHONPATH=. .venv/bin/python web/dev/pictures_room.py OUTPUT_FOLDER
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page

from kak_sim.callers.location import Place
from kak_sim.callers.sound import steady
from kak_sim.robots.robot import Manner
from tests.support.browser import at, chromium, microphone_tone, open_page, sign_in
from tests.support.lab import calling, operator, running_lab
from tests.support.robots import robot_at
from web.dev.pictures import Studio

HERE, NUMBER = Place(59.91423, 10.75231, 25), "+4799112233"


async def colleagues(studio: Studio, page: Page, lead: Page) -> None:
    """A call by somebody who rang before, whose number is flagged: a colleague is asked, it is parked and fetched."""
    async with calling(studio.lab, "113", NUMBER, source=steady(400)) as citizen:
        await at(page, "offer-card").wait_for()
        await citizen.hang_up()
    how = {"source": steady(400), "asserted": NUMBER, "location": HERE}
    async with calling(studio.lab, "113", NUMBER, **how):
        await at(page, "offer-card").wait_for()
        await studio.shot(page, "room-offer")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
        await studio.shot(page, "room-call")
        await page.keyboard.press("e")
        await studio.shot(page, "room-colleague")
        await at(page, "consult-ola").click()
        await page.wait_for_selector("[data-testid=in-call-ola][data-state=joined]", timeout=15_000)
        await studio.shot(page, "room-consult")
        await shift_lead(studio, lead)
        await next_shift(studio, page)
        await at(page, "colleague-drop-ola").click()
        await at(page, "in-call-ola").wait_for(state="hidden")
        await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
        await page.keyboard.press("s")
        await at(page, "call-card").wait_for(state="hidden")
        await page.keyboard.press("d")
        await at(page, "tab-parked").get_by_text("1").wait_for()
        await page.keyboard.press("u")
        await studio.shot(page, "room-parked")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
        await page.keyboard.type("ll")
        await at(page, "call-card").wait_for(state="hidden")
        await studio.shot(page, "room-wrap-up")


async def shift_lead(studio: Studio, lead: Page) -> None:
    await at(lead, "tab-room").click()
    await studio.shot(lead, "lead-room")
    await at(lead, "open-rooms").click()
    await studio.shot(lead, "lead-rooms")
    await lead.keyboard.press("Escape")
    await at(lead, "manage-kari").click()
    await studio.shot(lead, "lead-person")
    await at(lead, "lead-listen").click()
    await at(lead, "listening").wait_for()
    await studio.shot(lead, "lead-listening")
    await lead.keyboard.press("y")
    await lead.wait_for_selector("[data-testid=why][data-state=told]", timeout=30_000)
    await studio.shot(lead, "lead-why")
    await lead.keyboard.press("Escape")
    await lead.keyboard.type("ll")
    await at(lead, "call-card").wait_for(state="hidden")
    await at(lead, "open-loans").click()
    await at(lead, "loan-note").fill("Mange syke i natt")
    await at(lead, "loan-ask").click()
    await lead.wait_for_selector("[data-testid=loans] [data-state=asked]")
    await studio.shot(lead, "lead-loans")
    await lead.keyboard.press("Escape")


async def next_shift(studio: Studio, page: Page) -> None:
    """Somebody waits for the position of a call that is up, and is told to choose again."""
    coming = await open_page(studio.browser, f"{studio.lab.base_url}/?raw=1")
    await at(coming, "sign-in-username").fill("lars")
    await at(coming, "sign-in-password").fill("lab")
    await at(coming, "sign-in-submit").click()
    await at(coming, "position-oslo-1").click()
    await studio.shot(coming, "next-question")
    await at(coming, "stand-by").click()
    await at(coming, "standing-by").wait_for()
    await studio.shot(coming, "next-waits")
    await at(page, "hand-over").wait_for()
    await studio.shot(page, "next-notice")
    await at(page, "hand-over-cancel").click()
    await coming.wait_for_selector("[data-testid=standing-by][data-over=yes]")
    await coming.context.close()


async def main(folder: Path) -> int:
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        async with (
            running_lab(own) as lab,
            chromium(microphone_tone(own / "mic.wav", 1_000)) as browser,
            robot_at(lab, "ola", "oslo-2", Manner(wrap_up_ms=0)) as ola,
        ):
            studio = Studio(lab, browser, folder)
            async with operator(lab, "lars", "legevakt-1") as lars:
                flag = {"number": NUMBER, "mode": "flagged", "reason": "Truet ambulansen i går", "hours": 24}
                await lars.command("number.flag", **flag)
                await lars.request("DELETE", "/api/v1/position")
            await ola.client.command("activity.set", activity="break", reason="meal", note="")
            page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
            lead = await sign_in(browser, lab.base_url, "sofie", "oslo-3", available=False)
            await colleagues(studio, page, lead)
            await at(lead, "tab-figures").click()
            await asyncio.sleep(2)
            await studio.shot(lead, "lead-figures")
    print("\n".join(studio.problems) or "nothing to complain of")
    return 1 if studio.problems else 0


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
