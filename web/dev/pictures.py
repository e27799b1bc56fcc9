"""Photographs the console at a running lab of its own, at two sizes, and checks each picture with axe (contrast, names,
roles) and for scroll bars. The pictures of docs/images are among them.

PYTHONPATH=. .venv/bin/python web/dev/pictures.py OUTPUT_FOLDER
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page

from kak_sim.audio import tone, write_wav
from kak_sim.callers.location import Place
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from tests.support.baresip_phone import desk_phone
from tests.support.browser import at, chromium, microphone_tone, open_page, sign_in, sound_up
from tests.support.lab import calling, running_lab

AXE = (Path(__file__).resolve().parent.parent / "node_modules/axe-core/axe.min.js").read_text()
VIOLATIONS = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
OVERFLOW = "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
SIZES = ((1920, 1080), (1366, 768))
HOSPITAL, BUSY, NEVER = "22000001", "22000002", "22000003"
STORGATA = Place(59.91423, 10.75231, 25)


class Studio:
    """A lab, a browser, the folder of pictures and the problems found."""

    def __init__(self, lab: Lab, browser: Browser, folder: Path) -> None:
        self.lab, self.browser, self.folder = lab, browser, folder
        self.problems: list[str] = []

    async def shot(self, page: Page, name: str) -> None:
        await page.mouse.move(4, 4)
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            await asyncio.sleep(0.4)
            await page.screenshot(path=self.folder / f"{name}-{width}.png")
            await page.evaluate(AXE)
            for violation in await page.evaluate(VIOLATIONS):
                for node in violation["nodes"][:3]:
                    where = f"{name} {width}: {violation['id']}"
                    self.problems.append(f"{where}: {node['target']} {node['failureSummary']}")
            over = await page.evaluate(OVERFLOW)
            if max(over) > 0:
                self.problems.append(f"{name} {width}: the page scrolls by {over}")


async def abandoned(studio: Studio) -> None:
    """Two who give up before anybody is there."""
    for caller in (f"+47{NEVER}", "+4791500022"):
        async with calling(studio.lab, "113", caller, source=steady(400)) as citizen:
            await citizen.ring()
            await asyncio.sleep(2)
            await citizen.hang_up()


async def calls_out(studio: Studio, page: Page) -> None:
    await studio.shot(page, "idle")
    await page.keyboard.press("n")
    await page.keyboard.type(NEVER)
    await studio.shot(page, "dial-pad")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[data-far-end=ringing]")
    await studio.shot(page, "ringing")
    await page.keyboard.type("ll")
    await at(page, "call-card").wait_for(state="hidden")
    await page.keyboard.press("n")
    await page.keyboard.type(BUSY)
    await page.keyboard.press("Enter")
    await at(page, "call-outcome").wait_for()
    await studio.shot(page, "busy")


async def conference(studio: Studio, page: Page) -> None:
    await page.keyboard.press("a")
    how = {"source": steady(400), "asserted": "+4799112233", "location": STORGATA}
    async with calling(studio.lab, "113", "+4799112233", **how) as citizen:
        await at(page, "offer-card").wait_for()
        await studio.shot(page, "offer")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
        await page.keyboard.type("xx")
        for number in ("110", "112"):
            await page.wait_for_selector(f"[data-number='{number}'][data-state=answered]")
        await studio.shot(page, "triple")
        await page.keyboard.press("n")
        await studio.shot(page, "add-party")
        await at(page, "pad-service-ous").click()
        await page.wait_for_selector(f"[data-number='+47{HOSPITAL}'][data-state=answered]")
        await page.keyboard.press("n")
        await page.keyboard.type(BUSY)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f"[data-number='+47{BUSY}'][data-state=ended]")
        await studio.shot(page, "conference")
        await page.locator(f"[data-number='+47{HOSPITAL}'] [data-testid^=party-private]").click()
        await studio.shot(page, "private")
        for key, name in (("t", "transfer"), ("k", "tones"), ("p", "patch"), ("?", "keys")):
            await page.keyboard.press(key)
            await studio.shot(page, name)
            await page.keyboard.press("Escape")
        await page.keyboard.type("gg")
        await at(page, "call-card").wait_for(state="hidden")
        await at(page, "tab-handed-over").click()
        await asyncio.sleep(3)
        await studio.shot(page, "handed-over")
        await citizen.hang_up()


async def everything_at_once(studio: Studio, page: Page) -> None:
    """A call with a location, video and a service, patched into a talkgroup, while a radio talks in another."""
    how = {"source": steady(400), "asserted": "+4741212954", "location": STORGATA}
    await at(page, "tab-recent").click()
    async with calling(studio.lab, "113", "+4741212954", **how) as citizen:
        await at(page, "offer-card").wait_for()
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
        await page.keyboard.press("v")
        link = await at(page, "video-link").get_attribute("href") or ""
        await studio.shot(page, "video-link")
        phone = await open_page(
            studio.browser, link if link.startswith("http") else studio.lab.base_url + link, permissions=["camera"]
        )
        await at(phone, "citizen-start").click()
        await page.bring_to_front()
        await at(page, "video-live").wait_for(timeout=15_000)
        await page.keyboard.press("n")
        await at(page, "pad-service-110").click()
        await at(page, "number-pad").wait_for(state="hidden")
        await page.keyboard.press("m")
        await page.keyboard.press("p")
        await at(page, "patch-talkgroup-24204").click()
        await at(page, "patch-privacy").check()
        await at(page, "patch-owner").check()
        await studio.shot(page, "patch-confirmed")
        await at(page, "patch-confirm").click()
        await page.wait_for_selector("[data-testid=patch-strip][data-state=active]")
        async with httpx.AsyncClient() as http:
            radios = (await http.get(f"{studio.lab.simulator_url}/radios")).json()
            issi = next(radio["issi"] for radio in radios if radio.get("gssi") == 24201)
            await http.post(f"{studio.lab.simulator_url}/radios/{issi}/ptt", json={"on": True})
            await asyncio.sleep(1.5)
            await studio.shot(page, "call")
            await http.post(f"{studio.lab.simulator_url}/radios/{issi}/ptt", json={"on": False})
        await phone.context.close()
        await citizen.hang_up()
        await page.wait_for_selector("[data-testid=call-card][data-far-end=gone]")
        await studio.shot(page, "caller-gone")
        await page.keyboard.type("ll")
        await at(page, "call-card").wait_for(state="hidden")
    await page.keyboard.press("b")


async def follow_up(studio: Studio, page: Page) -> None:
    await page.keyboard.press("f")
    await asyncio.sleep(0.3)
    await studio.shot(page, "abandoned")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[data-far-end=ringing]")
    await studio.shot(page, "call-back")
    await page.keyboard.type("ll")
    await at(page, "call-card").wait_for(state="hidden")
    await at(page, "tab-recent").click()
    await asyncio.sleep(1)
    await studio.shot(page, "recent")


async def reserve_phone(studio: Studio, folder: Path) -> None:
    voice = folder / "voice.wav"
    write_wav(voice, tone(1_000, 60_000))
    async with desk_phone(folder, studio.lab.sip, "legevakt-2", "lab", voice) as phone:
        await phone.registered()
        page = await open_page(studio.browser, f"{studio.lab.base_url}/?raw=1")
        await at(page, "sign-in-username").fill("lars")
        await at(page, "sign-in-password").fill("lab")
        await at(page, "sign-in-submit").click()
        await at(page, "position-legevakt-2").wait_for()
        await studio.shot(page, "positions")
        await at(page, "position-legevakt-2").click()
        await sound_up(page)
        await at(page, "phone-switch").click()
        await page.wait_for_selector("[data-testid=media-state][data-state=phone]")
        await page.keyboard.press("a")
        await studio.shot(page, "phone-ready")
        async with calling(studio.lab, "116117", "+4799112233", source=steady(400)) as citizen:
            await at(page, "offer-card").wait_for()
            await studio.shot(page, "phone-rings")
            phone.order("accept")
            await page.wait_for_selector("[data-testid=call-card][data-state=connected]")
            await studio.shot(page, "phone-call")
            await citizen.hang_up()


async def main(folder: Path) -> int:
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        async with running_lab(own) as lab, chromium(microphone_tone(own / "mic.wav", 1_000)) as browser:
            studio = Studio(lab, browser, folder)
            await abandoned(studio)
            page = await sign_in(browser, lab.base_url, "kari", "oslo-1", available=False)
            await calls_out(studio, page)
            await conference(studio, page)
            await everything_at_once(studio, page)
            await follow_up(studio, page)
            await page.context.close()
            await reserve_phone(studio, own)
    print("\n".join(studio.problems) or "nothing to complain of")
    return 1 if studio.problems else 0


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
